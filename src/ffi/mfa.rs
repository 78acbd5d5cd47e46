//! The one-time code of a second factor.

use std::ffi::c_char;

use super::client::emnify_client;
use super::error::emnify_error;
use super::status::emnify_status;
use super::{argument, boundary, text};

/// Completes a sign-in that failed with EMNIFY_ERROR_MFA_REQUIRED: sends the one-time code that the
/// user got, six digits of which leading zeros count. Then ask for the token again.
///
/// device_name (NULL for none): declares this device trusted under that name, and stores a
/// fingerprint made for it in *out_device_fingerprint, for you to release with emnify_free. Keep it
/// and give it as config.device_fingerprint: the user needs no code for 90 days. It is a secret.
/// Without a device_name, out_device_fingerprint may be NULL and gets NULL.
///
/// Errors: EMNIFY_ERROR_UNAUTHORIZED for a wrong code, after which the next one may be right;
/// _INVALID_ARGUMENT for a code that is none, where none is awaited, or where there is a device_name
/// and out_device_fingerprint is NULL; those of emnify_auth_token.
///
/// # Safety
///
/// The texts are NULL or end in a NUL; the out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_submit_mfa_code(
    client: *mut emnify_client,
    code: *const c_char,
    device_name: *const c_char,
    out_device_fingerprint: *mut *mut c_char,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_device_fingerprint, std::ptr::null_mut());
        boundary::run(out_error, || {
            let client = argument::client(client)?;
            let code = argument::text(code, "code")?;
            let device_name = argument::optional_text(device_name, "device_name")?;
            if device_name.is_some() {
                // It could not be asked for again.
                argument::out(out_device_fingerprint, "out_device_fingerprint")?;
            }
            if let Some(fingerprint) = client.submit_mfa_code(code, device_name)? {
                boundary::set(out_device_fingerprint, text::hand_out(fingerprint.as_str()));
            }
            Ok(())
        })
    }
}
