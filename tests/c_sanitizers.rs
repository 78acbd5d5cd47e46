//! The C programs again, with something that looks on: valgrind, and the sanitizers of the compilers
//! on the C side.

mod support;

use std::process::Command;
use std::time::Duration;

use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};
use support::{Link, Program, Source, have, must};

const AUTHENTICATE: &str = "/api/v1/authenticate";

/// Runs `program` under `wrapper` against a simulator that does what the program needs. Plain HTTP:
/// the assembly of the TLS library reads what valgrind takes for uninitialised.
fn run(name: &str, program: &Program, wrapper: &[&str]) {
    let sim = Simulator::builder().no_sign_in_limit().start().expect("a simulator starts");
    let base = sim.base_url();
    let directory = program.directory().to_str().expect("UTF-8").to_owned();
    let arguments: Vec<&str> = match name {
        "tokens" => {
            sim.always("/api/v1/with-nul", Answer::status(200).body("text/plain", *b"ab\0cd"));
            sim.always("/api/v1/empty", Answer::status(204));
            vec![&base, "application", DEFAULT_APPLICATION_TOKEN]
        }
        "errors" => {
            sim.always(AUTHENTICATE, Answer::status(503).header("Retry-After", "7"));
            vec![&base, "EMNIFY_ERROR_SERVER", "503", "0", "1", "1", "11", "1", "HTTP 503", "60000"]
        }
        "log" => {
            sim.next(AUTHENTICATE, Answer::status(503));
            vec![&base]
        }
        "misuse" => vec![&base, &directory],
        "lifetimes" => {
            sim.always(AUTHENTICATE, Answer::pass().delay(Duration::from_millis(200)));
            sim.always("/api/v1/hangs", Answer::hang());
            vec![&base]
        }
        "threads" => {
            sim.next(AUTHENTICATE, Answer::pass().delay(Duration::from_millis(300)));
            vec![&base]
        }
        _ => vec![&base],
    };
    let outcome = program.run_under(wrapper, &arguments);
    outcome.expect_success(name);
    assert!(!outcome.stderr.contains("ERROR: "), "{name}: {}", outcome.stderr);
}

#[test]
fn valgrind_finds_no_error_and_no_leak() {
    /// What is pointed to in its middle only is "possibly lost", and an error as well.
    const MEMCHECK: [&str; 9] = [
        "env",
        "FEW_ROUNDS=1",
        "valgrind",
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
        "--show-leak-kinds=definite,indirect,possible",
        "--fair-sched=yes",
    ];
    if !have(&["valgrind"]) {
        return;
    }
    for name in ["tokens", "misuse", "errors", "log", "callbacks", "threads"] {
        run(name, &Source::c(name, Link::Shared).build(), &MEMCHECK);
    }
    // It ends while it holds clients.
    let held = MEMCHECK.map(|word| word.strip_suffix(",possible").unwrap_or(word));
    run("lifetimes", &Source::c("lifetimes", Link::Shared).build(), &held);
}

/// The registry of the library, which knows all objects, must not hide them from these tools.
#[test]
fn what_a_program_forgets_to_release_is_found_by_the_tools_that_look_for_leaks() {
    if !have(&["valgrind"]) || !has_runtime("gcc") {
        return;
    }
    let sim = Simulator::builder().no_sign_in_limit().start().expect("a simulator starts");
    let plain = Source::c("leaks", Link::Shared).build();
    let sanitized = Source::c("leaks", Link::Shared).flag("-fsanitize=address").build();
    let memcheck = ["valgrind", "--quiet", "--leak-check=full"].as_slice();
    let outcome = plain.run_under(memcheck, &[&sim.base_url(), "held"]);
    assert_eq!(outcome.stderr, "", "what is held is not lost, not even possibly");
    for forgotten in ["nothing", "token", "error", "response", "list", "client"] {
        for (program, wrapper, word) in [
            (&plain, memcheck, "definitely lost"),
            (&sanitized, &["env", "ASAN_OPTIONS=detect_leaks=1"], "Direct leak"),
        ] {
            let outcome = program.run_under(wrapper, &[&sim.base_url(), forgotten]);
            let found = outcome.stderr.matches(word).count();
            let expected = usize::from(forgotten != "nothing");
            assert_eq!(found, expected, "{forgotten} with {wrapper:?}: {}", outcome.stderr);
        }
    }
}

/// Not `fork`: a thread may hold a lock of the sanitizer itself at that moment (seen with gcc 12:
/// the one of its store of stack traces), and the child then waits for it in its first `malloc`.
/// `c_process` runs that program with the C library's `malloc`, which may be used in a child.
#[test]
fn the_sanitizers_of_gcc_find_nothing() {
    let names = ["tokens", "misuse", "errors", "log", "callbacks", "threads", "lifetimes"];
    sanitized("gcc", &names);
}

#[test]
fn the_sanitizers_of_clang_find_nothing() {
    sanitized("clang", &["tokens", "misuse", "threads", "lifetimes"]);
}

fn sanitized(compiler: &str, names: &[&str]) {
    if !have(&[compiler]) || !has_runtime(compiler) {
        return;
    }
    for name in names {
        let program = Source::c(name, Link::Shared)
            .compiler(compiler)
            .flag("-fsanitize=address,undefined")
            .flag("-fno-sanitize-recover=all")
            .flag("-fno-omit-frame-pointer")
            .build();
        // A flag that a compiler ignored would find nothing, too.
        let symbols = must(Command::new("nm").arg(program.path()));
        for part in ["__asan_init", "__ubsan_handle"] {
            assert!(symbols.contains(part), "{compiler} built {name} without {part}");
        }
        run(
            name,
            &program,
            &["env", "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1"],
        );
    }
}

/// The sanitizers' own library is a package apart from clang.
fn has_runtime(compiler: &str) -> bool {
    let runtime = match compiler {
        "clang" => "libclang_rt.asan-x86_64.a",
        _ => "libasan.so",
    };
    let path = must(Command::new(compiler).arg(format!("-print-file-name={runtime}")));
    // A name that is not found comes back as it is.
    let found = path.trim().starts_with('/') || !cfg!(target_arch = "x86_64");
    assert!(found || std::env::var_os("CI").is_none(), "the sanitizers of {compiler} are missing");
    if !found {
        println!("skipped: the sanitizers of {compiler} are not installed");
    }
    found
}
