//! What failures of TLS mean to somebody who has to do something about them.

use std::io;

use rustls::CertificateError as C;
use rustls::Error as R;

use super::failure::{date, os_text};
use crate::error::{Error, ErrorKind};

/// A handshake with `host` failed.
pub(super) fn in_handshake(error: io::Error, host: &str) -> ureq::Error {
    explain(error, host, |error| {
        let cut = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        );
        let what = if cut {
            format!("{host} closed the connection during the TLS handshake")
        } else {
            format!("the TLS handshake with {host} failed: {}", os_text(error))
        };
        Error::new(ErrorKind::Network, what)
    })
}

/// Something failed on a connection on which TLS stood already.
pub(super) fn later(error: io::Error, host: &str) -> ureq::Error {
    match find(&error) {
        Some(_) => in_handshake(error, host),
        // A broken connection is one with or without TLS.
        None => error.into(),
    }
}

fn explain(error: io::Error, host: &str, other: impl FnOnce(&io::Error) -> Error) -> ureq::Error {
    let explained = match find(&error) {
        Some(failure) => of_rustls(failure, host),
        None => match ureq::Error::from(error) {
            ureq::Error::Io(error) => other(&error),
            // A time-out or a cancel, which passed through rustls.
            ours => return ours,
        },
    };
    ureq::Error::Other(Box::new(explained))
}

fn find(error: &io::Error) -> Option<&R> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

fn of_rustls(error: &R, host: &str) -> Error {
    match error {
        R::InvalidCertificate(why) => certificate(why, host),
        R::FailedToGetCurrentTime => Error::new(
            ErrorKind::Clock,
            format!(
                "the certificate of {host} cannot be checked: this device's clock cannot be read"
            ),
        ),
        R::InvalidMessage(_) | R::InappropriateMessage { .. } => tls(format!(
            "{host} did not answer with TLS: check the port, and whether a proxy or a portal stands \
             in between"
        )),
        R::AlertReceived(alert) => tls(format!("{host} refused the TLS handshake ({alert:?})")),
        R::PeerIncompatible(why) => tls(format!(
            "{host} offers no TLS that is safe: version 1.2 or newer is needed ({why:?})"
        )),
        R::NoCertificatesPresented => tls(format!("{host} presented no certificate")),
        other => tls(format!("the TLS connection to {host} failed: {other}")),
    }
}

fn tls(message: String) -> Error {
    Error::new(ErrorKind::Tls, message)
}

fn certificate(why: &C, host: &str) -> Error {
    let clock =
        |what: String| Error::new(ErrorKind::Clock, format!("the certificate of {host} {what}"));
    match why {
        C::NotValidYetContext { time, not_before } => clock(format!(
            "is valid from {} only, and this device's clock says {}: set the clock",
            date(not_before.as_secs()),
            date(time.as_secs()),
        )),
        C::NotValidYet => clock("is not valid yet: check this device's clock".to_owned()),
        C::ExpiredContext { time, not_after } => clock(format!(
            "expired on {}, and this device's clock says {}: check the clock, else the certificate \
             has to be renewed",
            date(not_after.as_secs()),
            date(time.as_secs()),
        )),
        C::Expired => clock("has expired: check this device's clock".to_owned()),
        C::UnknownIssuer => tls(format!(
            "the certificate of {host} is from an issuer that is not trusted: if that is your own \
             CA, set ca_file; if not, somebody may be listening in"
        )),
        // The CA has the right name and another key: most likely it was made anew.
        C::BadSignature => tls(format!(
            "the certificate of {host} was not signed by the CA that is trusted under that name: \
             ca_file may be out of date; if not, somebody may be listening in"
        )),
        C::NotValidForNameContext { presented, .. } => tls(format!(
            "the certificate of {host} is for another name ({})",
            presented
                .iter()
                .take(3)
                .map(|name| name.escape_debug().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        )),
        C::NotValidForName => tls(format!("the certificate of {host} is for another name")),
        other => tls(format!("the certificate of {host} is not acceptable: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    fn explained(error: ureq::Error) -> Error {
        let ureq::Error::Other(error) = error else { panic!("{error}") };
        *error.downcast().unwrap()
    }

    #[test]
    fn a_failure_of_tls_is_one_and_names_the_host() {
        let name = || ServerName::try_from("h.example").unwrap().to_owned();
        let presented =
            vec!["a\u{1b}[31m".to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned()];
        for (error, words) in [
            (R::AlertReceived(AlertDescription::HandshakeFailure), "refused the TLS handshake"),
            (R::NoCertificatesPresented, "presented no certificate"),
            (R::HandshakeNotComplete, "failed"),
            (R::InvalidCertificate(C::NotValidForName), "another name"),
            (R::InvalidCertificate(C::Revoked), "not acceptable"),
            (
                R::InvalidCertificate(C::NotValidForNameContext { expected: name(), presented }),
                "another name (a\\u{1b}[31m, b, c)",
            ),
        ] {
            let error = explained(in_handshake(io::Error::other(error), "h.example"));
            assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
            assert!(error.to_string().contains("h.example"), "{error}");
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn dates_that_are_not_said_are_the_clocks_matter_too() {
        let at = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        for why in [C::Expired, C::NotValidYet, C::ExpiredContext { time: at, not_after: at }] {
            let error = io::Error::other(R::InvalidCertificate(why));
            assert_eq!(explained(in_handshake(error, "h")).kind(), ErrorKind::Clock);
        }
        let error = io::Error::other(R::FailedToGetCurrentTime);
        assert_eq!(explained(in_handshake(error, "h")).kind(), ErrorKind::Clock);
    }

    #[test]
    fn a_connection_that_breaks_is_no_failure_of_tls() {
        let broken = |code| explained(in_handshake(io::Error::from_raw_os_error(code), "h"));
        for (code, words) in [
            (libc::ECONNRESET, "h closed the connection during the TLS handshake"),
            (libc::EPIPE, "h closed the connection during the TLS handshake"),
            (libc::EHOSTUNREACH, "the TLS handshake with h failed: no route to host"),
        ] {
            assert_eq!(broken(code).kind(), ErrorKind::Network);
            assert_eq!(broken(code).to_string(), words);
        }
        assert!(matches!(
            later(io::Error::from_raw_os_error(libc::ECONNRESET), "h"),
            ureq::Error::Io(_)
        ));
        let error = io::Error::other(R::AlertReceived(AlertDescription::InternalError));
        assert_eq!(explained(later(error, "h")).kind(), ErrorKind::Tls);
    }
}
