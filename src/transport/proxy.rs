//! The proxy: from the configuration, never from the environment.

use ureq::Proxy;

use super::base_url::split_authority;
use crate::error::Error;

/// Accepts `http://[user:password@]host:port`. Requests go through a tunnel (CONNECT), those to
/// `http://` too: so the proxy never sees the credential, and only one way has to be right.
///
/// No message repeats the text, which may hold a password.
pub(super) fn parse(text: &str) -> Result<Proxy, Error> {
    const FORM: &str = "it looks like http://host:port or http://user:password@host:port";
    let wrong = |what: &str| Error::invalid(format!("proxy {what}: {FORM}"));
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong("contains white space or control characters"));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(wrong("is not a URL"));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => {
            return Err(wrong("is a SOCKS proxy, which is not supported"));
        }
        _ => return Err(wrong("has a scheme other than http")),
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return Err(wrong(
            "has a path, a query or a fragment (in a password, write them as %2F, %3F, %23)",
        ));
    }
    let authority = rest.rsplit_once('@').map_or(rest, |(_, authority)| authority);
    let (_, port) = split_authority("proxy", authority)?;
    if port.is_none() {
        return Err(wrong("has no port"));
    }
    // `Proxy::new` reads no environment; only `Proxy::try_from_env` does.
    Proxy::new(&format!("http://{rest}"))
        .map_err(|_| wrong("has a user name or password with characters to be written as %XX"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_host_a_port_and_perhaps_credentials() {
        let proxy = parse("http://user:p%40ss@proxy.example:3128/").unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("proxy.example", 3128));
        assert_eq!((proxy.username(), proxy.password()), (Some("user"), Some("p@ss")));
        assert!(!format!("{proxy:?}").contains("p@ss"));
        assert_eq!(parse("HTTP://[::1]:8080").unwrap().port(), 8080);
        let proxy = parse("http://user@corp.example:p%40ss@proxy.example:3128").unwrap();
        assert_eq!((proxy.host(), proxy.username()), ("proxy.example", Some("user@corp.example")));
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_is_echoed() {
        for text in [
            "",
            "canary",
            "canary:3128",
            "https://canary:3128",
            "socks5://canary:1080",
            "http://",
            "http://:3128",
            "http://u:canary@",
            "http://u:canary@h",
            "http://u:canary@h:0",
            "http://u:can/ary@h:3128",
            "http://u:can?ary@h:3128",
            "http://u:can#ary@h:3128",
            "http://u:canary@h:3128?x",
            "http://u:canary@h:3128#x",
            "http://u:canary\u{1}@h:3128",
            "http://u:canary@h:3128/path",
            "http://u:canary @h:3128",
            "http://u:canary%ff@h:3128",
            "http://u:can\"ary@h:3128",
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.starts_with("proxy "), "{text}: {message}");
            assert!(!message.contains("canary"), "{text}: {message}");
        }
    }
}
