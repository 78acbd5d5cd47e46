//! Scripted answers: what the next requests get instead of, or around, the ordinary answer.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// What happens on the wire once a request was read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The status, headers and body of the [`Answer`].
    Written,
    /// Like `Written`, and the `auth_token` inside is honoured as a bearer from then on.
    Token(String),
    /// The ordinary answer of the service.
    Ordinary,
    /// The service does what was asked; the connection closes instead of the answer.
    Lost,
    CutBeforeAnswer,
    Reset,
    CutInHeaders,
    /// The announced length of the body; the answer's body is all that is sent of it.
    CutInBody(usize),
    Garbage(Vec<u8>),
    Hang,
}

/// A scripted answer. Made by one of the associated functions, refined by the methods.
///
/// ```
/// use emnify_simulator::Answer;
/// use std::time::Duration;
///
/// let busy = Answer::status(503).header("Retry-After", "7").body("text/html", "<h1>Busy</h1>");
/// let slow = Answer::pass().delay(Duration::from_millis(200));
/// # let _ = (busy, slow);
/// ```
#[derive(Clone)]
pub struct Answer {
    pub(crate) fate: Fate,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) without: Vec<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
    pub(crate) held: bool,
}

impl Answer {
    fn new(fate: Fate) -> Self {
        Self {
            fate,
            status: 200,
            headers: Vec::new(),
            without: Vec::new(),
            body: Vec::new(),
            delay: Duration::ZERO,
            held: false,
        }
    }

    /// This status with an empty body. The service's state is not touched.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::new(Fate::Written) }
    }

    /// This status with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::status(status).body("application/json", body.into())
    }

    /// 200 with this text as the `auth_token` and no refresh token. From then on the text is
    /// accepted as a bearer: until its `exp`, or for ever where no `exp` can be read.
    #[must_use]
    pub fn token(auth_token: impl Into<String>) -> Self {
        let token = auth_token.into();
        let body = serde_json::json!({ "auth_token": token }).to_string();
        let mut answer = Self::json(200, body);
        answer.fate = Fate::Token(token);
        answer
    }

    /// The ordinary answer; useful in a queue, or with [`delay`](Self::delay).
    #[must_use]
    pub fn pass() -> Self {
        Self::new(Fate::Ordinary)
    }

    /// The ordinary answer, held back until [`Simulator::release`](crate::Simulator::release).
    /// The service looks at the request only then.
    #[must_use]
    pub fn held() -> Self {
        Self::pass().hold()
    }

    /// The service does what was asked (a refresh token is spent, an SMS is sent), and the
    /// connection closes instead of the answer.
    #[must_use]
    pub fn lost() -> Self {
        Self::new(Fate::Lost)
    }

    /// The connection closes after the request was read; not one byte is answered and the
    /// service never sees the request.
    #[must_use]
    pub fn cut_before_answer() -> Self {
        Self::new(Fate::CutBeforeAnswer)
    }

    /// The connection is reset (RST) after the request was read.
    #[must_use]
    pub fn reset() -> Self {
        Self::new(Fate::Reset)
    }

    /// The connection closes in the middle of the answer's headers.
    #[must_use]
    pub fn cut_in_headers() -> Self {
        Self::new(Fate::CutInHeaders)
    }

    /// Announces `content_length` bytes of body, sends `sent`, and closes the connection.
    #[must_use]
    pub fn cut_in_body(content_length: usize, sent: impl Into<Vec<u8>>) -> Self {
        Self::new(Fate::CutInBody(content_length)).body("application/json", sent)
    }

    /// These bytes instead of an HTTP answer, then the connection closes.
    #[must_use]
    pub fn garbage(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Fate::Garbage(bytes.into()))
    }

    /// No answer, until the client goes or the simulator stops.
    #[must_use]
    pub fn hang() -> Self {
        Self::new(Fate::Hang)
    }

    /// Adds a header. It replaces a header of that name that the simulator would have written.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Leaves out a header that the simulator writes by itself, such as `Date`.
    #[must_use]
    pub fn without_header(mut self, name: impl Into<String>) -> Self {
        self.without.push(name.into());
        self
    }

    /// Sets the body. An empty `content_type` sends none.
    #[must_use]
    pub fn body(mut self, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let content_type = content_type.into();
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        if !content_type.is_empty() {
            self.headers.push(("Content-Type".into(), content_type));
        }
        self.body = body.into();
        self
    }

    /// Waits this long, in real time, before the request is looked at and answered.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Holds this answer back until [`Simulator::release`](crate::Simulator::release).
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.held = true;
        self
    }
}

