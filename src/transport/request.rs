//! From a request to ureq and back.

use std::io::Read;

use ureq::config::Config;
use ureq::http::header::{self, HeaderName, HeaderValue};
use ureq::http::{Request, Uri};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use super::base_url::BaseUrl;
use super::call::InProgress;
use super::exchange::{INPUT, OUTPUT};
use super::framing::lists;
use super::{Duration, Incoming, Method, Outgoing, TransportConfig, proxy};
use crate::collected::Collected;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};

/// What the agent does on every call.
///
/// No setting of the single request may differ from these in TLS, user agent or buffer sizes:
/// ureq keeps such a request out of its pool.
pub(super) fn agent_config(
    config: &TransportConfig,
    connect_timeout: Duration,
) -> Result<Config, Error> {
    let proxy = config.proxy.as_deref().map(proxy::parse).transpose()?;
    Ok(Config::builder()
        // The builder has read the proxy variables of the environment; here they are dropped.
        .proxy(proxy)
        .http_status_as_error(false)
        // A redirect would carry the credential away; it is an answer like any other.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(user_agent(config.user_agent.as_deref())?)
        .accept("application/json")
        // Offered by `run`, and undone after the limit was checked, not by ureq.
        .accept_encoding("")
        .timeout_connect(Some(connect_timeout))
        .max_response_header_size(INPUT)
        // Ours are in the connectors; these are set for what else may look.
        .input_buffer_size(INPUT)
        .output_buffer_size(OUTPUT)
        // A client talks to one host and seldom from more than two threads. After 15 s the
        // carrier's NAT or the service may have forgotten the connection, and finding that out
        // costs more than a resumed handshake.
        .max_idle_connections(2)
        .max_idle_connections_per_host(2)
        .max_idle_age(Duration::from_secs(15))
        .build())
}

fn user_agent(callers: Option<&str>) -> Result<String, Error> {
    let ours = concat!("emnify-rust/", env!("CARGO_PKG_VERSION"));
    match callers {
        None | Some("") => Ok(ours.to_owned()),
        Some(text) if text.len() > 512 => {
            Err(Error::invalid("user_agent is too long: 512 bytes are plenty"))
        }
        Some(text) if text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) => {
            Ok(format!("{text} {ours}"))
        }
        Some(_) => Err(Error::invalid(
            "user_agent contains line breaks or other characters that are not printable ASCII",
        )),
    }
}

/// The value of the header `Authorization`, which goes past ureq.
pub(super) fn authorization(bearer: Option<&str>) -> Option<Zeroizing<Vec<u8>>> {
    bearer.map(|token| Zeroizing::new([b"Bearer ", token.as_bytes()].concat()))
}

/// What ureq made of an answer, beside the body, which did not pass through it.
pub(super) struct Received {
    /// The length of the body on the wire, without the framing.
    length: usize,
    gzip: bool,
    /// The end of the connection was the end of the body.
    pub(super) until_closed: bool,
}

/// Runs `request`. The body of the answer is empty: it is in the call's keeping.
pub(super) fn run(
    agent: &Agent,
    base: &BaseUrl,
    request: &Outgoing<'_>,
    deadline: Deadline,
    call: &InProgress,
) -> Result<(Incoming, Received), ureq::Error> {
    let head = configured(agent, build(base, request).map_err(wrap)?, request, deadline);
    let response = match request.body {
        // `Agent::run` sends a body with any method, as the caller says.
        Some(body) => agent.run(head.map(|()| body)),
        // An empty one gets `Content-Length: 0`, without which some servers refuse a POST.
        None if request.method.has_body() => agent.run(head.map(|()| &[] as &[u8])),
        None => agent.run(head),
    }?;
    let (parts, body) = response.into_parts();
    let encoding = call.content_encoding();
    let incoming = Incoming {
        status: parts.status.as_u16(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| {
                // ureq was not shown this one.
                let hidden = *name == header::CONTENT_ENCODING;
                let value = if hidden { &encoding } else { value.as_bytes() };
                (name.as_str().to_owned(), String::from_utf8_lossy(value).into_owned())
            })
            .collect(),
        body: Zeroizing::default(),
    };
    let codings = parts.headers.get_all(header::TRANSFER_ENCODING);
    let chunked = codings.iter().any(|value| lists(value.as_bytes(), b"chunked"));
    let announced = body.content_length();
    if announced.is_some_and(|length| length > request.max_response_bytes as u64) {
        return Err(ureq::Error::BodyExceedsLimit(request.max_response_bytes as u64));
    }
    let received = Received {
        gzip: lists(&encoding, b"gzip") || lists(&encoding, b"x-gzip"),
        until_closed: announced.is_none() && !chunked && !matches!(incoming.status, 204 | 304),
        length: drain(body)?,
    };
    Ok((incoming, received))
}

