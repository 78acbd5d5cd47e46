//! What in a body is a secret, so that an answer which echoes it does not put it into an error.

use secrecy::SecretString;
use serde_json::Value;

/// Words in the name of a member whose value is one.
const NAMES: [&str; 10] =
    ["password", "passwd", "secret", "token", "code", "otp", "fingerprint", "pin", "puk", "key"];

/// Shorter values are found in any text, which would say nothing any more without them.
const SHORTEST: usize = 4;

/// The values in a JSON `body` whose names say that they are secrets.
pub(super) fn secrets_in(body: &[u8]) -> Vec<SecretString> {
    let mut secrets = Vec::new();
    if let Ok(body) = serde_json::from_slice(body) {
        collect(body, false, &mut secrets);
    }
    secrets
}

fn collect(value: Value, secret: bool, into: &mut Vec<SecretString>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(value, secret || is_secret(&name), into);
            }
        }
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, secret, into)),
        Value::String(text) if secret && text.len() >= SHORTEST => into.push(text.into()),
        Value::Number(number) if secret => {
            let digits = number.to_string();
            if digits.len() >= SHORTEST {
                into.push(digits.into());
            }
        }
        _ => {}
    }
}

/// Whether one of its words is among them: `new_password`, `newPassword`, `pin1`.
fn is_secret(name: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_ascii_alphabetic()).flat_map(|part| {
        // Only where a capital follows a small letter: `PIN` is one word.
        let mut ends: Vec<usize> = part
            .as_bytes()
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            .map(|(at, _)| at + 1)
            .collect();
        ends.push(part.len());
        let mut start = 0;
        ends.into_iter().map(move |end| {
            let word = &part[start..end];
            start = end;
            word
        })
    });
    words.any(|word| NAMES.iter().any(|name| word.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn found(body: &str) -> Vec<String> {
        secrets_in(body.as_bytes()).iter().map(|text| text.expose_secret().to_owned()).collect()
    }

    #[test]
    fn a_member_whose_name_says_so_is_a_secret_at_any_depth() {
        let body = r#"{"type":{"id":1},"password":"one1","a":[{"mfa_token":"two2"}],
            "Code":"123456","secret":{"of":["three"]},"pin":4321}"#;
        let mut found = found(body);
        found.sort();
        assert_eq!(found, ["123456", "4321", "one1", "three", "two2"]);
    }

    #[test]
    fn other_members_short_values_and_what_is_no_json_are_none() {
        for secret in ["newPassword", "authToken", "pin1", "PUK2", "mfa-code", "KEY"] {
            assert!(is_secret(secret), "{secret}");
        }
        let body = r#"{"description":"gateway 7","shipping":"text","monkey":"text","encoded":"text","code":"7","token":null,"pin":123,"id":12345}"#;
        assert_eq!(found(body), [""; 0]);
        assert_eq!(found("password=x"), [""; 0]);
    }
}
