//! Links the C layer of `emnify` as `libemnify.so` and `libemnify.a`. There is no code here: one
//! target that was library and shared object at once would be built without link-time
//! optimisation, and Rust programs would build a C library that they do not need.

pub use emnify_core::ffi::*;
