//! Paths and headers of the caller's, looked at before anything is sent.

use crate::error::Error;

/// Refuses a path that would leave the API, and bytes that do not belong into a URL: escaping
/// them here would hide a mistake, or escape twice.
pub(super) fn check_path(path: &str) -> Result<(), Error> {
    let Some(below) = path.strip_prefix("/api/") else {
        return Err(Error::invalid("path must start with /api/, such as /api/v1/sim"));
    };
    let (resource, query) = below.split_once('?').unwrap_or((below, ""));
    let of_segment = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&b);
    let of_query = |b: u8| of_segment(b) || b == b'?';
    if !resource.bytes().all(of_segment) || !query.bytes().all(of_query) {
        return Err(Error::invalid(
            "path holds a character that is not allowed in a URL, such as a space, a quote or a \
             line break; escape it, for instance with url_escape",
        ));
    }
    let mut escapes = path.split('%').skip(1);
    if !escapes.all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit())) {
        return Err(Error::invalid("path holds a % that is not followed by two hex digits"));
    }
    for segment in resource.split('/') {
        // An escaped dot is a dot to many servers.
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        if matches!(plain.as_str(), "." | "..") {
            return Err(Error::invalid("path holds a . or .. segment; give the path itself"));
        }
    }
    Ok(())
}

pub(super) fn check_header(name: &str, value: &str) -> Result<(), Error> {
    const OURS: [&str; 9] = [
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "te",
        "transfer-encoding",
        "user-agent",
    ];
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Error::invalid("header: its name may hold letters, digits and dashes only"));
    }
    if OURS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Error::invalid(format!("header: {name} is set by this library")));
    }
    if value.bytes().any(|b| !(b == b' ' || b == b'\t' || b.is_ascii_graphic())) {
        return Err(Error::invalid(format!("header: {name} may hold printable ASCII only")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_api_and_is_a_legal_url() {
        for right in ["/api/v1/sim", "/api/v1/sim?q=a:b&page=2", "/api/v1/a%20b", "/api/v2/x?a=/?"]
        {
            assert!(check_path(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "/",
            "api/v1/sim",
            "/v1/sim",
            "/API/v1",
            "//evil.example/api/",
            "/api",
            "https://evil.example/api/v1",
            "/api/../secret",
            "/api/v1/..",
            "/api/./x",
            "/api/%2e%2E/x",
            "/api/.%2e/x",
            "/api/v1/a b",
            "/api/v1/a\r\nX: y",
            "/api/v1/a\tb",
            "/api/v1/ä",
            "/api/v1/a#b",
            "/api/v1/a\"b",
            "/api/v1/<a>",
            "/api/v1/a\\b",
            "/api/%",
            "/api/%4",
            "/api/%zz",
            "/api/%4g",
            "/api/v1/x?a=b c",
            "/api/v1/x?a=[b]",
            "/api/v1/{id}",
            "/api/v1/x\0",
            "/api/v1/x?%",
        ] {
            let error = check_path(wrong).expect_err(wrong);
            assert!(error.to_string().starts_with("path "), "{error}");
        }
    }

    #[test]
    fn a_header_of_the_caller_cannot_become_two_or_replace_one_of_ours() {
        assert!(check_header("X-Emn-Origin-App", "gateway 1.0").is_ok());
        assert!(check_header("X-Emn-Origin-App", "gateway\t1.0").is_ok());
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a:", "x"),
            ("a", "x\r\nb: c"),
            ("a", "ä"),
            ("a", "\0"),
            ("Authorization", "Bearer x"),
            ("content-length", "5"),
            ("HOST", "evil.example"),
        ] {
            assert!(check_header(name, value).is_err(), "{name}: {value}");
        }
    }
}
