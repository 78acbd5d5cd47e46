//! The programs in `examples-c`: each is built by the command at its head, and does what it says,
//! also where the service does not do what it should.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, LARGE_ENDPOINT_ID, Simulator};
use support::{Link, Outcome, Program, STRICT, Source, have, must, root};

const ENDPOINT: &str = "10010001";
const SIMS: &str = "/api/v1/sim";
const TOKENS: &str = "/api/v1/application_token";
const AUTHENTICATE: &str = "/api/v1/authenticate";

fn file(name: &str) -> PathBuf {
    root().join("examples-c").join(name)
}

fn build(name: &str) -> Program {
    let (compiler, standard) =
        if name.ends_with(".c") { ("gcc", "-std=c99") } else { ("g++", "-std=c++11") };
    Source::files([file(name)], compiler, Link::Shared)
        .flag(standard)
        .flag("-Wconversion")
        .flag("-Wshadow")
        .flag("-fsanitize=address,undefined")
        .flag("-fno-sanitize-recover=all")
        .build()
}

fn simulator() -> Simulator {
    Simulator::builder().no_sign_in_limit().start().expect("a simulator starts")
}

/// Runs a program with nothing but the environment that its head asks for.
#[track_caller]
fn run(program: &Program, sim: &Simulator, arguments: &[&str]) -> Outcome {
    run_with(DEFAULT_APPLICATION_TOKEN, program, sim, arguments)
}

#[track_caller]
fn run_with(token: &str, program: &Program, sim: &Simulator, arguments: &[&str]) -> Outcome {
    let base = format!("EMNIFY_BASE_URL={}", sim.base_url());
    let secret = format!("EMNIFY_APPLICATION_TOKEN={token}");
    let outcome = program.run_under(&["env", &base, &secret], arguments);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(!said.contains("ERROR: "), "{said}");
    assert!(token.is_empty() || !said.contains(token), "a secret is printed");
    assert!(!said.contains("eyJ"), "a bearer is printed");
    assert_eq!(sim.violations(), Vec::<String>::new());
    outcome
}

#[track_caller]
fn expect(outcome: &Outcome, code: i32, words: &str) {
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.code, Some(code), "{said}");
    assert!(said.contains(words), "{words}: {said}");
}

/// The line in a comment that has `$(pkg-config` in it.
fn command_of(example: &Path) -> String {
    let text = std::fs::read_to_string(example).expect("it is there");
    let line = text.lines().find(|line| line.contains("$(pkg-config")).expect("a command");
    line.trim_start_matches([' ', '*', '/']).to_owned()
}

#[test]
fn each_is_built_by_the_command_at_its_head_and_without_a_warning() {
    let directory = tempfile::TempDir::new().expect("a temporary folder can be made");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("examples-c")).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let compilers: &[&str] = match path.extension().and_then(|end| end.to_str()) {
            Some("c") => &["gcc", "clang"],
            Some("cpp") => &["g++", "clang++"],
            _ => continue,
        };
        std::fs::copy(&path, directory.path().join(&name)).expect("it can be copied");
        let mut shell = Command::new("sh");
        shell.args(["-euc", &command_of(&path)]).current_dir(directory.path());
        must(shell.env("PKG_CONFIG_PATH", support::stage().join("lib/pkgconfig")));
        for compiler in compilers.iter().filter(|compiler| have(&[compiler])) {
            let standards: &[&str] =
                if name.ends_with(".c") { &["c99", "c2x"] } else { &["c++11", "c++20"] };
            for standard in standards {
                let mut command = Command::new(compiler);
                command.arg(format!("-std={standard}")).args(STRICT).arg("-fsyntax-only");
                must(command.arg("-I").arg(root().join("include")).arg(&path));
            }
        }
        names.push(name);
    }
    assert!(names.len() >= 8, "{names:?}");
}

#[test]
fn get_token_is_handed_the_same_token_again() {
    for name in ["get_token.c", "get_token.cpp"] {
        let program = build(name);
        let sim = simulator();
        let outcome = run(&program, &sim, &[]);
        expect(&outcome, 0, "Asked again: the same token.");
        expect(&outcome, 0, "The first of 5 pages of SIMs: [{");
        assert_eq!((sim.sign_ins(), sim.requests_to(SIMS).len()), (1, 1), "{name}");

        let sim = simulator();
        sim.always(AUTHENTICATE, Answer::status(503).header("Retry-After", "7"));
        expect(&run(&program, &sim, &[]), 1, "Try again in ");
        let sim = simulator();
        sim.always(SIMS, Answer::status(500));
        expect(&run(&program, &sim, &[]), 1, "HTTP 500");
        expect(&run_with("", &program, &simulator(), &[]), 1, "EMNIFY_APPLICATION_TOKEN");
    }
}

