//! C programs that look at how the library behaves as a part of their process: threads, forks,
//! signals, limits, and being loaded and unloaded.

mod support;

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use emnify_simulator::{
    Answer, DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, DEFAULT_USERNAME, Simulator,
    SimulatorBuilder,
};
use support::{Link, Source, have, must, shared_object};

const AUTHENTICATE: &str = "/api/v1/authenticate";
const BOTH: [Link; 2] = [Link::Shared, Link::Static];

fn simulator() -> Simulator {
    Simulator::builder().no_sign_in_limit().start().expect("a simulator starts")
}

/// The base URL with a name for the host, so that the name is looked up.
fn by_name(sim: &Simulator) -> String {
    sim.base_url().replace("127.0.0.1", "localhost")
}

#[test]
fn threads_share_clients_until_they_are_freed_and_are_cancelled_between_calls() {
    for link in BOTH {
        let program = Source::c("threads", link).build();
        let sim = simulator();
        // So long that all of the herd come while the first of them is signing in.
        sim.next(AUTHENTICATE, Answer::held());
        let releasing = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let held = sim.wait_for_held(1, Duration::from_secs(60));
                std::thread::sleep(Duration::from_millis(300));
                let sign_ins = sim.sign_ins();
                sim.release();
                held && sign_ins == 1
            });
            program.run(&[sim.base_url()]).expect_success("threads");
            waiting.join().expect("no panic")
        });
        assert!(releasing, "64 threads that want the first token make one sign-in");
        assert_eq!(sim.violations(), Vec::<String>::new());
    }
}

/// Signs in, sends and fails over `tls` on a thread with 64 KiB of stack.
fn with_little_stack(tls: impl Fn() -> SimulatorBuilder) {
    for link in BOTH {
        let program = Source::c("stack", link).build();
        let ca_file = program.directory().join("ca.pem");
        let sim = tls().tls(true).write_ca(&ca_file).start().expect("a simulator starts");
        let ca_file = ca_file.to_str().expect("UTF-8");
        program.run(&[&sim.base_url(), ca_file]).expect_success("stack");
        assert_eq!(sim.violations(), Vec::<String>::new());
        assert_eq!(sim.sign_ins(), 2, "the device signed in, and again when told to");
    }
}

#[test]
fn a_thread_may_have_64_kib_of_stack() {
    with_little_stack(Simulator::builder);
}

/// The real service has RSA keys and three CAs between its root and itself.
#[test]
fn a_thread_may_have_64_kib_of_stack_with_the_largest_usual_certificates() {
    if !have(&["openssl"]) {
        return;
    }
    let key = must(Command::new("openssl").args([
        "genpkey",
        "-quiet",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:4096",
    ]));
    with_little_stack(|| {
        Simulator::builder().certificate_key(&*key).intermediate_cas(3).tls12_only(true)
    });
    with_little_stack(|| Simulator::builder().certificate_key(&*key).intermediate_cas(3));
}

#[test]
fn what_is_released_with_the_c_librarys_free_ends_the_program_there_and_then() {
    if !cfg!(target_env = "gnu") {
        println!("skipped: what another C library does is not known here");
        return;
    }
    let sim = simulator();
    let program = Source::c("wrong_free", Link::Shared).build();
    for object in ["token", "error", "client"] {
        let outcome = program.run_under(&["env"], &[&sim.base_url(), object]);
        assert!(outcome.code != Some(0) && outcome.stdout.is_empty(), "{outcome:?}");
        assert!(outcome.stderr.contains("free(): invalid"), "{outcome:?}");
    }
}

