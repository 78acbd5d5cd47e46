//! `POST /api/v1/authenticate`, the reading half: exactly one well-formed variant.

use serde_json::Value;

use super::Call;
use super::members::Members;

/// What a request to authenticate brings.
pub(crate) enum Credentials {
    ApplicationToken(String),
    User { username: String, password_sha1: String, fingerprint: Option<String> },
    Refresh(String),
    Code { mfa_token: String, code: String, device: Option<Device> },
}

/// The `trusted_device` of a second MFA step.
pub(crate) struct Device {
    pub(crate) fingerprint: String,
    pub(crate) operating_system: String,
    pub(crate) browser: String,
    pub(crate) name: String,
}

/// The variants: the member that shows which it is, and all that may be there.
const VARIANTS: [(&str, &[&str]); 4] = [
    ("application_token", &["application_token"]),
    ("username", &["username", "password", "fingerprint"]),
    ("refresh_token", &["refresh_token"]),
    ("mfa_token", &["mfa_token", "code", "trusted_device"]),
];

/// Reads the body; what is wrong with it comes back in words that hold no secret.
pub(crate) fn read(call: &Call<'_>) -> Result<Credentials, String> {
    let members = Members::of(call)?;
    let mut present = VARIANTS.iter().filter(|(mark, _)| members.get(mark).is_some());
    let (mark, known) = present.next().ok_or("no credentials")?;
    if present.next().is_some() {
        return Err("more than one kind of credentials".into());
    }
    members.only(known)?;
    let text = |name: &str| members.text(name).map(str::to_owned);
    Ok(match *mark {
        "application_token" => Credentials::ApplicationToken(text("application_token")?),
        "username" => {
            let password_sha1 = text("password")?;
            if !is_sha1_hex(&password_sha1) {
                return Err("the password is not 40 lower-case hexadecimal digits".into());
            }
            Credentials::User {
                username: text("username")?,
                password_sha1,
                fingerprint: members.optional_text("fingerprint")?.map(str::to_owned),
            }
        }
        "refresh_token" => Credentials::Refresh(text("refresh_token")?),
        _ => {
            let code = text("code")?;
            if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
                return Err("the code is not six digits".into());
            }
            Credentials::Code {
                mfa_token: text("mfa_token")?,
                code,
                device: members.get("trusted_device").map(device).transpose()?,
            }
        }
    })
}

fn is_sha1_hex(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn device(value: &Value) -> Result<Device, String> {
    const KNOWN: [&str; 4] = ["fingerprint", "operating_system", "browser", "name"];
    let members = value.as_object().ok_or("trusted_device is not an object")?;
    if members.keys().any(|name| !KNOWN.contains(&name.as_str())) {
        return Err("trusted_device has an unexpected member".into());
    }
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("trusted_device.{name} is not a string")),
    };
    Ok(Device {
        fingerprint: text("fingerprint")?.ok_or("trusted_device.fingerprint is missing")?,
        operating_system: text("operating_system")?.unwrap_or_default(),
        browser: text("browser")?.unwrap_or_default(),
        name: text("name")?.unwrap_or_default(),
    })
}
