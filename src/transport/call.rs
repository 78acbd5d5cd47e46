//! The call that this thread is making.
//!
//! ureq runs a call on the thread that makes it, from the look-up to the last byte of the body.
//! Its connectors and pooled connections learn nothing of the call but a time-out; what else they
//! have to know, and what they have to report, is kept here.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::time::Instant;

use ureq::Timeout;
use ureq::unversioned::transport::{ConnectionDetails, NextTimeout, time};
use zeroize::Zeroizing;

use super::Progress;
use super::framing::Framing;
use crate::collected::{Collected, Refused};
use crate::deadline::Deadline;

/// What a call is doing, for the message of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Resolving,
    Connecting,
    Tunnelling,
    #[cfg_attr(not(feature = "rustls"), expect(dead_code, reason = "there is no TLS"))]
    Securing,
    Sending,
    Waiting,
    Reading,
}

impl Phase {
    /// Completes "while …".
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Resolving => "resolving its name",
            Self::Connecting => "connecting",
            Self::Tunnelling => "waiting for the proxy",
            Self::Securing => "in the TLS handshake",
            Self::Sending => "sending the request",
            Self::Waiting => "waiting for the answer",
            Self::Reading => "reading the answer",
        }
    }
}

struct Call {
    deadline: Deadline,
    phase: Phase,
    connected: bool,
    handed_over: bool,
    answered: bool,
    authorization: Option<Zeroizing<Vec<u8>>>,
    framing: Framing,
    body: Collected,
    refused: Option<Refused>,
}

/// How far a call came.
#[derive(Debug)]
pub(super) struct SoFar {
    pub(super) phase: Phase,
    pub(super) progress: Progress,
}

thread_local! {
    /// Not to be dropped with the thread, and so there as long as anything runs on it: a program may
    /// make a call in an exit handler, or in the destructor of data of its own. Between calls it is
    /// `None`, and nothing is lost.
    static CALL: RefCell<ManuallyDrop<Option<Call>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

/// Puts `call` in the place of the present one.
fn replace(call: Option<Call>) -> Option<Call> {
    let call = ManuallyDrop::new(call);
    ManuallyDrop::into_inner(CALL.with(|current| current.replace(call)))
}

/// Marks the call in progress on this thread, until it is dropped.
pub(super) struct InProgress {
    /// A logger may make a call of its own while ureq logs in the middle of ours.
    interrupted: Option<Call>,
    this_thread: PhantomData<*const ()>,
}

impl InProgress {
    /// `authorization` is the header's value.
    pub(super) fn begin(
        deadline: Deadline,
        authorization: Option<Zeroizing<Vec<u8>>>,
        limit: usize,
    ) -> Self {
        let call = Call {
            deadline,
            phase: Phase::Resolving,
            connected: false,
            handed_over: false,
            answered: false,
            authorization,
            framing: Framing::default(),
            body: Collected::new(limit),
            refused: None,
        };
        Self { interrupted: replace(Some(call)), this_thread: PhantomData }
    }

    pub(super) fn so_far(&self) -> SoFar {
        let (phase, progress) = with(|call| {
            let progress = match (call.answered, call.handed_over, call.connected) {
                (true, _, _) => Progress::Answered,
                (false, false, _) => Progress::NotSent,
                (false, true, true) => Progress::Sent,
                (false, true, false) => Progress::SentOnReused,
            };
            (call.phase, progress)
        })
        .unwrap_or((Phase::Resolving, Progress::NotSent));
        SoFar { phase, progress }
    }

    /// What was taken out of the answer in front of ureq.
    pub(super) fn take_body(&self) -> Collected {
        with(|call| std::mem::replace(&mut call.body, Collected::new(0)))
            .unwrap_or_else(|| Collected::new(0))
    }

    /// What the answer's body is encoded with; empty where it is not.
    pub(super) fn content_encoding(&self) -> Vec<u8> {
        with(|call| call.framing.content_encoding().to_vec()).unwrap_or_default()
    }

    pub(super) fn take_refusal(&self) -> Option<Refused> {
        with(|call| call.refused.take()).flatten()
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        drop(replace(self.interrupted.take()));
    }
}

fn with<R>(f: impl FnOnce(&mut Call) -> R) -> Option<R> {
    CALL.try_with(|current| current.try_borrow_mut().ok()?.as_mut().map(f)).ok().flatten()
}

pub(super) fn enter(phase: Phase) {
    with(|call| call.phase = phase);
}

/// A connection was made for this call; without it, a request goes out on a pooled one.
pub(super) fn connected() {
    with(|call| call.connected = true);
}

/// A request begins: gives the value of the `Authorization` header that belongs into it.
pub(super) fn sending() -> Option<Zeroizing<Vec<u8>>> {
    with(|call| {
        call.phase = Phase::Sending;
        call.authorization.take()
    })
    .flatten()
}

/// Request bytes are about to be handed to the network.
pub(super) fn handing_over() {
    with(|call| call.handed_over = true);
}

pub(super) fn awaiting() {
    with(|call| call.phase = if call.answered { Phase::Reading } else { Phase::Waiting });
}

/// Takes the body out of `received`.
pub(super) fn received(received: &mut [u8]) -> Result<(), ureq::Error> {
    let taken = with(|call| {
        call.answered = true;
        call.phase = Phase::Reading;
        let Call { framing, body, refused, .. } = call;
        framing.take_body(received, |part| body.push(part)).map_err(|why| *refused = Some(why))
    });
    match taken {
        // ureq closes the connection; what is reported is the refusal that was noted.
        Some(Err(())) => Err(ureq::Error::ConnectionFailed),
        Some(Ok(())) => Ok(()),
        // Bytes that no call waits for.
        None => Err(ureq::Error::ConnectionFailed),
    }
}

/// When an operation with this time-out has to end. The call's own deadline holds as well,
/// because ureq hands the same time-out to several operations in a row, such as every read of a
/// proxy's answer.
pub(super) fn until(timeout: NextTimeout) -> Instant {
    end(Instant::now(), timeout)
}

/// When a connection that was asked for with `details` has to stand.
pub(super) fn connected_until(details: &ConnectionDetails<'_>) -> Instant {
    let start = match details.now {
        time::Instant::Exact(start) => start,
        time::Instant::AlreadyHappened | time::Instant::NotHappening => Instant::now(),
    };
    end(start, details.timeout)
}

fn end(start: Instant, timeout: NextTimeout) -> Instant {
    let by_ureq = match timeout.after {
        time::Duration::Exact(after) => start.checked_add(after),
        time::Duration::NotHappening => None,
    };
    match (by_ureq, with(|call| call.deadline.instant())) {
        (Some(a), Some(b)) => a.min(b),
        (Some(until), None) | (None, Some(until)) => until,
        // Does not occur; nothing waits for ever all the same.
        (None, None) => start,
    }
}

/// The error of an operation that took until then: the call's deadline, if that has passed.
pub(super) fn expired(timeout: NextTimeout) -> ureq::Error {
    let own = with(|call| call.deadline.has_passed()).unwrap_or(false);
    ureq::Error::Timeout(if own { Timeout::Global } else { timeout.reason })
}
