//! The base URL: what is accepted, and how a call's URL is made from it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::error::Error;

pub(super) const DEFAULT: &str = "https://cdn.emnify.net";

/// A checked base URL without `/api` and without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl {
    https: bool,
    host: String,
    port: Option<u16>,
    /// Empty, or a path in front of `/api` that starts with a slash and ends with none.
    prefix: String,
}

impl BaseUrl {
    /// Accepts `https://host`, with or without `/` or `/api` at the end: the vendor's two SDKs
    /// disagree on whether a base includes `/api`.
    ///
    /// No message repeats the text: it may hold a password, or be a token in the wrong field.
    pub(super) fn parse(text: &str, allow_plain_http: bool) -> Result<Self, Error> {
        let wrong = |what: &str| Err(Error::invalid(format!("base_url {what}")));
        if text.is_empty() {
            return wrong("is empty: leave it unset, or give one such as https://cdn.emnify.net");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return wrong("contains white space or control characters: remove them");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("is not a URL: it looks like https://cdn.emnify.net");
        };
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => {
                return wrong(
                    "has a scheme other than https: it looks like https://cdn.emnify.net",
                );
            }
        };
        if rest.contains('#') {
            return wrong("has a fragment: remove the # and what follows");
        }
        if rest.contains('?') {
            return wrong("has a query: remove the ? and what follows");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return wrong("contains a user name or password: remove it, credentials are set apart");
        }
        let (host, port) = split_authority("base_url", authority)?;
        let default_port = if https { 443 } else { 80 };
        let base = Self {
            https,
            host,
            port: port.filter(|port| *port != default_port),
            prefix: prefix(path)?,
        };
        if !https && !allow_plain_http && !base.is_loopback() {
            return wrong(
                "is http:// to another host than this one, where everybody on the way could read \
                 the token: use https://, or set allow_plain_http",
            );
        }
        Ok(base)
    }

    /// The URL of a call whose path starts with `/api/`.
    pub(super) fn join(&self, path: &str) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", self.authority(), self.prefix)
    }

    /// The host as it stands in the URL, an IPv6 address with its brackets.
    #[cfg(feature = "rustls")]
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Host and, if it is not the usual one, port: how messages name the service.
    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    pub(super) fn is_https(&self) -> bool {
        self.https
    }

    /// `localhost` by name and addresses that are literally loopback. Nothing is resolved here:
    /// a name that resolves to loopback today may not do so tomorrow.
    fn is_loopback(&self) -> bool {
        if let Ok(address) = self.host.parse::<Ipv4Addr>() {
            return address.is_loopback();
        }
        if let Ok(address) = bare_host(&self.host).parse::<Ipv6Addr>() {
            return address.is_loopback();
        }
        self.host == "localhost"
    }
}

/// Takes the brackets off an IPv6 address.
pub(super) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn prefix(path: &str) -> Result<String, Error> {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/api").unwrap_or(path).trim_end_matches('/');
    for segment in path.split('/').skip(1) {
        let what = match segment {
            "" => "has an empty path segment (//)",
            "." | ".." => "has a . or .. in its path",
            "api" => "goes on after /api: end it there, the library adds the rest",
            _ if !segment.bytes().all(is_path_byte) => {
                "has a character in its path that has to be percent-encoded"
            }
            _ => continue,
        };
        return Err(Error::invalid(format!("base_url {what}")));
    }
    Ok(path.to_owned())
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte)
}

