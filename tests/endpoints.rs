//! SIMs, endpoints and SMS.

use emnify::{Client, Credentials, ErrorKind};
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, LARGE_ENDPOINT_ID, Simulator};

fn rig() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .build()
        .unwrap();
    (sim, client)
}

#[test]
fn sims_and_endpoints_are_listed_with_ids_of_64_bits() {
    let (_sim, client) = rig();
    let sims: Vec<_> = client.sims().collect::<Result<_, _>>().unwrap();
    assert_eq!(sims.len(), 25);
    assert!(sims[0].iccid.is_some() && sims[0].endpoint.as_ref().unwrap().id.is_some());
    let endpoints: Vec<_> = client.endpoints().collect::<Result<_, _>>().unwrap();
    assert_eq!(endpoints.last().unwrap().id, LARGE_ENDPOINT_ID);
    let profile = endpoints[0].other.get::<emnify::Named>("tariff_profile").unwrap();
    assert!(profile.is_some(), "other members are kept");
}

#[test]
fn an_endpoint_says_whether_it_is_connected() {
    let (_sim, client) = rig();
    let connectivity = client.endpoint_connectivity(LARGE_ENDPOINT_ID).unwrap();
    assert_eq!(connectivity.status.unwrap().description.as_deref(), Some("ONLINE"));
    let error = client.endpoint_connectivity(1).unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Rejected, Some(1401)));
}

#[test]
fn an_sms_has_its_id_from_the_location() {
    let (sim, client) = rig();
    let id = client.send_sms(LARGE_ENDPOINT_ID, "Grüße, \"gateway\"\n").unwrap();
    assert!(id > u64::from(u32::MAX), "{id}");
    let request = &sim.requests_to(&format!("/api/v1/endpoint/{LARGE_ENDPOINT_ID}/sms"))[0];
    assert_eq!(request.text(), r#"{"payload":"Grüße, \"gateway\"\n"}"#);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn an_sms_that_was_taken_without_an_id_is_not_to_be_sent_again() {
    let (sim, client) = rig();
    sim.next("POST /api/v1/endpoint/*", Answer::status(201));
    let error = client.send_sms(LARGE_ENDPOINT_ID, "x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(!error.is_retryable());
}

#[test]
fn an_sms_whose_answer_is_lost_is_sent_once() {
    let (sim, client) = rig();
    // On a connection that has served before, which may be dead.
    client.auth_token().unwrap();
    for (answer, kind) in [
        (Answer::lost(), ErrorKind::Network),
        (Answer::status(503).header("Retry-After", "1"), ErrorKind::Server),
    ] {
        sim.clear_requests();
        sim.next("POST /api/v1/endpoint/*", answer);
        assert_eq!(client.send_sms(LARGE_ENDPOINT_ID, "once").unwrap_err().kind(), kind);
        assert_eq!(sim.requests_to("POST /api/v1/endpoint/*").len(), 1, "{kind:?}");
    }
}

#[test]
fn an_sms_without_text_or_endpoint_is_an_error() {
    let (sim, client) = rig();
    assert_eq!(client.send_sms(1, "").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(sim.connections(), 0);
    assert_eq!(client.send_sms(1, "x").unwrap_err().kind(), ErrorKind::Rejected);
}
