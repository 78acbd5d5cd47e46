//! A device that runs, sleeps, and boots without a clock.

use super::*;

#[test]
fn a_week_costs_one_sign_in_for_each_token_and_every_bearer_is_accepted() {
    let rig = Rig::new(application_token());
    for _ in 0..7 * 24 * 6 {
        rig.client.get(SIMS).query("per_page", 1).call().unwrap().check().unwrap();
        rig.pass(10 * MINUTE);
    }
    // 168 hours in steps of 10 minutes, each token renewed at the first step after 203.6 minutes.
    assert_eq!(rig.sim.sign_ins(), 48);
    assert!(rig.sim.requests_to(SIMS).iter().all(|request| request.status == Some(200)));
    assert_eq!(rig.sim.violations(), Vec::<String>::new());
}

#[test]
fn a_token_of_seven_days_is_kept_for_days() {
    let lifetime = 7 * 24 * HOUR;
    let rig = Rig::with(application_token(), Simulator::builder().token_lifetime(lifetime));
    for _ in 0..5 * 24 {
        rig.call().unwrap();
        rig.pass(HOUR);
    }
    assert_eq!(rig.sim.sign_ins(), 1);
}

#[test]
fn a_device_that_sleeps_past_the_expiry_signs_in_once_and_uses_no_old_token() {
    let rig = Rig::new(application_token());
    rig.call().unwrap();
    rig.pass(30 * HOUR);
    rig.client.get(SIMS).call().unwrap().check().unwrap();
    assert_eq!((rig.sim.sign_ins(), rig.sim.requests_to(SIMS).len()), (2, 1));
}

#[test]
fn a_service_whose_clock_is_off_by_decades_or_a_day_makes_no_difference() {
    for offset in [-86_400, 86_400, -55 * 365 * 86_400, 0] {
        let rig = Rig::new(application_token());
        rig.sim.set_clock_offset(offset);
        rig.call().unwrap();
        rig.pass(200 * MINUTE);
        rig.client.get(SIMS).call().unwrap().check().unwrap();
        assert_eq!(rig.sim.sign_ins(), 1, "{offset}");
    }
}

#[test]
fn a_service_whose_clock_is_set_while_a_token_lives_makes_no_extra_request() {
    let rig = Rig::new(application_token());
    rig.call().unwrap();
    rig.sim.set_clock_offset(-86_400);
    for _ in 0..10 {
        rig.call().unwrap();
        rig.pass(20 * MINUTE);
    }
    assert_eq!(rig.sim.sign_ins(), 1);
}

#[test]
fn a_loop_of_the_programs_own_renews_so_that_no_other_call_ever_does() {
    let rig = Rig::new(application_token());
    for _ in 0..50 {
        let wait = rig.client.renew_if_due().unwrap();
        assert!(wait >= SECOND && wait <= 4 * HOUR, "{wait:?}");
        let before = rig.sim.sign_ins();
        rig.call().unwrap();
        rig.pass(wait);
        // At the very moment at which the loop is told to come, a hot call needs nothing yet.
        rig.call().unwrap();
        assert_eq!(rig.sim.sign_ins(), before);
    }
    assert_eq!(rig.sim.sign_ins(), 50);
}

#[test]
fn an_opaque_token_is_kept_for_the_documented_240_minutes() {
    let rig = Rig::new(application_token());
    rig.sim.next(AUTHENTICATE, emnify_simulator::Answer::token("opaque-token-of-no-value"));
    rig.call().unwrap();
    assert_eq!(rig.client.auth_token().unwrap().expires_in(), 240 * MINUTE - 30 * SECOND);
}
