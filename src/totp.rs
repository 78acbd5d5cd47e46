//! One-time codes from a key, for user sessions that nobody attends.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::{Algorithm, Secret, TOTP};

use crate::error::{Error, ErrorKind};

/// A key that makes one-time codes as authenticator apps do: six digits, every 30 seconds, over
/// SHA-1 (RFC 6238).
///
/// The codes depend on the wall clock: with a clock that is more than half a minute wrong they
/// are refused, and refused codes count towards the lock-out.
pub struct Totp(TOTP);

impl Totp {
    /// From the key in base 32, as [`MfaKey::secret`](crate::MfaKey::secret) has it.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` where it is not base 32.
    pub fn from_secret(base32: &str) -> Result<Self, Error> {
        let key = Secret::Encoded(base32.trim_end_matches('=').to_owned())
            .to_bytes()
            .ok()
            .filter(|key| !key.is_empty())
            .ok_or_else(|| Error::invalid("secret is not a key in base 32"))?;
        // Unchecked, because the service's keys may be shorter than the crate recommends.
        Ok(Self(TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, key)))
    }

    /// From the key as an `otpauth://totp/...?secret=...` URL.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` where it is none, or asks for codes other than those of the service.
    pub fn from_otpauth(url: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::invalid(format!("otpauth {what}"));
        let (_, query) = url
            .strip_prefix("otpauth://totp/")
            .and_then(|rest| rest.split_once('?'))
            .ok_or_else(|| wrong("must be a URL that starts with otpauth://totp/"))?;
        let get = |name: &str| {
            let mut members = query.split('&').filter_map(|member| member.split_once('='));
            members.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        for (name, only) in [("digits", "6"), ("period", "30"), ("algorithm", "SHA1")] {
            if get(name).is_some_and(|value| !value.eq_ignore_ascii_case(only)) {
                return Err(wrong(&format!("has another {name} than {only}")));
            }
        }
        Self::from_secret(get("secret").ok_or_else(|| wrong("has no secret"))?)
    }

    /// The code at a time in Unix seconds: six digits, leading zeros included.
    pub fn code_at(&self, unix_seconds: u64) -> String {
        self.0.generate(unix_seconds)
    }

    /// The code now, by the wall clock.
    ///
    /// # Errors
    ///
    /// `Clock` where the wall clock stands before 1970.
    pub fn code(&self) -> Result<String, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| {
            Error::new(ErrorKind::Clock, "the wall clock stands before 1970; set it first")
        })?;
        Ok(self.code_at(now.as_secs()))
    }
}

impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Totp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the test vectors of RFC 6238, "12345678901234567890".
    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standards_test_vectors() {
        let totp = Totp::from_secret(KEY).unwrap();
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(totp.code_at(time), code);
        }
    }

    #[test]
    fn a_key_may_come_as_a_url() {
        let url = format!("otpauth://totp/a%20b:c?issuer=a&secret={KEY}&digits=6&period=30");
        assert_eq!(Totp::from_otpauth(&url).unwrap().code_at(59), "287082");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for wrong in
            ["", "CANARY-1", "otpauth://hotp/x?secret=A", "otpauth://totp/x?digits=8&secret=A"]
        {
            let (plain, url) = (Totp::from_secret(wrong), Totp::from_otpauth(wrong));
            for error in [plain.err(), url.err()].into_iter().flatten() {
                assert!(!error.to_string().contains("CANARY"), "{error}");
            }
            assert!(Totp::from_otpauth(wrong).is_err(), "{wrong}");
        }
        assert!(Totp::from_secret("CANARY-1").is_err());
        assert!(!format!("{:?}", Totp::from_secret(KEY).unwrap()).contains("GEZ"));
    }
}
