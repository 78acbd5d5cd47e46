//! One line at a time to whoever asked for it; silent otherwise.

use std::fmt;
use std::sync::Arc;

/// How much a line matters. The numbers are those of the C layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum LogLevel {
    /// A sign-in failed, and will until somebody acts: refused credentials, a wanted code.
    Error = 1,
    /// Something failed that time mends, or that the client has made up for, such as a renewal.
    Warning = 2,
    /// What a healthy client does a few times a day.
    Info = 3,
    /// Every request.
    Debug = 4,
}

type Sink = dyn Fn(LogLevel, &str) + Send + Sync;

/// Where a client's lines go. No lock is held while the sink runs, so it may call the client.
#[derive(Clone, Default)]
pub(crate) struct Log(Option<(LogLevel, Arc<Sink>)>);

impl Log {
    pub(crate) fn new(
        most: LogLevel,
        sink: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Self {
        Self(Some((most, Arc::new(sink))))
    }

    /// Hands on a line if anybody wants it. The text is made only then; it must hold no secret.
    pub(crate) fn line(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some((most, sink)) = &self.0 {
            if level <= *most {
                sink(level, &text());
            }
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.0.as_ref().map(|(most, _)| most)).finish()
    }
}
