//! That doxygen makes the reference of both headers without a warning, and so that everything in them
//! is documented.

mod support;

use std::process::Command;

use support::{have, root};

/// Runs doxygen over `input` with the settings of the project, and returns what it said.
fn doxygen(input: &str) -> (bool, String, tempfile::TempDir) {
    let output = tempfile::TempDir::new().expect("a temporary folder can be made");
    let settings = std::fs::read_to_string(root().join("Doxyfile")).expect("it is there");
    let settings = format!(
        "{settings}\nOUTPUT_DIRECTORY = \"{}\"\nINPUT = \"{input}\"\n",
        output.path().display()
    );
    let file = output.path().join("Doxyfile");
    std::fs::write(&file, settings).expect("the folder can be written to");
    let run = Command::new("doxygen").arg(file).current_dir(root()).output().expect("it runs");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.status.success(), said, output)
}

#[test]
fn it_makes_the_reference_without_a_warning() {
    if !have(&["doxygen"]) {
        return;
    }
    let (success, said, output) = doxygen("include");
    assert!(success && said.is_empty(), "{said}");
    // Not only without a warning, but with what is in the headers.
    let pages = ["emnify_8h.html", "emnify_8hpp.html", "structemnify__config.html"];
    for page in pages.iter().chain(&["classemnify_1_1client.html"]) {
        assert!(output.path().join("html").join(page).exists(), "{page} is missing");
    }
    let page = std::fs::read_to_string(output.path().join("html/emnify_8h.html"));
    let page = page.expect("it was made");
    let functions = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("it is there");
    for function in functions.lines() {
        assert!(page.contains(&format!(">{function}</")), "{function} is not in the reference");
    }
    // What is meant as it stands: neither *out_id nor _NETWORK is emphasis.
    for text in ["*out_id (may be NULL)", "*out_length (may be NULL)", "_NETWORK, _TLS"] {
        assert!(page.contains(text), "{text} was taken for something else");
    }
}

/// A check that cannot fail would be worth nothing.
#[test]
fn it_would_find_what_is_not_documented() {
    if !have(&["doxygen"]) {
        return;
    }
    let header = std::fs::read_to_string(root().join("include/emnify.h")).expect("it is there");
    let input = tempfile::TempDir::new().expect("a temporary folder can be made");
    let without = header.replacen(
        "void emnify_free(void *object);",
        "void emnify_free(void *object);\nvoid emnify_nobody_knows(void);",
        1,
    );
    assert!(without != header, "the header was read wrongly");
    let file = input.path().join("emnify.h");
    std::fs::write(&file, without).expect("it can be written");
    let (success, said, _output) = doxygen(&file.display().to_string());
    assert!(!success && said.contains("emnify_nobody_knows"), "{said}");
}
