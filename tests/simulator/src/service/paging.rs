//! Lists: filtering, sorting, pages and the headers that count them.

use serde_json::Value;

use super::Reply;
use super::world::Settings;

/// Which headers tell the number of items and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PagingHeaders {
    /// `X-Total-Count`, `X-Total-Pages`, `X-Current-Page`, `X-Count-Per-Page`.
    #[default]
    Long,
    /// `X-Count`, `X-Pages`, `X-Page`, `X-Per-Page`, as some services write them.
    Short,
    /// None at all.
    None,
}

/// What a request without `per_page` gets at most.
const DEFAULT_PER_PAGE: usize = 1000;

/// The page of `items` that `query` asks for. A page past the end is the last page again.
pub(crate) fn list(mut items: Vec<Value>, query: &str, settings: &Settings) -> Reply {
    let (mut page, mut per_page) = (1, DEFAULT_PER_PAGE);
    for (name, value) in pairs(query) {
        match name.as_str() {
            "page" | "per_page" => {
                let Some(number) = value.parse().ok().filter(|number| *number > 0) else {
                    return Reply::empty(422);
                };
                *(if name == "page" { &mut page } else { &mut per_page }) = number;
            }
            "q" => {
                for condition in value.split(',') {
                    let Some((field, wanted)) = condition.split_once(':') else {
                        return Reply::empty(422);
                    };
                    items.retain(|item| text(&item[field]).eq_ignore_ascii_case(wanted));
                }
            }
            "sort" => {
                let (field, descending) = match value.strip_prefix('-') {
                    Some(field) => (field, true),
                    None => (value.as_str(), false),
                };
                items.sort_by(|a, b| match (a[field].as_u64(), b[field].as_u64()) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    _ => text(&a[field]).cmp(&text(&b[field])),
                });
                if descending {
                    items.reverse();
                }
            }
            _ => {}
        }
    }
    let total = items.len();
    let pages = total.div_ceil(per_page).max(1);
    let page = page.min(pages);
    let shown: Vec<Value> = items.into_iter().skip((page - 1) * per_page).take(per_page).collect();
    let mut reply = Reply::json_with_charset(200, &shown.into());
    reply.list = true;
    let names = match settings.paging_headers {
        PagingHeaders::Long => {
            ["X-Total-Count", "X-Total-Pages", "X-Current-Page", "X-Count-Per-Page"]
        }
        PagingHeaders::Short => ["X-Count", "X-Pages", "X-Page", "X-Per-Page"],
        PagingHeaders::None => return reply,
    };
    for (name, number) in names.into_iter().zip([total, pages, page, per_page]) {
        reply = reply.header(name, number.to_string());
    }
    reply
}

/// A field as text; of an object such as `status` its description.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            members.get("description").or_else(|| members.get("id")).map(text).unwrap_or_default()
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The decoded pairs of a query.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                match (digit(high), digit(low)) {
                    (Some(high), Some(low)) => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = after;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn queries_are_decoded() {
        let all: Vec<_> = pairs("q=name%3Aa+b&x&y=%zz").collect();
        assert_eq!(all[0], ("q".into(), "name:a b".into()));
        assert_eq!(all[1], ("x".into(), String::new()));
        assert_eq!(all[2], ("y".into(), "%zz".into()));
    }
}
