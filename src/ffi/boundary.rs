//! Where C ends and Rust begins.

use std::ffi::c_int;
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
    match caught(work) {
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
    caught(work).unwrap_or(otherwise)
}

/// Runs `work` that cannot wait, or gives `None` where it panics or does so itself; the caller then
/// takes the long way through [`run`]. It makes no system call that pthread_cancel could act in, but
/// to report a panic, so that its state may stay as it is: to change it twice would be a quarter of
/// what handing out a token costs. What does, seldom, goes through [`uncancelled`].
#[inline]
pub(super) fn at_once<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        PANIC.with(|panic| assert!(!panic.get(), "on purpose"));
        work()
    }))
    .ok()
    .flatten()
}

/// Runs a part of work [`at_once`] that pthread_cancel could act in.
#[cold]
pub(super) fn uncancelled<T>(work: impl FnOnce() -> T) -> T {
    let _uncancelled = Uncancelled::begin();
    work()
}

#[inline]
fn caught<T>(work: impl FnOnce() -> T) -> std::thread::Result<T> {
    let _uncancelled = Uncancelled::begin();
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        PANIC.with(|panic| assert!(!panic.get(), "on purpose"));
        work()
    }))
}

/// While this lives, pthread_cancel on this thread waits. It would unwind the thread from within a
/// system call, which the C library ends the process for where frames of Rust stand in between.
struct Uncancelled(c_int);

unsafe extern "C" {
    // As POSIX has it; the libc crate does not.
    #[cfg(not(target_os = "android"))]
    fn pthread_setcancelstate(state: c_int, old_state: *mut c_int) -> c_int;
}

/// Android has no pthread_cancel, and so nothing to wait with.
#[cfg(target_os = "android")]
unsafe fn pthread_setcancelstate(_: c_int, _: *mut c_int) -> c_int {
    0
}

impl Uncancelled {
    #[inline]
    fn begin() -> Self {
        let mut before = 0;
        // SAFETY: `before` is valid for writing, and the state is one that there is.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) };
        Self(before)
    }
}

impl Drop for Uncancelled {
    #[inline]
    fn drop(&mut self) {
        let mut disabled = 0;
        // SAFETY: as above; the state is the one that was found. No cancellation point itself.
        unsafe { pthread_setcancelstate(self.0, &raw mut disabled) };
    }
}

/// Linux and the BSDs number the two states one way, Apple the other.
#[cfg(not(target_vendor = "apple"))]
const PTHREAD_CANCEL_DISABLE: c_int = 1;
#[cfg(target_vendor = "apple")]
const PTHREAD_CANCEL_DISABLE: c_int = 0;

#[cfg(test)]
thread_local! {
    /// Whether each piece of work of this thread is to panic.
    pub(super) static PANIC: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
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
