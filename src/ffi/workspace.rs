//! Acting in another workspace.

use super::client::emnify_client;
use super::error::emnify_error;
use super::status::emnify_status;
use super::{argument, boundary, object};

/// Makes a client for another workspace (organisation) and stores it in *out_client, for you to
/// release with emnify_free. It has a token and a renewal of its own, on the session and the
/// connections of client, which it keeps alive. Nothing is sent. emnify_cancel on either ends the
/// calls of both.
///
/// Its settings are those of client, log and log_context included.
///
/// Its calls never fall back to the home workspace. They fail with EMNIFY_ERROR_FORBIDDEN where the
/// user may not act there, and where client has an application token: only user sessions can switch.
///
/// Errors: EMNIFY_ERROR_INVALID_ARGUMENT where client is no client, or is one for a workspace
/// itself.
///
/// # Safety
///
/// The out parameters are NULL or valid for writing.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_workspace(
    client: *mut emnify_client,
    workspace_id: u64,
    out_client: *mut *mut emnify_client,
    out_error: *mut *mut emnify_error,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe {
        boundary::set(out_client, std::ptr::null_mut());
        boundary::run(out_error, || {
            argument::out(out_client, "out_client")?;
            let there = argument::client(client)?.workspace(workspace_id)?;
            boundary::set(out_client, object::add_client(there) as *mut emnify_client);
            Ok(())
        })
    }
}
