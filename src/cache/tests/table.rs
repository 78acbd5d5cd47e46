//! Plays every cell of `table.md` on a real cache and renders the table from what it saw, so that
//! the documentation cannot say anything else.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::rig::*;
use crate::error::Error;
use crate::log::Log;
use crate::token::AuthToken;

/// To write the file anew: `EMNIFY_WRITE_TABLE=1 cargo test -p emnify --lib cache::tests::table`.
const WRITE: &str = "EMNIFY_WRITE_TABLE";
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cache/table.md");

type Build = fn() -> Rig;

const STATES: [(&str, Build); 7] = [
    ("fresh", || after_first(Says::Token)),
    ("renewable", || {
        let rig = after_first(Says::Token);
        rig.advance(RENEW_FROM);
        rig
    }),
    ("none", || Rig::with(user(), Log::default())),
    ("refused", || after_first(Says::Refused)),
    ("locked", || after_first(Says::Locked)),
    ("challenged", || after_first(Says::Mfa("m"))),
    ("limited", || after_first(Says::Limited)),
];

/// What a request may meet.
const ANSWERS: [(&str, Says); 10] = [
    ("200", Says::Token),
    ("MFA", Says::Mfa("n")),
    ("401", Says::Refused),
    ("lock-out", Says::Locked),
    ("429", Says::Limited),
    ("5xx", Says::Failed),
    ("no answer", Says::Unanswered),
    ("nonsense", Says::TokenFor(Duration::ZERO)),
    ("deadline", Says::TimeUp),
    ("panic", Says::Panic),
];

/// What callers may do. The fork is not played here: in a child the client refuses before it comes
/// to the cache, so that this column belongs to the client's tests.
const CHANGES: [(&str, Option<Change>); 4] = [
    ("invalidate", Some(Change::Invalidate)),
    ("reset", Some(Change::Reset)),
    ("new credentials", Some(Change::NewCredentials)),
    ("fork", None),
];

fn after_first(says: Says) -> Rig {
    let rig = Rig::with(user(), Log::default());
    rig.script([says]);
    let _ = rig.get();
    rig
}

/// What a caller got, and how many requests that took.
struct Got {
    result: Option<Result<AuthToken, Error>>,
    requests: usize,
    renewed: bool,
}

fn ask(rig: &Rig) -> Got {
    let before = rig.requests();
    let had = rig.present();
    let result = catch_unwind(AssertUnwindSafe(|| rig.get())).ok();
    let renewed = matches!(&result, Some(Ok(token)) if had.as_deref() != Some(token.as_str()));
    Got { result, requests: rig.requests() - before, renewed }
}

impl Got {
    fn describe(&self) -> String {
        let mut text = match &self.result {
            None => "panic".to_owned(),
            Some(Ok(_)) if self.renewed => "new token".to_owned(),
            Some(Ok(_)) => "old token".to_owned(),
            Some(Err(error)) => format!("`{:?}`", error.kind()),
        };
        if self.requests > 1 {
            write!(text, ", {} requests", self.requests).unwrap();
        }
        text
    }
}

/// How long after `build` a call first makes a request. Found by trying, not by asking the cache.
fn next_request(build: &dyn Fn() -> Rig) -> Duration {
    let asks_after = |millis| {
        let rig = build();
        rig.advance(Duration::from_millis(millis));
        ask(&rig).requests > 0
    };
    let (mut no, mut yes) = (0, 24 * 3_600_000);
    if asks_after(no) {
        return Duration::ZERO;
    }
    assert!(asks_after(yes), "there is a request within a day");
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if asks_after(middle) { yes = middle } else { no = middle }
    }
    Duration::from_millis(yes)
}

fn time(wait: Duration) -> String {
    let seconds = wait.as_secs_f64();
    match seconds {
        0.0 => "at once".to_owned(),
        ..120.0 => format!("in {seconds} s"),
        _ => format!("in {} min", (seconds / 6.0).round() / 10.0),
    }
}

/// What calls get in this state until a request may be made.
fn meanwhile(build: Build) -> String {
    let wait = next_request(&build);
    if wait.is_zero() {
        return "the next call asks".to_owned();
    }
    let got = ask(&build());
    assert_eq!(got.requests, 0);
    format!("{}, request {}", got.describe(), time(wait))
}

/// The state, when its next request is made and meets `says`.
fn answer(name: &str, build: Build, says: &Says) -> String {
    let scripted = || {
        let rig = build();
        rig.script([says.clone()]);
        rig
    };
    if name == "fresh" {
        let got = ask(&scripted());
        assert_eq!(got.requests, 0, "fresh: no request can meet anything");
        return "no request".to_owned();
    }
    let wait = next_request(&build);
    let rig = scripted();
    rig.advance(wait);
    let got = ask(&rig);
    let then = next_request(&|| {
        let rig = scripted();
        rig.advance(wait);
        ask(&rig);
        rig
    });
    assert!(got.requests > 0);
    if got.renewed {
        assert_eq!(then, RENEW_FROM, "the new token is fresh");
        return got.describe();
    }
    format!("{}, next {}", got.describe(), time(then))
}

/// The state, when a caller makes `change` and the next call follows.
fn change(build: Build, change: Option<Change>) -> String {
    let Some(change) = change else {
        return "`InvalidArgument` in the child".to_owned();
    };
    let changed = || {
        let rig = build();
        rig.change(change);
        rig
    };
    let got = ask(&changed());
    if got.requests > 0 {
        return got.describe();
    }
    format!("{}, request {}", got.describe(), time(next_request(&changed)))
}

fn render(heads: &[&str], row: impl Fn(&str, Build) -> Vec<String>) -> String {
    let mut text = format!("| | {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len() + 1));
    for (name, build) in STATES {
        writeln!(text, "| **{name}** | {} |", row(name, build).join(" | ")).unwrap();
    }
    text
}

fn observed() -> String {
    let answers = |columns: &[(&str, Says)]| {
        let heads: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        render(&heads, |name, build| {
            columns.iter().map(|(_, says)| answer(name, build, says)).collect()
        })
    };
    let (rulings, others) = ANSWERS.split_at(5);
    let heads: Vec<_> =
        ["until a request is due"].into_iter().chain(CHANGES.iter().map(|it| it.0)).collect();
    let changes = render(&heads, |_, build| {
        let cells = CHANGES.iter().map(|(_, it)| change(build, *it));
        [meanwhile(build)].into_iter().chain(cells).collect()
    });
    let (rulings, others) = (answers(rulings), answers(others));
    format!(
        "What callers get in each state, and what the next one gets after another did \
         something:\n\n\
         {changes}\n\
         What the caller gets whose request, once it is due, is answered so, and when the next may \
         be made:\n\n{rulings}\n\
         The same where no answer comes that says anything of the credentials. *deadline* and \
         *panic* are the caller's own, who alone hears of them:\n\n{others}"
    )
}

#[test]
fn the_table_in_the_documentation_is_what_happens() {
    let observed = observed();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(FILE, &observed).expect("the table can be written");
        return;
    }
    let documented = include_str!("../table.md");
    let mut differences = String::new();
    let (mut old, mut new) = (documented.lines(), observed.lines());
    loop {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
                write!(differences, "\n- {old}\n+ {new}\n").unwrap();
            }
        }
    }
    assert!(
        differences.is_empty(),
        "table.md (-) is not what happens (+); {WRITE}=1 writes it anew:\n{differences}"
    );
}
