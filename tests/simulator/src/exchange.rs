//! One request and its answer: read, record, follow the script or ask the service, dress up.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::UNIX_EPOCH;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};

use crate::clock::Moment;
use crate::control;
use crate::journal::RecordedRequest;
use crate::script::{Answer, Fate};
use crate::service::{self, Call, Reply};
use crate::shared::Shared;

/// The largest request body that is read. The service takes no uploads.
const LARGEST_BODY: usize = 1 << 20;

/// How a connection ends instead of with an answer.
#[derive(Debug)]
pub(crate) enum Ending {
    Cut,
    Reset,
    /// These bytes, then the end.
    Raw(Vec<u8>),
}

/// What an exchange comes to.
pub(crate) type Outcome = Result<Response<ReplyBody>, Ending>;

/// Answers one request.
pub(crate) async fn exchange(
    shared: &Shared,
    connection: u64,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Outcome {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        // Too long, or the client went away in the middle of it.
        Err(_) => return Err(Ending::Cut),
    };
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let method = head.method.as_str();
    let call =
        |now: Moment| Call { method, path, query, headers: &headers, body: &body, peer, now };
    let offers_gzip = offers_gzip(&headers);

    let arrival = shared.clock.now();
    if control::is_control(path) {
        let reply = control::answer(shared, &call(arrival));
        return Ok(dress(shared, reply, arrival, offers_gzip, &[]));
    }

    let serial = shared.journal.record(RecordedRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.clone(),
        body: body.to_vec(),
        connection,
        status: None,
        at: UNIX_EPOCH + arrival.true_time,
        serial: 0,
    });
    note_violations(shared, &call(arrival));

    let answer = shared.playlist().take(method, path);
    if let Some(answer) = &answer {
        if answer.held {
            shared.gate.pass().await;
        }
        if !answer.delay.is_zero() {
            tokio::time::sleep(answer.delay).await;
        }
    }
    // Read again: time may have passed while the answer was held.
    let now = shared.clock.now();
    let outcome = match answer {
        None => Ok(dress(shared, ask(shared, &call(now)), now, offers_gzip, &[])),
        Some(answer) => scripted(shared, answer, &call(now), offers_gzip).await,
    };
    let status = outcome.as_ref().ok().map(|response| response.status().as_u16());
    if let Some(status) = status {
        shared.journal.answered(serial, status);
    }
    shared.log.line(now, method, path, status);
    outcome
}

/// What no client should send, whatever is answered to it.
fn note_violations(shared: &Shared, call: &Call<'_>) {
    let note = |what: &str| {
        let text = format!("{} {}: {what}", call.method, call.path);
        shared.journal.violation(text);
    };
    if call.header("user-agent").is_none_or(|agent| agent.trim().is_empty()) {
        note("no User-Agent");
    }
    if call.path == crate::AUTHENTICATE && call.header("authorization").is_some() {
        note("a bearer where credentials belong");
    }
}

/// Asks the service.
fn ask(shared: &Shared, call: &Call<'_>) -> Reply {
    let reply = service::answer(&mut shared.world(), call);
    if let Some(violation) = &reply.violation {
        shared.journal.violation(violation.clone());
    }
    reply
}

async fn scripted(
    shared: &Shared,
    mut answer: Answer,
    call: &Call<'_>,
    offers_gzip: bool,
) -> Outcome {
    match std::mem::replace(&mut answer.fate, Fate::Written) {
        Fate::Ordinary => {
            let mut reply = ask(shared, call);
            replace_headers(&mut reply, answer.headers);
            Ok(dress(shared, reply, call.now, offers_gzip, &answer.without))
        }
        Fate::Lost => {
            ask(shared, call);
            Err(Ending::Cut)
        }
        Fate::Token(token) => {
            shared.world().accept_bearer(&token, call.now);
            Ok(written(shared, answer, call.now))
        }
        Fate::Written => Ok(written(shared, answer, call.now)),
        Fate::CutBeforeAnswer => Err(Ending::Cut),
        Fate::Reset => Err(Ending::Reset),
        Fate::CutInHeaders => {
            let mut raw = raw_head(&answer, call.now, None);
            raw.extend_from_slice(b"X-Cut-Of");
            Err(Ending::Raw(raw))
        }
        Fate::CutInBody(announced) => {
            let mut raw = raw_head(&answer, call.now, Some(announced));
            raw.extend_from_slice(b"\r\n");
            raw.extend_from_slice(&answer.body);
            Err(Ending::Raw(raw))
        }
        Fate::Garbage(bytes) => Err(Ending::Raw(bytes)),
        Fate::Hang => std::future::pending().await,
    }
}

