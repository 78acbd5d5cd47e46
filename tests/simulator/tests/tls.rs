//! TLS under the simulator's own CA.

mod common;

use common::Client;
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};

#[test]
fn a_client_that_trusts_the_ca_signs_in() {
    let sim = Simulator::builder().tls(true).start().unwrap();
    assert!(sim.base_url().starts_with("https://127.0.0.1:"));
    let client = Client::new(&sim);
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
    let by_name = sim.base_url().replace("127.0.0.1", "localhost");
    let client = Client::at(&by_name, sim.ca_pem());
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
}

#[test]
fn a_client_that_does_not_trust_the_ca_sends_nothing() {
    let sim = Simulator::builder().tls(true).start().unwrap();
    let other = Simulator::builder().tls(true).start().unwrap();
    let client = Client::at(&sim.base_url(), other.ca_pem());
    assert!(client.send("GET", "/api/v1/sim", None).is_err());
    assert!(sim.requests().is_empty());
    assert_eq!(sim.connections(), 1);
}

#[test]
fn wrong_names_and_expired_certificates_are_noticed() {
    for sim in [
        Simulator::builder().tls(true).server_names(["elsewhere.example.invalid"]),
        Simulator::builder().tls(true).expired_certificate(true),
    ] {
        let sim = sim.start().unwrap();
        assert!(Client::new(&sim).send("GET", "/api/v1/sim", None).is_err());
        assert!(sim.requests().is_empty());
    }
}

#[test]
fn the_ca_is_written_where_it_is_wanted_and_holds_no_key() {
    let path = std::env::temp_dir().join(format!("emnify-simulator-ca-{}.pem", std::process::id()));
    let sim = Simulator::builder().tls(true).write_ca(&path).start().unwrap();
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(Some(written.as_str()), sim.ca_pem());
    assert!(written.contains("BEGIN CERTIFICATE") && !written.contains("PRIVATE"));
    let without_tls = Simulator::builder().write_ca(&path).start();
    assert!(without_tls.is_err());
}

#[test]
fn cuts_work_under_tls_as_well() {
    let sim = Simulator::builder().tls(true).start().unwrap();
    let client = Client::new(&sim);
    for answer in [
        Answer::cut_before_answer(),
        Answer::reset(),
        Answer::cut_in_headers(),
        Answer::cut_in_body(100, "{"),
        Answer::garbage("garbage\r\n\r\n"),
    ] {
        sim.next("/x", answer.clone());
        assert!(client.send("GET", "/x", None).is_err(), "{answer:?}");
    }
    assert_eq!(client.application_token(DEFAULT_APPLICATION_TOKEN).status, 200);
}
