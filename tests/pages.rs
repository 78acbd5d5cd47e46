//! Lists, page by page.

use std::time::{Duration, Instant};

use emnify::{Client, Credentials, Error, ErrorKind, Response};
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, PagingHeaders, Simulator};

const SIMS: &str = "/api/v1/sim";

fn rig(headers: PagingHeaders) -> (Simulator, Client) {
    let sim = Simulator::builder().paging_headers(headers).fleet_size(25).start().unwrap();
    let client = Client::builder(Credentials::application_token(DEFAULT_APPLICATION_TOKEN))
        .base_url(sim.base_url())
        .build()
        .unwrap();
    (sim, client)
}

fn ids(client: &Client, per_page: u32) -> Vec<u64> {
    let items = client.get(SIMS).query("per_page", per_page).items::<emnify::Sim>();
    items.map(|sim| sim.unwrap().id).collect()
}

#[test]
fn all_pages_are_walked_by_either_family_of_headers_and_not_one_more() {
    for headers in [PagingHeaders::Long, PagingHeaders::Short] {
        let (sim, client) = rig(headers);
        let ids = ids(&client, 10);
        assert_eq!(ids.len(), 25);
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        let queries: Vec<String> =
            sim.requests_to(SIMS).into_iter().map(|request| request.query).collect();
        assert_eq!(queries, ["per_page=10&page=1", "per_page=10&page=2", "per_page=10&page=3"]);
    }
}

#[test]
fn without_headers_the_page_that_comes_again_is_the_end() {
    let (sim, client) = rig(PagingHeaders::None);
    assert_eq!(ids(&client, 10).len(), 25);
    // The fourth is the third again.
    assert_eq!(sim.requests_to(SIMS).len(), 4);
}

