//! `/api/v1/user/…/mfa`: keys and trusted devices of a user session.

use serde_json::{Value, json};

use super::bearer::Session;
use super::members::Members;
use super::users::{Account, MfaKey, sha1_hex};
use super::{Call, Reply, World, totp};
use crate::clock::Moment;

const TYPES: [(u64, &str); 2] = [(1, "Authenticator app"), (2, "E-mail")];
const STATUSES: [(u64, &str); 2] = [(0, "Pending"), (1, "Active")];

fn named(table: &[(u64, &str)], id: u64) -> Value {
    let description = table.iter().find(|(known, _)| *known == id).map(|(_, text)| *text);
    json!({ "id": id, "description": description })
}

fn lookup(table: &[(u64, &str)]) -> Reply {
    let all: Vec<_> = table.iter().map(|(id, _)| named(table, *id)).collect();
    Reply::json(200, &all.into())
}

pub(crate) fn statuses() -> Reply {
    lookup(&STATUSES)
}

pub(crate) fn types() -> Reply {
    lookup(&TYPES)
}

impl World {
    /// The account on which a request acts: the caller's own. `user` is the path's segment,
    /// an id or `my`.
    fn own_account(&mut self, session: Session, user: &str) -> Result<&mut Account, Reply> {
        let forbidden = || Reply::error(403, 1103, "Forbidden", "Not allowed for this session.");
        let id = session.user.ok_or_else(forbidden)?;
        if user != "my" && user != id.to_string() {
            return Err(forbidden());
        }
        self.account_mut(id).ok_or_else(Reply::not_found)
    }

    /// Whether `code` is a TOTP code of one of the user's active keys that was not used before.
    pub(crate) fn takes_totp(&mut self, user: u64, code: &str, now: Moment) -> bool {
        let Some(account) = self.account_mut(user) else {
            return false;
        };
        let used = account.last_totp_step;
        let step = account
            .keys
            .iter()
            .filter(|key| key.active)
            .filter_map(|key| totp::matching_step(&key.secret, code, now.said))
            .find(|step| *step > used);
        account.last_totp_step = step.unwrap_or(used);
        step.is_some()
    }
}

pub(crate) fn create_key(world: &mut World, session: Session, call: &Call<'_>) -> Reply {
    let read = || -> Result<(u64, String), String> {
        let members = Members::of(call)?;
        members.only(&["type", "password"])?;
        let kind = members.optional_id("type")?.ok_or("the member type is missing")?;
        Ok((kind, members.text("password")?.to_owned()))
    };
    let (kind, password) = match read() {
        Ok(wanted) => wanted,
        Err(wrong) => return Reply::malformed(format!("user/mfa: {wrong}")),
    };
    if TYPES.iter().all(|(known, _)| *known != kind) {
        return Reply::empty(422);
    }
    let secret = world.totp_key();
    let id = 50_000 + world.next_serial();
    let account = match world.own_account(session, "my") {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    // The documentation does not say whether this password is hashed, so both forms are taken.
    let known = &account.user.password_sha1;
    if password != *known && sha1_hex(&password) != *known {
        return Reply::empty(401);
    }
    let base32 = totp::base32(&secret);
    account.keys.push(MfaKey { id, secret, active: false });
    let label: String = account
        .user
        .username
        .bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect();
    Reply::json(
        200,
        &json!({
            "id": id,
            "status": named(&STATUSES, 0),
            "type": named(&TYPES, kind),
            "secret_key": base32,
            "otpauth": format!(
                "otpauth://totp/emnify%20simulator:{label}?secret={base32}&issuer=emnify%20simulator"
            ),
            "creation_date": call.now.iso(),
        }),
    )
}

pub(crate) fn change_key(world: &mut World, session: Session, key: &str, call: &Call<'_>) -> Reply {
    let read = || -> Result<(u64, String), String> {
        let members = Members::of(call)?;
        members.only(&["status", "code"])?;
        let status = members.optional_id("status")?.ok_or("the member status is missing")?;
        Ok((status, members.text("code")?.to_owned()))
    };
    let (status, code) = match read() {
        Ok(wanted) => wanted,
        Err(wrong) => return Reply::malformed(format!("user/mfa: {wrong}")),
    };
    let account = match world.own_account(session, "my") {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    let Some(key) = account.keys.iter_mut().find(|known| known.id.to_string() == key) else {
        return Reply::not_found();
    };
    if status != 1 {
        return Reply::empty(422);
    }
    let step = totp::matching_step(&key.secret, &code, call.now.said);
    if step.is_none() && code != crate::ACTIVATION_CODE {
        return Reply::empty(401);
    }
    key.active = true;
    // The code that activated the key is spent: it signs nobody in.
    account.last_totp_step = account.last_totp_step.max(step.unwrap_or(0));
    Reply::empty(204)
}

pub(crate) fn delete_key(world: &mut World, session: Session, user: &str, key: &str) -> Reply {
    match world.own_account(session, user) {
        Ok(account) => {
            let before = account.keys.len();
            account.keys.retain(|known| known.id.to_string() != key);
            gone(before != account.keys.len())
        }
        Err(refusal) => refusal,
    }
}

pub(crate) fn devices(world: &mut World, session: Session, user: &str) -> Reply {
    match world.own_account(session, user) {
        Ok(account) => {
            let shown: Vec<Value> = account
                .devices
                .iter()
                .map(|device| {
                    json!({
                        "id": device.id,
                        "operating_system": device.operating_system,
                        "browser": device.browser,
                        "name": device.name,
                        "activation_date": device.activated,
                    })
                })
                .collect();
            Reply::json(200, &shown.into())
        }
        Err(refusal) => refusal,
    }
}

pub(crate) fn forget_device(
    world: &mut World,
    session: Session,
    user: &str,
    device: &str,
) -> Reply {
    match world.own_account(session, user) {
        Ok(account) => {
            let before = account.devices.len();
            account.devices.retain(|known| known.id.to_string() != device);
            gone(before != account.devices.len())
        }
        Err(refusal) => refusal,
    }
}

fn gone(found: bool) -> Reply {
    if found { Reply::empty(204) } else { Reply::not_found() }
}
