//! `/_control`: what the library's methods do, for tests in other languages.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::redact;
use crate::script::{Answer, Script, Target};
use crate::service::{Call, Reply, query_pairs};
use crate::shared::Shared;

const ROOT: &str = "/_control/";

pub(crate) fn is_control(path: &str) -> bool {
    path.starts_with(ROOT)
}

pub(crate) fn answer(shared: &Shared, call: &Call<'_>) -> Reply {
    let name = call.path.strip_prefix(ROOT).unwrap_or_default();
    let answered = match (call.method, name) {
        ("POST", "script") => script(call.body).map(|script| {
            shared.playlist().add(script);
            done()
        }),
        ("DELETE", "script") => {
            shared.playlist().clear();
            Ok(done())
        }
        ("POST", "release") => {
            shared.gate.open();
            Ok(done())
        }
        ("POST", "advance") => seconds(call.body).and_then(|seconds| {
            let seconds = u64::try_from(seconds).map_err(|_| "seconds is negative".to_owned())?;
            shared.clock.advance(Duration::from_secs(seconds));
            Ok(done())
        }),
        ("POST", "clock_offset") => seconds(call.body).map(|seconds| {
            shared.clock.set_skew(seconds);
            done()
        }),
        ("POST", "revoke_bearers") => {
            for bearer in shared.world().bearers.values_mut() {
                bearer.revoked = true;
            }
            Ok(done())
        }
        ("GET", "requests") => Ok(Reply::json(200, &requests(shared, call.query))),
        ("DELETE", "requests") => {
            shared.journal.clear();
            Ok(done())
        }
        ("GET", "stats") => Ok(Reply::json(200, &stats(shared))),
        ("GET", "mfa_code") => Ok(mfa_code(shared, call.query)),
        _ => return Reply::gateway(404, "no such control"),
    };
    answered.unwrap_or_else(|wrong| Reply::gateway(400, &wrong))
}

fn done() -> Reply {
    Reply::json(200, &json!({}))
}

fn object(body: &[u8]) -> Result<serde_json::Map<String, Value>, String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err("the body is not a JSON object".into()),
    }
}

fn seconds(body: &[u8]) -> Result<i64, String> {
    object(body)?
        .get("seconds")
        .and_then(Value::as_i64)
        .ok_or_else(|| "seconds is not an integer".into())
}

/// Reads a script. A member that is not known is refused: a typing error in a test must not
/// turn into an answer that the test did not mean.
fn script(body: &[u8]) -> Result<Script, String> {
    const KNOWN: [&str; 13] = [
        "always",
        "body",
        "content_type",
        "cut",
        "delay_ms",
        "garbage",
        "headers",
        "held",
        "method",
        "path",
        "status",
        "times",
        "token",
    ];
    let members = object(body)?;
    if let Some(name) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(format!("unknown member {name}"));
    }
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(format!("{name} is not a string")),
    };
    let number = |name: &str| match members.get(name).map(Value::as_u64) {
        None => Ok(None),
        Some(Some(number)) => Ok(Some(number)),
        Some(None) => Err(format!("{name} is not a number of zero or more")),
    };
    let flag = |name: &str| match members.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("{name} is not true or false")),
    };

    let status = number("status")?;
    let body = text("body")?;
    let mut answer = match (text("cut")?, text("garbage")?, text("token")?) {
        (None, None, None) if status.is_none() && body.is_none() => Answer::pass(),
        (None, None, None) => Answer::status(200),
        (None, None, Some(token)) => Answer::token(token),
        (None, Some(bytes), None) => Answer::garbage(bytes),
        (Some("before"), None, None) => Answer::cut_before_answer(),
        (Some("reset"), None, None) => Answer::reset(),
        (Some("headers"), None, None) => Answer::cut_in_headers(),
        (Some("body"), None, None) => {
            // A hundred bytes more than will ever come.
            let sent = body.unwrap_or_default();
            Answer::cut_in_body(sent.len() + 100, sent)
        }
        (Some("hang"), None, None) => Answer::hang(),
        (Some("lost"), None, None) => Answer::lost(),
        (Some(_), None, None) => {
            return Err("cut is none of before, reset, headers, body, hang, lost".into());
        }
        _ => return Err("more than one of cut, garbage and token".into()),
    };
    if let Some(status) = status {
        answer.status = u16::try_from(status)
            .ok()
            .filter(|status| (200..=599).contains(status))
            .ok_or("status is not between 200 and 599")?;
    }
    if let Some(body) = body {
        answer = answer.body(text("content_type")?.unwrap_or("application/json"), body);
    }
    match members.get("headers") {
        None => {}
        Some(Value::Object(headers)) => {
            for (name, value) in headers {
                let value =
                    value.as_str().ok_or_else(|| format!("the header {name} is not a string"))?;
                if HeaderName::from_bytes(name.as_bytes()).is_err()
                    || HeaderValue::from_str(value).is_err()
                {
                    return Err(format!("the header {name} cannot be sent; use garbage"));
                }
                answer = answer.header(name, value);
            }
        }
        Some(_) => return Err("headers is not an object".into()),
    }
    answer = answer.delay(Duration::from_millis(number("delay_ms")?.unwrap_or(0)));
    answer.held = flag("held")?;

    let path = text("path")?.ok_or("path is missing")?;
    let target = match text("method")? {
        Some(method) => Target::from(format!("{method} {path}").as_str()),
        None => Target::from(path),
    };
    Ok(if flag("always")? {
        Script::always(target, answer)
    } else {
        let times = number("times")?.unwrap_or(1);
        Script::times(target, usize::try_from(times).unwrap_or(usize::MAX), answer)
    })
}

fn requests(shared: &Shared, query: &str) -> Value {
    let target = query_pairs(query)
        .find(|(name, _)| name == "path")
        .map(|(_, path)| Target::from(path.as_str()));
    let shown: Vec<Value> = shared
        .journal
        .requests(target.as_ref())
        .iter()
        .map(|request| {
            let (headers, body) = if shared.show_secrets {
                (request.headers.clone(), request.text())
            } else {
                (redact::headers(&request.headers), redact::body(&request.path, &request.body))
            };
            json!({
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "headers": headers,
                "body": body,
                "connection": request.connection,
                "status": request.status,
                "at": httpdate::fmt_http_date(request.at),
            })
        })
        .collect();
    shown.into()
}

fn stats(shared: &Shared) -> Value {
    json!({
        "sign_ins": shared.journal.sign_ins(),
        "requests": shared.journal.arrived(),
        "connections": shared.journal.connections(),
        "held": shared.gate.waiting(),
        "violations": shared.journal.violations(),
    })
}

fn mfa_code(shared: &Shared, query: &str) -> Reply {
    let username = query_pairs(query)
        .find(|(name, _)| name == "username")
        .map(|(_, username)| username)
        .unwrap_or_default();
    let code =
        shared.world().account_named(&username).and_then(|account| account.last_code.clone());
    match code {
        Some(code) => Reply::json(200, &json!({ "code": code })),
        None => Reply::gateway(404, "no code was sent to this user"),
    }
}
