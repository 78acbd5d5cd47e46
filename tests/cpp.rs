//! `include/emnify.hpp`: that every compiler takes it in every standard, with and without
//! exceptions, and what programs that use all of it see and send.

#[path = "support/one_time_codes.rs"]
mod one_time_codes;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};
use support::{Link, Outcome, Program, STRICT, Source, have, must, root, stage};

const COMPILERS: [&str; 2] = ["g++", "clang++"];
// C++23 by the name that compilers of its time know as well.
const STANDARDS: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++2b"];
const STRICTER: [&str; 5] =
    ["-Wconversion", "-Wshadow", "-Wnon-virtual-dtor", "-Wold-style-cast", "-Wundef"];
const WITHOUT_EXCEPTIONS: [&str; 2] = ["-fno-exceptions", "-fno-rtti"];

fn file(name: &str) -> PathBuf {
    root().join("tests/cpp").join(name)
}

fn source(names: &[&str], compiler: &str, standard: &str) -> Source {
    let files: Vec<_> = names.iter().map(|name| file(name)).collect();
    let source = Source::files(files, compiler, Link::Shared).flag(&format!("-std={standard}"));
    STRICTER.iter().fold(source, |source, flag| source.flag(flag))
}

/// The environment that a program without settings of its own finds.
fn environment(sim: &Simulator) -> [String; 3] {
    [
        "env".into(),
        format!("EMNIFY_BASE_URL={}", sim.base_url()),
        format!("EMNIFY_APPLICATION_TOKEN={DEFAULT_APPLICATION_TOKEN}"),
    ]
}

fn simulator() -> Simulator {
    let sim = Simulator::builder().no_sign_in_limit().start().expect("a simulator starts");
    sim.always("/api/v1/with-nul", Answer::status(200).body("text/plain", *b"ab\0cd"));
    sim.always("/api/v1/slow", Answer::pass().delay(Duration::from_secs(10)));
    sim
}

fn run(program: &Program, wrapper: &[&str]) -> Outcome {
    let sim = simulator();
    let environment = environment(&sim);
    let wrapper: Vec<&str> =
        environment.iter().map(String::as_str).chain(wrapper.iter().copied()).collect();
    let outcome = one_time_codes::during(&sim, program.directory(), || {
        program.run_under(&wrapper, &[sim.base_url()])
    });
    outcome.expect_success("the program");
    assert_eq!(sim.violations(), Vec::<String>::new());
    outcome
}

#[test]
fn every_compiler_takes_it_in_every_standard() {
    let alone = tempfile::NamedTempFile::with_suffix(".cpp").expect("a temporary file can be made");
    std::fs::write(alone.path(), "#include <emnify.hpp>\n").expect("it can be written");
    for compiler in COMPILERS {
        if !have(&[compiler]) {
            continue;
        }
        let syntax = |standard: &str, flags: &[&str], file: &Path| {
            let mut command = Command::new(compiler);
            command.arg(format!("-std={standard}")).args(STRICT).args(STRICTER).args(flags);
            must(command.arg("-I").arg(root().join("include")).arg("-fsyntax-only").arg(file));
        };
        for standard in STANDARDS {
            syntax(standard, &[], alone.path());
            syntax(standard, &WITHOUT_EXCEPTIONS, alone.path());
        }
        // With all that it has in use; as C++11 when the programs are built to be run.
        syntax("c++2b", &[], &file("with_exceptions.cpp"));
        syntax("c++2b", &WITHOUT_EXCEPTIONS, &file("results.cpp"));
        syntax("c++17", &[], &file("results.cpp"));
    }
}

#[test]
fn a_result_that_is_not_looked_at_is_warned_of() {
    let ignoring = "#include <emnify.hpp>\nvoid f(const emnify::client &c);\n\
                    void f(const emnify::client &c) { c.try_auth_token(); }\n";
    let source = tempfile::NamedTempFile::with_suffix(".cpp").expect("a temporary file");
    std::fs::write(source.path(), ignoring).expect("it can be written");
    for compiler in COMPILERS {
        if !have(&[compiler]) {
            continue;
        }
        for standard in ["c++11", "c++20"] {
            let mut command = Command::new(compiler);
            command.args([&format!("-std={standard}"), "-fsyntax-only", "-I"]);
            let output = command.arg(root().join("include")).arg(source.path()).output();
            let warnings = String::from_utf8_lossy(&output.expect("it runs").stderr).into_owned();
            assert!(
                warnings.contains("ignoring return value"),
                "{compiler} {standard}: {warnings}"
            );
        }
    }
}

#[test]
fn a_program_that_uses_all_of_it_with_exceptions_works() {
    if have(&["clang++"]) {
        run(&source(&["with_exceptions.cpp"], "clang++", "c++11").build(), &[]);
    }
    run_sanitized("with_exceptions.cpp", "c++20", &[]);
}

#[test]
fn a_program_that_uses_all_of_it_without_exceptions_works() {
    run_sanitized("results.cpp", "c++11", &WITHOUT_EXCEPTIONS);
}

fn run_sanitized(name: &str, standard: &str, flags: &[&str]) {
    if !have(&["g++"]) {
        return;
    }
    let source = source(&[name], "g++", standard)
        .flag("-fsanitize=address,undefined")
        .flag("-fno-sanitize-recover=all");
    let program = flags.iter().fold(source, |source, flag| source.flag(flag)).build();
    let symbols = must(Command::new("nm").arg(program.path()));
    assert!(symbols.contains("__asan_init") && symbols.contains("__ubsan_handle"), "{name}");
    run(&program, &["ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1"]);
}

/// What guards callbacks against exceptions in one file must not be replaced by what does not in
/// the other, in whatever order they are linked.
#[test]
fn files_with_and_without_exceptions_go_into_one_program() {
    if !have(&["g++"]) {
        return;
    }
    for order in [["one.cpp", "two.cpp"], ["two.cpp", "one.cpp"]] {
        for flags in [&[][..], &WITHOUT_EXCEPTIONS[..]] {
            let directory = tempfile::TempDir::new().expect("a temporary folder can be made");
            let objects = order.map(|name| {
                let object = directory.path().join(name).with_extension("o");
                let mut command = Command::new("g++");
                command.args(STRICT).args(["-std=c++11", "-c", "-I"]);
                command.arg(stage().join("include"));
                command.args(if name == "two.cpp" { flags } else { &[] });
                must(command.arg(file(name)).arg("-o").arg(&object));
                object
            });
            let program = Source::files(objects, "g++", Link::Shared).build();
            // One of its own each time: three refusals lock the account.
            program.run(&[simulator().base_url()]).expect_success("two files");
        }
    }
}

#[test]
fn it_is_ascii_and_has_no_long_lines() {
    let header = std::fs::read_to_string(root().join("include/emnify.hpp")).expect("it is there");
    for line in header.lines() {
        assert!(line.is_ascii() && !line.contains('\t') && line.len() <= 100, "{line}");
    }
}

/// Whoever adds a function to the one thinks of the other.
#[test]
fn every_function_of_the_c_header_is_used() {
    let header = std::fs::read_to_string(root().join("include/emnify.hpp")).expect("it is there");
    let functions = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("it is there");
    for function in functions.lines().filter(|name| *name != "emnify_version_number") {
        let called = [format!("{function}("), format!("{function},")];
        assert!(
            called.iter().any(|call| header.contains(call)),
            "{function} is in no C++ function"
        );
    }
}
