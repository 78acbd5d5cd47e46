//! What the service says, before it is dressed up for the wire.

use serde_json::{Value, json};

const JSON: &str = "application/json";

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// A list, which the service may send in chunks.
    pub(crate) list: bool,
    /// What was wrong with the request, for tests to assert on. Never holds a secret.
    pub(crate) violation: Option<String>,
}

impl Reply {
    /// An empty body, which the service calls `text/html`.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), "text/html".into())],
            body: Vec::new(),
            list: false,
            violation: None,
        }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, JSON, body.to_string())
    }

    /// JSON as some of the service's back ends send it: with a charset.
    pub(crate) fn json_with_charset(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json; charset=utf-8", body.to_string())
    }

    fn text(status: u16, content_type: &str, body: String) -> Self {
        Self {
            body: body.into_bytes(),
            headers: vec![("Content-Type".into(), content_type.into())],
            ..Self::empty(status)
        }
    }

    /// The service's error object.
    pub(crate) fn error(status: u16, code: u32, token: &str, message: &str) -> Self {
        let error = json!({ "error_code": code, "error_token": token, "message": message });
        let mut body = error.clone();
        body["errors"] = json!([error]);
        Self::json(status, &body)
    }

    /// The error object of the API gateway in front of the service.
    pub(crate) fn gateway(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "message": message }))
    }

    pub(crate) fn not_found() -> Self {
        Self::error(404, 1401, "ResourceNotFound", "The requested resource does not exist.")
    }

    /// A request that no client should have sent: 400, and kept as a violation.
    pub(crate) fn malformed(violation: String) -> Self {
        let mut reply = Self::error(400, 1100, "BadRequest", &violation);
        reply.violation = Some(violation);
        reply
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
