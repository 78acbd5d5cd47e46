//! Application tokens as a list that C asks.

use std::ffi::{CStr, CString, c_char};

use super::client::emnify_client;
use super::error::emnify_error;
use super::object::{self, Handed, Kind};
use super::status::emnify_status;
use super::text::c_string;
use super::{argument, boundary};
use crate::ApplicationToken;

/// Application tokens as emnify_application_token_list found them, all but their secrets. Release
/// the list with emnify_free. Does not change, so any number of threads may read it.
///
/// They have indices from 0 to emnify_application_tokens_count - 1, in the service's order; these
/// are good in this list only.
pub struct emnify_application_tokens {
    _private: (),
}

pub(super) struct ApplicationTokensObject(Vec<Entry>);

impl Handed for ApplicationTokensObject {
    const KIND: Kind = Kind::ApplicationTokens;
}

struct Entry {
    id: u64,
    revoked: bool,
    description: CString,
    created: CString,
    expiry_date: CString,
    ip_range: CString,
}

impl Entry {
    fn new(token: &ApplicationToken) -> Self {
        let text = |text: &Option<String>| c_string(text.as_deref().unwrap_or_default());
        Self {
            id: token.id,
            revoked: token.is_revoked(),
            description: text(&token.description),
            created: text(&token.created),
            expiry_date: text(&token.expiry_date),
            ip_range: text(&token.ip),
        }
    }
}

fn hand_out(tokens: &[ApplicationToken]) -> *mut emnify_application_tokens {
    let object = ApplicationTokensObject(tokens.iter().map(Entry::new).collect());
    object::add(object) as *mut emnify_application_tokens
}

fn ask<R>(
    list: *const emnify_application_tokens,
    look: impl FnOnce(&[Entry]) -> Option<R>,
) -> Option<R> {
    boundary::value(None, || {
        object::with(list as usize, |tokens: &ApplicationTokensObject| look(&tokens.0))
    })
}

fn text(
    list: *const emnify_application_tokens,
    index: usize,
    text: impl FnOnce(&Entry) -> &CStr,
) -> *const c_char {
    ask(list, |entries| entries.get(index).map(|entry| text(entry).as_ptr()))
        .unwrap_or(c"".as_ptr())
}

/// Fetches all application tokens, the revoked ones included, and stores them in *out_list, for you
/// to release with emnify_free.
///
/// A call of the service for each page of its list, each with a timeout of its own; where one of
/// them fails there is no list.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client or out_list is NULL; those of
/// emnify_request and emnify_response_check.
///
/// # Safety
///
/// The out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_application_token_list(
    client: *mut emnify_client,
    out_list: *mut *mut emnify_application_tokens,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_list, std::ptr::null_mut());
        boundary::run(out_error, || {
            argument::out(out_list, "out_list")?;
            let tokens = argument::client(client)?.application_tokens()?;
            boundary::set(out_list, hand_out(&tokens));
            Ok(())
        })
    }
}

/// How many application tokens the list has. NULL: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_count(list: *const emnify_application_tokens) -> usize {
    ask(list, |entries| Some(entries.len())).unwrap_or(0)
}

/// The index of the application token with this id, revoked or not; the count of the list, at which
/// the accessors have nothing, where there is none. NULL: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_find_by_id(
    list: *const emnify_application_tokens,
    id: u64,
) -> usize {
    // One of 0 stands for an id that the service did not say.
    find(list, |entries| entries.iter().position(|entry| entry.id == id && id != 0))
}

/// The index of the one application token that has exactly this description and is not revoked: from
/// it, a device learns the id of its own. The count of the list where there is none, where there are
/// several, since nothing says which is meant, and where description is NULL or "", which says
/// nothing either. list NULL: 0.
///
/// # Safety
///
/// `description` is NULL or a text that ends in a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn emnify_application_tokens_find_by_description(
    list: *const emnify_application_tokens,
    description: *const c_char,
) -> usize {
    // SAFETY: not NULL, and the caller promises the rest.
    let wanted = (!description.is_null()).then(|| unsafe { CStr::from_ptr(description) });
    // Entries without a description have "", and are nobody's in particular.
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    find(list, |entries| {
        let is_it = |entry: &Entry| !entry.revoked && Some(entry.description.as_c_str()) == wanted;
        let at = entries.iter().position(is_it)?;
        (!entries[at + 1..].iter().any(is_it)).then_some(at)
    })
}

fn find(
    list: *const emnify_application_tokens,
    find: impl FnOnce(&[Entry]) -> Option<usize>,
) -> usize {
    ask(list, |entries| Some(find(entries).unwrap_or(entries.len()))).unwrap_or(0)
}

/// The id of the application token at index, by which it is revoked, described and rotated. NULL, or
/// no such index: 0, which is nobody's id.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_id(
    list: *const emnify_application_tokens,
    index: usize,
) -> u64 {
    ask(list, |entries| Some(entries.get(index)?.id)).unwrap_or(0)
}

/// What the application token at index is for. "" where it has no description. NULL, or no such
/// index: "". Never NULL. Lives as long as the list.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_description(
    list: *const emnify_application_tokens,
    index: usize,
) -> *const c_char {
    text(list, index, |entry| &entry.description)
}

/// When the application token at index was made, as the service says it, such as
/// "2026-10-29T12:00:00.000+0000". "" where it does not. NULL, or no such index: "". Never NULL.
/// Lives as long as the list.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_created(
    list: *const emnify_application_tokens,
    index: usize,
) -> *const c_char {
    text(list, index, |entry| &entry.created)
}

/// When the application token at index ends, as the service says it: a date or a time. "" where it
/// does not end. NULL, or no such index: "". Never NULL. Lives as long as the list.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_expiry_date(
    list: *const emnify_application_tokens,
    index: usize,
) -> *const c_char {
    text(list, index, |entry| &entry.expiry_date)
}

/// From where the application token at index may be used, in CIDR notation, such as "192.0.2.0/24".
/// "" where from anywhere. NULL, or no such index: "". Never NULL. Lives as long as the list.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_ip_range(
    list: *const emnify_application_tokens,
    index: usize,
) -> *const c_char {
    text(list, index, |entry| &entry.ip_range)
}

/// 1 if the application token at index is revoked; else 0. One that has expired need not be. NULL, or
/// no such index: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_application_tokens_is_revoked(
    list: *const emnify_application_tokens,
    index: usize,
) -> i32 {
    ask(list, |entries| Some(i32::from(entries.get(index)?.revoked))).unwrap_or(0)
}
