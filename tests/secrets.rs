//! No secret in any output: each secret that passes through is a canary, and everything that can
//! be printed is searched for it, the log of every crate included.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use emnify::{Client, Credentials, LogLevel};
use emnify_simulator::{Answer, Simulator, User, WORKSPACE};

const TOKEN: &str = "canary-application-token-of-no-value";
const PASSWORD: &str = "canary-password-of-no-value";
const NAME: &str = "user@example.invalid";
const AUTHENTICATE: &str = "/api/v1/authenticate";

/// Collects what is logged through the `log` crate, whoever logs it: ureq and rustls do.
struct EverythingLogged;

static LOGGED: Mutex<String> = Mutex::new(String::new());

impl log::Log for EverythingLogged {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(logged, "{} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

/// All that a client said, and all secrets that it must not have said.
#[derive(Default)]
struct Heard {
    said: String,
    secrets: Vec<String>,
}

impl Heard {
    fn debug(&mut self, value: impl std::fmt::Debug) {
        let _ = writeln!(self.said, "{value:?} {value:#?}");
    }

    fn error(&mut self, error: &emnify::Error) {
        let _ = writeln!(self.said, "{error} {error:?} {error:#?}");
    }

    fn secret(&mut self, secret: impl Into<String>) {
        self.secrets.push(secret.into());
    }

    fn check(&self, what: &str) {
        for (number, secret) in self.secrets.iter().enumerate() {
            // Without printing either.
            assert!(!self.said.contains(secret.as_str()), "secret {number} stands in {what}");
        }
    }
}

#[test]
fn no_secret_is_ever_printed_or_logged() {
    log::set_logger(&EverythingLogged).unwrap();
    log::set_max_level(log::LevelFilter::Trace);

    let sim = Simulator::builder().application_token(TOKEN).user(User::new(NAME, PASSWORD));
    let sim = sim.rotate_refresh_tokens(true).start().unwrap();
    let lines = Arc::new(Mutex::new(String::new()));
    let mut heard = Heard::default();
    for secret in [TOKEN, PASSWORD] {
        heard.secret(secret);
    }
    heard.secret(User::hash(PASSWORD));

    let build = |credentials: Credentials| {
        let lines = lines.clone();
        Client::builder(credentials).base_url(sim.base_url()).log(
            LogLevel::Debug,
            move |_, line| {
                lines.lock().unwrap().push_str(line);
            },
        )
    };

    for credentials in [Credentials::application_token(TOKEN), Credentials::user(NAME, PASSWORD)] {
        heard.debug(&credentials);
        let builder = build(credentials);
        heard.debug(&builder);
        let client = builder.build().unwrap();
        heard.debug(&client);
        let token = client.auth_token().unwrap();
        heard.secret(token.as_str());
        heard.debug(&token);
        heard.debug(&client);
        let response = client.get("/api/v1/sim").call().unwrap();
        heard.debug(&response);
        heard.debug(client.get("/api/v1/sim?secret=canary-in-the-query"));
        client.get("/api/v1/sim?q=canary-in-the-query").call().unwrap();
        client.invalidate(&token).unwrap();
        let token = client.auth_token().unwrap();
        heard.secret(token.as_str());
    }

    // Answers that echo what was sent.
    for (status, text) in [(401, "no"), (400, "bad"), (403, "never"), (503, "later")] {
        let echo =
            format!(r#"{{"error_code":1,"message":"{text}: {TOKEN}","error_token":"{TOKEN}"}}"#);
        sim.next(AUTHENTICATE, Answer::json(status, echo));
        let client = build(Credentials::application_token(TOKEN)).build().unwrap();
        heard.error(&client.auth_token().unwrap_err());
        heard.debug(&client);
    }
    for answer in [
        Answer::status(200).body("text/html", format!("<html>{TOKEN}</html>")),
        Answer::json(200, format!(r#"{{"auth_token":"{TOKEN} with a blank"}}"#)),
        Answer::garbage(format!("{TOKEN}\r\n\r\n")),
        Answer::garbage(format!("HTTP/1.1 200 OK\r\n{TOKEN}\r\n\r\n")),
        Answer::cut_in_body(1000, format!(r#"{{"auth_token":"{TOKEN}"#)),
        Answer::status(307).header("Location", "https://portal.invalid/"),
        Answer::status(500).header("x-amzn-RequestId", format!("a {TOKEN}")),
    ] {
        sim.next(AUTHENTICATE, answer);
        let client = build(Credentials::application_token(TOKEN)).build().unwrap();
        heard.error(&client.auth_token().unwrap_err());
    }

    // The same for ordinary calls: the bearer, and what in the body is a secret.
    const CODE: &str = "908172";
    let echo = |secret: &str| {
        let nested = format!(r#"[{{"error_code":2,"message":"{secret} again"}}]"#);
        let echo = format!(
            r#"{{"error_code":1,"message":"no: {secret}","error_token":"{secret}","errors":{nested}}}"#
        );
        Answer::json(422, echo)
    };
    heard.secret(CODE);
    let client = build(Credentials::user(NAME, PASSWORD)).build().unwrap();
    let token = client.auth_token().unwrap();
    heard.secret(token.as_str());
    sim.next("/api/v1/user/mfa", echo(PASSWORD));
    heard.error(&client.create_mfa_key(1, PASSWORD).unwrap_err());
    sim.next("/api/v1/user/mfa/7", echo(CODE));
    heard.error(&client.activate_mfa_key(7, CODE).unwrap_err());
    sim.next("/api/v1/anything", echo(PASSWORD));
    let body = format!(r#"{{"of":[{{"new_password":"{PASSWORD}"}}]}}"#);
    let response = client.post("/api/v1/anything").json_text(&body).call().unwrap();
    heard.debug(&response);
    heard.error(&response.check().unwrap_err());
    heard.error(&response.json::<u8>().unwrap_err());
    sim.next("/api/v1/sim", echo(token.as_str()));
    heard.error(&client.get("/api/v1/sim").call().unwrap().check().unwrap_err());
    sim.next("/api/v1/authenticate/workspace", echo(token.as_str()));
    heard.error(&client.workspace(WORKSPACE).unwrap().auth_token().unwrap_err());
    assert!(heard.said.contains("no: [secret]"), "the answers are echoed");

    // Arguments that are wrong, and must not be echoed.
    for (name, value) in [
        ("proxy", format!("http://user:{PASSWORD}@")),
        ("proxy", format!("nonsense-{PASSWORD}")),
        ("base_url", format!("https://user:{PASSWORD}@host.invalid")),
        ("base_url", format!("https://host.invalid/?token={TOKEN}")),
    ] {
        let builder = Client::builder(Credentials::application_token(TOKEN));
        let builder = if name == "proxy" { builder.proxy(value) } else { builder.base_url(value) };
        heard.debug(&builder);
        heard.error(&builder.build().unwrap_err());
    }
    heard.error(&Client::new(Credentials::application_token(format!("{TOKEN}\n"))).unwrap_err());
    heard.error(&Credentials::user_sha1(NAME, TOKEN).unwrap_err());

    // The query is the program's own; ureq shows it to the log crate, this library shows it nobody.
    heard.secret("canary-in-the-query");
    heard.check("what can be printed");
    heard.said = std::mem::take(&mut *lines.lock().unwrap());
    assert!(heard.said.contains("signed in"), "the client's log was not heard");
    heard.check("the client's log");
    heard.secrets.pop();
    heard.said = std::mem::take(&mut *LOGGED.lock().unwrap());
    assert!(heard.said.contains("ureq"), "the log crate was not heard");
    heard.check("the log crate");
}