#[test]
fn a_child_process_is_refused_its_parents_client_and_makes_its_own() {
    let lock_out = r#"{"error_code":1105,"error_token":"TooManyRequests","message":"locked"}"#;
    let states = [
        Answer::status(401),
        Answer::json(401, lock_out),
        Answer::json(200, r#"{"mfa_token":"made-up"}"#),
        Answer::status(429),
        Answer::status(503),
        Answer::lost(),
    ];
    for link in BOTH {
        let sim = simulator();
        let failing = states.clone().map(|answer| {
            let sim = simulator();
            sim.always(AUTHENTICATE, answer);
            sim
        });
        let urls: Vec<String> =
            [&sim].into_iter().chain(&failing).map(Simulator::base_url).collect();
        let program = Source::c("fork", link).build();
        program.run(&urls).expect_success("fork");
        assert_eq!(sim.violations(), Vec::<String>::new());
        for failing in failing {
            assert_eq!(failing.sign_ins(), 1, "the child asks nobody");
        }
    }
}

#[test]
fn signals_neither_come_from_the_library_nor_disturb_it() {
    for link in BOTH {
        let sim = simulator();
        sim.always(AUTHENTICATE, Answer::pass().delay(Duration::from_millis(500)));
        sim.always("/api/v1/reset", Answer::reset());
        sim.always("/api/v1/hangs", Answer::hang());
        let program = Source::c("signals", link).build();
        program.run(&[sim.base_url()]).expect_success("signals");
    }
}

#[test]
fn threads_and_the_process_may_end_anywhere() {
    for link in BOTH {
        let sim = simulator();
        sim.always(AUTHENTICATE, Answer::pass().delay(Duration::from_millis(200)));
        sim.always("/api/v1/hangs", Answer::hang());
        let program = Source::c("lifetimes", link).build();
        let outcome = program.run(&[sim.base_url()]);
        outcome.expect_success("lifetimes");
        // A panic would have been caught, and the program perhaps none the wiser.
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
}

#[test]
fn without_descriptors_or_threads_calls_fail_and_recover() {
    for link in BOTH {
        let program = Source::c("limits", link).build();
        let ca_file = program.directory().join("ca.pem");
        let tls = Simulator::builder().tls(true).write_ca(&ca_file).start();
        drop(tls.expect("a simulator starts"));
        let sim = simulator();
        let ca_file = ca_file.to_str().expect("UTF-8");
        let outcome = program.run(&[&by_name(&sim), ca_file]);
        outcome.expect_success("limits");
        print!("{}", outcome.stdout);
    }
}

#[test]
fn it_may_be_closed_while_calls_are_pending_and_leaves_nothing_behind() {
    let sim = simulator();
    sim.always(AUTHENTICATE, Answer::pass().delay(Duration::from_millis(200)));
    let program = Source::c("dlopen", Link::Not).flag("-ldl").build();
    let library = shared_object();
    let library = library.to_str().expect("UTF-8");
    program.run(&[library, &by_name(&sim)]).expect_success("dlopen");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

/// Looks through memory as it is given back, and through all of it at the end.
#[test]
fn no_secret_is_left_in_memory() {
    if !cfg!(target_env = "gnu") {
        println!("skipped: another C library does not let its allocator be replaced like this");
        return;
    }
    let refresh_token = "made-up-refresh-token-of-no-value";
    let next_refresh_token = "made-up-second-refresh-token-of-none";
    let canary = "made-up-canary-in-the-body-of-an-answer";
    let json = format!(r#"{{"secret":"{canary}","padding":"{}"}}"#, "x".repeat(5000));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(json.as_bytes()).expect("in memory");
    let gzip = gzip.finish().expect("in memory");
    let chunks: String = json
        .as_bytes()
        .chunks(1000)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
        .collect();
    // Closed is said, since a POST on a connection that just closes is not repeated.
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close";
    let chunked = format!("{head}\r\n\r\n{chunks}0\r\n\r\n");
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close";
    let with_more = format!("{head}\r\n\r\n{{}}{json}");
    let signed_in = |refresh_token: &str| {
        let body = format!(
            r#"{{"auth_token":"{}","refresh_token":"{refresh_token}"}}"#,
            simulator().issue_bearer()
        );
        Answer::json(200, body)
    };
    for (link, tls) in [(Link::Shared, false), (Link::Static, false), (Link::Shared, true)] {
        let program = Source::c("traces", link).build();
        let ca_file = program.directory().join("ca.pem");
        let builder = Simulator::builder().no_sign_in_limit();
        let builder = if tls { builder.tls(true).write_ca(&ca_file) } else { builder };
        let sim = builder.start().expect("a simulator starts");
        // Two application tokens and a user; then the refresh tokens.
        sim.next_n(AUTHENTICATE, 3, Answer::pass());
        sim.next(AUTHENTICATE, signed_in(next_refresh_token));
        sim.next(AUTHENTICATE, signed_in(""));
        const CANARY: &str = "/api/v1/canary";
        sim.next(CANARY, Answer::json(200, &*json));
        sim.next(CANARY, Answer::garbage(&*chunked));
        let encoded = Answer::status(200).header("Content-Encoding", "gzip");
        sim.next(CANARY, encoded.body("application/json", &*gzip));
        sim.next(CANARY, Answer::garbage(&*with_more));
        sim.next(CANARY, Answer::cut_in_body(100_000, &*json));

        let reversed = |text: &str| text.chars().rev().collect::<String>();
        let ca_file = if tls { ca_file.to_str().expect("UTF-8") } else { "" };
        let url = sim.base_url();
        let secrets = [
            DEFAULT_APPLICATION_TOKEN,
            DEFAULT_USERNAME,
            DEFAULT_PASSWORD,
            refresh_token,
            canary,
            next_refresh_token,
        ];
        let arguments: Vec<String> =
            [url, ca_file.to_owned()].into_iter().chain(secrets.map(reversed)).collect();
        program.run(&arguments).expect_success("traces");
        assert_eq!(sim.sign_ins(), 5);
        assert_eq!(sim.violations(), Vec::<String>::new());
    }
}
