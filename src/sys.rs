//! The few calls of the C library that std does not offer.
#![allow(unsafe_code)]

pub(crate) mod poll;

use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// Nanoseconds since boot, time asleep included.
///
/// Linux and Android have `CLOCK_BOOTTIME`; elsewhere the monotonic clock stands in, which on
/// some systems stops during sleep: a token is then renewed late by as much, never early.
#[inline]
pub(crate) fn nanos_since_boot() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;

    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is valid for writing a timespec; the call fails only for an unknown clock,
    // and both of these exist wherever they compile (CLOCK_BOOTTIME since Linux 2.6.39), so that
    // it is initialised.
    let time = unsafe {
        let failed = libc::clock_gettime(CLOCK, time.as_mut_ptr());
        debug_assert_eq!(failed, 0);
        time.assume_init()
    };
    // The kernel's values are never negative. The casts only widen: `time_t` is 32 bits wide on
    // some targets.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
    let nanos = (time.tv_sec as u64) * 1_000_000_000 + time.tv_nsec as u64;
    nanos
}

/// This thread, as a number that no other living thread has. Unlike [`std::thread::current`] it may
/// be asked for while the thread's local data is being destroyed, from where a program may call.
#[cfg_attr(emnify_shuttle, allow(dead_code))]
pub(crate) fn thread_id() -> usize {
    // SAFETY: always succeeds.
    let id = unsafe { libc::pthread_self() };
    // An integer with one C library, a pointer with another.
    id as usize
}

static FORKS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// How often this process, or one it descends from, has forked since [`watch_forks`]. A value
/// that differs from an earlier one means: this is another process, and threads, locks and
/// connections of the earlier one must not be relied on.
#[inline]
pub(crate) fn fork_generation() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Starts to count forks. To be called before the first object is made that must not be used
/// in a child process.
///
/// A `getpid` on each call would do without the hook, but is a system call since glibc 2.25.
pub(crate) fn watch_forks() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // SAFETY: the hook only adds to an atomic, which is allowed in a child of a process
        // with several threads. It fails only where memory is out; forks then go unnoticed,
        // as they would without this library's guard.
        unsafe {
            libc::pthread_atfork(None, None, Some(count_fork));
        }
    });
}

/// Runs `work` with all signals blocked on this thread. A thread that is made meanwhile inherits
/// that, and has no moment in which it could be chosen to handle one.
pub(crate) fn with_signals_blocked<R>(work: impl FnOnce() -> R) -> R {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are valid for writing and are written before they are read. The calls
    // fail for no valid arguments; if one did, the mask would stay as it is.
    let changed = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
    };
    let result = work();
    if changed {
        // SAFETY: the call above has succeeded and so has written `before`.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    }
    result
}

/// Overwrites `bytes` with zeros in a way that the compiler does not leave out.
///
/// At the speed of memset: zeroize writes byte by byte, which for a token costs more than
/// everything else about handing it out.
#[cfg(any(test, feature = "capi"))]
#[inline]
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // The pointer escapes into code that the compiler cannot see through, so that the zeros must
    // be in memory by then.
    std::hint::black_box(bytes.as_mut_ptr());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(signal: libc::c_int) -> bool {
        let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: a NULL set only asks, and the answer is written before it is read.
        unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr());
            libc::sigismember(mask.as_ptr(), signal) == 1
        }
    }

    #[test]
    fn a_thread_made_with_signals_blocked_gets_none_and_its_maker_still_does() {
        let inside = with_signals_blocked(|| std::thread::spawn(|| blocks(libc::SIGUSR1)));
        assert!(inside.join().unwrap());
        assert!(!blocks(libc::SIGUSR1));
    }

    #[test]
    fn what_is_wiped_is_zero() {
        let mut bytes = *b"canary";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 6]);
    }
}
