//! The race of addresses, on loopback.

use std::net::TcpListener;

use super::super::tests::server::black_hole;
use super::*;

fn connector() -> TcpConnector {
    TcpConnector {
        look_ups: Arc::default(),
        cancel: Arc::default(),
        ip_family: IpFamily::Either,
        bind_interface: None,
    }
}

fn run(addresses: &[SocketAddr], time: Duration) -> Result<Arc<TcpStream>, Lost> {
    let mut race = Race {
        connector: &connector(),
        register: &|_| Ok(()),
        running: Vec::new(),
        failed: Vec::new(),
    };
    race.run(addresses, Instant::now() + time)
}

fn race(addresses: &[SocketAddr], time: Duration) -> Result<SocketAddr, Lost> {
    run(addresses, time).map(|stream| stream.peer_addr().unwrap())
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port that is taken and has no listener: another test could listen at one that is free.
fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

#[test]
fn an_address_that_leads_nowhere_costs_a_quarter_of_a_second() {
    let (hole, _fillers) = black_hole();
    let (_listener, good) = listener();
    let start = Instant::now();
    let Ok(address) = race(&[hole, hole, good], Duration::from_secs(30)) else {
        panic!("no connection")
    };
    assert_eq!(address, good);
    assert!(start.elapsed() >= 2 * HEAD_START, "each of the two has its head start");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn an_address_that_refuses_hands_its_head_start_on_while_another_is_tried() {
    let (hole, _fillers) = black_hole();
    let (_taken, refusing) = refusing();
    let (_listener, good) = listener();
    let addresses = [&[hole][..], &[refusing; 100], &[good]].concat();
    let start = Instant::now();
    assert!(race(&addresses, Duration::from_secs(60)).is_ok());
    assert!(start.elapsed() < 50 * HEAD_START, "{:?}", start.elapsed());
}

#[cfg(target_os = "linux")]
#[test]
fn waiting_for_the_last_address_takes_no_processor_time() {
    /// In hundredths of a second.
    fn taken() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        // Counted behind the thread's name, which may hold blanks.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split(' ').collect();
        fields[12..=13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }
    let (hole, _fillers) = black_hole();
    let before = taken();
    assert!(matches!(race(&[hole], 4 * HEAD_START), Err(Lost::OutOfTime)));
    assert!(taken() - before < 20, "{} hundredths of a second", taken() - before);
}

#[test]
fn a_connection_sends_at_once_and_keeps_itself_alive() {
    let (_listener, good) = listener();
    let stream = run(&[good], Duration::from_secs(30)).ok().unwrap();
    assert!(stream.nodelay().unwrap());
    assert!(SockRef::from(&*stream).keepalive().unwrap());
}

#[test]
fn an_address_that_refuses_costs_nothing() {
    let (_taken, refusing) = refusing();
    let (_listener, good) = listener();
    let start = Instant::now();
    let addresses = [&[refusing; 20][..], &[good]].concat();
    assert!(race(&addresses, Duration::from_secs(30)).is_ok());
    assert!(start.elapsed() < 15 * HEAD_START, "{:?}", start.elapsed());
}

#[test]
fn a_slow_address_still_wins_when_the_others_fail() {
    let (hole, _fillers) = black_hole();
    let (_taken, refusing) = refusing();
    let result = race(&[hole, refusing], Duration::from_millis(600));
    assert!(matches!(result, Err(Lost::OutOfTime)));
    assert!(matches!(race(&[refusing; 3], Duration::from_secs(30)), Err(Lost::Failed)));
}

#[test]
fn a_url_without_a_port_means_that_of_its_scheme() {
    for (url, expected) in [
        ("https://h.example/api/v1/sim", 443),
        ("http://h.example/api/v1/sim", 80),
        ("https://h.example:8443/api/v1/sim", 8443),
        ("http://h.example:443/api/v1/sim", 443),
    ] {
        assert_eq!(port(&url.parse().unwrap()), expected, "{url}");
    }
}

#[test]
fn a_cancel_between_opening_a_socket_and_connecting_it_ends_the_race() {
    let (hole, _fillers) = black_hole();
    let connector = connector();
    let mut race = Race {
        connector: &connector,
        register: &|_| {
            connector.cancel.set();
            Ok(())
        },
        running: Vec::new(),
        failed: Vec::new(),
    };
    let start = Instant::now();
    assert!(matches!(race.run(&[hole], start + Duration::from_secs(30)), Err(Lost::Error(_))));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn a_failure_names_the_addresses_of_a_name_and_two_at_most() {
    let message = |host: &str, count: usize| {
        let connector = connector();
        let refused = |last: usize| {
            let address = format!("192.0.2.{}:81", last + 1).parse().unwrap();
            (address, io::Error::from_raw_os_error(libc::ECONNREFUSED))
        };
        let race = Race {
            connector: &connector,
            register: &|_| Ok(()),
            running: Vec::new(),
            failed: (0..count).map(refused).collect(),
        };
        race.failure(host, 81).to_string()
    };
    let refused = "connection refused";
    for (host, count, expected) in [
        ("192.0.2.1", 1, refused.to_owned()),
        ("h.example", 1, format!("{refused} from 192.0.2.1:81")),
        ("h.example", 2, format!("{refused} from 192.0.2.1:81, {refused} from 192.0.2.2:81")),
        ("h.example", 3, format!("{refused} from 192.0.2.1:81, {refused} from 192.0.2.2:81")),
    ] {
        let expected = format!("cannot connect to {host}:81: {expected}");
        assert_eq!(message(host, count), expected);
    }
}

#[test]
fn without_descriptors_no_other_address_is_tried_and_without_a_protocol_it_is() {
    let no_socket = |code| no_socket(io::Error::from_raw_os_error(code));
    for code in [libc::EMFILE, libc::ENFILE] {
        let NotOpened::Device(error) = no_socket(code) else { panic!("not for {code}") };
        assert_eq!(error.kind(), ErrorKind::Network);
        assert!(error.to_string().contains("file descriptors"), "{error}");
    }
    assert!(matches!(no_socket(libc::EAFNOSUPPORT), NotOpened::Address(_)));
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn an_interface_may_come_back_and_a_permission_does_not() {
    let not_bound = |code| not_bound("wwan0", &io::Error::from_raw_os_error(code));
    let gone = not_bound(libc::ENODEV);
    assert_eq!(gone.kind(), ErrorKind::Network, "{gone}");
    let forbidden = not_bound(libc::EPERM);
    assert_eq!(forbidden.kind(), ErrorKind::InvalidArgument, "{forbidden}");
    assert!(forbidden.to_string().contains("CAP_NET_RAW"), "{forbidden}");
}

#[test]
fn families_alternate_beginning_with_the_preferred_one() {
    let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    assert_eq!(
        interleave(addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"])),
        addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"])
    );
    assert_eq!(
        interleave(addresses(&["1.1.1.1:1", "1.1.1.2:1", "[::1]:1"])),
        addresses(&["1.1.1.1:1", "[::1]:1", "1.1.1.2:1"])
    );
    assert_eq!(interleave(addresses(&["1.1.1.1:1"; 20])).len(), MOST_ADDRESSES);
    assert!(interleave(Vec::new()).is_empty());
}
