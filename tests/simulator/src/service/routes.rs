//! Which request goes where.

use super::application_tokens as tokens;
use super::resources::{self, Kind};
use super::{Call, Reply, World, mfa, workspaces};
use crate::AUTHENTICATE;

/// The service's answer to one request.
pub(crate) fn answer(world: &mut World, call: &Call<'_>) -> Reply {
    // The vendor's SDKs disagree on whether a base URL ends in /api; a client that gets it
    // wrong ends up here.
    if call.path == "/api/api" || call.path.starts_with("/api/api/") {
        let mut reply = Reply::not_found();
        reply.violation = Some(format!("{} {}: /api comes twice", call.method, call.path));
        return reply;
    }
    if call.path == AUTHENTICATE {
        return match call.method {
            "POST" => world.authenticate(call),
            _ => Reply::gateway(405, "Method Not Allowed"),
        };
    }
    let Some(rest) = call.path.strip_prefix("/api/v1/") else {
        return Reply::gateway(404, "Not Found");
    };
    let session = match world.session(call) {
        Ok(session) => session,
        Err(refusal) => return refusal,
    };
    let segments: Vec<&str> = rest.split('/').collect();
    match (call.method, segments.as_slice()) {
        ("POST", ["authenticate", "workspace"]) => workspaces::enter(world, session, call),

        ("GET", ["sim"]) => resources::list(world, session, Kind::Sim, call),
        ("GET", ["sim", id]) => resources::one(world, session, Kind::Sim, id),
        ("GET", ["endpoint"]) => resources::list(world, session, Kind::Endpoint, call),
        ("GET", ["endpoint", id]) => resources::one(world, session, Kind::Endpoint, id),
        ("GET", ["endpoint", id, "connectivity"]) => resources::connectivity(world, session, id),
        ("POST", ["endpoint", id, "sms"]) => resources::send_sms(world, session, id, call),

        ("POST", ["application_token"]) => tokens::create(world, session, call),
        ("GET", ["application_token"]) => tokens::list(world, session, call),
        ("PATCH", ["application_token", id]) => tokens::change(world, session, id, call),

        ("GET", ["user", "mfa", "status"]) => mfa::statuses(),
        ("GET", ["user", "mfa", "type"]) => mfa::types(),
        ("POST", ["user", "mfa"]) => mfa::create_key(world, session, call),
        ("PATCH", ["user", "mfa", key]) => mfa::change_key(world, session, key, call),
        ("DELETE", ["user", user, "mfa", "trusted_device", device]) => {
            mfa::forget_device(world, session, user, device)
        }
        ("DELETE", ["user", user, "mfa", key]) => mfa::delete_key(world, session, user, key),
        ("GET", ["user", user, "mfa", "trusted_device"]) => mfa::devices(world, session, user),
        _ => Reply::not_found(),
    }
}
