//! Users: who can sign in, from which devices, to which workspaces.

use std::fmt;
use std::time::Duration;

use sha1::{Digest, Sha1};

use crate::DEFAULT_ORGANISATION;

/// A trusted device is believed for 90 days.
pub(crate) const DEVICE_LIFETIME: Duration = Duration::from_secs(90 * 86_400);

/// A user to be added to the simulator.
#[derive(Clone)]
pub struct User {
    pub(crate) username: String,
    pub(crate) password_sha1: String,
    pub(crate) mfa: bool,
    pub(crate) organisation: u64,
    pub(crate) workspaces: Vec<u64>,
}

impl User {
    /// A user with a plain password, without MFA, in the default organisation.
    #[must_use]
    pub fn new(username: impl Into<String>, password: &str) -> Self {
        Self {
            username: username.into(),
            password_sha1: sha1_hex(password),
            mfa: false,
            organisation: DEFAULT_ORGANISATION,
            workspaces: Vec::new(),
        }
    }

    /// The form in which the service takes a password: SHA-1, 40 lower-case hexadecimal digits.
    #[must_use]
    pub fn hash(password: &str) -> String {
        sha1_hex(password)
    }

    /// Asks this user for a one-time code on every device that is not trusted.
    #[must_use]
    pub fn with_mfa(mut self) -> Self {
        self.mfa = true;
        self
    }

    /// The organisation to which the user belongs.
    #[must_use]
    pub fn organisation(mut self, id: u64) -> Self {
        self.organisation = id;
        self
    }

    /// A further organisation in which the user may act.
    #[must_use]
    pub fn with_workspace(mut self, id: u64) -> Self {
        self.workspaces.push(id);
        self
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("username", &self.username)
            .field("mfa", &self.mfa)
            .field("organisation", &self.organisation)
            .field("workspaces", &self.workspaces)
            .finish_non_exhaustive()
    }
}

/// A user as the service keeps one.
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) user: User,
    pub(crate) keys: Vec<MfaKey>,
    pub(crate) devices: Vec<TrustedDevice>,
    /// The one-time code that was sent last.
    pub(crate) last_code: Option<String>,
    /// The time step of the TOTP code that was used last: each counts once.
    pub(crate) last_totp_step: u64,
}

impl Account {
    /// Whether a sign-in needs a code.
    pub(crate) fn wants_code(&self) -> bool {
        self.user.mfa || self.keys.iter().any(|key| key.active)
    }

    pub(crate) fn trusts(&self, fingerprint: &str, now: Duration) -> bool {
        self.devices.iter().any(|device| device.fingerprint == fingerprint && device.expires > now)
    }
}

pub(crate) struct MfaKey {
    pub(crate) id: u64,
    pub(crate) secret: Vec<u8>,
    pub(crate) active: bool,
}

pub(crate) struct TrustedDevice {
    pub(crate) id: u64,
    pub(crate) fingerprint: String,
    pub(crate) operating_system: String,
    pub(crate) browser: String,
    pub(crate) name: String,
    pub(crate) activated: String,
    pub(crate) expires: Duration,
}

/// The form in which the service takes passwords: SHA-1 of the UTF-8 text, 40 lower-case digits.
pub(crate) fn sha1_hex(password: &str) -> String {
    use std::fmt::Write as _;

    Sha1::digest(password.as_bytes()).iter().fold(String::with_capacity(40), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
