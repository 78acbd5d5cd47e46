//! Lists, page by page.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::request::Request;
use crate::response::Response;

impl<'a> Request<'a> {
    /// The list at this path, page by page, from the first to the last.
    ///
    /// How many there are is taken from the headers, since the service answers a page past the
    /// end with the last one again. Where it does not say, a page that came before ends the list.
    /// All lists of a client together ask for 10 pages in a second at most, as the service allows.
    ///
    /// Set `per_page` with [`query`](Request::query), and leave `page` out.
    pub fn pages(self) -> Pages<'a> {
        Pages { request: self, next: 1, total: None, before: None, over: false }
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
}

/// The pages of a list; see [`Request::pages`]. An error is the last thing it gives.
#[must_use = "nothing is sent before next()"]
pub struct Pages<'a> {
    request: Request<'a>,
    next: u32,
    total: Option<u32>,
    before: Option<Likeness>,
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
        self.request.client().wait_for_page()?;
        let page = self.request.clone().query("page", self.next).call()?;
        page.check()?;
        // A list may grow or shrink while it is walked: what was said last counts.
        self.total = page.total_pages().or(self.total);
        match self.total {
            Some(total) => self.over = self.next >= total,
            None => {
                let likeness = Likeness::of(&page);
                if likeness.is_empty || self.before.as_ref() == Some(&likeness) {
                    // The first page of an empty list is a page nevertheless.
                    return Ok((self.next == 1).then_some(page));
                }
                self.before = Some(likeness);
                self.over = false;
            }
        }
        self.next += 1;
        Ok(Some(page))
    }
}

/// What a page is recognised by when it comes again.
#[derive(Eq)]
struct Likeness {
    body: u64,
    /// The first member's id: members have times in them that differ from call to call.
    first_id: Option<Value>,
    is_empty: bool,
}

impl PartialEq for Likeness {
    fn eq(&self, other: &Self) -> bool {
        self.body == other.body || (self.first_id.is_some() && self.first_id == other.first_id)
    }
}

impl Likeness {
    fn of(page: &Response) -> Self {
        #[derive(Deserialize)]
        struct Member {
            #[serde(default)]
            id: Option<Value>,
        }
        let mut hasher = DefaultHasher::new();
        page.bytes().hash(&mut hasher);
        let members: Vec<Member> = serde_json::from_slice(page.bytes()).unwrap_or_default();
        let list: Option<Vec<serde::de::IgnoredAny>> = serde_json::from_slice(page.bytes()).ok();
        Self {
            body: hasher.finish(),
            first_id: members.into_iter().next().and_then(|member| member.id),
            is_empty: list.is_some_and(|list| list.is_empty()),
        }
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