#[test]
fn shared_client_signs_in_once_for_all_threads() {
    let program = build("shared_client.c");
    let sim = simulator();
    sim.next(AUTHENTICATE, Answer::pass().delay(Duration::from_millis(200)));
    expect(&run(&program, &sim, &[]), 0, "8 of 8 workers got their page");
    assert_eq!((sim.sign_ins(), sim.requests_to(SIMS).len()), (1, 8));

    // One answer is lost: its worker ends the waiting of the others.
    let sim = simulator();
    sim.next(SIMS, Answer::garbage("no HTTP"));
    sim.always(SIMS, Answer::hang());
    let start = Instant::now();
    expect(&run(&program, &sim, &[]), 1, "0 of 8 workers");
    assert!(start.elapsed() < Duration::from_secs(20), "the others waited until their deadline");
}

#[test]
fn send_sms_sends_once_and_says_where_it_is_in_doubt() {
    let program = build("send_sms.c");
    let sim = simulator();
    expect(
        &run(&program, &sim, &[ENDPOINT, "re\"boot"]),
        0,
        " is on its way to endpoint 10010001.",
    );
    let path = format!("/api/v1/endpoint/{ENDPOINT}/sms");
    assert_eq!(sim.requests_to(&path)[0].text(), r#"{"payload":"re\"boot"}"#);
    let large = LARGE_ENDPOINT_ID.to_string();
    expect(&run(&program, &sim, &[&large, "x"]), 0, &large);

    expect(&run(&program, &sim, &["1", "x"]), 1, "not sent: ");
    expect(&run(&program, &sim, &[ENDPOINT, ""]), 1, "not sent: text is empty");
    for wrong in ["", "x", "-1", " 1", "1x", "99999999999999999999"] {
        expect(&run(&program, &sim, &[wrong, "x"]), 2, "usage");
    }
    let sim = simulator();
    sim.always(&path, Answer::lost());
    expect(&run(&program, &sim, &[ENDPOINT, "x"]), 3, "may have been sent: ");
    assert_eq!(sim.requests_to(&path).len(), 1);
    let sim = simulator();
    sim.always(AUTHENTICATE, Answer::cut_before_answer());
    expect(&run(&program, &sim, &[ENDPOINT, "x"]), 1, "not sent, no token: ");
}

#[test]
fn retry_waits_for_what_goes_by_and_for_nothing_else() {
    let program = build("retry.c");
    let sim = simulator();
    sim.next(AUTHENTICATE, Answer::status(503).header("Retry-After", "1"));
    sim.next(SIMS, Answer::cut_before_answer());
    let outcome = run(&program, &sim, &["60"]);
    expect(&outcome, 0, "It worked at try ");
    expect(&outcome, 0, "EMNIFY_ERROR_SERVER: ");
    assert_eq!(sim.sign_ins(), 2);

    // It gives up where the wait is longer than its patience, and before it has waited.
    let sim = simulator();
    sim.always(AUTHENTICATE, Answer::status(429).header("Retry-After", "100"));
    let start = Instant::now();
    expect(&run(&program, &sim, &["30"]), 1, "Given up after 1 tries");
    assert!(start.elapsed() < Duration::from_secs(20));

    for (answer, code, status) in [
        (Answer::status(401).body("text/html", ""), 2, "EMNIFY_ERROR_UNAUTHORIZED"),
        (Answer::json(403, r#"{"error_code":1403}"#), 2, "EMNIFY_ERROR_FORBIDDEN"),
        (Answer::json(200, r#"{"mfa_token":"SIMULATED.mfa.token"}"#), 2, "_MFA_REQUIRED"),
    ] {
        let sim = simulator();
        sim.always(AUTHENTICATE, answer);
        expect(&run(&program, &sim, &["60"]), code, status);
        assert_eq!(sim.sign_ins(), 1, "{status}");
    }
    expect(&run(&program, &simulator(), &["0"]), 3, "usage");
    expect(&run_with("", &program, &simulator(), &["60"]), 3, "no client");
}

/// Every status has a place in the example, so that a new one is thought of.
#[test]
fn retry_names_every_status() {
    let header = std::fs::read_to_string(root().join("include/emnify.h")).expect("it is there");
    let example = std::fs::read_to_string(file("retry.c")).expect("it is there");
    let statuses = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define EMNIFY_ERROR_"))
        .filter_map(|rest| rest.split_whitespace().next());
    let missing: Vec<_> =
        statuses.filter(|name| !example.contains(&format!("case EMNIFY_ERROR_{name}:"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn poll_loop_has_a_token_in_each_round_also_across_its_end() {
    let program = build("poll_loop.c");
    // Tokens of 6 seconds: renewed after some 4 to 5, no longer handed out after 5.4.
    let sim = Simulator::builder()
        .no_sign_in_limit()
        .token_lifetime(Duration::from_secs(6))
        .start()
        .expect("a simulator starts");
    let outcome = run(&program, &sim, &["70", "100"]);
    expect(&outcome, 0, "70 of 70 rounds had a token.");
    assert_eq!(sim.sign_ins(), 2, "the renewal came in time, and once");

    let sim = simulator();
    sim.next(AUTHENTICATE, Answer::status(503).header("Retry-After", "1"));
    let outcome = run(&program, &sim, &["30", "100"]);
    expect(&outcome, 1, "no token: ");
    assert_eq!(sim.sign_ins(), 2, "rounds without a token do not hammer");
    expect(&run(&program, &simulator(), &["1", "0"]), 2, "usage");
}

#[test]
fn poll_loop_ends_when_it_is_told_to() {
    let program = build("poll_loop.c");
    let sim = simulator();
    let mut child = Command::new(program.path())
        .args(["0", "60000"])
        .env("EMNIFY_BASE_URL", sim.base_url())
        .env("EMNIFY_APPLICATION_TOKEN", DEFAULT_APPLICATION_TOKEN)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    assert!(sim.wait_for_requests(AUTHENTICATE, 1, Duration::from_secs(30)));
    // Whether it is in its poll() of a minute by now or not, the signal ends it.
    must(Command::new("kill").arg(child.id().to_string()));
    let start = Instant::now();
    let status = child.wait().expect("it ends");
    assert!(status.success() && start.elapsed() < Duration::from_secs(30), "{status}");
}

#[test]
fn rotate_token_leaves_a_file_with_a_token_that_works() {
    let program = build("rotate_token.c");
    let own = "made-up-application-token-of-a-device-that-opens-nothing-anywhere";
    let sim = simulator();
    let mut id = sim.add_application_token(own).to_string();
    let stored = program.directory().join("token");
    let name = stored.to_str().expect("UTF-8");
    let mut before = own.to_owned();
    // The first time from the environment, then from the file.
    for _ in 0..2 {
        let outcome = run_with(own, &program, &sim, &[name, &id]);
        expect(&outcome, 0, "The application token is now ");
        let token = std::fs::read_to_string(&stored).expect("a file");
        assert!(token != before, "another token");
        assert!(!outcome.stdout.contains(&token) && !outcome.stderr.contains(&token));
        let mode = std::fs::metadata(&stored).expect("a file").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
        assert!(!sim.revoke_application_token_secret("none"), "the simulator knows its own");
        let new = outcome.stdout.split_whitespace().last().expect("an id").trim_end_matches('.');
        assert_ne!(new, id);
        id = new.to_owned();
        before = token;
    }
    assert!(!program.directory().join("token.new").exists());

    // Not revoked: said, and no failure.
    sim.next(&format!("PATCH {TOKENS}/*"), Answer::status(500));
    let outcome = run_with(own, &program, &sim, &[name, &id]);
    expect(&outcome, 0, "still works: revoke it later");
}

#[test]
fn rotate_token_keeps_the_old_token_where_it_cannot_store_the_new_one() {
    let program = build("rotate_token.c");
    let own = "made-up-application-token-of-a-device-that-opens-nothing-anywhere";
    let sim = simulator();
    let id = sim.add_application_token(own).to_string();
    let nowhere = program.directory().join("no-such-folder/token");
    let nowhere = nowhere.to_str().expect("UTF-8");
    let outcome = run_with(own, &program, &sim, &[nowhere, &id]);
    expect(&outcome, 1, "not rotated, the old token still works");
    let patched: Vec<_> =
        sim.requests().into_iter().filter(|call| call.method == "PATCH").collect();
    assert_eq!(patched.len(), 1, "the successor is revoked and nothing else");
    assert!(!patched[0].path.ends_with(&id));

    // An empty file is no token, and no reason to try the one in the environment.
    let empty = program.directory().join("empty");
    std::fs::write(&empty, "").expect("it can be written");
    expect(
        &run_with(own, &program, &sim, &[empty.to_str().expect("UTF-8"), &id]),
        2,
        "cannot be read",
    );
    expect(&run_with(own, &program, &sim, &["x", "0"]), 2, "usage");
    expect(&run_with(own, &program, &sim, &["x"]), 2, "usage");
}

fn settings(program: &Program, lines: &str) -> String {
    let path = program.directory().join("gateway.conf");
    std::fs::write(&path, lines).expect("it can be written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn gateway_counts_over_all_pages_and_reports() {
    let program = build("gateway.cpp");
    let sim = simulator();
    let base = sim.base_url();
    let lines = format!(
        "# made up\nbase_url = {base}\nendpoint={ENDPOINT}\nper_page = 10\nlog_level = 4\n\n"
    );
    let path = settings(&program, &lines);
    let outcome = run(&program, &sim, &[&path]);
    expect(&outcome, 0, "25 SIMs on 3 pages\nreported as SMS ");
    assert!(outcome.stderr.contains("emnify debug: "), "{}", outcome.stderr);
    assert_eq!(sim.requests_to(SIMS).len(), 3);
    let sent = sim.requests_to(&format!("/api/v1/endpoint/{ENDPOINT}/sms"));
    assert_eq!(sent[0].text(), r#"{"payload":"25 SIMs in use"}"#);
    assert!(
        sent[0].header("user-agent").is_some_and(|name| name.starts_with("example-gateway/1.0"))
    );

    // A report that cannot be sent stops nothing; and each failure has its exit code.
    let path = settings(&program, &format!("base_url={base}\nendpoint=1\n"));
    expect(&run(&program, &sim, &[&path]), 0, "25 SIMs on 1 pages\nnot reported: ");
    sim.next(SIMS, Answer::status(500));
    let outcome = run(&program, &sim, &[&path]);
    expect(&outcome, 75, "EMNIFY_ERROR_SERVER: ");
    expect(&outcome, 75, "for emnify's support: request ");
    expect(&run_with("", &program, &sim, &[&path]), 78, "credentials");
    sim.always(AUTHENTICATE, Answer::status(401).body("text/html", ""));
    expect(&run(&program, &sim, &[&path]), 78, "EMNIFY_ERROR_UNAUTHORIZED: ");
    for wrong in ["endpoint=x", "endpoint=-1", "per_page=1001", "timeout_s=99999999999999999999999"]
    {
        let path = settings(&program, &format!("base_url={base}\n{wrong}\n"));
        expect(&run(&program, &sim, &[&path]), 78, "no number that makes sense");
    }
    expect(&run(&program, &sim, &["/nonexistent"]), 78, "cannot read");
    expect(&run(&program, &sim, &[]), 2, "usage");
}

/// Runs a program of `examples`, which cargo builds beside the tests.
#[track_caller]
fn run_rust(name: &str, sim: &Simulator, arguments: &[&str]) -> Outcome {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.parent().and_then(Path::parent).expect("it is below the target folder");
    let program = folder.join("examples").join(name);
    assert!(program.exists(), "`cargo build --examples` first, where a test is run by its name");
    let mut command = Command::new(program);
    command.env("EMNIFY_BASE_URL", sim.base_url()).args(arguments);
    command.env("EMNIFY_APPLICATION_TOKEN", DEFAULT_APPLICATION_TOKEN);
    Outcome::of(&mut command)
}

#[test]
fn the_rust_programs_list_endpoints_and_sims_and_send_an_sms() {
    let sim = simulator();
    let outcome = run_rust("get_token", &sim, &[]);
    expect(&outcome, 0, "Signed in: ");
    expect(&outcome, 0, "ICCID 8");

    let outcome = run_rust("devices", &sim, &[ENDPOINT, "reboot"]);
    expect(&outcome, 0, "ONLINE");
    expect(&outcome, 0, "SMS ");
    expect(&run_rust("devices", &sim, &["1", "reboot"]), 1, "HTTP 404");
    expect(&run_rust("devices", &sim, &["x", "reboot"]), 2, "usage");
    assert_eq!(sim.violations(), Vec::<String>::new());
}
