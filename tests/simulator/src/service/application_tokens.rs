//! `/api/v1/application_token`: create, list, describe, revoke.

use serde_json::{Value, json};

use super::bearer::Session;
use super::members::Members;
use super::{Call, Reply, World, cidr, paging};
use crate::clock::{iso_date_time, parse_iso};

pub(crate) struct ApplicationToken {
    pub(crate) id: u64,
    pub(crate) secret: String,
    pub(crate) description: Option<String>,
    /// Unix seconds as the service said them.
    pub(crate) created: i64,
    pub(crate) revoked: bool,
    /// As it was given.
    pub(crate) expiry_date: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) creator: Option<u64>,
    pub(crate) organisation: u64,
}

impl ApplicationToken {
    /// Whether it still signs in, at this true time in Unix seconds.
    pub(crate) fn is_good(&self, now: i64) -> bool {
        let expired = self.expiry_date.as_deref().and_then(parse_iso).is_some_and(|end| end < now);
        !self.revoked && !expired
    }

    /// What a list shows of it: never the secret, and no member that has no value.
    fn shown(&self, world: &World) -> Value {
        let (status, description) = if self.revoked { (1, "Revoked") } else { (0, "Activated") };
        let mut shown = json!({
            "id": self.id,
            "created": iso_date_time(self.created),
            "status": { "id": status, "description": description },
        });
        for (name, value) in [
            ("description", &self.description),
            ("expiry_date", &self.expiry_date),
            ("ip", &self.ip),
        ] {
            if let Some(value) = value {
                shown[name] = value.as_str().into();
            }
        }
        if let Some(account) = self.creator.and_then(|id| world.account(id)) {
            shown["creator"] = json!({
                "id": account.id,
                "name": "Simulated User",
                "username": account.user.username,
            });
        }
        shown
    }
}

pub(crate) fn create(world: &mut World, session: Session, call: &Call<'_>) -> Reply {
    let (description, expiry_date, ip) = match read_new(call) {
        Ok(wanted) => wanted,
        Err(wrong) => return Reply::malformed(format!("application_token: {wrong}")),
    };
    let secret = world.secret("application-token-of-no-value");
    let id = 20_000 + world.next_serial();
    world.application_tokens.push(ApplicationToken {
        id,
        secret: secret.clone(),
        description,
        created: call.now.said,
        revoked: false,
        expiry_date,
        ip,
        creator: session.user,
        organisation: session.organisation,
    });
    // Only the secret: the service gives no id back.
    Reply::json(200, &json!({ "application_token": secret }))
}

type New = (Option<String>, Option<String>, Option<String>);

fn read_new(call: &Call<'_>) -> Result<New, String> {
    let members = Members::of(call)?;
    members.only(&["description", "expiry_date", "ip"])?;
    let text = |name: &str| Ok::<_, String>(members.optional_text(name)?.map(str::to_owned));
    let (expiry_date, ip) = (text("expiry_date")?, text("ip")?);
    if expiry_date.as_deref().is_some_and(|date| parse_iso(date).is_none()) {
        return Err("expiry_date is neither a date nor an ISO 8601 time".into());
    }
    if ip.as_deref().is_some_and(|range| !cidr::is_valid(range)) {
        return Err("ip is not in CIDR notation".into());
    }
    Ok((text("description")?, expiry_date, ip))
}

pub(crate) fn list(world: &World, session: Session, call: &Call<'_>) -> Reply {
    let shown = world
        .application_tokens
        .iter()
        .filter(|token| token.organisation == session.organisation)
        .map(|token| token.shown(world))
        .collect();
    paging::list(shown, call.query, &world.settings)
}

pub(crate) fn change(world: &mut World, session: Session, id: &str, call: &Call<'_>) -> Reply {
    let read = || -> Result<_, String> {
        let members = Members::of(call)?;
        members.only(&["description", "status"])?;
        let status = members.optional_id("status")?;
        if status.is_some_and(|status| status > 1) {
            return Err("the status is neither 0 nor 1".into());
        }
        Ok((members.optional_text("description")?.map(str::to_owned), status))
    };
    let (description, status) = match read() {
        Ok(wanted) => wanted,
        Err(wrong) => return Reply::malformed(format!("application_token: {wrong}")),
    };
    let Some(token) = world
        .application_tokens
        .iter_mut()
        .find(|token| token.organisation == session.organisation && token.id.to_string() == id)
    else {
        return Reply::not_found();
    };
    if let Some(description) = description {
        token.description = Some(description);
    }
    if let Some(status) = status {
        token.revoked = status == 1;
    }
    Reply::empty(204)
}