/// A scripted answer goes out as it was written: never compressed, never in chunks.
fn written(shared: &Shared, answer: Answer, now: Moment) -> Response<ReplyBody> {
    let reply = Reply { headers: answer.headers, body: answer.body, ..Reply::empty(answer.status) };
    dress(shared, reply, now, false, &answer.without)
}

fn replace_headers(reply: &mut Reply, headers: Vec<(String, String)>) {
    for (name, _) in &headers {
        reply.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }
    reply.headers.extend(headers);
}

fn raw_head(answer: &Answer, now: Moment, content_length: Option<usize>) -> Vec<u8> {
    let mut raw = Vec::new();
    let _ = write!(raw, "HTTP/1.1 {} Cut\r\nDate: {}\r\n", answer.status, now.http_date());
    for (name, value) in &answer.headers {
        let _ = write!(raw, "{name}: {value}\r\n");
    }
    if let Some(length) = content_length {
        let _ = write!(raw, "Content-Length: {length}\r\n");
    }
    raw
}

/// Turns a reply into an answer as the service's front door sends it.
fn dress(
    shared: &Shared,
    reply: Reply,
    now: Moment,
    gzip: bool,
    without: &[String],
) -> Response<ReplyBody> {
    let mut headers = reply.headers;
    let mut body = reply.body;
    if gzip && !body.is_empty() {
        body = compressed(&body);
        headers.push(("Content-Encoding".into(), "gzip".into()));
    }
    for (name, value) in [("Date", now.http_date()), ("x-amzn-RequestId", shared.request_id())] {
        if headers.iter().all(|(known, _)| !known.eq_ignore_ascii_case(name)) {
            headers.push((name.into(), value));
        }
    }
    headers.retain(|(name, _)| !without.iter().any(|left_out| left_out.eq_ignore_ascii_case(name)));

    let chunked = reply.list && shared.world().settings.chunked_lists;
    let mut response = Response::new(ReplyBody::new(body, chunked));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
            (Ok(name), Ok(value)) => {
                response.headers_mut().append(name, value);
            }
            // Said where tests look, instead of a panic on a thread where they do not.
            _ => shared
                .journal
                .violation("a scripted header cannot be sent; use raw bytes for that".into()),
        }
    }
    response
}

fn offers_gzip(headers: &[(String, String)]) -> bool {
    headers
        .iter()
        .filter(|(name, _)| name == "accept-encoding")
        .flat_map(|(_, value)| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let refused =
                weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// The body of an answer: with its length, or in chunks.
pub(crate) struct ReplyBody {
    frames: VecDeque<Bytes>,
    chunked: bool,
}

impl ReplyBody {
    fn new(body: Vec<u8>, chunked: bool) -> Self {
        const CHUNK: usize = 8192;
        let mut rest = Bytes::from(body);
        let mut frames = VecDeque::new();
        while chunked && rest.len() > CHUNK {
            frames.push_back(rest.split_to(CHUNK));
        }
        if !rest.is_empty() {
            frames.push_back(rest);
        }
        Self { frames, chunked }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().frames.pop_front().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        // A chunked body must be polled to its end, else hyper announces a length of zero.
        !self.chunked && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked {
            // Without an upper bound hyper chooses chunks.
            SizeHint::default()
        } else {
            SizeHint::with_exact(self.frames.iter().map(|bytes| bytes.len() as u64).sum())
        }
    }
}
