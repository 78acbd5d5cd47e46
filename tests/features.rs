//! What each choice of features brings into a program.

use std::process::Command;

/// The crates that a program compiles which depends on `emnify` so, each with its features.
fn compiled(package: &str, options: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", package])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p} [{f}]"])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn names(crates: &[String]) -> Vec<&str> {
    crates.iter().filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn a_plain_rust_program_compiles_no_c_layer_and_nothing_that_makes_its_header() {
    for options in [&["--no-default-features", "--features", "rustls"][..], &[]] {
        let crates = compiled("emnify", options);
        let own = &crates[0];
        assert!(own.starts_with("emnify v"), "{own}");
        for feature in ["capi", "headergen", "simulation"] {
            assert!(!own.contains(feature), "{own}");
        }
        assert!(!names(&crates).contains(&"cbindgen"), "{crates:?}");
    }
}

#[test]
fn no_choice_of_features_brings_an_async_runtime_or_a_second_tls_library() {
    for (package, options) in [("emnify", &["--all-features"][..]), ("emnify-capi", &[])] {
        let crates = compiled(package, options);
        let names = names(&crates);
        assert!(names.contains(&"ureq") && names.contains(&"ring"), "{names:?}");
        for heavy in ["tokio", "openssl-sys", "aws-lc-sys", "bindgen", "cmake", "hyper"] {
            assert!(!names.contains(&heavy), "{heavy}: {names:?}");
        }
    }
}
