//! What lies behind the bearer: lists, paging, SMS, application tokens, refusals.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::Client;
use emnify_simulator::{
    Answer, DEFAULT_APPLICATION_TOKEN, LARGE_ENDPOINT_ID, PagingHeaders, Simulator, token,
};
use serde_json::json;

fn start() -> (Simulator, Client) {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::signed_in(&sim);
    (sim, client)
}

#[test]
fn a_list_is_a_bare_array_in_chunks_with_paging_headers() {
    let (_sim, client) = start();
    let answer = client.get("/api/v1/endpoint?page=2&per_page=10");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().as_array().unwrap().len(), 10);
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    for (name, value) in [
        ("X-Total-Count", "25"),
        ("X-Total-Pages", "3"),
        ("X-Current-Page", "2"),
        ("X-Count-Per-Page", "10"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}

#[test]
fn a_page_past_the_end_is_the_last_page_again() {
    let (_sim, client) = start();
    let last = client.get("/api/v1/sim?page=3&per_page=10");
    let beyond = client.get("/api/v1/sim?page=9&per_page=10");
    assert_eq!(last.json().as_array().unwrap().len(), 5);
    assert_eq!(last.json(), beyond.json());
    assert_eq!(beyond.header("X-Current-Page"), Some("3"));
}

#[test]
fn a_wrong_page_gets_422_and_empty_html() {
    let (_sim, client) = start();
    for query in ["page=0", "page=-1", "page=x", "per_page=0", "q=status"] {
        let answer = client.get(&format!("/api/v1/sim?{query}"));
        assert_eq!((answer.status, answer.text.as_str()), (422, ""), "{query}");
        assert_eq!(answer.header("content-type"), Some("text/html"));
    }
}

#[test]
fn the_paging_headers_and_chunks_can_be_chosen() {
    let short = Simulator::builder().paging_headers(PagingHeaders::Short).start().unwrap();
    let answer = Client::signed_in(&short).get("/api/v1/sim");
    assert_eq!(answer.header("X-Count"), Some("25"));
    assert_eq!(answer.header("X-Total-Count"), None);
    let none = Simulator::builder()
        .paging_headers(PagingHeaders::None)
        .chunked_lists(false)
        .fleet_size(0)
        .start()
        .unwrap();
    let answer = Client::signed_in(&none).get("/api/v1/sim");
    assert_eq!((answer.text.as_str(), answer.header("transfer-encoding")), ("[]", None));
    assert!(answer.headers.keys().all(|name| !name.as_str().contains("count")));
}

#[test]
fn lists_are_filtered_and_sorted() {
    let (_sim, client) = start();
    let one = client.get("/api/v1/endpoint?q=name%3ASimulated%20endpoint%207");
    assert_eq!(one.json().as_array().unwrap().len(), 1);
    let sorted = client.get("/api/v1/sim?sort=-id");
    assert!(sorted.json()[0]["id"].as_u64() > sorted.json()[1]["id"].as_u64());
}

#[test]
fn one_endpoint_its_connectivity_and_one_sim_can_be_read() {
    let (_sim, client) = start();
    let list = client.get("/api/v1/endpoint").json();
    let last = list.as_array().unwrap().last().unwrap();
    assert_eq!(last["id"], LARGE_ENDPOINT_ID);
    let path = format!("/api/v1/endpoint/{LARGE_ENDPOINT_ID}");
    assert_eq!(&client.get(&path).json(), last);
    let connectivity = client.get(&format!("{path}/connectivity"));
    assert_eq!(connectivity.json()["status"]["description"], "ONLINE");
    let sim = client.get("/api/v1/sim").json()[0].clone();
    assert_eq!(client.get(&format!("/api/v1/sim/{}", sim["id"])).json(), sim);
}

#[test]
fn what_does_not_exist_gets_404_with_code_1401() {
    let (_sim, client) = start();
    for path in
        ["/api/v1/sim/1", "/api/v1/endpoint/1", "/api/v1/endpoint/1/connectivity", "/api/v1/x"]
    {
        let answer = client.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["error_code"], 1401, "{path}");
    }
}

