//! What may be shown of a request: everything but its secrets.

use serde_json::Value;

const HIDDEN: &str = "***";

/// The members of the service's bodies that let somebody in.
const SECRET_MEMBERS: [&str; 9] = [
    "application_token",
    "auth_token",
    "code",
    "fingerprint",
    "mfa_token",
    "otpauth",
    "password",
    "refresh_token",
    "secret_key",
];

/// The headers with the values of `authorization` and `cookie` hidden.
pub(crate) fn headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = match name.as_str() {
                "authorization" if value.starts_with("Bearer ") => format!("Bearer {HIDDEN}"),
                "authorization" | "proxy-authorization" | "cookie" => HIDDEN.to_owned(),
                _ => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

/// A body as text with its secrets hidden.
pub(crate) fn body(path: &str, body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value @ (Value::Object(_) | Value::Array(_))) => {
            hide(&mut value);
            value.to_string()
        }
        // What is no JSON cannot be searched for secrets, and where credentials are expected it
        // is most likely one, badly wrapped.
        _ if path.contains("/authenticate") || path.contains("token") || path.contains("mfa") => {
            HIDDEN.to_owned()
        }
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if SECRET_MEMBERS.contains(&name.as_str()) {
                    *value = Value::from(HIDDEN);
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{body, headers};

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let text = br#"{"a":[{"password":"canary"}],"trusted_device":{"fingerprint":"canary","name":"n"}}"#;
        let shown = body("/x", text);
        assert!(!shown.contains("canary") && shown.contains("\"n\""), "{shown}");
        assert_eq!(body("/api/v1/authenticate", b"application_token=canary"), "***");
        assert_eq!(body("/api/v1/authenticate", b"\"canary\""), "***");
        let shown = headers(&[("authorization".into(), "Bearer canary".into())]);
        assert_eq!(shown[0].1, "Bearer ***");
    }
}