#[test]
fn without_headers_a_page_whose_times_differ_is_known_by_its_first_id() {
    let (sim, client) = rig(PagingHeaders::None);
    sim.next(SIMS, Answer::json(200, r#"[{"id":1,"seen":"10:00"}]"#));
    sim.next(SIMS, Answer::json(200, r#"[{"id":1,"seen":"10:01"}]"#));
    assert_eq!(ids(&client, 1), [1]);
}

#[test]
fn without_headers_a_page_without_ids_is_known_by_its_bytes() {
    let (sim, client) = rig(PagingHeaders::None);
    sim.next_n("/api/v1/odd", 2, Answer::json(200, r#"["text"]"#));
    assert_eq!(client.get("/api/v1/odd").pages().count(), 1);
    assert_eq!(sim.requests_to("/api/v1/odd").len(), 2);
}

#[test]
fn a_list_that_grows_is_walked_to_its_new_end() {
    let (sim, client) = rig(PagingHeaders::None);
    let page = |id: u32| Answer::json(200, format!(r#"[{{"id":{id}}}]"#));
    sim.next(SIMS, page(1).header("X-Total-Pages", "2"));
    sim.next(SIMS, page(2).header("X-Total-Pages", "3"));
    // Says nothing, so that what was said last counts.
    sim.next(SIMS, page(3));
    assert_eq!(ids(&client, 1), [1, 2, 3]);
    assert_eq!(sim.requests_to(SIMS).len(), 3);
}

#[test]
fn without_headers_members_without_an_id_are_not_taken_for_each_other() {
    let (sim, client) = rig(PagingHeaders::None);
    for body in [r#"[{"id":null,"n":1}]"#, r#"[{"id":null,"n":2}]"#, r#"["text"]"#, "[3]", "[]"] {
        sim.next("/api/v1/odd", Answer::json(200, body));
    }
    assert_eq!(client.get("/api/v1/odd").items::<serde_json::Value>().count(), 4);
}

#[test]
fn without_headers_a_page_that_is_no_list_after_some_that_were_is_an_error() {
    let (sim, client) = rig(PagingHeaders::None);
    sim.next(SIMS, Answer::json(200, r#"[{"id":1}]"#));
    sim.next(SIMS, Answer::json(200, r#"{"from":"a gateway"}"#));
    let pages: Vec<_> = client.get(SIMS).pages().collect();
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[1].as_ref().unwrap_err().kind(), ErrorKind::BadResponse);
}

#[test]
fn lists_of_a_cancelled_client_take_no_turns() {
    let (_sim, client) = rig(PagingHeaders::Long);
    client.auth_token().unwrap();
    client.cancel().unwrap();
    for _ in 0..400 {
        let error = client.sims().next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
    client.resume().unwrap();
    client.get(SIMS).timeout(Duration::from_secs(20)).pages().next().unwrap().unwrap();
}

#[test]
fn an_empty_list_is_one_page_without_members() {
    let (sim, client) = rig(PagingHeaders::None);
    sim.next_n(SIMS, 2, Answer::json(200, "[]"));
    assert_eq!(client.get(SIMS).pages().count(), 1);
    assert_eq!(ids(&client, 10), Vec::<u64>::new());
}

#[test]
fn without_headers_an_answer_that_is_no_list_is_the_only_page() {
    let (sim, client) = rig(PagingHeaders::None);
    for n in 0..9 {
        sim.next("/api/v1/status", Answer::json(200, format!(r#"{{"at":{n}}}"#)));
    }
    assert_eq!(client.get("/api/v1/status").pages().map(Result::unwrap).count(), 1);
    assert_eq!(sim.requests_to("/api/v1/status").len(), 1);
}

#[test]
fn a_page_without_members_ends_the_list_whatever_the_headers_say() {
    let (sim, client) = rig(PagingHeaders::None);
    let counted = |body: &str| Answer::json(200, body).header("X-Total-Pages", "4000000000");
    sim.next(SIMS, counted(r#"[{"id":1}]"#));
    sim.next(SIMS, counted(r#"[{"id":2}]"#));
    sim.next(SIMS, counted(" [ ] "));
    assert_eq!(ids(&client, 1), [1, 2]);
    assert_eq!(sim.requests_to(SIMS).len(), 3);
}

#[test]
fn ten_pages_are_asked_for_in_a_second_by_all_lists_of_a_session_together() {
    let (sim, client) = rig(PagingHeaders::Long);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(ids(&client, 6).len(), 25));
        }
    });
    assert_eq!(sim.requests_to(SIMS).len(), 15);
    // The first goes at once, and each of the others 100 ms after the one before.
    assert!(start.elapsed() >= Duration::from_millis(1400), "{:?}", start.elapsed());
}

#[test]
fn a_query_may_have_members_whose_names_begin_like_the_page() {
    let (sim, client) = rig(PagingHeaders::Long);
    client.get("/api/v1/sim?per_page=25&page_size=1").pages().next().unwrap().unwrap();
    assert_eq!(sim.requests_to(SIMS)[0].query, "per_page=25&page_size=1&page=1");
}

#[test]
fn a_page_whose_turn_comes_past_its_deadline_is_not_waited_for() {
    let (sim, client) = rig(PagingHeaders::Long);
    client.auth_token().unwrap();
    let error = client.get(SIMS).timeout(Duration::ZERO).pages().next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("next page"), "{error}");
    assert_eq!(sim.requests_to(SIMS).len(), 0);
}

#[test]
fn an_error_is_the_last_thing_a_list_gives() {
    let (sim, client) = rig(PagingHeaders::Long);
    sim.next(SIMS, Answer::pass());
    sim.next(SIMS, Answer::status(500));
    let pages: Vec<Result<Response, Error>> =
        client.get(SIMS).query("per_page", 10).pages().collect();
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[1].as_ref().unwrap_err().kind(), ErrorKind::Server);
}

#[test]
fn a_list_that_is_none_is_said() {
    let (sim, client) = rig(PagingHeaders::Long);
    let counted = Answer::json(200, r#"{"not":"a list"}"#).header("X-Total-Pages", "3");
    sim.next(SIMS, counted);
    let items: Vec<_> = client.sims().collect();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].as_ref().unwrap_err().kind(), ErrorKind::BadResponse);
}

#[test]
fn a_page_of_the_callers_is_refused() {
    let (_sim, client) = rig(PagingHeaders::Long);
    let page = client.get("/api/v1/sim?page=2").pages().next().unwrap();
    assert_eq!(page.unwrap_err().kind(), ErrorKind::InvalidArgument);
}
