//! Lists, page by page.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::response::Response;

/// Without a number of pages a list is not walked beyond this one: a service whose pages past the
/// end differ each time would keep a device busy for ever.
const MOST_UNCOUNTED: u32 = 1000;

impl<'a> Request<'a> {
    /// The list at this path, page by page, from the first to the last.
    ///
    /// How many there are is taken from the headers, since the service answers a page past the
    /// end with the last one again. Where it does not say, a page that came before ends the list,
    /// known by its bytes or its first member's id, and so does one without members; what is no
    /// list, after one that was, and a 1,001st page are errors. All lists of a session together ask
    /// for 10 pages in a second at most, as the service allows; the wait counts against the call's
    /// own time.
    ///
    /// Set `per_page` with [`query`](Request::query), and leave `page` out.
    pub fn pages(self) -> Pages<'a> {
        Pages {
            request: self,
            next: 1,
            total: None,
            before: None,
            most_uncounted: MOST_UNCOUNTED,
            over: false,
        }
    }

    /// All members of a list that the service does not divide into pages, as far as it documents. Its
    /// headers may say otherwise; then the rest is fetched as well.
    pub(crate) fn whole<T: DeserializeOwned>(self) -> Result<Vec<T>, Error> {
        let deadline = self.turn()?;
        let first = self.clone().call_by(deadline)?;
        let mut members: Vec<T> = first.json()?;
        if let Some(total @ 2..) = first.total_pages() {
            let pages = Pages { next: 2, total: Some(total), ..self.pages() };
            for page in pages {
                members.append(&mut page?.json()?);
            }
        }
        Ok(members)
    }

    /// The members of the list at this path, over all its [`pages`](Request::pages).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), emnify::Error> {
    /// # let client = emnify::Client::from_env()?;
    /// for sim in client.get("/api/v1/sim").query("per_page", 100).items::<serde_json::Value>() {
    ///     println!("{}", sim?["iccid"]);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn items<T: DeserializeOwned>(self) -> Items<'a, T> {
        Items { pages: self.pages(), ready: VecDeque::new(), kind: PhantomData }
    }

    /// Waits until a list may be asked for: the service allows 10 such calls in a second. Returns the
    /// moment by which the call has to end, this wait included.
    fn turn(&self) -> Result<Deadline, Error> {
        let deadline = self.deadline()?;
        let parts = self.client().parts()?;
        // A call that will not be made takes nobody's turn.
        if parts.transport.is_cancelled() {
            return Ok(deadline);
        }
        let wait = parts.list_pace.wait(deadline).ok_or_else(|| {
            Error::new(
                ErrorKind::Timeout,
                "no time left for the next page: 10 are asked for in a second at most, and other \
                 lists of this client come first",
            )
        })?;
        parts.transport.pause(wait);
        Ok(deadline)
    }
}

/// The pages of a list; see [`Request::pages`]. An error is the last thing it gives.
#[must_use = "nothing is sent before next()"]
pub struct Pages<'a> {
    request: Request<'a>,
    next: u32,
    total: Option<u32>,
    before: Option<Likeness>,
    most_uncounted: u32,
    over: bool,
}

impl Iterator for Pages<'_> {
    type Item = Result<Response, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        // Whatever is not a page with another behind it is the end.
        self.over = true;
        match self.page() {
            Ok(page) => page.map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

impl Pages<'_> {
    fn page(&mut self) -> Result<Option<Response>, Error> {
        if self.request.has_query("page") {
            return Err(Error::invalid("path: leave page out of the query; all pages are fetched"));
        }
        let deadline = self.request.turn()?;
        let page = self.request.clone().query("page", self.next).call_by(deadline)?;
        page.check()?;
        // A list may grow or shrink while it is walked: what was said last counts.
        self.total = page.total_pages().or(self.total);
        // The first page of an empty list is a page nevertheless.
        let is_first = self.next == 1;
        if has_no_members(page.bytes()) {
            return Ok(is_first.then_some(page));
        }
        match self.total {
            Some(total) => self.over = self.next >= total,
            None => {
                let Some(likeness) = Likeness::of(&page) else {
                    // Alone, it is whatever the path has; after others, the list is not whole.
                    return match is_first {
                        true => Ok(Some(page)),
                        false => Err(page.bad("is no list, as those of the pages before it were")),
                    };
                };
                if self.before.as_ref() == Some(&likeness) {
                    return Ok(None);
                }
                if self.next > self.most_uncounted {
                    return Err(page.bad(&format!(
                        "is page {} of a list whose end cannot be told; ask for larger pages with \
                         per_page, or page by page",
                        self.next
                    )));
                }
                self.before = Some(likeness);
                self.over = false;
            }
        }
        self.next += 1;
        Ok(Some(page))
    }
}

/// Whether the body is an empty array. Looks at three bytes of one that is not.
fn has_no_members(body: &[u8]) -> bool {
    body.iter().filter(|byte| !byte.is_ascii_whitespace()).eq(b"[]")
}

/// What a page is recognised by when it comes again.
struct Likeness {
    body: u64,
    /// The first member's id: members have times in them that differ from call to call.
    first_id: Option<Value>,
}

impl PartialEq for Likeness {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body || (self.first_id.is_some() && self.first_id == other.first_id)
    }
}

impl Likeness {
    /// `None` where the page is no list.
    fn of(page: &Response) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Member {
            Object {
                #[serde(default)]
                id: Option<Value>,
            },
            Other(IgnoredAny),
        }
        let mut hasher = DefaultHasher::new();
        page.bytes().hash(&mut hasher);
        let members: Vec<Member> = serde_json::from_slice(page.bytes()).ok()?;
        let first_id = match members.into_iter().next() {
            // One of `null` says nothing.
            Some(Member::Object { id }) => id,
            Some(Member::Other(_)) | None => None,
        };
        Some(Self { body: hasher.finish(), first_id })
    }
}

impl fmt::Debug for Pages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("request", &self.request)
            .field("next", &self.next)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// The members of a list; see [`Request::items`]. An error is the last thing it gives.
#[must_use = "nothing is sent before next()"]
pub struct Items<'a, T> {
    pages: Pages<'a>,
    ready: VecDeque<T>,
    kind: PhantomData<T>,
}

impl<T: DeserializeOwned> Iterator for Items<'_, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            match self.pages.next()?.and_then(|page| page.json()) {
                Ok(items) => self.ready = items,
                Err(error) => {
                    self.pages.over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("pages", &self.pages).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};

    use super::*;
    use crate::{Client, Credentials};

    #[test]
    fn a_list_whose_pages_never_repeat_and_are_not_counted_ends_in_an_error() {
        let sim = Simulator::builder().start().unwrap();
        for n in 0..10 {
            sim.next("/api/v1/changing", Answer::json(200, format!(r#"[{{"at":{n}}}]"#)));
        }
        let token = Credentials::application_token(DEFAULT_APPLICATION_TOKEN);
        let client = Client::builder(token).base_url(sim.base_url()).build().unwrap();
        let mut pages = client.get("/api/v1/changing").pages();
        pages.most_uncounted = 4;
        let pages: Vec<_> = pages.collect();
        assert!(pages[..4].iter().all(Result::is_ok));
        let error = pages[4].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        assert!(error.to_string().contains("page 5 of a list whose end"), "{error}");
        assert_eq!(pages.len(), 5);
    }
}
