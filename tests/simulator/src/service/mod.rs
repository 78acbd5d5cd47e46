//! The service itself: state in, reply out. It knows no sockets and no threads.

mod application_tokens;
mod authenticate;
mod bearer;
mod cidr;
mod members;
mod mfa;
mod paging;
mod reply;
mod resources;
mod routes;
mod sign_in;
mod totp;
mod users;
mod workspaces;
mod world;

use std::net::IpAddr;

pub(crate) use reply::Reply;
pub(crate) use routes::answer;
pub(crate) use world::{Settings, World};

pub(crate) use bearer::Session;
pub use paging::PagingHeaders;
pub(crate) use paging::pairs as query_pairs;
pub use users::User;

use crate::clock::Moment;

/// One request as the service sees it.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// Names in lower case.
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    pub(crate) peer: IpAddr,
    pub(crate) now: Moment,
}

impl<'a> Call<'a> {
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body is announced as JSON, with or without a charset.
    pub(crate) fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|value| {
            let kind = value.split(';').next().unwrap_or_default();
            kind.trim().eq_ignore_ascii_case("application/json")
        })
    }
}
