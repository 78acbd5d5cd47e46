//! The second factor: one-time codes, the keys that make them, and devices that need none.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::cache::TrustedDevice;
use crate::client::Client;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::members::{self, Named};

const KEYS: &str = "/api/v1/user/mfa";

/// Whether a call of this path, which may have a query, is for keys that make one-time codes.
pub(crate) fn is_for_keys(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    path.strip_prefix(KEYS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What stands for a sign-in that waits for its one-time code. A secret: with the code it opens the
/// account.
///
/// The client that got it keeps it too, and completes the sign-in with
/// [`Client::submit_mfa_code`]. The text is for programs that have the code entered elsewhere.
#[derive(Clone)]
pub struct MfaChallenge(SecretString);

impl MfaChallenge {
    pub(crate) fn new(mfa_token: SecretString) -> Self {
        Self(mfa_token)
    }

    /// The text, which the service calls `mfa_token`.
    pub fn as_str(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for MfaChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MfaChallenge")
    }
}

/// The fingerprint of a device that need not enter a code any more. A secret: together with the
/// password it opens the account.
#[derive(Clone)]
pub struct DeviceFingerprint(SecretString);

impl DeviceFingerprint {
    /// The text, to be stored, and given to
    /// [`device_fingerprint`](crate::ClientBuilder::device_fingerprint) next time.
    pub fn as_str(&self) -> &str {
        self.0.expose_secret()
    }

    /// 128 bits of the system's randomness, in hex.
    fn generate() -> Result<Self, Error> {
        let mut bits = [0_u8; 16];
        getrandom::getrandom(&mut bits).map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                format!("the system has no randomness for a device fingerprint: {error}"),
            )
        })?;
        Ok(Self(bits.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()))
    }
}

impl fmt::Debug for DeviceFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceFingerprint")
    }
}

/// A key that makes one-time codes, as in an authenticator app.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct MfaKey {
    /// Its id, by which it is activated and deleted; 0 where the service does not say it.
    #[serde(default, deserialize_with = "members::id")]
    pub id: u64,
    /// Pending until it is activated.
    #[serde(default)]
    pub status: Option<Named>,
    /// What kind it is.
    #[serde(default, rename = "type")]
    pub kind: Option<Named>,
    #[serde(default)]
    secret_key: Option<SecretString>,
    #[serde(default)]
    otpauth: Option<SecretString>,
}

impl MfaKey {
    /// The key itself, in base 32. Shown this once.
    pub fn secret(&self) -> Option<&str> {
        self.secret_key.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The key as the `otpauth://` URL that authenticator apps read. Shown this once.
    pub fn otpauth(&self) -> Option<&str> {
        self.otpauth.as_ref().map(ExposeSecret::expose_secret)
    }
}

impl fmt::Debug for MfaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfaKey")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A device that the user has declared trusted; for 90 days it needs no code.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Device {
    /// Its id, by which it is deleted; 0 where the service does not say it.
    #[serde(default, deserialize_with = "members::id")]
    pub id: u64,
    /// What it said it runs.
    #[serde(default)]
    pub operating_system: Option<String>,
    /// What it said it was used with; for this library, its name and version.
    #[serde(default)]
    pub browser: Option<String>,
    /// When it was declared trusted.
    #[serde(default)]
    pub activation_date: Option<String>,
}

