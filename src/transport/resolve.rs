//! Name resolution that can be given up.
//!
//! The C library resolves a name for as long as it likes (glibc: 5 s a server and attempt, more
//! with several search domains) and cannot be interrupted. So it does so on a thread, and a
//! caller waits for the result until its deadline. A look-up that hangs is left behind, and later
//! callers wait for it too instead of leaving another: there is one thread a name at most.
//!
//! Results are not kept. A name is only looked up for a new connection (ureq on its own would do
//! so before it looks into its pool), and after a failure the point is to learn the new address.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::IpFamily;
use super::base_url::bare_host;
use super::cancel::Cancel;
use super::failure::os_text;
use crate::error::{Error, ErrorKind};
use crate::sys;

/// What the C library needs on its stack, with room to spare; the default of 2 MiB (8 MiB for
/// some libraries) is address space that small devices do not have.
const STACK: usize = 256 * 1024;

/// The look-ups of one client. Shared with the threads that make them, which may outlive it.
#[derive(Debug, Default)]
pub(super) struct LookUps {
    in_flight: Mutex<Vec<Arc<LookUp>>>,
    changed: Condvar,
}

#[derive(Debug)]
struct LookUp {
    host: String,
    result: Mutex<Option<Result<Vec<IpAddr>, String>>>,
}

/// Why there are no addresses.
#[derive(Debug)]
pub(super) enum Unresolved {
    /// The message is complete.
    Failed(Error),
    Cancelled,
    OutOfTime,
}

impl LookUps {
    /// The addresses of `host` (as it stands in a URL), at least one, each with `port`.
    pub(super) fn resolve(
        self: &Arc<Self>,
        host: &str,
        port: u16,
        family: IpFamily,
        until: Instant,
        cancel: &Cancel,
    ) -> Result<Vec<SocketAddr>, Unresolved> {
        let addresses = match bare_host(host).parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.look_up(host, until, cancel, look_up_blocking)?,
        };
        let wanted: Vec<_> = addresses
            .into_iter()
            .filter(|address| match family {
                IpFamily::Either => true,
                IpFamily::V4 => address.is_ipv4(),
                IpFamily::V6 => address.is_ipv6(),
            })
            .map(|address| SocketAddr::new(address, port))
            .collect();
        if wanted.is_empty() {
            let version = if family == IpFamily::V4 { 4 } else { 6 };
            return Err(Unresolved::Failed(Error::new(
                ErrorKind::Network,
                format!("{host} has no IPv{version} address, and ip_family allows no other"),
            )));
        }
        Ok(wanted)
    }

    /// Waits for the look-up of `host` that is in flight, or starts one.
    pub(super) fn look_up(
        self: &Arc<Self>,
        host: &str,
        until: Instant,
        cancel: &Cancel,
        resolver: fn(&str) -> Result<Vec<IpAddr>, String>,
    ) -> Result<Vec<IpAddr>, Unresolved> {
        let mut in_flight = lock(&self.in_flight);
        let look_up = match in_flight.iter().find(|look_up| look_up.host == host) {
            Some(look_up) => Arc::clone(look_up),
            None => {
                let look_up = Arc::new(LookUp { host: host.to_owned(), result: Mutex::default() });
                let landing = Landing { look_ups: Arc::clone(self), look_up: Arc::clone(&look_up) };
                in_flight.push(Arc::clone(&look_up));
                // Where no thread can be made, dropping `landing` needs the lock.
                drop(in_flight);
                // The program's signals are for its own threads: a handler that expects one of
                // them must not run on ours.
                sys::with_signals_blocked(|| {
                    thread::Builder::new().name("emnify-dns".to_owned()).stack_size(STACK).spawn(
                        move || {
                            let result = resolver(&landing.look_up.host);
                            *lock(&landing.look_up.result) = Some(result);
                            drop(landing);
                        },
                    )
                })
                .map_err(|error| Unresolved::Failed(no_thread(host, &error)))?;
                in_flight = lock(&self.in_flight);
                look_up
            }
        };
        loop {
            if cancel.is_set() {
                return Err(Unresolved::Cancelled);
            }
            if let Some(result) = &*lock(&look_up.result) {
                return result.clone().map_err(|why| Unresolved::Failed(unresolved(host, &why)));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Unresolved::OutOfTime);
            }
            in_flight = self
                .changed
                .wait_timeout(in_flight, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Wakes all that wait, to look whether they are cancelled.
    pub(super) fn wake(&self) {
        // With the lock, so that nobody is between looking and waiting.
        let _in_flight = lock(&self.in_flight);
        self.changed.notify_all();
    }
}

/// Takes a look-up out of the list and wakes those who wait, even if it panicked.
struct Landing {
    look_ups: Arc<LookUps>,
    look_up: Arc<LookUp>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.look_up.result).get_or_insert_with(|| Err("the look-up broke off".to_owned()));
        let mut in_flight = lock(&self.look_ups.in_flight);
        in_flight.retain(|other| !Arc::ptr_eq(other, &self.look_up));
        self.look_ups.changed.notify_all();
    }
}

fn look_up_blocking(host: &str) -> Result<Vec<IpAddr>, String> {
    match (host, 0).to_socket_addrs() {
        Ok(addresses) => {
            let addresses: Vec<_> = addresses.map(|address| address.ip()).collect();
            if addresses.is_empty() { Err("it has no address".to_owned()) } else { Ok(addresses) }
        }
        Err(error) => Err(os_text(&error)),
    }
}

