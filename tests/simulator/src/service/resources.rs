//! SIMs, endpoints and SMS: enough of them to have something behind the bearer.

use serde_json::{Value, json};

use super::bearer::Session;
use super::members::Members;
use super::{Call, Reply, World, paging};
use crate::{DEFAULT_ORGANISATION, LARGE_ENDPOINT_ID};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sim,
    Endpoint,
}

/// How many SIMs and endpoints an organisation other than the default one has.
const ELSEWHERE: usize = 3;

/// SMS ids start beyond 32 bits, so that a client that cuts them is found out.
const FIRST_SMS_ID: u64 = 5_000_000_000;

fn count(world: &World, session: Session) -> usize {
    if session.organisation == DEFAULT_ORGANISATION { world.settings.fleet_size } else { ELSEWHERE }
}

/// The fleet of an organisation is computed and not stored: number `at` always looks the same.
fn id(kind: Kind, session: Session, at: usize, count: usize) -> u64 {
    // The last endpoint has an id that a double cannot hold.
    if kind == Kind::Endpoint && at + 1 == count {
        return LARGE_ENDPOINT_ID;
    }
    let base = match kind {
        Kind::Sim => 1_000_000,
        Kind::Endpoint => 10_000_000,
    };
    base + (session.organisation % 1000) * 10_000 + at as u64 + 1
}

fn item(kind: Kind, session: Session, at: usize, count: usize) -> Value {
    let organisation = json!({ "id": session.organisation });
    let sim = json!({
        "id": id(Kind::Sim, session, at, count),
        "iccid": format!("89882390{:05}{:07}", session.organisation % 100_000, at),
        "msisdn": format!("423663{:09}", at),
        "status": { "id": 1, "description": "Activated" },
    });
    let endpoint_id = id(Kind::Endpoint, session, at, count);
    let name = format!("Simulated endpoint {}", at + 1);
    match kind {
        Kind::Sim => {
            let mut whole = sim;
            whole["organisation"] = organisation;
            whole["production_date"] = "2023-01-02T03:04:05.000+0000".into();
            whole["activation_date"] = "2023-02-03T04:05:06.000+0000".into();
            whole["endpoint"] = json!({ "id": endpoint_id, "name": name });
            whole
        }
        Kind::Endpoint => json!({
            "id": endpoint_id,
            "name": name,
            "tags": "simulated",
            "created": "2023-02-03T04:05:06.000+0000",
            "last_updated": "2023-03-04T05:06:07.000+0000",
            "status": { "id": 0, "description": "Enabled" },
            "service_profile": { "id": 1, "name": "Simulated service profile" },
            "tariff_profile": { "id": 1, "name": "Simulated tariff profile" },
            "ip_address": format!("100.64.{}.{}", at / 250, at % 250 + 1),
            "organisation": organisation,
            "sim": sim,
        }),
    }
}

fn position(world: &World, session: Session, kind: Kind, wanted: &str) -> Option<usize> {
    let count = count(world, session);
    (0..count).find(|at| id(kind, session, *at, count).to_string() == wanted)
}

pub(crate) fn list(world: &World, session: Session, kind: Kind, call: &Call<'_>) -> Reply {
    let count = count(world, session);
    let items = (0..count).map(|at| item(kind, session, at, count)).collect();
    paging::list(items, call.query, &world.settings)
}

pub(crate) fn one(world: &World, session: Session, kind: Kind, wanted: &str) -> Reply {
    match position(world, session, kind, wanted) {
        Some(at) => Reply::json_with_charset(200, &item(kind, session, at, count(world, session))),
        None => Reply::not_found(),
    }
}

pub(crate) fn connectivity(world: &World, session: Session, wanted: &str) -> Reply {
    if position(world, session, Kind::Endpoint, wanted).is_none() {
        return Reply::not_found();
    }
    Reply::json_with_charset(
        200,
        &json!({
            "status": { "description": "ONLINE" },
            "location": {
                "iccid": "8988239000000000000",
                "last_updated": "2024-01-02T03:04:05Z",
                "operator": { "id": 1, "name": "Simulated operator" },
                "country": { "id": 1, "name": "Nowhere" },
            },
            "services": ["SMS", "Data"],
            "pdp_context": null,
        }),
    )
}

pub(crate) fn send_sms(
    world: &mut World,
    session: Session,
    endpoint: &str,
    call: &Call<'_>,
) -> Reply {
    if position(world, session, Kind::Endpoint, endpoint).is_none() {
        return Reply::not_found();
    }
    match Members::of(call) {
        Err(wrong) => return Reply::malformed(format!("sms: {wrong}")),
        // The service answers what it cannot use without a word.
        Ok(members) if members.text("payload").is_err() => return Reply::empty(422),
        Ok(_) => {}
    }
    let id = FIRST_SMS_ID + world.next_serial();
    Reply::empty(201).header("Location", format!("/api/v1/endpoint/{endpoint}/sms/{id}"))
}
