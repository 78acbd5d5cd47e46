//! Texts for C: owned ones, and those of other objects.

use std::ffi::{CString, c_char};

use zeroize::{Zeroize, Zeroizing};

use super::object;
use super::{argument, boundary};
use crate::collected::to_json;
use crate::sys;

/// A text that C owns until it is released, and that is wiped then.
pub(super) struct Text(
    /// Three words, the text, and a NUL.
    Box<[u8]>,
);

/// Before a text, as before some strings of C++: its length, what there is room for, and 0.
const PREFIX: usize = 3 * size_of::<usize>();

impl Text {
    #[inline]
    pub(super) fn new(text: &str) -> Self {
        // One allocation of the right size: a vector that grew would leave copies behind.
        let mut bytes = Vec::with_capacity(PREFIX + text.len() + 1);
        for word in [text.len(), text.len(), 0] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        Self(bytes.into_boxed_slice())
    }

    pub(super) fn as_ptr(&self) -> *const c_char {
        self.0[PREFIX..].as_ptr().cast()
    }

    /// Where the text begins, to be given back to [`from_address`](Self::from_address), which alone
    /// has it wiped.
    #[inline]
    pub(super) fn into_address(mut self) -> usize {
        Box::into_raw(std::mem::take(&mut self.0)) as *mut u8 as usize + PREFIX
    }

    /// # Safety
    ///
    /// `address` comes from [`into_address`](Self::into_address), and was not given back before.
    #[inline]
    pub(super) unsafe fn from_address(address: usize) -> Self {
        let allocation = (address - PREFIX) as *mut u8;
        // SAFETY: the allocation is alive and begins with its length.
        unsafe {
            let length = PREFIX + allocation.cast::<usize>().read_unaligned() + 1;
            Self(Box::from_raw(std::ptr::slice_from_raw_parts_mut(allocation, length)))
        }
    }
}

impl Drop for Text {
    #[inline]
    fn drop(&mut self) {
        sys::wipe(&mut self.0);
    }
}

/// Registers a copy of `text` for C to own.
pub(super) fn hand_out(text: &str) -> *mut c_char {
    object::add_text(Text::new(text)) as *mut c_char
}

/// `text` up to its first NUL, for an object to keep and to lend.
pub(super) fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// The text as a JSON string with its quotes, for putting together a json_body: a"b becomes
/// "a\"b". NULL where the text is NULL or not UTF-8. Release the result with emnify_free.
///
/// # Safety
///
/// `text` is NULL or a text that ends in a NUL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_json_quote(text: *const c_char) -> *mut c_char {
    // SAFETY: as the caller promises.
    unsafe { transformed(text, |text| to_json(&text).ok()) }
}

/// The text with everything escaped that means something in a URL, for putting together a path
/// or a query: a b/c becomes a%20b%2Fc. NULL where the text is NULL or not UTF-8. Release the result
/// with emnify_free.
///
/// # Safety
///
/// `text` is NULL or a text that ends in a NUL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn emnify_url_escape(text: *const c_char) -> *mut c_char {
    // SAFETY: as the caller promises.
    unsafe { transformed(text, |text| Some(crate::url_escape(text))) }
}

/// Hands out what `transform` makes of a text; NULL where there is none, or nothing can be made of it.
unsafe fn transformed<T: AsRef<[u8]> + Zeroize>(
    text: *const c_char,
    transform: impl FnOnce(&str) -> Option<T>,
) -> *mut c_char {
    boundary::value(std::ptr::null_mut(), || {
        // SAFETY: as the caller promises.
        let text = unsafe { argument::text(text, "text") }.ok();
        let new = text.and_then(transform).map(Zeroizing::new);
        match new.as_ref().and_then(|new| std::str::from_utf8((**new).as_ref()).ok()) {
            Some(new) => hand_out(new),
            None => std::ptr::null_mut(),
        }
    })
}
