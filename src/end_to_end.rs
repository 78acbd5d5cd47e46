//! The token policy through the whole client, against the simulator: hours pass in milliseconds,
//! for the client and for the service.

mod outages;
mod refusals;
mod sessions;
mod workspaces;
mod years;

use std::sync::Arc;
use std::time::Duration;

use emnify_simulator::{
    Answer, DEFAULT_APPLICATION_TOKEN, DEFAULT_PASSWORD, DEFAULT_USERNAME, Simulator,
    SimulatorBuilder,
};

use crate::clock::manual::ManualClock;
use crate::{Client, Credentials, Error};

const AUTHENTICATE: &str = "/api/v1/authenticate";
const SIMS: &str = "/api/v1/sim";

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A client and its service, whose times move together.
struct Rig {
    sim: Simulator,
    client: Client,
    clock: ManualClock,
}

impl Rig {
    fn new(credentials: Credentials) -> Self {
        Self::with(credentials, Simulator::builder())
    }

    fn with(credentials: Credentials, simulator: SimulatorBuilder) -> Self {
        let sim = simulator.start().unwrap();
        let clock = ManualClock::new();
        let client = Client::builder(credentials)
            .base_url(sim.base_url())
            // Draws 0.5: a token of 240 minutes is renewed after 203 minutes and a half.
            .build_on(Arc::new(clock.clone()), Box::new(|| 0.5))
            .unwrap();
        Self { sim, client, clock }
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.sim.advance(time);
    }

    fn call(&self) -> Result<(), Error> {
        self.client.auth_token().map(|_| ())
    }

    /// The error of a call, and how many requests it made.
    fn fails(&self) -> (Error, usize) {
        let before = self.sim.sign_ins();
        let error = self.call().expect_err("the call succeeds");
        (error, self.sim.sign_ins() - before)
    }
}

fn application_token() -> Credentials {
    Credentials::application_token(DEFAULT_APPLICATION_TOKEN)
}

fn user() -> Credentials {
    Credentials::user(DEFAULT_USERNAME, DEFAULT_PASSWORD)
}

/// An answer that brings a token in so many bytes.
fn token_in_answer_of(bytes: usize) -> Answer {
    let answer = |more: &str| format!(r#"{{"auth_token":"opaque","more":"{more}"}}"#);
    let empty = answer("").len();
    Answer::json(200, answer(&"x".repeat(bytes - empty)))
}
