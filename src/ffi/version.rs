//! Which version of the library this is.

use std::ffi::{CStr, c_char};

/// The major version of this header, as a number.
pub const EMNIFY_VERSION_MAJOR: u32 = 0;
/// The minor version of this header, as a number. Before 1.0 it may change the interface.
pub const EMNIFY_VERSION_MINOR: u32 = 1;
/// The patch version of this header, as a number.
pub const EMNIFY_VERSION_PATCH: u32 = 0;
/// The version of this header as one number that grows, for comparing: major * 65536 + minor * 256 +
/// patch.
pub const EMNIFY_VERSION_NUMBER: u32 = 0x0000_0100;

const TEXT: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    };

/// The version of the library that is linked, such as "0.1.0"; EMNIFY_VERSION is that of the header.
/// Never NULL. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_version() -> *const c_char {
    TEXT.as_ptr()
}

/// The version of the library that is linked, major * 65536 + minor * 256 + patch; that of the
/// header is EMNIFY_VERSION_NUMBER.
#[unsafe(no_mangle)]
pub extern "C" fn emnify_version_number() -> u32 {
    EMNIFY_VERSION_NUMBER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_the_version_of_the_package() {
        let parts = format!("{EMNIFY_VERSION_MAJOR}.{EMNIFY_VERSION_MINOR}.{EMNIFY_VERSION_PATCH}");
        assert_eq!(parts, env!("CARGO_PKG_VERSION"));
        assert_eq!(TEXT.to_str().unwrap(), parts);
        let number =
            EMNIFY_VERSION_MAJOR * 65_536 + EMNIFY_VERSION_MINOR * 256 + EMNIFY_VERSION_PATCH;
        assert_eq!(EMNIFY_VERSION_NUMBER, number);
    }
}
