//! Random sequences of answers, time and callers, and what must hold after each.
//!
//! The test's own reckoning knows the policy's numbers, not the code's formulas: which tokens the
//! service gave, until when each is of use, and when requests left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::rig::*;
use crate::clock::Clock;
use crate::deadline::Deadline;
use crate::error::ErrorKind;
use crate::log::Log;

#[derive(Clone, Debug)]
enum Step {
    Call,
    Herd(usize),
    Renew,
    Code,
    TryOut,
    Change(Change),
    Pass(Duration),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => Just(Change::Invalidate),
        4 => Just(Change::Replace),
        2 => Just(Change::Accept),
        2 => Just(Change::Reset),
        2 => Just(Change::NewCredentials),
        1 => Just(Change::Cancel),
        2 => Just(Change::Resume),
    ]
}

/// From a moment to longer than any token lives or any wait lasts, each size as often.
fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0_u64..3000).prop_map(Duration::from_millis),
        (3_u64..120).prop_map(Duration::from_secs),
        (2_u64..70).prop_map(|minutes| Duration::from_secs(60 * minutes)),
        (1_u64..10).prop_map(|hours| Duration::from_secs(3600 * hours)),
    ]
}

fn answer() -> impl Strategy<Value = Says> {
    let plain = prop_oneof![
        4 => Just(Says::Token),
        3 => time().prop_map(Says::TokenFor),
        1 => Just(Says::TokenFor(Duration::ZERO)),
        3 => Just(Says::Session("r")),
        1 => Just(Says::Mfa("m")),
        2 => Just(Says::Refused),
        1 => (0_u64..10_000).prop_map(Says::RefusedFor),
        1 => Just(Says::Locked),
        1 => Just(Says::Limited),
        1 => any::<u64>().prop_map(Says::LimitedFor),
        1 => (0_u64..10_000).prop_map(Says::LimitedFor),
        2 => Just(Says::Failed),
        1 => any::<u64>().prop_map(Says::FailedFor),
        2 => Just(Says::Unanswered),
        1 => Just(Says::Unsent),
        2 => Just(Says::Stale),
        1 => Just(Says::TimeUp),
        1 => Just(Says::Cancelled),
        1 => Just(Says::Panic),
    ];
    (plain, proptest::option::weighted(0.3, 0_u64..40), proptest::option::weighted(0.1, change()))
        .prop_map(|(says, delay, change)| {
            let says = match delay {
                Some(seconds) => Says::after(Duration::from_secs(seconds), says),
                None => says,
            };
            match change {
                Some(change) => Says::Meanwhile(change, Box::new(says)),
                None => says,
            }
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Call),
        1 => (2_usize..5).prop_map(Step::Herd),
        2 => Just(Step::Renew),
        1 => Just(Step::Code),
        1 => Just(Step::TryOut),
        3 => change().prop_map(Step::Change),
        8 => time().prop_map(Step::Pass),
    ]
}

/// One caller, with a deadline that it must keep.
fn call(rig: &Rig) {
    const TIME: Duration = Duration::from_secs(5);
    let before = rig.present();
    let start = Instant::now();
    let call = || rig.cache.token(|| Deadline::after(TIME));
    let Ok(result) = catch_unwind(AssertUnwindSafe(call)) else {
        return;
    };
    assert!(start.elapsed() < TIME, "a call ends by its deadline");
    // A sign-in of another thread may have moved the clock between the decision and this line, or
    // changed what there is: only what held before and after must have held in between.
    let after = rig.present();
    match result {
        Ok(token) => {
            if thread::current().name() != Some("herd") {
                assert_eq!(
                    after.as_deref(),
                    Some(token.as_str()),
                    "the token is good and the last"
                );
            }
        }
        Err(error) => {
            let throughout = before.is_some() && before == after;
            assert!(!throughout, "failed with {error} although there is a usable token");
        }
    }
}

fn play(rig: &Rig, step: &Step) {
    match step {
        Step::Call => call(rig),
        Step::Herd(count) => thread::scope(|scope| {
            for _ in 0..*count {
                let herd = thread::Builder::new().name("herd".into());
                herd.spawn_scoped(scope, || call(rig)).unwrap();
            }
        }),
        Step::Renew => {
            let renew = catch_unwind(AssertUnwindSafe(|| rig.renew_if_due()));
            match renew {
                Ok(Ok(next)) => {
                    assert!(next >= SECOND && next <= 31 * 24 * HOUR, "{next:?}");
                    assert!(rig.present().is_some());
                }
                Ok(Err(error)) => assert!(rig.present().is_none(), "{error}"),
                Err(_) => {}
            }
        }
        Step::Code => {
            let _ = catch_unwind(AssertUnwindSafe(|| rig.code("1")));
        }
        Step::TryOut => {
            let _ = catch_unwind(AssertUnwindSafe(|| rig.try_out()));
        }
        Step::Change(change) => rig.change(*change),
        Step::Pass(time) => rig.advance(*time),
    }
    assert_eq!(rig.most_at_once().max(1), 1, "two sign-ins at once");
    let sent: Vec<_> = rig.seen().into_iter().filter(|it| it.sent).map(|it| it.at).collect();
    for eleven in sent.windows(11) {
        let span = eleven[10].since(eleven[0]);
        assert!(span >= 5 * MINUTE, "eleven requests within {span:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        // The seeds of past failures would be files beside the sources.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_invariants_hold(
        is_user in any::<bool>(),
        draw in 0.0..=1.0_f64,
        answers in proptest::collection::vec(answer(), 1..40),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let rig = Rig::with(if is_user { user() } else { application() }, Log::default());
        rig.draw(draw);
        rig.script(answers);
        for step in &steps {
            play(&rig, step);
        }

        // And then the service is well again: within the longest wait there is a token.
        rig.forget_script();
        rig.change(Change::Resume);
        rig.advance(HOUR);
        let outcome = rig.get().map(|token| token.as_str().to_owned());
        prop_assert_eq!(outcome.ok(), rig.present(), "after an hour");
        prop_assert!(rig.present().is_some());
    }

    #[test]
    fn a_caller_that_waits_as_long_as_it_is_told_is_never_told_to_wait_again(
        draw in 0.0..=1.0_f64,
        answers in proptest::collection::vec(answer(), 1..20),
    ) {
        let rig = Rig::new();
        rig.draw(draw);
        rig.script(answers);
        for _ in 0..20 {
            let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| rig.get())) else { continue };
            let Err(error) = outcome else { break };
            rig.change(Change::Resume);
            if error.kind() == ErrorKind::Cancelled {
                continue;
            }
            let Some(wait) = error.retry_after() else { continue };
            prop_assert!(wait <= HOUR, "{error}");
            let (asked, now) = (rig.requests(), rig.clock.now());
            rig.advance(wait);
            let _ = catch_unwind(AssertUnwindSafe(|| rig.get()));
            prop_assert!(rig.requests() > asked, "{error}: {now:?}");
        }
    }
}
