//! Making a client, and what changes its state.

use std::ffi::c_char;

use super::config::{self, emnify_config};
use super::error::{emnify_error, whole_seconds_up};
use super::status::emnify_status;
use super::{argument, boundary, object};
use crate::{Client, Credentials};

/// A client: its settings, its token, and its connections. Made by emnify_client_new, released by
/// emnify_free. Any number of threads may use one at the same time, and should: they share the
/// token. After a fork the child cannot use the parent's clients: calls fail at once with
/// EMNIFY_ERROR_INVALID_ARGUMENT, and it makes its own.
pub struct emnify_client {
    _private: (),
}

/// Makes a client and stores it in *out_client, for you to release with emnify_free. Nothing is
/// sent. Files that the settings name are read.
///
/// config NULL: the settings come from the environment: EMNIFY_APPLICATION_TOKEN, or
/// EMNIFY_USERNAME and EMNIFY_PASSWORD, and also EMNIFY_BASE_URL and EMNIFY_CA_FILE. With a config
/// no setting comes from there. As with all that may read the environment, no other thread may
/// change it (setenv) during this call, config or not: the HTTP library looks for proxies, and what
/// it finds is dropped.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT, with a message that names the setting and what would be
/// right.
///
/// # Safety
///
/// `config` is NULL or points to `struct_size` readable bytes; its texts are NULL or end in a NUL.
/// The other two are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_client_new(
    config: *const emnify_config,
    out_client: *mut *mut emnify_client,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises, here and below.
    unsafe {
        boundary::set(out_client, std::ptr::null_mut());
        boundary::run(out_error, || {
            argument::out(out_client, "out_client")?;
            let client =
                if config.is_null() { Client::from_env()? } else { config::client(config)? };
            boundary::set(out_client, object::add_client(client) as *mut emnify_client);
            Ok(())
        })
    }
}

/// Says that the service refused token as a bearer (HTTP 401): the next call gets another one. A
/// token that is no longer the present one changes nothing: another thread was faster. Sends
/// nothing. emnify_request does this by itself.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client, or token is NULL or not UTF-8.
///
/// # Safety
///
/// `token` is NULL or a text that ends in a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn emnify_invalidate(
    client: *mut emnify_client,
    token: *const c_char,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::run(std::ptr::null_mut(), || {
            argument::client(client)?.invalidate(argument::text(token, "token")?)
        })
    }
}

/// For programs that do the renewal in a loop of their own: renews the token if that is due or soon
/// will be, and signs in if there is none. *out_next_s (may be NULL) is after how many seconds to
/// call again, at least 1, also when this call failed. As long as these calls come in time, no
/// other call waits for the network to get a token.
///
/// A renewal that fails while the token is good is not an error: it is logged, and out_next_s says
/// when the next try makes sense.
///
/// Errors: those of emnify_auth_token.
///
/// # Safety
///
/// The out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_renew_if_due(
    client: *mut emnify_client,
    out_next_s: *mut u32,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        // Never 0, whatever fails: a loop that sleeps so long must not spin.
        boundary::set(out_next_s, 1);
        boundary::run(out_error, || {
            let next = argument::client(client)?.renew_if_due();
            let wait = match &next {
                Ok(next) => Some(*next),
                Err(error) => error.retry_after(),
            };
            boundary::set(out_next_s, wait.map_or(1, whole_seconds_up).max(1));
            next.map(|_| ())
        })
    }
}

/// Forgets a refusal, a lock-out, a challenge and a back-off: the next call asks the service again.
/// A rate limit, and the client's own limit of 10 sign-ins in 5 minutes, stay. For when a person
/// has put something right: in a loop it locks the account.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_reset(client: *mut emnify_client) -> emnify_status {
    // SAFETY: no error is asked for.
    unsafe { boundary::run(std::ptr::null_mut(), || argument::client(client)?.reset()) }
}

/// Goes on with another application token. What the client had from the old credentials is dropped,
/// the result of a sign-in on its way included. The token that is in use already changes nothing:
/// emnify_reset asks the service again with it. Sends nothing.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client, or the token cannot be right;
/// the old credentials then stay.
///
/// # Safety
///
/// `application_token` is NULL or a text that ends in a NUL; `out_error` is NULL or valid for
/// writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_set_application_token(
    client: *mut emnify_client,
    application_token: *const c_char,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::run(out_error, || {
            let client = argument::client(client)?;
            let token = argument::text(application_token, "application_token")?;
            client.set_credentials(Credentials::application_token(token))
        })
    }
}

/// Ends all calls on this client that are on their way, with EMNIFY_ERROR_CANCELLED, and lets all
/// that would need the network fail likewise until emnify_resume. For another thread; not for a
/// signal handler. A good token is still handed out.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_cancel(client: *mut emnify_client) -> emnify_status {
    // SAFETY: no error is asked for.
    unsafe { boundary::run(std::ptr::null_mut(), || argument::client(client)?.cancel()) }
}

/// Undoes emnify_cancel: calls that begin from now on use the network again.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_resume(client: *mut emnify_client) -> emnify_status {
    // SAFETY: no error is asked for.
    unsafe { boundary::run(std::ptr::null_mut(), || argument::client(client)?.resume()) }
}
