//! A stateful stand-in for the emnify REST API, for tests: it signs in, keeps sessions, counts
//! failures, and misbehaves where it is told to.
//!
//! ```
//! use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};
//! use std::time::Duration;
//!
//! let sim = Simulator::builder().start()?;
//! let base_url = sim.base_url(); // point the client under test here
//! sim.next("/api/v1/authenticate", Answer::status(503).header("Retry-After", "7"));
//! sim.advance(Duration::from_secs(240 * 60)); // every auth token has expired now
//! assert_eq!(sim.sign_ins(), 0);
//! # let _ = (base_url, DEFAULT_APPLICATION_TOKEN);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The simulated time is the real one plus what [`Simulator::advance`] added, so that tests
//! never sleep. Nothing here is secret and nothing of it opens a real account.

mod builder;
mod clock;
mod connection;
mod control;
mod exchange;
mod gate;
mod journal;
mod log;
mod redact;
mod script;
mod service;
mod shared;
mod simulator;
mod stream;
mod tls;
pub mod token;

pub use builder::SimulatorBuilder;
pub use journal::RecordedRequest;
pub use script::{Answer, Script, Target};
pub use service::{PagingHeaders, User};
pub use simulator::{Clock, Simulator};

/// The path on which the service signs in.
pub(crate) const AUTHENTICATE: &str = "/api/v1/authenticate";

/// An application token that signs in from the start.
pub const DEFAULT_APPLICATION_TOKEN: &str =
    "SIMULATED-application-token-of-no-value-that-every-simulator-knows-from-the-start";

/// A user without MFA who may act in [`WORKSPACE`] as well.
pub const DEFAULT_USERNAME: &str = "simulated.user@example.invalid";

/// The plain password of [`DEFAULT_USERNAME`].
pub const DEFAULT_PASSWORD: &str = "SIMULATED password of no value";

/// A user who needs a one-time code on every device that is not trusted.
pub const MFA_USERNAME: &str = "simulated.mfa.user@example.invalid";

/// The plain password of [`MFA_USERNAME`].
pub const MFA_PASSWORD: &str = "SIMULATED MFA password of no value";

/// The organisation of the seeded users and application tokens.
pub const DEFAULT_ORGANISATION: u64 = 7001;

/// An organisation in which the seeded users may act, beside their own.
pub const WORKSPACE: u64 = 7002;

/// A code that activates every MFA key, for tests without a TOTP generator.
pub const ACTIVATION_CODE: &str = "012345";

/// The id of the last endpoint of every organisation: 2⁵³ + 1, which no double can hold.
pub const LARGE_ENDPOINT_ID: u64 = 9_007_199_254_740_993;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
