//! What a client signs in with. Nothing here prints a secret.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use zeroize::Zeroize;

use crate::error::Error;

/// What a client signs in with: an application token, a user's name and password, or a refresh
/// token.
///
/// emnify recommends application tokens for devices. User credentials need a second factor on
/// all but trial accounts. Tokens and passwords are wiped from memory with the last clone; `Debug`
/// shows which kind it is and no more.
#[derive(Clone)]
pub struct Credentials(Arc<Kind>);

pub(crate) enum Kind {
    ApplicationToken(SecretString),
    User {
        name: String,
        /// 40 lower-case hex digits.
        password_sha1: SecretString,
        /// Of a device that this user has declared trusted.
        fingerprint: Option<SecretString>,
    },
    Refresh(SecretString),
    /// The session of another client, taken into a workspace.
    Workspace,
}

impl Credentials {
    /// An application token, as made in the emnify portal: 77 to about 500 characters.
    pub fn application_token(secret: impl Into<String>) -> Self {
        Self(Arc::new(Kind::ApplicationToken(secret.into().into())))
    }

    /// A user's name (an e-mail address) and plain password. The password is hashed here, SHA-1
    /// over its UTF-8 bytes as the service wants it, and the plain text is wiped.
    pub fn user(name: impl Into<String>, password: impl Into<String>) -> Self {
        let mut password = password.into();
        let digest = sha1_hex(password.as_bytes());
        password.zeroize();
        Self::with_digest(name.into(), digest)
    }

    /// A user's name and the SHA-1 of the password as 40 hex digits, of either case.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` where `digest` is anything but 40 hex digits.
    pub fn user_sha1(name: impl Into<String>, digest: impl Into<String>) -> Result<Self, Error> {
        let mut digest = digest.into();
        if digest.len() != 40 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            digest.zeroize();
            return Err(Error::invalid(
                "password_sha1 must be the 40 hex digits of the password's SHA-1",
            ));
        }
        digest.make_ascii_lowercase();
        Ok(Self::with_digest(name.into(), digest.into()))
    }

    /// A refresh token from an earlier user session. It is good for one use within 350 minutes;
    /// when no new one comes with the answer, this client cannot sign in again.
    pub fn refresh_token(token: impl Into<String>) -> Self {
        Self(Arc::new(Kind::Refresh(token.into().into())))
    }

    /// What a client for a workspace has: the session of the client that it came from.
    pub(crate) fn workspace() -> Self {
        Self(Arc::new(Kind::Workspace))
    }

    /// For user credentials: the fingerprint of a trusted device, which spares the second
    /// factor. Other kinds do not use one; [`ClientBuilder::build`](crate::ClientBuilder::build)
    /// refuses the combination.
    pub(crate) fn with_fingerprint(self, fingerprint: String) -> Result<Self, Error> {
        match &*self.0 {
            Kind::User { name, password_sha1, .. } => Ok(Self(Arc::new(Kind::User {
                name: name.clone(),
                password_sha1: password_sha1.clone(),
                fingerprint: Some(fingerprint.into()),
            }))),
            _ => Err(Error::invalid(
                "device_fingerprint belongs to a username and password; leave it out otherwise",
            )),
        }
    }

    fn with_digest(name: String, password_sha1: SecretString) -> Self {
        Self(Arc::new(Kind::User { name, password_sha1, fingerprint: None }))
    }

    /// Whether both would present the same.
    pub(crate) fn are_those(&self, other: &Self) -> bool {
        let same = |a: &SecretString, b: &SecretString| a.expose_secret() == b.expose_secret();
        match (self.kind(), other.kind()) {
            (Kind::ApplicationToken(a), Kind::ApplicationToken(b))
            | (Kind::Refresh(a), Kind::Refresh(b)) => same(a, b),
            (
                Kind::User { name: a, password_sha1: x, fingerprint: f },
                Kind::User { name: b, password_sha1: y, fingerprint: g },
            ) => {
                a == b
                    && same(x, y)
                    && f.as_ref().map(|f| f.expose_secret())
                        == g.as_ref().map(|g| g.expose_secret())
            }
            _ => false,
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Refuses what the service could only refuse at the cost of a failed sign-in, three of which
    /// lock the account.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (argument, text) = match &*self.0 {
            Kind::ApplicationToken(secret) => ("application_token", secret.expose_secret()),
            Kind::Refresh(secret) => ("refresh_token", secret.expose_secret()),
            Kind::User { name, .. } => ("username", name.as_str()),
            Kind::Workspace => return Ok(()),
        };
        if text.is_empty() {
            return Err(Error::invalid(format!("{argument} is empty")));
        }
        if text.len() > 8192 {
            return Err(Error::invalid(format!(
                "{argument} has {} bytes; more than 8192 cannot be right",
                text.len()
            )));
        }
        // The trailing newline of a file that was read whole is the usual case.
        if text.bytes().any(|b| b.is_ascii_control()) || text.trim() != text {
            return Err(Error::invalid(format!(
                "{argument} begins or ends with white space or holds a control character such as \
                 a newline; give the bare text"
            )));
        }
        if let Some(wrapping) = wrapping(text) {
            return Err(Error::invalid(format!("{argument} {wrapping}; give the bare text")));
        }
        Ok(())
    }
}

