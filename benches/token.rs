//! What a call for a good token costs: from Rust, through the C functions, and at the very least.
//!
//! Times are wall time divided by all calls of all threads, which are pinned to cores. The threads
//! share one client. `benches/README.md` has figures and `benches/c/hot.c` the same through the
//! shared object, where calls cost what a C program pays for them.

// The C functions are what is measured, and pinning is a call of the C library.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};
use emnify::ffi::{
    EMNIFY_OK, emnify_auth_token, emnify_auth_token_copy, emnify_client, emnify_client_new,
    emnify_config, emnify_free,
};
use emnify::{Client, Credentials};
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};

const AUTHENTICATE: &str = "/api/v1/authenticate";

/// What a C program is told will do.
const CAPACITY: usize = 4096;

/// A pointer to a client, which any thread may use.
#[derive(Clone, Copy)]
struct CClient(*mut emnify_client);

// SAFETY: the header says so.
unsafe impl Sync for CClient {}

impl CClient {
    fn new(base_url: &str) -> Self {
        let texts = [base_url, DEFAULT_APPLICATION_TOKEN].map(|text| format!("{text}\0"));
        // SAFETY: all zeros and struct_size is a valid configuration.
        let mut config: emnify_config = unsafe { std::mem::zeroed() };
        config.struct_size = size_of::<emnify_config>();
        config.base_url = texts[0].as_ptr().cast();
        config.application_token = texts[1].as_ptr().cast();
        let mut client = null_mut();
        // SAFETY: the pointers are valid, and the texts end in a NUL.
        let status = unsafe { emnify_client_new(&raw const config, &raw mut client, null_mut()) };
        assert_eq!(status, EMNIFY_OK);
        Self(client)
    }

    fn token(self) {
        let mut token = null_mut();
        // SAFETY: the pointers are valid or NULL.
        let status = unsafe { emnify_auth_token(self.0, &raw mut token, null_mut()) };
        assert_eq!(status, EMNIFY_OK);
        emnify_free(black_box(token).cast());
    }

    fn copy(self, buffer: &mut [u8; CAPACITY]) {
        let buffer = buffer.as_mut_ptr().cast();
        let (mut length, mut left) = (0, 0);
        // SAFETY: the buffer has room for `CAPACITY` bytes, and the pointers are valid or NULL.
        let status = unsafe {
            let (length, left) = (&raw mut length, &raw mut left);
            emnify_auth_token_copy(self.0, buffer, CAPACITY, length, left, null_mut())
        };
        assert_eq!(status, EMNIFY_OK);
    }
}

/// The least that a call can cost that looks whether the token is good, and copies it: no lock, and
/// nothing that would let the token be replaced.
struct Floor {
    token: Vec<u8>,
    good_until: AtomicU64,
}

impl Floor {
    fn copy(&self, buffer: &mut [u8; CAPACITY]) {
        assert!(boot_time() < self.good_until.load(Ordering::Acquire));
        buffer[..self.token.len()].copy_from_slice(&self.token);
    }
}

fn boot_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    assert_eq!(failed, 0);
    // Never negative; the cast also widens where these are 32 bits wide.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Binds this thread to the `nth` of the cores that the process may use.
fn pin(nth: usize) {
    // SAFETY: the sets are plain bits, of which all zeros are none, and of the size that is given.
    unsafe {
        let size = size_of::<libc::cpu_set_t>();
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size, &raw mut allowed), 0);
        let bits = usize::try_from(libc::CPU_SETSIZE).expect("positive");
        let cores: Vec<usize> = (0..bits).filter(|core| libc::CPU_ISSET(*core, &allowed)).collect();
        let mut own: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cores[nth % cores.len()], &mut own);
        assert_eq!(libc::sched_setaffinity(0, size, &raw const own), 0);
    }
}

/// Lets `threads` threads make `calls` calls in all. Wall time from the moment all are ready.
fn timed(threads: usize, calls: u64, call: &(impl Fn(&mut [u8; CAPACITY]) + Sync)) -> Duration {
    let own_calls = calls.div_ceil(threads as u64);
    let ready = Barrier::new(threads);
    let spans: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let work = |nth| {
            let ready = &ready;
            move || {
                pin(nth);
                let mut buffer = Box::new([0; CAPACITY]);
                ready.wait();
                let begun = Instant::now();
                for _ in 0..own_calls {
                    call(black_box(&mut buffer));
                }
                (begun, Instant::now())
            }
        };
        let threads: Vec<_> = (0..threads).map(|nth| scope.spawn(work(nth))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let begun = spans.iter().map(|(begun, _)| *begun).min().expect("at least one thread");
    let ended = spans.iter().map(|(_, ended)| *ended).max().expect("at least one thread");
    ended - begun
}

fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    call: impl Fn(&mut [u8; CAPACITY]) + Sync,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|calls| timed(threads, calls, &call));
    });
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();

    let sim = Simulator::builder().start().expect("the simulator starts");
    for length in [400, 1000] {
        let text = "x".repeat(length);
        sim.next_n(AUTHENTICATE, 2, Answer::token(text.as_str()));
        let credentials = Credentials::application_token(DEFAULT_APPLICATION_TOKEN);
        let client = Client::builder(credentials).base_url(sim.base_url()).build();
        let client = client.expect("the settings are right");
        assert_eq!(client.auth_token().expect("the simulator signs in").as_str(), text);
        let c_client = CClient::new(&sim.base_url());
        c_client.token();
        let hour = 3_600_000_000_000;
        let floor =
            Floor { token: text.into_bytes(), good_until: AtomicU64::new(boot_time() + hour) };

        for threads in [1, 2, 8] {
            let plural = if threads == 1 { "" } else { "s" };
            let name = format!("{length} bytes, {threads} thread{plural}");
            let mut group = criterion.benchmark_group(name);
            group.sampling_mode(SamplingMode::Flat);
            bench(&mut group, "floor", threads, |buffer| floor.copy(buffer));
            bench(&mut group, "Client::auth_token", threads, |_| {
                black_box(client.auth_token().expect("there is a token"));
            });
            bench(&mut group, "Client::with_cached_token", threads, |buffer| {
                let copy = |token: &str, left| {
                    buffer[..token.len()].copy_from_slice(token.as_bytes());
                    left
                };
                black_box(client.with_cached_token(copy).expect("no fork").expect("a token"));
            });
            // Whole, not field by field: a pointer alone may not be shared between threads.
            let c_client = &c_client;
            bench(&mut group, "emnify_auth_token_copy", threads, |buffer| c_client.copy(buffer));
            bench(&mut group, "emnify_auth_token, emnify_free", threads, |_| c_client.token());
            group.finish();
        }
        emnify_free(c_client.0.cast());
    }
    assert!(sim.violations().is_empty(), "the simulator saw what no client should send");
    criterion.final_summary();
}
