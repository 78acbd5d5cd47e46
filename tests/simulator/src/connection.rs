//! Accepting connections, serving them, and ending them the way a script says.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::exchange::{Ending, exchange};
use crate::shared::Shared;
use crate::stream::Stream;

/// How long a client may take to say goodbye. Nobody waits for it, so it only bounds the task.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// Accepts connections until the task is dropped.
pub(crate) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let number = shared.journal.connected();
                let (tls, shared) = (tls.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    serve(tcp, peer, number, tls, shared).await;
                });
            }
            // Out of file descriptors, most likely; some will be given back.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(
    tcp: TcpStream,
    peer: SocketAddr,
    number: u64,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
) {
    // Answers are small and written in one piece; waiting for more would only slow tests down.
    let _ = tcp.set_nodelay(true);
    let stream = match tls {
        None => Stream::Plain(tcp),
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(stream) => Stream::Tls(Box::new(stream)),
            // The client does not trust the certificate, or does not speak TLS.
            Err(_) => return,
        },
    };
    speak_http(stream, peer.ip(), number, &shared).await;
}

async fn speak_http(stream: Stream, peer: IpAddr, number: u64, shared: &Arc<Shared>) {
    // hyper closes without a byte when a service fails, and hands the stream back. What is to
    // happen to the stream then lies here, because the error itself is boxed away.
    let ending: Arc<Mutex<Option<Ending>>> = Arc::default();
    let service = service_fn(|request| {
        let (shared, ending) = (Arc::clone(shared), Arc::clone(&ending));
        Box::pin(async move {
            exchange(&shared, number, peer, request).await.map_err(|wanted| {
                *ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(wanted);
                Ended
            })
        })
    });
    let mut connection = http1::Builder::new()
        // `Date` is simulated, and some scripts leave it out.
        .auto_date_header(false)
        // The real front door capitalises as well; clients must not care.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    let served = std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)).await;
    let mut stream = connection.into_parts().io.into_inner();
    let ending = ending.lock().unwrap_or_else(PoisonError::into_inner).take();
    match ending {
        Some(Ending::Reset) => stream.reset(),
        Some(Ending::Raw(bytes)) => {
            // Without TLS's own farewell: to a client this is a connection that broke.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
        }
        Some(Ending::Cut) => {}
        None => match served {
            Ok(()) => {
                let _ = tokio::time::timeout(CLOSING_TIME, stream.shutdown()).await;
            }
            Err(error) if error.is_parse() => {
                shared.journal.violation(format!("connection {number}: this is not HTTP"))
            }
            // The client went away.
            Err(_) => {}
        },
    }
}

/// The error by which a service tells hyper to stop.
#[derive(Debug)]
struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script ends this connection")
    }
}

impl std::error::Error for Ended {}
