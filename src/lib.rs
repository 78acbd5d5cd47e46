//! A synchronous, blocking client for the [emnify](https://www.emnify.com) REST API. Unofficial.
//!
//! It signs in, keeps the auth token for its life, renews it before it ends, and hands it out. It
//! never asks the service more than it has to: a refusal, a lock-out and a rate limit are
//! remembered and answered locally, with the time that is left; 64 threads without a token make one
//! request; and a token that is good is served whatever happens to its renewal.
//!
//! ```no_run
//! use emnify::{Client, Credentials};
//!
//! # fn main() -> Result<(), emnify::Error> {
//! # let secret = String::new();
//! let client = Client::new(Credentials::application_token(secret))?;
//!
//! // For another HTTP stack: the bearer. The second time it costs no request.
//! let token = client.auth_token()?;
//! println!("good for {} s", token.expires_in().as_secs());
//!
//! // Or the call itself, with the bearer.
//! for sim in client.sims() {
//!     let sim = sim?;
//!     println!("{} {}", sim.id, sim.iccid.as_deref().unwrap_or("-"));
//! }
//! # Ok(()) }
//! ```
//!
//! # When it does not work
//!
//! Every [`Error`] says in one sentence what happened, to what, and what would help. Its
//! [`kind`](Error::kind) is for the program; [`is_retryable`](Error::is_retryable) and
//! [`retry_after`](Error::retry_after) say whether and when the same call makes sense again. Calling
//! earlier does no harm: it fails at once and sends nothing.
//!
//! ```
//! use emnify::{Client, Credentials, ErrorKind};
//!
//! let error = Client::builder(Credentials::application_token("made-up"))
//!     .base_url("http://emnify.example")
//!     .build()
//!     .unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidArgument);
//! assert!(error.to_string().starts_with("base_url"));
//! ```
//!
//! # Threads, time and processes
//!
//! A [`Client`] is cheap to clone and may be used from any number of threads; all clones share one
//! token. Every call ends by its [`timeout`](ClientBuilder::timeout). Tokens are timed on the boot
//! clock, so that setting the wall clock, or sleeping, breaks nothing. In a child process after a
//! fork, make a new client.
//!
//! # Features
//!
//! - `rustls` (default): TLS by rustls with ring and the roots of the Mozilla programme.
//! - `gzip` (default): compressed answers, except to sign-ins.
//! - `totp`: one-time codes from an authenticator's key, for unattended user sessions.
//! - `capi`, `headergen`: the C layer and its header, for the C library.
//!
//! # Secrets
//!
//! No secret stands in any `Debug`, `Display`, error or log line of this crate, and secrets are
//! wiped from memory after use where this crate holds them. (rustls has what it received last in
//! buffers of its own, which it does not wipe.) The `log` crate is used by dependencies only: at
//! trace level ureq logs paths and queries, but it is never shown a token.

mod answer;
mod application_tokens;
mod authenticate;
mod cache;
mod client;
mod clock;
mod collected;
mod credentials;
mod deadline;
#[cfg(test)]
mod end_to_end;
mod endpoints;
mod environment;
mod error;
#[cfg(feature = "capi")]
pub mod ffi;
mod log;
mod members;
mod mfa;
mod pace;
mod pages;
mod random;
mod request;
mod response;
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation;
mod sync;
mod sys;
mod token;
#[cfg(feature = "totp")]
mod totp;
mod transport;
mod workspaces;

pub use application_tokens::{
    ApplicationToken, CreatedApplicationToken, NewApplicationToken, RotatedApplicationToken,
};
pub use client::{Client, ClientBuilder};
pub use credentials::Credentials;
pub use endpoints::{Connectivity, Endpoint, Sim};
pub use error::{Error, ErrorKind, ServiceError};
pub use log::LogLevel;
pub use members::{Members, Named};
pub use mfa::{Device, DeviceFingerprint, MfaChallenge, MfaKey};
pub use pages::{Items, Pages};
pub use request::{Request, url_escape};
pub use response::Response;
pub use token::AuthToken;
#[cfg(feature = "totp")]
pub use totp::Totp;
pub use transport::{IpFamily, Method};
