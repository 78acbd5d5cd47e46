//! The C layer: `include/emnify.h` in Rust. Calls the public Rust API and nothing behind it, with one
//! exception: a good token comes from the cache's shelf, which costs half as much.
//!
//! Each file is one group of functions, and its comments are the header's. The rules that hold for
//! all of them are in `cbindgen.toml`, at the head of the header.
//!
//! No panic crosses the boundary: whatever does work runs in `boundary::run`.

#![allow(unsafe_code)]
#![allow(non_camel_case_types)]
// The comments are the header's: there, a URL is a URL and angle brackets are themselves.
#![allow(rustdoc::bare_urls, rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags)]

mod application_token;
mod application_token_list;
mod argument;
mod boundary;
mod client;
mod config;
mod error;
mod free;
mod mfa;
mod object;
mod request;
mod response;
mod sms;
mod status;
mod text;
mod token;
mod version;
mod workspace;

#[cfg(test)]
mod tests;

pub use application_token::*;
pub use application_token_list::*;
pub use client::*;
pub use config::*;
pub use error::*;
pub use free::*;
pub use mfa::*;
pub use request::*;
pub use response::*;
pub use sms::*;
pub use status::*;
pub use text::*;
pub use token::*;
pub use version::*;
pub use workspace::*;
