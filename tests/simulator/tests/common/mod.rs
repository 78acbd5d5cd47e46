//! A client for the tests: ureq, told to hand out every status.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate of its own and uses some of this"
)]

use std::time::Duration;

use emnify_simulator::{Simulator, User};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub const AUTHENTICATE: &str = "/api/v1/authenticate";
pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Client {
    agent: Agent,
    base: String,
    pub bearer: Option<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON body")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn auth_token(&self) -> String {
        self.json()["auth_token"].as_str().expect("an auth token").to_owned()
    }

    pub fn refresh_token(&self) -> String {
        self.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
    }
}

impl Client {
    pub fn new(sim: &Simulator) -> Self {
        Self::at(&sim.base_url(), sim.ca_pem())
    }

    pub fn at(base: &str, ca_pem: Option<&str>) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("simulator-tests/1")
            .timeout_global(Some(PATIENCE));
        if let Some(pem) = ca_pem {
            let ca = Certificate::from_pem(pem.as_bytes()).unwrap();
            let roots = RootCerts::new_with_certs(&[ca]);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Self { agent: config.build().into(), base: base.to_owned(), bearer: None }
    }

    /// A client that is signed in with the default application token.
    pub fn signed_in(sim: &Simulator) -> Self {
        let mut client = Self::new(sim);
        client.bearer = Some(
            client.application_token(emnify_simulator::DEFAULT_APPLICATION_TOKEN).auth_token(),
        );
        client
    }

    /// A client that is signed in as a user without MFA.
    pub fn signed_in_as_user(sim: &Simulator) -> Self {
        let mut client = Self::new(sim);
        let answer =
            client.user(emnify_simulator::DEFAULT_USERNAME, emnify_simulator::DEFAULT_PASSWORD);
        client.bearer = Some(answer.auth_token());
        client
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        // Credentials and a bearer do not go together; nobody signs in with both.
        let bearer = self.bearer.as_ref().filter(|_| path != AUTHENTICATE);
        if let Some(bearer) = bearer {
            request = request.header("Authorization", format!("Bearer {bearer}"));
        }
        let response = match body {
            Some(body) => self.agent.run(
                request.header("Content-Type", "application/json").body(body.to_string()).unwrap(),
            ),
            None => self.agent.run(request.body(()).unwrap()),
        };
        read(response?)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).unwrap()
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).unwrap()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body)).unwrap()
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some(body)).unwrap()
    }

    /// A request made by hand.
    pub fn run(&self, request: Request<String>) -> Answer {
        read(self.agent.run(request).unwrap()).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn authenticate(&self, body: &Value) -> Answer {
        self.post(AUTHENTICATE, body)
    }

    pub fn application_token(&self, secret: &str) -> Answer {
        self.authenticate(&json!({ "application_token": secret }))
    }

    pub fn user(&self, username: &str, password: &str) -> Answer {
        self.authenticate(&json!({ "username": username, "password": User::hash(password) }))
    }

    pub fn refresh(&self, token: &str) -> Answer {
        self.authenticate(&json!({ "refresh_token": token }))
    }
}

fn read(mut response: Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let text = response.body_mut().read_to_string()?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), text })
}