fn wrap(error: Error) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}

/// Reads the body's stand-in to the end: ureq checks the framing and pools the connection.
// Not inlined: its buffer would stand on the stack throughout the TLS handshake, which is what decides
// how small a thread's stack may be.
#[inline(never)]
fn drain(body: Body) -> Result<usize, ureq::Error> {
    let mut reader = body.into_reader();
    let mut zeros = [0; 4096];
    let mut length = 0;
    loop {
        match reader.read(&mut zeros) {
            Ok(0) => return Ok(length),
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Puts answer and body together.
pub(super) fn finish(
    mut incoming: Incoming,
    received: &Received,
    body: Collected,
    limit: usize,
    host: &str,
) -> Result<Incoming, Error> {
    if body.len() < received.length {
        return Err(Error::new(
            ErrorKind::BadResponse,
            format!("the answer of {host} is not proper HTTP: its framing is ambiguous"),
        ));
    }
    // What follows the body was not asked for; ureq has closed the connection because of it.
    let body = body.into_bytes(received.length);
    if received.gzip {
        incoming.body = decoded(body, limit, host)?;
        // They speak of what is no longer there.
        incoming.headers.retain(|(name, _)| name != "content-encoding" && name != "content-length");
    } else {
        incoming.body = body;
    }
    Ok(incoming)
}

// Not inlined for the same reason as `drain`: 10 KiB.
#[cfg(feature = "gzip")]
#[inline(never)]
fn decoded(
    body: Zeroizing<Vec<u8>>,
    limit: usize,
    host: &str,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    use super::failure;
    use super::gzip::{Undecodable, gunzip};

    gunzip(&body, limit).map_err(|why| match why {
        Undecodable::Refused(refused) => failure::refused(&refused, limit, host),
        Undecodable::Corrupt => Error::new(
            ErrorKind::BadResponse,
            format!("the answer of {host} is damaged: its gzip cannot be undone"),
        ),
    })
}

#[cfg(not(feature = "gzip"))]
fn decoded(body: Zeroizing<Vec<u8>>, _: usize, host: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    if body.is_empty() {
        return Ok(body);
    }
    Err(Error::new(
        ErrorKind::BadResponse,
        format!("the answer of {host} is gzip, which was not asked for"),
    ))
}

fn build(base: &BaseUrl, request: &Outgoing<'_>) -> Result<Request<()>, Error> {
    let url = base.join(request.path);
    // ureq's limit is a line in its output buffer; this leaves room for what surrounds it.
    let longest = OUTPUT - 64;
    if url.len() > longest {
        return Err(Error::invalid(format!("path is too long: the URL may have {longest} bytes")));
    }
    let url = Uri::try_from(url)
        .map_err(|_| Error::invalid("path is no URL path: encode what is not allowed in one"))?;
    let mut built = Request::new(());
    *built.method_mut() = request.method.into();
    *built.uri_mut() = url;
    let headers = built.headers_mut();
    if request.body.is_some() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if cfg!(feature = "gzip") {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    for (name, value) in request.headers {
        let wrong = |_| Error::invalid("headers has one that cannot be sent");
        if name.len() + value.len() > longest {
            return Err(Error::invalid(format!("headers has one of more than {longest} bytes")));
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(()))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong(()))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(built)
}

fn configured(
    agent: &Agent,
    built: Request<()>,
    request: &Outgoing<'_>,
    deadline: Deadline,
) -> Request<()> {
    let config = agent.configure_request(built).timeout_global(Some(deadline.left()));
    if request.fresh_connection {
        // A pooled connection is older than that, and is closed.
        config.max_idle_age(Duration::ZERO).build()
    } else {
        config.build()
    }
}

impl Method {
    fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

impl From<Method> for ureq::http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}
