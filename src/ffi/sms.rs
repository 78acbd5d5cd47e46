//! SMS to an endpoint.

use std::ffi::c_char;

use super::client::emnify_client;
use super::error::emnify_error;
use super::status::emnify_status;
use super::{argument, boundary};

/// Sends an SMS with the text to the endpoint with this id; *out_sms_id (may be NULL) is the id of
/// the SMS. EMNIFY_OK says that the service took it, not that it was delivered. Sent once at most:
/// where the answer is lost (_SERVER, _BAD_RESPONSE, _NETWORK, _TIMEOUT, _CANCELLED), the SMS may
/// have gone out all the same.
///
/// The service sends one SMS: at most 160 characters of the GSM alphabet, or 70 where there are others
/// among them. The length is not checked here.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT for a text that is NULL, empty or not UTF-8;
/// _REJECTED where there is no such endpoint; _BAD_RESPONSE where the SMS was taken and its id not
/// said; those of emnify_request and emnify_response_check.
///
/// # Safety
///
/// The text is NULL or ends in a NUL; the out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_send_sms(
    client: *mut emnify_client,
    endpoint_id: u64,
    text: *const c_char,
    out_sms_id: *mut u64,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_sms_id, 0);
        boundary::run(out_error, || {
            let client = argument::client(client)?;
            let id = client.send_sms(endpoint_id, argument::text(text, "text")?)?;
            boundary::set(out_sms_id, id);
            Ok(())
        })
    }
}
