//! Calls of the API with the client's token.

use std::ffi::c_char;

use super::client::emnify_client;
use super::error::emnify_error;
use super::response::{self, emnify_response};
use super::status::emnify_status;
use super::{argument, boundary};
use crate::{Error, Method};

/// Calls the API with the client's token and stores the answer in *out_response, for you to release
/// with emnify_free. Any HTTP status is a response and EMNIFY_OK; emnify_response_check makes an
/// error of one that is not 2xx.
///
/// method: "GET", "POST", "PUT", "PATCH" or "DELETE", in capitals. path: starts with "/api/" and
/// may hold a query; what is illegal in a URL is refused, so put values through emnify_url_escape.
/// json_body: JSON, or NULL for none.
///
/// A 401 replaces the token and repeats the call, once; while new tokens are refused as well, once
/// a minute at most and less and less often. GET, PUT and DELETE are repeated, once, where nothing
/// was answered on a connection that had been idle; and a few times after a 429 or 503 with a
/// Retry-After that fits into timeout_ms, for which the call waits. POST and PATCH are sent twice
/// after a 401 only. A 401 to a password or a code in the body of /api/v1/user/mfa is that one's, and
/// ends the call, unless a gateway says that it refuses the token.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT for a wrong argument; those of emnify_auth_token; and
/// _NETWORK, _TLS, _CLOCK, _BAD_RESPONSE, _TIMEOUT and _CANCELLED where no complete answer came.
///
/// # Safety
///
/// The texts are NULL or end in a NUL; the out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_request(
    client: *mut emnify_client,
    method: *const c_char,
    path: *const c_char,
    json_body: *const c_char,
    out_response: *mut *mut emnify_response,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_response, std::ptr::null_mut());
        boundary::run(out_error, || {
            argument::out(out_response, "out_response")?;
            let client = argument::client(client)?;
            let method = method_named(argument::text(method, "method")?)?;
            let request = client.request(method, argument::text(path, "path")?);
            let request = match argument::optional_text(json_body, "json_body")? {
                Some(json) => request.json_text(json),
                None => request,
            };
            boundary::set(out_response, response::hand_out(request.call()?));
            Ok(())
        })
    }
}

fn method_named(name: &str) -> Result<Method, Error> {
    let methods = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    methods.into_iter().find(|method| method.as_str() == name).ok_or_else(|| {
        Error::invalid("method must be \"GET\", \"POST\", \"PUT\", \"PATCH\" or \"DELETE\"")
    })
}
