//! One function to release everything.

use std::ffi::c_void;

use super::{boundary, object};

/// Releases anything that this library handed out: a client, a token or another text, an error, a
/// response, a list of application tokens. A text is wiped first.
///
/// NULL, a pointer that is not of this library, and one that was released before (and is not in
/// use again) do nothing. A client that another thread is using lives until that call returns; a
/// call that begins later is EMNIFY_ERROR_INVALID_ARGUMENT.
///
/// Only this function releases them: with the C library's free the program ends there and then.
/// What was not released is a leak to valgrind and to the address sanitizer.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_free(object: *mut c_void) {
    let address = object as usize;
    // A text first: nothing in its release can be cancelled in.
    let was_text = || object::remove_text(address).then_some(());
    if address != 0 && boundary::at_once(was_text).is_none() {
        boundary::value((), || object::remove(address));
    }
}
