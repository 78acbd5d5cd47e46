//! Where C ends and Rust begins.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::emnify_error;
use super::status::{EMNIFY_OK, emnify_status};
use crate::{Error, ErrorKind};

/// Runs `work` for a function that returns a status, with what all of those promise: `*out_error`
/// is NULL first, holds an error afterwards exactly if the status is not OK, and a panic becomes
/// `INTERNAL`.
///
/// # Safety
///
/// `out_error` is NULL or valid for writing a pointer.
#[inline]
pub(super) unsafe fn run(
    out_error: *mut *mut emnify_error,
    work: impl FnOnce() -> Result<(), Error>,
) -> emnify_status {
    // SAFETY: as the caller promises.
    unsafe { set(out_error, std::ptr::null_mut()) };
    // Unwind safe: a panic leaves no half-changed state behind, since the Rust API guards its own
    // (a leader that panics is replaced), and the objects here are only moved in when complete.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => EMNIFY_OK,
        // SAFETY: as the caller promises.
        Ok(Err(error)) => unsafe { fail(out_error, error) },
        // SAFETY: as the caller promises.
        Err(_panic) => unsafe { fail(out_error, panicked()) },
    }
}

/// Runs `work` for a function that returns a value and has no error to give; `otherwise` after
/// a panic.
#[inline]
pub(super) fn value<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

#[cold]
unsafe fn fail(out_error: *mut *mut emnify_error, error: Error) -> emnify_status {
    let status = error.kind() as emnify_status;
    if !out_error.is_null() {
        let object = catch_unwind(|| super::error::hand_out(error));
        // SAFETY: not NULL, and the caller promises the rest.
        unsafe { set(out_error, object.unwrap_or(std::ptr::null_mut())) };
    }
    status
}

fn panicked() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a defect of this library was caught; the process and the client go on, please report it",
    )
}

/// Writes `value` where `out` points, unless that is NULL.
///
/// # Safety
///
/// `out` is NULL or valid for writing a `T`; what is there before is not read.
#[inline]
pub(super) unsafe fn set<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, and the caller promises the rest.
        unsafe { out.write(value) };
    }
}
