//! Names the shared object, so that programs ask for the version that they were linked with, and
//! keeps it in memory once it is there.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let [major, minor] = ["MAJOR", "MINOR"]
        .map(|part| std::env::var(format!("CARGO_PKG_VERSION_{part}")).expect("cargo sets it"));
    // Before 1.0 a minor version may change the interface.
    let version = if major == "0" { format!("{major}.{minor}") } else { major };
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libemnify.so.{version}");
        // A look-up that the system has not finished runs on a thread of ours, and so may a call
        // of another thread: dlclose must not take the code from under them.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
