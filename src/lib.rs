//! Blocking client for the emnify REST API.
mod answer;
mod authenticate;
mod cache;
mod client;
mod clock;
mod credentials;
mod deadline;
mod environment;
mod error;
#[cfg(feature = "capi")]
pub mod ffi;
mod log;
mod request;
mod response;
mod sync;
mod sys;
mod token;
mod transport;

pub use client::{Client, ClientBuilder};
pub use credentials::Credentials;
pub use error::{Error, ErrorKind, ServiceError};
pub use log::LogLevel;
pub use request::{Request, url_escape};
pub use response::Response;
pub use token::AuthToken;
pub use transport::{IpFamily, Method};
