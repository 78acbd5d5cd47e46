//! `include/emnify.h`: that it is the one that `src/ffi` makes, that every compiler takes it, and that
//! it, the library and `tests/symbols.txt` name the same functions.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Link, STRICT, Source, have, must, root, shared_object, stage};
use tempfile::TempDir;

const C_COMPILERS: [&str; 2] = ["gcc", "clang"];
// Names that gcc 12 and clang 14 both know: C17 and C23 have newer ones.
const C_STANDARDS: [&str; 5] = ["c89", "c99", "c11", "c17", "c2x"];
const CXX_COMPILERS: [&str; 2] = ["g++", "clang++"];
const CXX_STANDARDS: [&str; 4] = ["c++98", "c++11", "c++17", "c++20"];

fn header() -> String {
    std::fs::read_to_string(root().join("include/emnify.h")).expect("the header is there")
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a temporary file can be written");
    path
}

#[test]
fn the_checked_in_header_is_the_generated_one() {
    let generated = std::fs::read_to_string(concat!(env!("OUT_DIR"), "/emnify.h"));
    let generated = generated.expect("the feature headergen makes it");
    assert!(header() == generated, "run `make header`");
    let staged = std::fs::read_to_string(stage().join("include/emnify.h"));
    assert!(header() == staged.expect("the header is installed"), "run `make stage`");
}

/// Alone, and included twice, with every field of the config at its default.
const INCLUDING: [&str; 2] = [
    "#include <emnify.h>\n",
    "#include <emnify.h>\n#include <emnify.h>\nextern emnify_config config;\n\
     emnify_config config = EMNIFY_CONFIG_INIT;\n",
];

#[test]
fn it_compiles_as_every_standard_of_c() {
    let flags = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wconversion", "-Wcast-qual"];
    let flags = [&STRICT[..], &flags].concat();
    compiles(&C_COMPILERS, &C_STANDARDS, "c", &flags);
}

#[test]
fn it_compiles_as_every_standard_of_cxx() {
    let flags = [&STRICT[..], &["-Wconversion", "-Wold-style-cast"]].concat();
    compiles(&CXX_COMPILERS, &CXX_STANDARDS, "cc", &flags);
}

fn compiles(compilers: &[&str], standards: &[&str], extension: &str, flags: &[&str]) {
    let directory = TempDir::new().expect("a temporary folder can be made");
    for compiler in compilers {
        if !have(&[compiler]) {
            continue;
        }
        for standard in standards {
            for (number, text) in INCLUDING.iter().enumerate() {
                let file = write(directory.path(), &format!("{number}.{extension}"), text);
                let mut command = Command::new(compiler);
                command.arg(format!("-std={standard}")).args(flags).arg("-fsyntax-only");
                must(command.arg("-I").arg(root().join("include")).arg(file));
            }
        }
    }
}

#[test]
fn the_layout_is_the_same_on_32_and_64_bits() {
    let source = root().join("tests/c/abi.c");
    Source::files([source.clone()], "gcc", Link::Shared).flag("-std=c89").build();
    let mut syntax_only = Command::new("gcc");
    syntax_only.args(["-m32", "-fsyntax-only", "-std=c89"]).args(STRICT);
    syntax_only.arg("-I").arg(root().join("include"));
    // The C library's own headers for 32 bits are a package of their own.
    let probe = TempDir::new().expect("a temporary folder can be made");
    let probe = write(probe.path(), "probe.c", "#include <stdint.h>\n");
    let there = Command::new("gcc").args(["-m32", "-fsyntax-only"]).arg(probe).output();
    if there.is_ok_and(|output| output.status.success()) {
        must(syntax_only.arg(source));
    } else {
        println!("skipped: libc6-dev-i386 is not installed");
    }
}

#[test]
fn two_files_that_include_it_link_into_one_program() {
    let directory = TempDir::new().expect("a temporary folder can be made");
    let other = "#include <emnify.h>\nconst char *other(void);\n\
                 const char *other(void) { return emnify_version(); }\n";
    let main = "#include <emnify.h>\nconst char *other(void);\n\
                int main(void) { return other() == emnify_version() ? 0 : 1; }\n";
    for (compiler, extension) in [("gcc", "c"), ("g++", "cc")] {
        for link in [Link::Shared, Link::Static] {
            let files = [("other", other), ("main", main)];
            let files = files
                .map(|(name, text)| write(directory.path(), &format!("{name}.{extension}"), text));
            Source::files(files, compiler, link).build().run::<&str>(&[]).expect_success("links");
        }
    }
}

#[test]
fn it_is_ascii_and_has_no_long_lines() {
    for line in header().lines() {
        assert!(line.is_ascii() && !line.contains('\t') && line.len() <= 102, "{line}");
    }
}

#[test]
fn header_library_and_list_name_the_same_functions() {
    let nm = must(Command::new("nm").args(["-D", "--defined-only"]).arg(shared_object()));
    let exported: BTreeSet<_> =
        nm.lines().filter_map(|line| line.split_whitespace().last()).map(String::from).collect();
    let listed = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("it is there");
    let listed: BTreeSet<_> = listed.lines().map(String::from).collect();
    let declared: BTreeSet<_> = functions(&header()).into_iter().map(|f| f.name).collect();
    assert!(exported.iter().all(|name| name.starts_with("emnify_")), "{exported:?}");
    assert_eq!(exported, listed);
    assert_eq!(declared, listed);
}

