//! The binary: its options, its files, its end.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use common::Client;
use emnify_simulator::DEFAULT_APPLICATION_TOKEN;

const PROGRAM: &str = env!("CARGO_BIN_EXE_emnify-simulator");

/// A running program; killed should the test fail before its end.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM).args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut url).unwrap();
        // Put back what the log, if it goes there, will be read from.
        child.stdout = Some(output.into_inner());
        Self { child, url: url.trim_end().to_owned() }
    }

    fn signal(mut self, name: &str) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        let mut rest = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("emnify-simulator-{}-{name}", std::process::id()))
}

fn run(options: &[&str]) -> Output {
    Command::new(PROGRAM).args(options).output().unwrap()
}

#[test]
fn it_prints_its_url_and_ends_on_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let program = Running::start(&[]);
        assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
        let client = Client::at(&program.url, None);
        assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
        assert_eq!(program.signal(signal), (Some(0), String::new()));
    }
}

#[test]
fn its_files_are_complete_when_the_url_is_printed() {
    let (ca, url, log) = (scratch("ca.pem"), scratch("url"), scratch("log"));
    let program = Running::start(&[
        "--tls",
        "--ca-out",
        ca.to_str().unwrap(),
        "--url-out",
        url.to_str().unwrap(),
        "--log",
        log.to_str().unwrap(),
    ]);
    assert_eq!(std::fs::read_to_string(&url).unwrap().trim_end(), program.url);
    let client = Client::at(&program.url, Some(&std::fs::read_to_string(&ca).unwrap()));
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
    client.get("/api/v1/sim?page=1");
    let lines = std::fs::read_to_string(&log).unwrap();
    let ends: Vec<_> = lines.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(ends, ["POST /api/v1/authenticate 200", "GET /api/v1/sim 401"]);
    for file in [ca, url, log] {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn its_options_reach_the_service() {
    let program = Running::start(&[
        "--address=localhost:0",
        "--application-token=SIMULATED-from-the-command-line",
        "--user=somebody@example.invalid:made up:password",
        "--sign-in-limit=2",
        "--token-lifetime=60",
        "--refresh-lifetime=120",
        "--rotate-refresh-tokens",
        "--fleet-size=3",
        "--log=-",
    ]);
    let client = Client::at(&program.url, None);
    let answer = client.application_token("SIMULATED-from-the-command-line");
    let claims = emnify_simulator::token::claims_text(&answer.auth_token()).unwrap();
    let claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert_eq!(client.user("somebody@example.invalid", "made up:password").status, 200);
    assert_eq!(client.user("somebody@example.invalid", "made up:password").status, 429);
    let (code, log) = program.signal("TERM");
    assert_eq!((code, log.lines().count()), (Some(0), 3));
    assert!(!log.contains("SIMULATED"), "{log}");
}

#[test]
fn errors_name_the_argument_and_show_no_secret() {
    for (options, words) in [
        (&["--sign-in-limit", "many"][..], "--sign-in-limit"),
        (&["--token-lifetime"], "--token-lifetime"),
        (&["--user", "canary"], "--user"),
        (&["--ca-out", "never-written.pem"], "--ca-out"),
        (&["--server-name", "x"], "--server-name"),
        (&["--adress", "x"], "--adress"),
        (&["--tls=canary"], "--tls"),
        (&["canary-of-a-secret"], "argument"),
        (&["-x"], "-x"),
        (&["--tls", "--ca-out", "/nonexistent/ca.pem"], "/nonexistent/ca.pem"),
        (&["--url-out", "/nonexistent/url"], "--url-out"),
        (&["--log", "/nonexistent/log"], "/nonexistent/log"),
        (&["--address", "127.0.0.1:99999"], "127.0.0.1:99999"),
    ] {
        let output = run(options);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{options:?}");
        assert!(error.contains(words), "{options:?}: {error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[test]
fn help_names_every_option() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for option in ["--address", "--tls", "--ca-out", "--url-out", "--log", "--show-secrets"] {
        assert!(help.contains(option), "{option}");
    }
}
