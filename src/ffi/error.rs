//! Errors as objects that C asks.

use std::ffi::{CString, c_char};
use std::time::Duration;

use super::boundary;
use super::object::{self, Handed, Kind};
use super::status::{EMNIFY_OK, emnify_status};
use super::text::c_string;
use crate::Error;

/// What went wrong, as an object with accessors. Yours after a call that failed, if you gave an
/// out_error; release it with emnify_free. Holds no secret. Does not change, so any number of
/// threads may read it.
pub struct emnify_error {
    _private: (),
}

pub(super) struct ErrorObject {
    error: Error,
    message: CString,
    request_id: CString,
}

impl Handed for ErrorObject {
    const KIND: Kind = Kind::Error;
}

/// Registers `error` for C to own.
pub(super) fn hand_out(error: Error) -> *mut emnify_error {
    let message = c_string(&error.to_string());
    let request_id = c_string(error.request_id().unwrap_or_default());
    object::add(ErrorObject { error, message, request_id }) as *mut emnify_error
}

fn ask<R>(error: *const emnify_error, otherwise: R, look: impl FnOnce(&ErrorObject) -> R) -> R {
    let found = boundary::value(None, || object::with(error as usize, |object| Some(look(object))));
    found.unwrap_or(otherwise)
}

/// The status that the failed call returned. NULL: EMNIFY_OK.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_error_status(error: *const emnify_error) -> emnify_status {
    ask(error, EMNIFY_OK, |object| object.error.kind() as emnify_status)
}

/// One line for a person: what happened, to what, and what would help, such as "cannot resolve
/// cdn.emnify.net: ...; check the network and the DNS settings". The wording may change in any
/// version. NULL: "". Never NULL. Lives as long as the error.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_error_message(error: *const emnify_error) -> *const c_char {
    ask(error, c"".as_ptr(), |object| object.message.as_ptr())
}

/// The HTTP status of the answer, such as 401; 0 where no answer came. NULL: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_error_http_status(error: *const emnify_error) -> i32 {
    ask(error, 0, |object| object.error.http_status().map_or(0, i32::from))
}

/// The service's own number for the failure (error_code in its answer), such as 1105; 0 where there
/// was none. NULL: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_error_service_code(error: *const emnify_error) -> i32 {
    ask(error, 0, |object| object.error.service_code().unwrap_or(0))
}

/// 1 if the unchanged call may succeed after emnify_error_retry_after_s, nobody acting; else 0.
/// Does not say that it is harmless to repeat: what was sent may have been done. NULL: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_error_is_retryable(error: *const emnify_error) -> i32 {
    ask(error, 0, |object| i32::from(object.error.is_retryable()))
}

/// After how many seconds, from when the call failed, another try makes sense: at least 1 if the
/// error is retryable. Where it was the sign-in that failed, calls that come earlier fail at once,
/// and nothing is sent; any other call is sent whenever you make it, so wait yourself. For a
/// refused sign-in, which is not retryable, it is the time until this library asks the service
/// again; 0 where there is none. NULL: 0.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_error_retry_after_s(error: *const emnify_error) -> u32 {
    ask(error, 0, |object| object.error.retry_after().map_or(0, whole_seconds_up))
}

/// The service's id of the request (x-amzn-RequestId): emnify's support asks for it. "" where there
/// is none. NULL: "". Never NULL. Lives as long as the error.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_error_request_id(error: *const emnify_error) -> *const c_char {
    ask(error, c"".as_ptr(), |object| object.request_id.as_ptr())
}

/// Seconds, rounded up: who waits this long has waited long enough.
pub(super) fn whole_seconds_up(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
