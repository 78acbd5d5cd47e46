//! Arguments from C, checked and named.

use std::ffi::{CStr, c_char};

use super::client::emnify_client;
use super::object;
use crate::{Client, Error};

/// A text that must be there.
///
/// # Safety
///
/// `text` is NULL or points to a text that ends in a NUL and does not change during `'a`.
pub(super) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str, Error> {
    // SAFETY: as the caller promises.
    unsafe { optional_text(text, name) }?.ok_or_else(|| missing(name))
}

/// A text that may be NULL.
///
/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn optional_text<'a>(
    text: *const c_char,
    name: &str,
) -> Result<Option<&'a str>, Error> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller promises the rest.
    match unsafe { CStr::from_ptr(text) }.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.valid_up_to();
            Err(Error::invalid(format!("{name} is not UTF-8 at byte {at}")))
        }
    }
}

/// The client, which stays alive until the call is over.
pub(super) fn client(client: *const emnify_client) -> Result<Client, Error> {
    // Not the registry's snapshot itself, which would keep other clients alive as well meanwhile.
    let found = object::client(client as usize).map(|found| Client::clone(&found));
    found.ok_or_else(|| match client.is_null() {
        true => missing("client"),
        false => {
            Error::invalid("client is not one of emnify_client_new, or was released by emnify_free")
        }
    })
}

/// An out parameter that must be there.
pub(super) fn out<T>(out: *mut T, name: &str) -> Result<(), Error> {
    if out.is_null() { Err(missing(name)) } else { Ok(()) }
}

#[cold]
pub(super) fn missing(name: &str) -> Error {
    Error::invalid(format!("{name} is NULL"))
}
