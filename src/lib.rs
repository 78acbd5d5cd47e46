//! Blocking client for the emnify REST API.
mod answer;
mod application_tokens;
mod authenticate;
mod cache;
mod client;
mod clock;
mod credentials;
mod deadline;
mod endpoints;
mod environment;
mod error;
#[cfg(feature = "capi")]
pub mod ffi;
mod log;
mod mfa;
mod pages;
mod request;
mod response;
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
pub use endpoints::{Connectivity, Endpoint, Named, Sim};
pub use error::{Error, ErrorKind, ServiceError};
pub use log::LogLevel;
pub use mfa::{Device, DeviceFingerprint, MfaChallenge, MfaKey};
pub use pages::{Items, Pages};
pub use request::{Request, url_escape};
pub use response::Response;
pub use token::AuthToken;
#[cfg(feature = "totp")]
pub use totp::Totp;
pub use transport::{IpFamily, Method};