fn unresolved(host: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Network,
        format!("cannot resolve {host}: {why}; check the network and the DNS settings"),
    )
}

fn no_thread(host: &str, error: &io::Error) -> Error {
    let why = os_text(error);
    Error::new(
        ErrorKind::Network,
        format!("cannot resolve {host}: no thread could be made for it ({why})"),
    )
}

/// A panic while one of these locks was held leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resolves nothing: ureq asks before it looks into its pool, the connector asks when a
/// connection is really made.
#[derive(Debug)]
pub(super) struct Later;

impl Resolver for Later {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    fn late() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[test]
    fn addresses_need_no_look_up_and_no_time() {
        let look_ups = Arc::new(LookUps::default());
        let resolve =
            |host, family| look_ups.resolve(host, 443, family, Instant::now(), &Cancel::default());
        assert_eq!(resolve("192.0.2.1", IpFamily::Either).unwrap().len(), 1);
        assert_eq!(
            resolve("[2001:db8::1]", IpFamily::V6).unwrap(),
            ["[2001:db8::1]:443".parse().unwrap()]
        );
        let Err(Unresolved::Failed(error)) = resolve("192.0.2.1", IpFamily::V6) else {
            panic!("an IPv4 address is none of IPv6")
        };
        assert!(error.to_string().contains("no IPv6 address, and ip_family"), "{error}");
        let Err(Unresolved::Failed(error)) = resolve("[::1]", IpFamily::V4) else {
            panic!("an IPv6 address is none of IPv4")
        };
        assert!(error.to_string().contains("no IPv4 address, and ip_family"), "{error}");
    }

    #[test]
    fn a_look_up_that_hangs_is_waited_for_and_not_repeated() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        /// While it is locked, the look-up hangs.
        static GATE: Mutex<()> = Mutex::new(());
        fn hang(_: &str) -> Result<Vec<IpAddr>, String> {
            STARTED.fetch_add(1, Ordering::SeqCst);
            drop(lock(&GATE));
            Ok(vec!["192.0.2.7".parse().unwrap()])
        }
        let look_ups = Arc::new(LookUps::default());
        let cancel = Cancel::default();
        let closed = lock(&GATE);
        for _ in 0..3 {
            let result = look_ups.look_up("h.example", soon(), &cancel, hang);
            assert!(matches!(result, Err(Unresolved::OutOfTime)));
        }
        // Whoever has the time gets the result of the first look-up.
        let addresses = thread::scope(|scope| {
            let waiting =
                scope.spawn(|| look_ups.look_up("h.example", late(), &cancel, hang).unwrap());
            // The list, the look-up itself, and the one that waits.
            while Arc::strong_count(&lock(&look_ups.in_flight)[0]) < 3 {
                thread::yield_now();
            }
            drop(closed);
            waiting.join().unwrap()
        });
        assert_eq!(addresses, ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        assert_eq!(STARTED.load(Ordering::SeqCst), 1);
        while !lock(&look_ups.in_flight).is_empty() {
            thread::yield_now();
        }
        // A result that came is not kept, and another name does not wait for it.
        let closed = lock(&GATE);
        assert!(look_ups.look_up("h.example", soon(), &cancel, hang).is_err());
        let other = |_: &str| Ok(vec!["192.0.2.8".parse().unwrap()]);
        let addresses = look_ups.look_up("other.example", late(), &cancel, other).unwrap();
        assert_eq!(addresses, ["192.0.2.8".parse::<IpAddr>().unwrap()]);
        drop(closed);
        while !lock(&look_ups.in_flight).is_empty() {
            thread::yield_now();
        }
        assert_eq!(STARTED.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn cancel_ends_the_wait_for_a_look_up() {
        fn hang(_: &str) -> Result<Vec<IpAddr>, String> {
            thread::sleep(Duration::from_secs(60));
            Err(String::new())
        }
        let look_ups = Arc::new(LookUps::default());
        let cancel = Arc::new(Cancel::default());
        let waiting = {
            let (look_ups, cancel) = (Arc::clone(&look_ups), Arc::clone(&cancel));
            thread::spawn(move || look_ups.look_up("h.example", late(), &cancel, hang))
        };
        thread::sleep(Duration::from_millis(50));
        cancel.set();
        look_ups.wake();
        assert!(matches!(waiting.join().unwrap(), Err(Unresolved::Cancelled)));
    }

    #[test]
    fn a_look_up_that_panics_is_a_failure() {
        fn panic(_: &str) -> Result<Vec<IpAddr>, String> {
            panic!("on purpose")
        }
        let look_ups = Arc::new(LookUps::default());
        let result = look_ups.look_up("h.example", late(), &Cancel::default(), panic);
        assert!(matches!(result, Err(Unresolved::Failed(_))));
    }

    #[test]
    fn the_client_may_be_gone_when_a_look_up_lands() {
        fn slow(_: &str) -> Result<Vec<IpAddr>, String> {
            thread::sleep(Duration::from_millis(100));
            Err(String::new())
        }
        let look_ups = Arc::new(LookUps::default());
        assert!(look_ups.look_up("h.example", soon(), &Cancel::default(), slow).is_err());
        let left = Arc::downgrade(&look_ups);
        drop(look_ups);
        let start = Instant::now();
        while left.strong_count() > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "the thread keeps it");
            thread::sleep(Duration::from_millis(10));
        }
    }
}