/// Splits `host`, `host:port` or `[v6]:port`; an error names `argument` and echoes nothing.
pub(super) fn split_authority(
    argument: &str,
    authority: &str,
) -> Result<(String, Option<u16>), Error> {
    let wrong = |what: &str| Err(Error::invalid(format!("{argument} {what}")));
    let (host, port) = if authority.starts_with('[') {
        let Some(end) = authority.find(']') else {
            return wrong("has an IPv6 address without the closing bracket");
        };
        authority.split_at(end + 1)
    } else {
        authority.split_at(authority.find(':').unwrap_or(authority.len()))
    };
    if host.is_empty() {
        return wrong("has no host: it looks like https://cdn.emnify.net");
    }
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.trim_end_matches(']');
        if address.parse::<Ipv6Addr>().is_err() {
            return wrong("has brackets around something that is no IPv6 address");
        }
    } else if !host.is_ascii() {
        return wrong("has a host name with non-ASCII letters: give its xn-- form");
    } else if !is_host_name(host) {
        return wrong("has a host that is neither a name nor an address");
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return wrong("has something after the host that is no port"),
        // `u16::from_str` would take a plus sign.
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse() {
            Ok(0) | Err(_) => return wrong("has a bad port: it is a number from 1 to 65535"),
            Ok(port) => Some(port),
        },
        Some(_) => return wrong("has a bad port: it is a number from 1 to 65535"),
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// Names as DNS has them; an underscore is let through, some private zones use it.
fn is_host_name(host: &str) -> bool {
    let labels = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253
        && labels.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn url(base: &str) -> String {
        BaseUrl::parse(base, false).unwrap().join("/api/v1/authenticate")
    }

    #[test]
    fn with_or_without_api_the_same_url_comes_out() {
        for base in [
            "https://h.example",
            "https://h.example/",
            "https://h.example/api",
            "https://h.example/api/",
            "HTTPS://H.Example:443/api",
        ] {
            assert_eq!(url(base), "https://h.example/api/v1/authenticate", "{base}");
        }
        assert_eq!(url(DEFAULT), "https://cdn.emnify.net/api/v1/authenticate");
    }

    #[test]
    fn ports_addresses_and_prefixes_are_kept() {
        for (base, expected) in [
            ("https://h:8443/api", "https://h:8443/api/v1/authenticate"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]/api/v1/authenticate"),
            ("https://[::1]:8443/", "https://[::1]:8443/api/v1/authenticate"),
            ("https://h/reseller", "https://h/reseller/api/v1/authenticate"),
            ("https://h/reseller/api/", "https://h/reseller/api/v1/authenticate"),
            ("http://127.0.0.1:80", "http://127.0.0.1/api/v1/authenticate"),
            ("http://127.3.2.1:8080", "http://127.3.2.1:8080/api/v1/authenticate"),
            ("http://localhost:8080", "http://localhost:8080/api/v1/authenticate"),
            ("http://[::1]:8080", "http://[::1]:8080/api/v1/authenticate"),
        ] {
            assert_eq!(url(base), expected, "{base}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_is_echoed() {
        for (base, word) in [
            ("", "empty"),
            ("canary", "not a URL"),
            ("canary.example/api", "not a URL"),
            ("ftp://canary.example", "scheme"),
            ("https://", "no host"),
            ("https:///api", "no host"),
            ("https://:8080", "no host"),
            ("https://canary:pw@h", "password"),
            ("https://canary@h", "password"),
            ("https://h?canary=1", "query"),
            ("https://h/api?canary", "query"),
            ("https://h/#canary", "fragment"),
            ("https://h /canary", "white space"),
            ("https://h\n", "white space"),
            ("https://h\u{0}canary", "control"),
            ("https://h:0", "port"),
            ("https://h:", "port"),
            ("https://h:65536", "port"),
            ("https://h:+80", "port"),
            ("https://h:canary", "port"),
            ("https://[::1", "bracket"),
            ("https://[canary]", "IPv6"),
            ("https://[::1]canary", "port"),
            ("https://h..canary", "host"),
            ("https://can\\ary", "host"),
            ("https://c\u{e4}nary", "xn--"),
            ("https://h/api/api", "/api"),
            ("https://h/api/v1", "/api"),
            ("https://h/a//b", "empty path segment"),
            ("https://h/../canary", ".."),
            ("https://h/can\"ary", "percent-encoded"),
            ("http://canary.example", "allow_plain_http"),
            ("http://128.0.0.1", "allow_plain_http"),
            ("http://127.1", "allow_plain_http"),
            ("http://10.0.0.1", "allow_plain_http"),
            ("http://0.0.0.0", "allow_plain_http"),
            ("http://[2001:db8::1]", "allow_plain_http"),
            ("http://[::ffff:192.0.2.1]", "allow_plain_http"),
            ("http://localhost.example", "allow_plain_http"),
            ("http://canary.localhost", "allow_plain_http"),
            ("http://notlocalhost", "allow_plain_http"),
        ] {
            let error = BaseUrl::parse(base, false).unwrap_err();
            let message = error.to_string();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{base}");
            assert!(message.starts_with("base_url "), "{base}: {message}");
            assert!(message.contains(word), "{base}: {message}");
            assert!(!message.contains("canary") && !message.ends_with('.'), "{base}: {message}");
        }
    }

    #[test]
    fn a_host_name_and_its_labels_are_as_long_as_dns_allows() {
        let parse = |host: &str| BaseUrl::parse(&format!("https://{host}"), false);
        let label = |length: usize| "l".repeat(length);
        let longest = [label(63), label(63), label(63), label(61)].join(".");
        assert_eq!(longest.len(), 253);
        for host in [longest.as_str(), &label(63), "h", "my_host-1.example", "h.example."] {
            assert_eq!(parse(host).unwrap().authority(), host);
        }
        for host in [format!("{longest}l"), label(64), ".".to_owned(), ".h".to_owned()] {
            assert!(parse(&host).is_err(), "{host}");
        }
    }

    #[test]
    fn plain_http_elsewhere_needs_permission() {
        let base = BaseUrl::parse("http://sim.example:8080/api", true).unwrap();
        assert_eq!(base.join("/api/v1/sim"), "http://sim.example:8080/api/v1/sim");
    }
}
