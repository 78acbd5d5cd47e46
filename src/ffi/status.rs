//! The status that most functions return.

use std::ffi::{CStr, c_char};

/// What became of a call: EMNIFY_OK, which is 0, or one of EMNIFY_ERROR_.... A 32-bit integer and
/// not an enum, whose size a compiler may choose. Later versions may add some: have a default in a
/// switch.
pub type emnify_status = i32;

/// Success. There is no error object.
pub const EMNIFY_OK: emnify_status = 0;
/// An argument or a setting is wrong; the message names it. Nothing was sent.
pub const EMNIFY_ERROR_INVALID_ARGUMENT: emnify_status = 1;
/// The service refused the credentials: revoked, expired or mistyped. Remembered: nothing more is
/// sent until emnify_set_application_token or emnify_reset, or 30 minutes have passed.
pub const EMNIFY_ERROR_UNAUTHORIZED: emnify_status = 2;
/// The service has locked the account for some minutes after failed sign-ins, of this client or of
/// others. Goes by: see emnify_error_retry_after_s.
pub const EMNIFY_ERROR_ACCOUNT_LOCKED: emnify_status = 3;
/// The service wants the one-time code of a second factor, which the user has by e-mail or from an
/// authenticator. Go on with emnify_submit_mfa_code. Remembered for 10 minutes, so that no second
/// code is sent.
pub const EMNIFY_ERROR_MFA_REQUIRED: emnify_status = 4;
/// The service does not allow it (HTTP 403): a permission of the user or the token is missing.
pub const EMNIFY_ERROR_FORBIDDEN: emnify_status = 5;
/// Too many requests: the service's limit (HTTP 429), or this client's own of 10 sign-ins in 5
/// minutes. Goes by: see emnify_error_retry_after_s.
pub const EMNIFY_ERROR_RATE_LIMITED: emnify_status = 6;
/// The service understood and will not do it (HTTP 400, 404, 409, 422): there is no such thing, or
/// the request is wrong. The same again will fail again.
pub const EMNIFY_ERROR_REJECTED: emnify_status = 7;
/// The service failed (HTTP 5xx, 408). Goes by: see emnify_error_retry_after_s.
pub const EMNIFY_ERROR_SERVER: emnify_status = 8;
/// What answered made no sense: a captive portal, a page instead of JSON, an answer that is too
/// large or was cut off.
pub const EMNIFY_ERROR_BAD_RESPONSE: emnify_status = 9;
/// No answer: the name look-up or the connecting failed, or the connection broke. What was sent on
/// a connection that broke may have been done.
pub const EMNIFY_ERROR_NETWORK: emnify_status = 10;
/// No secure connection: the certificate or the handshake was not acceptable.
pub const EMNIFY_ERROR_TLS: emnify_status = 11;
/// The certificate's dates and this device's clock disagree. Usually the clock is wrong.
pub const EMNIFY_ERROR_CLOCK: emnify_status = 12;
/// The call took longer than timeout_ms. What was sent may have been done.
pub const EMNIFY_ERROR_TIMEOUT: emnify_status = 13;
/// emnify_cancel was called, and not yet emnify_resume. What was sent may have been done.
pub const EMNIFY_ERROR_CANCELLED: emnify_status = 14;
/// What had to be stored was not: the emnify_keep_fn of emnify_application_token_rotate did not
/// return 0.
pub const EMNIFY_ERROR_STORAGE: emnify_status = 15;
/// The buffer of emnify_auth_token_copy is too small; *out_length says how long the token is.
pub const EMNIFY_ERROR_BUFFER_TOO_SMALL: emnify_status = 16;
/// A defect of this library. The process and the client go on. Please report it.
pub const EMNIFY_ERROR_INTERNAL: emnify_status = 17;

/// The name of a status, such as "EMNIFY_ERROR_NETWORK"; "EMNIFY_ERROR_UNKNOWN" for a number that
/// is none. Never NULL. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_status_name(status: emnify_status) -> *const c_char {
    name(status).as_ptr()
}

fn name(status: emnify_status) -> &'static CStr {
    match status {
        EMNIFY_OK => c"EMNIFY_OK",
        EMNIFY_ERROR_INVALID_ARGUMENT => c"EMNIFY_ERROR_INVALID_ARGUMENT",
        EMNIFY_ERROR_UNAUTHORIZED => c"EMNIFY_ERROR_UNAUTHORIZED",
        EMNIFY_ERROR_ACCOUNT_LOCKED => c"EMNIFY_ERROR_ACCOUNT_LOCKED",
        EMNIFY_ERROR_MFA_REQUIRED => c"EMNIFY_ERROR_MFA_REQUIRED",
        EMNIFY_ERROR_FORBIDDEN => c"EMNIFY_ERROR_FORBIDDEN",
        EMNIFY_ERROR_RATE_LIMITED => c"EMNIFY_ERROR_RATE_LIMITED",
        EMNIFY_ERROR_REJECTED => c"EMNIFY_ERROR_REJECTED",
        EMNIFY_ERROR_SERVER => c"EMNIFY_ERROR_SERVER",
        EMNIFY_ERROR_BAD_RESPONSE => c"EMNIFY_ERROR_BAD_RESPONSE",
        EMNIFY_ERROR_NETWORK => c"EMNIFY_ERROR_NETWORK",
        EMNIFY_ERROR_TLS => c"EMNIFY_ERROR_TLS",
        EMNIFY_ERROR_CLOCK => c"EMNIFY_ERROR_CLOCK",
        EMNIFY_ERROR_TIMEOUT => c"EMNIFY_ERROR_TIMEOUT",
        EMNIFY_ERROR_CANCELLED => c"EMNIFY_ERROR_CANCELLED",
        EMNIFY_ERROR_STORAGE => c"EMNIFY_ERROR_STORAGE",
        EMNIFY_ERROR_BUFFER_TOO_SMALL => c"EMNIFY_ERROR_BUFFER_TOO_SMALL",
        EMNIFY_ERROR_INTERNAL => c"EMNIFY_ERROR_INTERNAL",
        _ => c"EMNIFY_ERROR_UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn the_kinds_of_the_rust_api_are_the_statuses_by_name_and_number() {
        let kinds = [
            ErrorKind::InvalidArgument,
            ErrorKind::Unauthorized,
            ErrorKind::AccountLocked,
            ErrorKind::MfaRequired,
            ErrorKind::Forbidden,
            ErrorKind::RateLimited,
            ErrorKind::Rejected,
            ErrorKind::Server,
            ErrorKind::BadResponse,
            ErrorKind::Network,
            ErrorKind::Tls,
            ErrorKind::Clock,
            ErrorKind::Timeout,
            ErrorKind::Cancelled,
            ErrorKind::Storage,
            ErrorKind::BufferTooSmall,
            ErrorKind::Internal,
        ];
        for (number, kind) in (1..).zip(kinds) {
            assert_eq!(kind as i32, number);
            let plain = |name: &str| name.replace('_', "").to_lowercase();
            let name = name(number).to_str().unwrap().strip_prefix("EMNIFY_ERROR_").unwrap();
            assert_eq!(plain(name), plain(&format!("{kind:?}")));
        }
        assert_eq!(name(18), c"EMNIFY_ERROR_UNKNOWN");
        assert_eq!(name(-1), c"EMNIFY_ERROR_UNKNOWN");
    }
}
