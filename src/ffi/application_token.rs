//! Application tokens: make, describe, revoke, rotate.

use std::ffi::{c_char, c_void};

use super::client::emnify_client;
use super::error::emnify_error;
use super::status::emnify_status;
use super::{argument, boundary, text};
use crate::{Error, NewApplicationToken};

/// Stores the secret of a new application token where a power cut does not lose it: written beside
/// the old one, synced, renamed. Returns 0 if it is stored; anything else undoes the rotation, so
/// the old token has to be what is stored then. The secret is valid during the call; context is
/// keep_context. Called once at most, by emnify_application_token_rotate, on its thread, with no
/// lock held; how long it takes counts towards no timeout. The client is switched to the new token
/// after it; it must not set one itself. It must not throw, longjmp or pthread_exit.
pub type emnify_keep_fn =
    Option<unsafe extern "C" fn(application_token: *const c_char, context: *mut c_void) -> i32>;

/// Makes an application token and stores its secret in *out_application_token, for you to release
/// with emnify_free, which wipes it. It is shown this once. *out_id (may be NULL) is its id, by
/// which it is revoked; 0 where it could not be told, since the service does not say it and another
/// token of the same description was made at the same time.
///
/// description: what it is for; NULL for none. expiry_date: "2031-10-29" or
/// "2031-10-29T12:00:00Z"; NULL: it does not end. ip_range: from where it may be used, in CIDR
/// notation, "192.0.2.0/24"; NULL: from anywhere.
///
/// Three calls of the service, each with a timeout of its own. Where the answer to the second is
/// lost, a token may have been made that nobody has the secret of; the message says so.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT for a date or a range that is none, or where
/// out_application_token is NULL; those of emnify_request and emnify_response_check.
///
/// # Safety
///
/// The texts are NULL or end in a NUL; the out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_application_token_create(
    client: *mut emnify_client,
    description: *const c_char,
    expiry_date: *const c_char,
    ip_range: *const c_char,
    out_application_token: *mut *mut c_char,
    out_id: *mut u64,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_application_token, std::ptr::null_mut());
        boundary::set(out_id, 0);
        boundary::run(out_error, || {
            argument::out(out_application_token, "out_application_token")?;
            let client = argument::client(client)?;
            let new = new_token(description, expiry_date, ip_range)?;
            let created = client.create_application_token(&new)?;
            boundary::set(out_application_token, text::hand_out(created.secret()));
            boundary::set(out_id, created.id.unwrap_or(0));
            Ok(())
        })
    }
}

/// Changes what the application token with this id is for. A description of "" is sent like any
/// other, and reads as none.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client, or description is NULL or not
/// UTF-8; _REJECTED where there is none with this id; those of emnify_request and
/// emnify_response_check.
///
/// # Safety
///
/// `description` is NULL or ends in a NUL; `out_error` is NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_application_token_describe(
    client: *mut emnify_client,
    id: u64,
    description: *const c_char,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::run(out_error, || {
            let client = argument::client(client)?;
            client.describe_application_token(id, argument::text(description, "description")?)
        })
    }
}

/// Revokes the application token with this id: it signs nobody in from now on. Auth tokens that it
/// got before live on until their own end.
///
/// Errors: EMNIFY_ERROR_REJECTED where there is none with this id; those of emnify_request and
/// emnify_response_check.
///
/// # Safety
///
/// `out_error` is NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_application_token_revoke(
    client: *mut emnify_client,
    id: u64,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe { boundary::run(out_error, || argument::client(client)?.revoke_application_token(id)) }
}

/// Replaces the application token that the client uses, which has the id old_id, by a new one with
/// the given properties (see emnify_application_token_create): makes it, signs in with it, has keep
/// store its secret, goes on with it, and revokes the old one, in this order. A device that loses
/// power in between comes back with a token that works.
///
/// The service does not say which token a client has signed in with, so that a wrong old_id cannot be
/// noticed: the token that it belongs to is revoked, and the client's own stays valid, unused.
///
/// *out_id (may be NULL) is the new one's id, which is the old_id of the next rotation, or 0 where
/// it could not be told. *out_old_revoked (may be NULL) is 1, or 0 where only the last step failed,
/// which is no error: the old token may still work. Store its id, and revoke it later.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client does not sign in with an application token,
/// there is no active token old_id, a date or a range is none, or keep is NULL; _STORAGE where keep
/// did not return 0; those of emnify_auth_token, emnify_request and emnify_response_check. The client
/// then still uses the old token, which works, and the new one is revoked, or else the message says
/// that it was left behind. _CANCELLED also where the client was given other credentials meanwhile,
/// which it then uses: the message says what is valid beside them.
///
/// # Safety
///
/// The texts are NULL or end in a NUL; the out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_application_token_rotate(
    client: *mut emnify_client,
    old_id: u64,
    description: *const c_char,
    expiry_date: *const c_char,
    ip_range: *const c_char,
    keep: emnify_keep_fn,
    keep_context: *mut c_void,
    out_id: *mut u64,
    out_old_revoked: *mut i32,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_id, 0);
        boundary::set(out_old_revoked, 0);
        boundary::run(out_error, || {
            let client = argument::client(client)?;
            let keep = keep.ok_or_else(|| argument::missing("keep"))?;
            let new = new_token(description, expiry_date, ip_range)?;
            let rotated = client.rotate_application_token(old_id, &new, |secret| {
                let secret = text::Text::new(secret);
                match keep(secret.as_ptr(), keep_context) {
                    0 => Ok(()),
                    other => Err(format!("keep returned {other}")),
                }
            })?;
            boundary::set(out_id, rotated.new.id.unwrap_or(0));
            boundary::set(out_old_revoked, i32::from(rotated.old_not_revoked.is_none()));
            Ok(())
        })
    }
}

/// # Safety
///
/// The texts are NULL or end in a NUL.
unsafe fn new_token(
    description: *const c_char,
    expiry_date: *const c_char,
    ip_range: *const c_char,
) -> Result<NewApplicationToken, Error> {
    // SAFETY: as the caller promises.
    let text = |text, name: &str| unsafe { argument::optional_text(text, name) };
    let mut new = NewApplicationToken::new();
    if let Some(description) = text(description, "description")? {
        new = new.description(description);
    }
    if let Some(date) = text(expiry_date, "expiry_date")? {
        new = new.expiry_date(date);
    }
    if let Some(range) = text(ip_range, "ip_range")? {
        new = new.ip_range(range);
    }
    Ok(new)
}