#[test]
fn the_shared_object_has_a_soname_and_stays_in_memory() {
    let dynamic = must(Command::new("readelf").arg("-d").arg(shared_object()));
    assert!(dynamic.contains("Library soname: [libemnify.so.0.1]"), "{dynamic}");
    // Threads may still be in it when it is closed.
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

struct Function {
    comment: String,
    declaration: String,
    name: String,
}

/// The functions of the header with the comments above them.
fn functions(header: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut rest = header;
    while let Some(start) = rest.find("/**\n") {
        let (before, from) = rest.split_at(start);
        found.extend(declared(before, &comment));
        let end = from.find("*/").expect("a comment ends") + 2;
        comment = from[..end].to_owned();
        rest = &from[end..];
    }
    found.extend(declared(rest, &comment));
    found
}

fn declared(code: &str, comment: &str) -> Option<Function> {
    let code = code.split("#ifdef").next().unwrap_or_default().trim();
    if code.starts_with("typedef") || code.contains('{') {
        return None;
    }
    let start = code.find("emnify_").filter(|_| code.ends_with(");"))?;
    let open = code[start..].find('(')? + start;
    let name = code[..open].rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
    Some(Function { comment: comment.into(), declaration: code.into(), name: name.into() })
}

#[test]
fn every_function_says_what_null_and_failure_mean() {
    let functions = functions(&header());
    assert!(functions.len() > 20, "the header was read wrongly");
    for Function { comment, declaration, name } in functions {
        assert!(comment.len() > 60, "{name} has no comment to speak of");
        let (result, parameters) = declaration.split_once('(').expect("a function");
        let warns = result.starts_with("EMNIFY_WARN_UNUSED_RESULT");
        let result = result.trim_start_matches("EMNIFY_WARN_UNUSED_RESULT").trim();
        if result.starts_with("emnify_status ") {
            let said = comment.contains("Errors:") || comment.contains("NULL: EMNIFY_");
            assert!(said, "{name} does not say how it fails");
        } else if parameters.contains('*') {
            assert!(comment.contains("NULL"), "{name} does not say what NULL does");
        }
        if result.contains("char *") {
            let owner = comment.contains("Lives") || comment.contains("emnify_free");
            assert!(owner, "{name} does not say whose its text is");
        }
        // Where memory is handed out or an error, not looking at the result is a mistake.
        let matters = parameters.contains("**out_") || result.starts_with("char *");
        assert_eq!(matters, warns, "{name}: to warn of a result that is not looked at");
    }
}

#[test]
fn the_version_is_the_packages_in_every_form() {
    let directory = TempDir::new().expect("a temporary folder can be made");
    let [major, minor, patch] = ["MAJOR", "MINOR", "PATCH"].map(|part| match part {
        "MAJOR" => env!("CARGO_PKG_VERSION_MAJOR"),
        "MINOR" => env!("CARGO_PKG_VERSION_MINOR"),
        _ => env!("CARGO_PKG_VERSION_PATCH"),
    });
    let text = format!(
        "#include <stdio.h>\n#include <string.h>\n#include <emnify.h>\n\
         #if EMNIFY_VERSION_NUMBER != EMNIFY_VERSION_MAJOR * 65536 + EMNIFY_VERSION_MINOR * 256 + \
         EMNIFY_VERSION_PATCH\n#error the number is not made of the parts\n#endif\n\
         int main(void) {{\n\
         char parts[64];\n\
         sprintf(parts, \"%d.%d.%d\", EMNIFY_VERSION_MAJOR, EMNIFY_VERSION_MINOR, \
         EMNIFY_VERSION_PATCH);\n\
         if (strcmp(parts, \"{version}\") != 0) return 1;\n\
         if (strcmp(EMNIFY_VERSION, parts) != 0) return 2;\n\
         if (strcmp(emnify_version(), parts) != 0) return 3;\n\
         if (emnify_version_number() != EMNIFY_VERSION_NUMBER) return 4;\n\
         return EMNIFY_VERSION_NUMBER == {major} * 65536 + {minor} * 256 + {patch} ? 0 : 5;\n}}\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    let file = write(directory.path(), "version.c", &text);
    let program = Source::files([file], "gcc", Link::Shared).build();
    program.run::<&str>(&[]).expect_success("each form of the version");
}

#[test]
fn the_initialiser_names_every_field_in_order() {
    let header = header();
    let fields = header
        .split("typedef struct emnify_config {")
        .nth(1)
        .and_then(|rest| rest.split("} emnify_config;").next())
        .expect("the struct")
        .lines()
        .map(str::trim)
        .filter(|line| line.ends_with(';') && !line.starts_with('*'))
        .filter_map(|line| line.trim_end_matches(';').rsplit([' ', '*']).next())
        .map(String::from)
        .collect::<Vec<_>>();
    let named = header
        .split("#define EMNIFY_CONFIG_INIT")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .expect("the macro")
        .lines()
        .filter_map(|line| line.split("/* ").nth(1)?.split(" */").next())
        .map(String::from)
        .collect::<Vec<_>>();
    assert!(fields.len() >= 21);
    assert_eq!(fields, named);
}
