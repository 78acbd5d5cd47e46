//! Responses as objects that C asks.

use std::ffi::{CStr, CString, c_char};

use super::error::emnify_error;
use super::object::{self, Handed, Kind};
use super::status::emnify_status;
use super::text::c_string;
use super::{argument, boundary};
use crate::{Error, Response};

/// The service's answer to emnify_request. Release it with emnify_free, which wipes it. Does not
/// change, so any number of threads may read it.
pub struct emnify_response {
    _private: (),
}

pub(super) struct ResponseObject {
    http_status: u16,
    total_pages: Option<u32>,
    headers: Vec<(String, CString)>,
    /// What an answer that is not a 2xx means.
    error: Option<Error>,
    /// With a NUL behind it.
    body: Vec<u8>,
}

impl Handed for ResponseObject {
    const KIND: Kind = Kind::Response;
}

impl Drop for ResponseObject {
    fn drop(&mut self) {
        crate::sys::wipe(&mut self.body);
    }
}

pub(super) fn hand_out(response: Response) -> *mut emnify_response {
    let headers =
        response.headers().map(|(name, value)| (name.to_owned(), c_string(value))).collect();
    let (http_status, total_pages) = (response.status(), response.total_pages());
    let error = response.check().err();
    // The body itself, which may be large, and not a copy. It has room for the NUL, or is empty.
    let mut body = response.into_bytes();
    body.push(0);
    let object = ResponseObject { http_status, total_pages, headers, error, body };
    object::add(object) as *mut emnify_response
}

fn ask<R>(
    response: *const emnify_response,
    look: impl FnOnce(&ResponseObject) -> Option<R>,
) -> Option<R> {
    boundary::value(None, || object::with(response as usize, look))
}

/// The HTTP status of the answer, such as 200. NULL: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_response_http_status(response: *const emnify_response) -> i32 {
    ask(response, |object| Some(i32::from(object.http_status))).unwrap_or(0)
}

/// EMNIFY_OK for an answer with a 2xx status; else the status and the error that the answer means,
/// with the service's code, words and request id: _UNAUTHORIZED (401), _FORBIDDEN (403),
/// _RATE_LIMITED (429), _SERVER (5xx, 408), _REJECTED (other 4xx), _BAD_RESPONSE (anything else).
/// NULL: EMNIFY_ERROR_INVALID_ARGUMENT.
///
/// # Safety
///
/// `out_error` is NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_response_check(
    response: *const emnify_response,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::run(out_error, || {
            let checked = ask(response, |object| Some(object.error.clone().map_or(Ok(()), Err)));
            checked.unwrap_or_else(|| {
                Err(if response.is_null() {
                    argument::missing("response")
                } else {
                    Error::invalid("response is not one of emnify_request, or was released")
                })
            })
        })
    }
}

/// The body, decompressed, with a NUL behind it. *out_length (may be NULL) is its length without
/// that NUL; it may hold others. NULL: "" and 0. Never NULL. Lives as long as the response.
///
/// # Safety
///
/// `out_length` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn emnify_response_body(
    response: *const emnify_response,
    out_length: *mut usize,
) -> *const c_char {
    let body = ask(response, |object| Some((object.body.as_ptr(), object.body.len() - 1)));
    let (body, length) = body.unwrap_or((c"".as_ptr().cast(), 0));
    // SAFETY: as the caller promises.
    unsafe { boundary::set(out_length, length) };
    body.cast()
}

/// The value of the header name, whose case does not matter, such as "Location"; the first, where
/// there are several. NULL where there is none, or where response or name is NULL. Lives as long as
/// the response.
///
/// # Safety
///
/// `name` is NULL or a text that ends in a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn emnify_response_header(
    response: *const emnify_response,
    name: *const c_char,
) -> *const c_char {
    if name.is_null() {
        return std::ptr::null();
    }
    // SAFETY: not NULL, and the caller promises the rest.
    let name = unsafe { CStr::from_ptr(name) };
    let value = ask(response, |object| {
        let mut headers = object.headers.iter();
        let found =
            headers.find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name.to_bytes()));
        found.map(|(_, value)| value.as_ptr())
    });
    value.unwrap_or(std::ptr::null())
}

/// How many pages the list has that this answer is one page of; 0 where its headers do not say.
/// NULL: 0. Pages are asked for in the path, "?per_page=100&page=2", from 1 on. A page past the last
/// is answered with the last one again, so count pages by this.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_response_total_pages(response: *const emnify_response) -> u32 {
    ask(response, |object| object.total_pages).unwrap_or(0)
}