impl Client {
    /// Completes a sign-in that failed with `MfaRequired`: sends the one-time code that the user
    /// got, six digits, of which leading zeros count.
    ///
    /// With `device_name`, this device is declared trusted under that name, with a fingerprint made
    /// for it, which is returned: store it, and the user needs no code for 90 days.
    ///
    /// # Errors
    ///
    /// `Unauthorized` for a wrong code, after which the next one may be right; `InvalidArgument`
    /// for a code that is none, or where none is awaited; and those of
    /// [`auth_token`](Client::auth_token).
    pub fn submit_mfa_code(
        &self,
        code: &str,
        device_name: Option<&str>,
    ) -> Result<Option<DeviceFingerprint>, Error> {
        check_code(code)?;
        if device_name.is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::invalid("device_name is empty; leave it out to trust no device"));
        }
        let parts = self.parts()?;
        let device = match device_name {
            Some(name) => Some((DeviceFingerprint::generate()?, name.to_owned())),
            None => None,
        };
        let trusted = device.as_ref().map(|(fingerprint, name)| TrustedDevice {
            fingerprint: fingerprint.0.clone(),
            name: name.clone(),
        });
        let code = SecretString::from(code);
        parts.cache.submit_code(&code, trusted.as_ref(), Deadline::after(parts.timeout))?;
        Ok(device.map(|(fingerprint, _)| fingerprint))
    }

    /// Makes a key for one-time codes, of the kind with this number (see `GET
    /// /api/v1/user/mfa/type`). It has to be activated.
    ///
    /// The service wants the user's `password` for it, and does not document a hash here, so that it
    /// is sent as it is given, over TLS.
    ///
    /// # Errors
    ///
    /// Those of any call; `Unauthorized` for a wrong password, which is sent once: it may count towards
    /// a lock-out. User sessions only.
    pub fn create_mfa_key(&self, kind: u64, password: &str) -> Result<MfaKey, Error> {
        #[derive(Serialize)]
        struct Kind {
            id: u64,
        }
        #[derive(Serialize)]
        struct New<'a> {
            r#type: Kind,
            password: &'a str,
        }
        let new = New { r#type: Kind { id: kind }, password };
        let response = self.post(KEYS).json(&new).call()?;
        let key: MfaKey = response.json()?;
        if key.id == 0 && key.secret_key.is_none() && key.otpauth.is_none() {
            return Err(response.bad("holds no key"));
        }
        Ok(key)
    }

    /// Activates a key with a code that it made.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a code that is none, `Unauthorized` for a wrong one, which is sent once,
    /// and those of any call.
    pub fn activate_mfa_key(&self, id: u64, code: &str) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Status {
            id: u64,
        }
        #[derive(Serialize)]
        struct Change<'a> {
            status: Status,
            code: &'a str,
        }
        check_code(code)?;
        let change = Change { status: Status { id: 1 }, code };
        self.patch(format!("{KEYS}/{id}")).json(&change).call()?.check()
    }

    /// Deletes a key of this user.
    ///
    /// # Errors
    ///
    /// Those of any call.
    pub fn delete_mfa_key(&self, id: u64) -> Result<(), Error> {
        self.delete(format!("/api/v1/user/my/mfa/{id}")).call()?.check()
    }

    /// The devices that this user has declared trusted.
    ///
    /// # Errors
    ///
    /// Those of any call. User sessions only.
    pub fn trusted_devices(&self) -> Result<Vec<Device>, Error> {
        self.get("/api/v1/user/my/mfa/trusted_device").whole()
    }

    /// Deletes a trusted device of this user: it needs a code again.
    ///
    /// # Errors
    ///
    /// Those of any call.
    pub fn delete_trusted_device(&self, id: u64) -> Result<(), Error> {
        self.delete(format!("/api/v1/user/my/mfa/trusted_device/{id}")).call()?.check()
    }
}

fn check_code(code: &str) -> Result<(), Error> {
    if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Error::invalid("code must be six digits, leading zeros included"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits() {
        assert!(check_code("000123").is_ok());
        for wrong in ["", "12345", "1234567", "12345a", " 12345", "١٢٣٤٥٦"] {
            let error = check_code(wrong).unwrap_err().to_string();
            assert!(error.starts_with("code "), "{error}");
        }
    }

    #[test]
    fn fingerprints_differ_and_are_not_shown() {
        let (one, two) =
            (DeviceFingerprint::generate().unwrap(), DeviceFingerprint::generate().unwrap());
        assert!(one.as_str() != two.as_str());
        assert_eq!(one.as_str().len(), 32);
        assert!(!format!("{one:?}").contains(one.as_str()));
    }

    #[test]
    fn a_key_is_not_shown() {
        let key: MfaKey = serde_json::from_str(
            r#"{"id":1,"secret_key":"CANARY","otpauth":"otpauth://totp/x?secret=CANARY"}"#,
        )
        .unwrap();
        assert_eq!(key.secret(), Some("CANARY"));
        assert!(!format!("{key:?}").contains("CANARY"));
    }
}
