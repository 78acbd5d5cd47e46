//! What the handle of a simulator and its connections share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::gate::Gate;
use crate::journal::Journal;
use crate::log::RequestLog;
use crate::script::Playlist;
use crate::service::World;

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) gate: Gate,
    pub(crate) journal: Journal,
    pub(crate) log: RequestLog,
    pub(crate) ca_pem: Option<String>,
    /// Whether the control endpoint may show the secrets of recorded requests.
    pub(crate) show_secrets: bool,
    playlist: Mutex<Playlist>,
    world: Mutex<World>,
    request_ids: AtomicU64,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Self {
            clock: Clock::new(),
            gate: Gate::new(),
            journal: Journal::default(),
            log: RequestLog::none(),
            ca_pem: None,
            show_secrets: false,
            playlist: Mutex::default(),
            world: Mutex::new(world),
            request_ids: AtomicU64::new(0),
        }
    }

    // A panic under a lock fails the test that caused it; the others still get their answers.
    pub(crate) fn playlist(&self) -> MutexGuard<'_, Playlist> {
        self.playlist.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request id that looks like the gateway's: a UUID, different for each answer.
    pub(crate) fn request_id(&self) -> String {
        let serial = self.request_ids.fetch_add(1, Ordering::Relaxed);
        // An odd factor maps the serials one to one, so that no id comes twice.
        let mixed = serial.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            mixed >> 32,
            (mixed >> 16) & 0xffff,
            (mixed >> 4) & 0xfff,
            (mixed & 0xf) << 8,
            serial & 0xffff_ffff_ffff
        )
    }
}