#[test]
fn an_sms_gets_its_id_in_the_location_header_only() {
    let (sim, client) = start();
    let path = format!("/api/v1/endpoint/{LARGE_ENDPOINT_ID}/sms");
    let answer = client.post(&path, &json!({ "payload": "hello" }));
    assert_eq!((answer.status, answer.text.as_str()), (201, ""));
    let location = answer.header("location").unwrap();
    let id: u64 = location.strip_prefix(&format!("{path}/")).unwrap().parse().unwrap();
    assert!(id > u64::from(u32::MAX));
    assert_eq!(client.post(&path, &json!({ "payload": 1 })).status, 422);
    assert_eq!(client.post(&path, &json!({ "payload": null })).status, 400);
    assert_eq!(sim.violations(), ["sms: the member payload is null"]);
}

#[test]
fn bodies_are_compressed_when_the_client_offers_it_and_only_then() {
    let (sim, client) = start();
    // By hand, because ureq unpacks bodies and takes the header away with them.
    let offering = |coding: &str| {
        let mut stream = TcpStream::connect(sim.address()).unwrap();
        let bearer = client.bearer.as_deref().unwrap();
        let head = format!(
            "GET /api/v1/sim HTTP/1.1\r\nHost: x\r\nUser-Agent: raw/1\r\nConnection: close\r\n\
             Authorization: Bearer {bearer}\r\n{coding}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (text.contains("\r\nContent-Encoding: gzip\r\n"), bytes.len())
    };
    let (packed, small) = offering("Accept-Encoding: br, gzip\r\n");
    let (plain, large) = offering("");
    assert!(packed && !plain && small < large / 2, "{small} {large}");
    assert!(!offering("Accept-Encoding: identity, gzip;q=0\r\n").0);
    assert_eq!(client.get("/api/v1/sim").json().as_array().unwrap().len(), 25);
}

#[test]
fn a_bearer_lasts_as_long_as_its_token_says() {
    let sim = Simulator::builder().token_lifetime(Duration::from_secs(600)).start().unwrap();
    let client = Client::signed_in(&sim);
    sim.advance(Duration::from_secs(570));
    assert_eq!(client.get("/api/v1/sim").status, 200);
    sim.advance(Duration::from_secs(30));
    let expired = client.get("/api/v1/sim");
    assert_eq!(expired.status, 401);
    assert!(expired.json()["error_token"].is_null());
}

#[test]
fn missing_malformed_and_foreign_bearers_get_401() {
    let (_sim, mut client) = start();
    client.bearer = Some("opaque".into());
    assert_eq!(
        client.get("/api/v1/sim").json(),
        json!({ "message": "token contains an invalid number of segments" })
    );
    client.bearer = Some(token::make(0, 1));
    assert_eq!(client.get("/api/v1/sim").status, 401);
    client.bearer = None;
    let missing = client.get("/api/v1/sim");
    assert_eq!((missing.status, missing.text.as_str()), (401, ""));
}

#[test]
fn bearers_can_be_revoked_and_accepted() {
    let (sim, mut client) = start();
    let other = Client::signed_in(&sim);
    assert!(sim.revoke_bearer(client.bearer.as_ref().unwrap()));
    assert!(!sim.revoke_bearer("never seen"));
    assert_eq!(client.get("/api/v1/sim").status, 401);
    assert_eq!(other.get("/api/v1/sim").status, 200);
    sim.revoke_all_bearers();
    assert_eq!(other.get("/api/v1/sim").status, 401);
    client.bearer = Some(sim.issue_bearer());
    assert_eq!(client.get("/api/v1/sim").status, 200);
    sim.accept_bearer("opaque");
    client.bearer = Some("opaque".into());
    assert_eq!(client.get("/api/v1/sim").status, 200);
}

#[test]
fn a_scripted_token_is_a_bearer_until_its_own_end() {
    let (sim, mut client) = start();
    let scripted = token::sign(&format!(r#"{{"exp":{}}}"#, sim.clock().said() + 600));
    sim.next(common::AUTHENTICATE, Answer::token(&*scripted));
    let answer = client.application_token(DEFAULT_APPLICATION_TOKEN);
    assert_eq!(answer.auth_token(), scripted);
    client.bearer = Some(scripted);
    assert_eq!(client.get("/api/v1/sim").status, 200);
    sim.advance(Duration::from_secs(600));
    assert_eq!(client.get("/api/v1/sim").status, 401);
}

#[test]
fn an_application_token_is_created_listed_described_and_revoked() {
    let (sim, client) = start();
    let before = client.get("/api/v1/application_token").json();
    let created = client.post(
        "/api/v1/application_token",
        &json!({ "description": "gateway 7", "expiry_date": "2099-10-29", "ip": "127.0.0.0/8" }),
    );
    assert_eq!(created.status, 200);
    assert_eq!(created.json().as_object().unwrap().len(), 1, "the secret and no id");
    let secret = created.json()["application_token"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 77);
    assert_eq!(client.application_token(&secret).status, 200);

    let list = client.get("/api/v1/application_token");
    assert!(!list.text.contains(&secret) && !list.text.contains(DEFAULT_APPLICATION_TOKEN));
    let list = list.json();
    assert_eq!(list.as_array().unwrap().len(), before.as_array().unwrap().len() + 1);
    let new = list.as_array().unwrap().last().unwrap();
    assert_eq!(new["description"], "gateway 7");
    assert_eq!(new["expiry_date"], "2099-10-29");
    assert_eq!(new["status"], json!({ "id": 0, "description": "Activated" }));

    let path = format!("/api/v1/application_token/{}", new["id"]);
    let described = client.patch(&path, &json!({ "description": "gateway 8" }));
    assert_eq!((described.status, described.text.as_str()), (204, ""));
    assert_eq!(client.patch(&path, &json!({ "status": { "id": 1 } })).status, 204);
    assert_eq!(client.application_token(&secret).status, 401);
    let list = client.get("/api/v1/application_token").json();
    let new = list.as_array().unwrap().last().unwrap();
    assert_eq!((&new["description"], &new["status"]["id"]), (&json!("gateway 8"), &json!(1)));
    assert_eq!(client.patch("/api/v1/application_token/1", &json!({})).status, 404);
    assert_eq!(client.delete(&path).status, 404, "the service has no DELETE");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[test]
fn an_application_token_ends_on_its_date_and_outside_its_range() {
    let (sim, client) = start();
    let create = |body| {
        let answer = client.post("/api/v1/application_token", &body);
        answer.json()["application_token"].as_str().unwrap().to_owned()
    };
    let elsewhere = create(json!({ "ip": "10.0.0.0/8" }));
    let refused = client.application_token(&elsewhere);
    assert_eq!(refused.status, 403);
    assert!(refused.json()["error_code"].is_u64());
    let soon = create(json!({ "expiry_date": "2090-01-01T00:00:00Z" }));
    assert_eq!(client.application_token(&soon).status, 200);
    sim.advance(Duration::from_secs(70 * 366 * 86_400));
    assert_eq!(client.application_token(&soon).status, 401);
}

#[test]
fn malformed_application_tokens_are_violations() {
    let (sim, client) = start();
    for body in [
        json!({ "expiry_date": "tomorrow" }),
        json!({ "ip": "10.0.0.1" }),
        json!({ "description": null }),
        json!({ "name": "x" }),
    ] {
        assert_eq!(client.post("/api/v1/application_token", &body).status, 400, "{body}");
    }
    let status = json!({ "status": { "id": 2 } });
    assert_eq!(client.patch("/api/v1/application_token/1", &status).status, 400);
    assert_eq!(sim.violations().len(), 5);
}
