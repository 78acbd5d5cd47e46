//! `POST /api/v1/authenticate/workspace`: a user acts in another organisation.

use serde_json::json;

use super::bearer::Session;
use super::members::Members;
use super::{Call, Reply, World};

pub(crate) fn enter(world: &mut World, session: Session, call: &Call<'_>) -> Reply {
    let read = || -> Result<u64, String> {
        let members = Members::of(call)?;
        members.only(&["target_organisation"])?;
        members
            .optional_id("target_organisation")?
            .ok_or_else(|| "the member target_organisation is missing".to_owned())
    };
    let target = match read() {
        Ok(target) => target,
        Err(wrong) => return Reply::malformed(format!("authenticate/workspace: {wrong}")),
    };
    // An application token belongs to one workspace and cannot leave it.
    let Some(account) = session.user.and_then(|user| world.account(user)) else {
        return Reply::empty(401);
    };
    let user = &account.user;
    if user.organisation != target && !user.workspaces.contains(&target) {
        return Reply::json(200, &json!({ "auth_token": null }));
    }
    let there = Session { organisation: target, ..session };
    let auth_token = world.issue(there, call.now);
    Reply::json(200, &json!({ "auth_token": auth_token }))
}
