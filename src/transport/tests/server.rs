//! Small servers made by hand, so that they can misbehave.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

/// Serves every connection on a thread of its own, until the test process ends.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

pub(super) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection as the server's script sees it.
pub(super) struct Connection<'a> {
    /// 1 for the first.
    pub(super) number: usize,
    pub(super) stream: &'a mut dyn Stream,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start(script: impl Fn(Connection<'_>) + Send + Sync + 'static) -> Self {
        Self::start_raw(move |number, mut stream, requests| {
            script(Connection { number, stream: &mut stream, requests });
        })
    }

    /// Answers every request with the same bytes.
    pub(super) fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |mut connection| {
            while connection.request().is_some() {
                connection.write(&answer);
            }
        })
    }

    pub(super) fn start_raw(
        script: impl Fn(usize, TcpStream, Arc<Mutex<Vec<String>>>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (count, requests) = (Arc::clone(&server.connections), Arc::clone(&server.requests));
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let (script, requests) = (Arc::clone(&script), Arc::clone(&requests));
                let stream = stream.unwrap();
                // What a script has written is to be with the client when the script goes on.
                // Else a second write waits for the client's delayed acknowledgement of the first.
                stream.set_nodelay(true).unwrap();
                thread::spawn(move || script(number, stream, requests));
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests so far, heads and bodies.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until that many requests have come.
    pub(super) fn await_requests(&self, count: usize) {
        for _ in 0..3000 {
            if self.requests().len() >= count {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("no {count} requests came");
    }
}

impl<'a> Connection<'a> {
    pub(super) fn over(
        number: usize,
        stream: &'a mut dyn Stream,
        requests: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        Self { number, stream, requests }
    }

    /// Reads one request, by its `Content-Length`; `None` at the end of the connection.
    pub(super) fn request(&mut self) -> Option<String> {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => text.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8(text.clone()).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.trim().parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        text.extend_from_slice(&body);
        let text = String::from_utf8(text).unwrap();
        self.requests.lock().unwrap().push(text.clone());
        Some(text)
    }

    /// A client that has gone away is no failure of the test.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }

    /// Holds the connection open and says nothing.
    pub(super) fn hang(&mut self) {
        let mut byte = [0];
        while matches!(self.stream.read(&mut byte), Ok(1)) {}
    }
}

/// Answers once, and has the first connection end, by `end`, when the test takes its turn.
pub(super) fn answer_and_end<S: Stream>(
    number: usize,
    stream: &mut S,
    requests: Arc<Mutex<Vec<String>>>,
    turn: &Barrier,
    end: impl FnOnce(&mut S),
) {
    let mut connection = Connection::over(number, stream, requests);
    connection.request();
    connection.write(ok("{}").as_bytes());
    if number == 1 {
        turn.wait();
        end(stream);
        turn.wait();
    }
}

pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// An address at which nobody answers a SYN, and what keeps it so: a listener with a full queue.
pub(in crate::transport) fn black_hole() -> (SocketAddr, Vec<socket2::Socket>) {
    use socket2::{Domain, Socket, Type};

    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..8 {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        let _ = filler.connect(&address);
        sockets.push(filler);
    }
    (address.as_socket().unwrap(), sockets)
}
