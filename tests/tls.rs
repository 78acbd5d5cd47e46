//! Sign-in over TLS, and what is said where it cannot be had.
#![cfg(feature = "rustls")]

use emnify::{Client, Credentials, ErrorKind};
use emnify_simulator::{DEFAULT_APPLICATION_TOKEN, Simulator, SimulatorBuilder};

/// A simulator with TLS and the file of its CA.
fn simulator(builder: SimulatorBuilder) -> (Simulator, tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let sim = builder.tls(true).write_ca(&ca).start().unwrap();
    (sim, folder, ca.to_str().unwrap().to_owned())
}

fn client(base_url: impl Into<String>, ca: Option<&str>) -> Client {
    let builder = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(base_url);
    ca.map_or(builder.clone(), |ca| builder.ca_file(ca)).build().unwrap()
}

#[test]
fn a_client_that_trusts_the_ca_signs_in() {
    let (sim, _folder, ca) = simulator(Simulator::builder());
    client(sim.base_url(), Some(&ca)).auth_token().unwrap();
    assert_eq!(sim.sign_ins(), 1);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn several_calls_share_one_connection() {
    let (sim, _folder, ca) = simulator(Simulator::builder());
    let client = client(sim.base_url(), Some(&ca));
    for _ in 0..3 {
        client.get("/api/v1/sim").call().unwrap();
    }
    assert_eq!(sim.connections(), 1);
}

#[test]
fn an_unknown_ca_is_a_tls_error_that_names_the_setting() {
    let (sim, _folder, _ca) = simulator(Simulator::builder());
    let error = client(sim.base_url(), None).auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(error.to_string().contains("ca_file"), "{error}");
    assert_eq!(sim.sign_ins(), 0);
}

#[test]
fn a_certificate_out_of_its_dates_is_told_from_a_forged_one() {
    let (sim, _folder, ca) = simulator(Simulator::builder().expired_certificate(true));
    let error = client(sim.base_url(), Some(&ca)).auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Clock);
    assert!(error.to_string().contains("clock"), "{error}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (sim, _folder, ca) = simulator(Simulator::builder().server_names(["elsewhere.invalid"]));
    let error = client(sim.base_url(), Some(&ca)).auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
}

#[test]
fn plain_http_where_tls_was_expected_is_said() {
    let sim = Simulator::builder().start().unwrap();
    let url = sim.base_url().replace("http://", "https://");
    let error = client(url, None).auth_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert_eq!(sim.sign_ins(), 0);
}
