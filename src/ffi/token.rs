//! The token, in memory of its own or in the caller's.

use std::ffi::c_char;
use std::time::Duration;

use super::client::emnify_client;
use super::error::emnify_error;
use super::status::{EMNIFY_OK, emnify_status};
use super::{argument, boundary, object, text};
use crate::{Error, ErrorKind};

/// Stores a bearer token in *out_token, for you to release with emnify_free, which wipes it. At once
/// and without the network while the client has a good one; otherwise the call signs in, or waits
/// for another thread that does, for timeout_ms at most. Send it as "Authorization: Bearer <token>".
///
/// Ask for it before each use rather than keeping it: asking costs less than a microsecond.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT for a wrong argument; _UNAUTHORIZED, _ACCOUNT_LOCKED,
/// _MFA_REQUIRED, _FORBIDDEN, _RATE_LIMITED and _REJECTED as the service says, remembered and
/// answered without asking again until retry_after_s has passed; _SERVER, _BAD_RESPONSE, _NETWORK,
/// _TLS and _CLOCK, tried again after a back-off; _TIMEOUT, _CANCELLED, _INTERNAL.
///
/// # Safety
///
/// The out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_auth_token(
    client: *mut emnify_client,
    out_token: *mut *mut c_char,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_token, std::ptr::null_mut());
        if !out_token.is_null() {
            let look = |token: &str, _| text::hand_out(token);
            let cached = || object::with_cached_token(client as usize, look);
            if let Some(token) = boundary::at_once(cached) {
                boundary::set(out_error, std::ptr::null_mut());
                boundary::set(out_token, token);
                return EMNIFY_OK;
            }
        }
        boundary::run(out_error, || {
            argument::out(out_token, "out_token")?;
            let token = argument::client(client)?.auth_token()?;
            boundary::set(out_token, text::hand_out(token.as_str()));
            Ok(())
        })
    }
}

/// Copies a bearer token and a NUL into buffer, which has room for capacity bytes; 4096 will do.
/// *out_length (may be NULL) is the token's length without the NUL, *out_expires_in_s (may be NULL)
/// for how many seconds the library will go on handing it out. As emnify_auth_token otherwise, but
/// nothing is allocated while the client has a good token. Wipe the buffer when you are done.
///
/// Errors: EMNIFY_ERROR_BUFFER_TOO_SMALL where the token and its NUL do not fit: buffer holds "",
/// and *out_length says how long the token is. It stays with the client, so that the next call
/// costs nothing. buffer may be NULL if capacity is 0. Otherwise those of emnify_auth_token.
///
/// # Safety
///
/// `buffer` is valid for writing `capacity` bytes; the out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_auth_token_copy(
    client: *mut emnify_client,
    buffer: *mut c_char,
    capacity: usize,
    out_length: *mut usize,
    out_expires_in_s: *mut u32,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        // Gives the length only, and what follows from it is decided outside: a `Result` that is
        // carried out of here on every call costs a tenth of the call.
        let copy = |token: &str, expires_in: Duration| {
            boundary::set(out_length, token.len());
            boundary::set(out_expires_in_s, whole_seconds_down(expires_in));
            if token.len() < capacity {
                std::ptr::copy_nonoverlapping(token.as_ptr(), buffer.cast(), token.len());
                buffer.add(token.len()).write(0);
            }
            token.len()
        };
        boundary::set(out_length, 0);
        boundary::set(out_expires_in_s, 0);
        if capacity > 0 {
            boundary::set(buffer, 0);
            let cached = || object::with_cached_token(client as usize, copy);
            if !buffer.is_null() && boundary::at_once(cached).is_some_and(|it| it < capacity) {
                boundary::set(out_error, std::ptr::null_mut());
                return EMNIFY_OK;
            }
        }
        boundary::run(out_error, || {
            if capacity > 0 {
                argument::out(buffer, "buffer")?;
            }
            let token = argument::client(client)?.auth_token()?;
            let length = copy(token.as_str(), token.expires_in());
            if length < capacity { Ok(()) } else { Err(too_small(length, capacity)) }
        })
    }
}

/// Seconds, rounded down: a caller who counts on them must not be late.
fn whole_seconds_down(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

#[cold]
fn too_small(length: usize, capacity: usize) -> Error {
    let needed = length + 1;
    Error::new(
        ErrorKind::BufferTooSmall,
        format!("capacity is {capacity}, but the token and its NUL take {needed} bytes"),
    )
}
