//! Everything the service remembers.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::application_tokens::ApplicationToken;
use super::bearer::{self, Bearer};
use super::paging::PagingHeaders;
use super::sign_in::{Challenge, Failures, RefreshToken};
use super::users::{Account, User};
use crate::DEFAULT_ORGANISATION;

/// How the service behaves; fixed when it starts.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) token_lifetime: Duration,
    pub(crate) refresh_lifetime: Duration,
    pub(crate) rotate_refresh_tokens: bool,
    /// So many sign-ins within so long; `None` is no limit.
    pub(crate) sign_in_limit: Option<(usize, Duration)>,
    /// So many failures in a row, and how long they lock; `None` never locks.
    pub(crate) lock_out: Option<(u32, Duration)>,
    pub(crate) paging_headers: PagingHeaders,
    pub(crate) chunked_lists: bool,
    /// How many SIMs and how many endpoints the default organisation has.
    pub(crate) fleet_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_secs(240 * 60),
            refresh_lifetime: Duration::from_secs(350 * 60),
            rotate_refresh_tokens: false,
            sign_in_limit: Some((100, Duration::from_secs(300))),
            lock_out: Some((3, Duration::from_secs(300))),
            paging_headers: PagingHeaders::Long,
            chunked_lists: true,
            fleet_size: 25,
        }
    }
}

pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) accounts: Vec<Account>,
    pub(crate) application_tokens: Vec<ApplicationToken>,
    pub(crate) bearers: HashMap<String, Bearer>,
    /// At so many bearers the expired ones are forgotten.
    pub(crate) tidy_at: usize,
    pub(crate) refresh_tokens: HashMap<String, RefreshToken>,
    pub(crate) challenges: HashMap<String, Challenge>,
    /// Failures in a row, by what was named in the sign-in: a user name or a token.
    pub(crate) failures: HashMap<String, Failures>,
    /// When the sign-ins within the last window of the limit came.
    pub(crate) recent_sign_ins: VecDeque<Duration>,
    serial: u64,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            accounts: Vec::new(),
            application_tokens: Vec::new(),
            bearers: HashMap::new(),
            tidy_at: bearer::MANY,
            refresh_tokens: HashMap::new(),
            challenges: HashMap::new(),
            failures: HashMap::new(),
            recent_sign_ins: VecDeque::new(),
            serial: 0,
        }
    }

    /// The next number; ids and secrets are made from it, so that a run can be repeated.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A new made-up secret that says so.
    pub(crate) fn secret(&mut self, kind: &str) -> String {
        use std::fmt::Write as _;

        let serial = self.next_serial();
        let mut text = format!("SIMULATED-{kind}-{serial:06}-");
        for byte in scramble(serial) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// A new one-time code. Each begins with a zero: a client that treats codes as numbers
    /// must fail every time and not every tenth.
    pub(crate) fn one_time_code(&mut self) -> String {
        let [a, b, c, d, ..] = scramble(self.next_serial());
        format!("0{:05}", u32::from_be_bytes([a, b, c, d]) % 100_000)
    }

    /// A new key of twenty bytes for TOTP.
    pub(crate) fn totp_key(&mut self) -> Vec<u8> {
        scramble(self.next_serial())[..20].to_vec()
    }

    pub(crate) fn add_user(&mut self, user: User) -> u64 {
        let id = 30_000 + self.next_serial();
        // The same name again replaces the user, so that tests can change one.
        self.accounts.retain(|known| known.user.username != user.username);
        self.accounts.push(Account {
            id,
            user,
            keys: Vec::new(),
            devices: Vec::new(),
            last_code: None,
            last_totp_step: 0,
        });
        id
    }

    pub(crate) fn account(&self, id: u64) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    pub(crate) fn account_mut(&mut self, id: u64) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.id == id)
    }

    pub(crate) fn account_named(&self, username: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.user.username == username)
    }

    pub(crate) fn add_application_token(&mut self, secret: &str, now: i64) -> u64 {
        let id = 20_000 + self.next_serial();
        self.application_tokens.push(ApplicationToken {
            id,
            secret: secret.to_owned(),
            description: Some("seeded by the simulator".into()),
            created: now,
            revoked: false,
            expiry_date: None,
            ip: None,
            creator: self.accounts.first().map(|account| account.id),
            organisation: DEFAULT_ORGANISATION,
        });
        id
    }
}

fn scramble(serial: u64) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"SIMULATED, protects nothing")
        .expect("HMAC takes any key length");
    mac.update(&serial.to_be_bytes());
    mac.finalize().into_bytes().into()
}