impl fmt::Debug for Answer {
    /// Says what kind of answer it is; never the body, which may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            Fate::Written => "written",
            Fate::Token(_) => "token",
            Fate::Ordinary => "pass",
            Fate::Lost => "lost",
            Fate::CutBeforeAnswer => "cut before the answer",
            Fate::Reset => "reset",
            Fate::CutInHeaders => "cut in headers",
            Fate::CutInBody(_) => "cut in body",
            Fate::Garbage(_) => "garbage",
            Fate::Hang => "hang",
        };
        f.debug_struct("Answer")
            .field("fate", &fate)
            .field("status", &self.status)
            .field("body_length", &self.body.len())
            .field("delay", &self.delay)
            .field("held", &self.held)
            .finish()
    }
}

/// Which requests: a path, optionally after a method (`POST /api/v1/authenticate`); a `*` at
/// the end stands for any rest. The query takes no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    method: Option<String>,
    path: String,
    prefix: bool,
}

impl Target {
    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && if self.prefix { path.starts_with(&self.path) } else { path == self.path }
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) => (Some(method.to_owned()), path.trim_start()),
            None => (None, text),
        };
        let (path, prefix) = match path.strip_suffix('*') {
            Some(start) => (start, true),
            None => (path, false),
        };
        Self { method, path: path.to_owned(), prefix }
    }
}

/// An answer for the requests that match: how many times, or for ever.
#[derive(Clone, Debug)]
pub struct Script {
    target: Target,
    answer: Answer,
    times: Option<usize>,
}

impl Script {
    /// The next matching request gets `answer`.
    #[must_use]
    pub fn next(target: impl Into<Target>, answer: Answer) -> Self {
        Self::times(target, 1, answer)
    }

    /// The next `times` matching requests get `answer`.
    #[must_use]
    pub fn times(target: impl Into<Target>, times: usize, answer: Answer) -> Self {
        Self { target: target.into(), answer, times: Some(times) }
    }

    /// Every matching request gets `answer` that no counted script takes first.
    #[must_use]
    pub fn always(target: impl Into<Target>, answer: Answer) -> Self {
        Self { target: target.into(), answer, times: None }
    }
}

/// The scripts that are still to be played.
#[derive(Debug, Default)]
pub(crate) struct Playlist {
    counted: VecDeque<Script>,
    standing: Vec<Script>,
}

impl Playlist {
    pub(crate) fn add(&mut self, script: Script) {
        match script.times {
            Some(0) => {}
            Some(_) => self.counted.push_back(script),
            None => self.standing.push(script),
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The answer for this request. Counted scripts go first, in the order in which they were
    /// queued; of the standing ones the last wins, so that a test can override what its
    /// set-up said.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Answer> {
        if let Some(at) = self.counted.iter().position(|script| script.target.matches(method, path))
        {
            let script = &mut self.counted[at];
            let answer = script.answer.clone();
            script.times = script.times.map(|times| times - 1);
            if script.times == Some(0) {
                self.counted.remove(at);
            }
            return Some(answer);
        }
        self.standing
            .iter()
            .rev()
            .find(|script| script.target.matches(method, path))
            .map(|script| script.answer.clone())
    }
}