/// What came along with a text that was copied from a file of settings, or out of a request.
fn wrapping(text: &str) -> Option<&'static str> {
    let quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if quoted('"') || quoted('\'') {
        Some("stands in quotes")
    } else if text.starts_with('\u{feff}') {
        Some("begins with a byte order mark")
    } else if text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        Some("begins with \"Bearer\"")
    } else {
        None
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Kind::ApplicationToken(_) => "Credentials(application token)",
            Kind::User { .. } => "Credentials(user)",
            Kind::Refresh(_) => "Credentials(refresh token)",
            Kind::Workspace => "Credentials(workspace)",
        })
    }
}

fn sha1_hex(bytes: &[u8]) -> SecretString {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digest = Sha1::digest(bytes);
    let hex: String = digest
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect();
    digest.as_mut_slice().zeroize();
    hex.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_copied_along_with_a_token_is_said_and_not_sent() {
        for (text, what) in [
            ("\"made-up\"", "stands in quotes"),
            ("'made-up'", "stands in quotes"),
            ("\u{feff}made-up", "byte order mark"),
            ("Bearer made-up", "begins with \"Bearer\""),
        ] {
            for credentials in
                [Credentials::application_token(text), Credentials::refresh_token(text)]
            {
                let error = credentials.check().unwrap_err().to_string();
                assert!(error.contains(what) && !error.contains("made-up"), "{error}");
            }
        }
        for right in ["'", "a\"b", "bearer-of-news", "\"a"] {
            assert!(Credentials::application_token(right).check().is_ok(), "{right}");
        }
    }

    fn digest_of(credentials: &Credentials) -> &str {
        match credentials.kind() {
            Kind::User { password_sha1, .. } => password_sha1.expose_secret(),
            _ => panic!("not a user"),
        }
    }

    #[test]
    fn a_password_is_hashed_over_its_utf8_bytes_in_lower_case_hex() {
        assert_eq!(
            digest_of(&Credentials::user("a@b.example", "secret")),
            "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"
        );
        // The reference is `printf 'pässwörd' | sha1sum` in a UTF-8 locale.
        assert_eq!(
            digest_of(&Credentials::user("a@b.example", "pässwörd")),
            "f517ddf1d32a112ff1ad55c66d1b12cb38e7e8f7"
        );
    }

    #[test]
    fn a_digest_is_taken_in_either_case_and_sent_in_lower_case() {
        let upper = "E5E9FA1BA31ECD1AE84F75CAAA474F3A663F05F4";
        let credentials = Credentials::user_sha1("a@b.example", upper).unwrap();
        assert_eq!(digest_of(&credentials), upper.to_lowercase());
    }

    #[test]
    fn what_is_no_sha1_is_refused_by_name_and_not_echoed() {
        for wrong in ["", "canary", "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f", "zz"] {
            let error = Credentials::user_sha1("a@b.example", wrong).unwrap_err();
            assert!(error.to_string().contains("password_sha1"), "{error}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_text_with_a_newline_is_refused_before_it_costs_a_failed_sign_in() {
        let error = Credentials::application_token("canary\n").check().unwrap_err();
        assert!(error.to_string().starts_with("application_token"), "{error}");
        assert!(!error.to_string().contains("canary"));
        assert!(Credentials::application_token("").check().is_err());
        assert!(Credentials::user("", "x").check().is_err());
        assert!(Credentials::application_token("fine").check().is_ok());
    }

    #[test]
    fn the_same_credentials_are_known_again() {
        let user = |password: &str| Credentials::user("a@b.example", password);
        let trusted = user("x").with_fingerprint("f".to_owned()).unwrap();
        let all = [
            Credentials::application_token("a"),
            Credentials::application_token("b"),
            Credentials::refresh_token("a"),
            user("x"),
            user("y"),
            trusted,
        ];
        for (i, one) in all.iter().enumerate() {
            for (j, other) in all.iter().enumerate() {
                assert_eq!(one.are_those(&other.clone()), i == j, "{i} {j}");
            }
        }
    }

    #[test]
    fn debug_shows_the_kind_and_no_secret() {
        let shown = format!(
            "{:?} {:?} {:?}",
            Credentials::application_token("canary"),
            Credentials::user("canary", "canary"),
            Credentials::refresh_token("canary"),
        );
        assert!(!shown.contains("canary"), "{shown}");
    }
}
