//! The C layer: `include/emnify.h` in Rust. Calls the public Rust API and nothing behind it.
//!
//! Each file is one group of functions, and its comments are the header's. The rules that hold for
//! all of them are in `cbindgen.toml`, at the head of the header.
//!
//! No panic crosses the boundary: whatever does work runs in [`boundary::run`].

#![allow(unsafe_code)]
#![allow(non_camel_case_types)]

mod argument;
mod boundary;
mod client;
mod config;
mod error;
mod free;
mod object;
mod request;
mod response;
mod status;
mod text;
mod token;
mod version;

#[cfg(test)]
mod tests;

pub use client::*;
pub use config::*;
pub use error::*;
pub use free::*;
pub use request::*;
pub use response::*;
pub use status::*;
pub use text::*;
pub use token::*;
pub use version::*;
