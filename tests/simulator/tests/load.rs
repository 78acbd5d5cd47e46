//! Many clients at once.

mod common;

use std::sync::{Arc, Barrier};

use common::{AUTHENTICATE, Client, PATIENCE};
use emnify_simulator::{Answer, DEFAULT_APPLICATION_TOKEN, Simulator};

#[test]
fn sixty_four_clients_are_held_at_once_and_all_answered() {
    let sim = Simulator::builder().no_sign_in_limit().start().unwrap();
    sim.always(AUTHENTICATE, Answer::held());
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let client = Client::new(&sim);
            std::thread::spawn(move || client.application_token(DEFAULT_APPLICATION_TOKEN).status)
        })
        .collect();
    assert!(sim.wait_for_held(64, PATIENCE));
    sim.clear_script();
    sim.release();
    assert!(callers.into_iter().all(|caller| caller.join().unwrap() == 200));
    assert_eq!(sim.connections(), 64);
}

#[test]
fn thousands_of_requests_get_thousands_of_answers() {
    const THREADS: usize = 64;
    const EACH: usize = 50;
    let sim = Simulator::builder().no_sign_in_limit().start().unwrap();
    let together = Arc::new(Barrier::new(THREADS));
    let callers: Vec<_> = (0..THREADS)
        .map(|_| {
            let (client, together) = (Client::new(&sim), Arc::clone(&together));
            std::thread::spawn(move || {
                together.wait();
                (0..EACH).all(|_| client.application_token(DEFAULT_APPLICATION_TOKEN).status == 200)
            })
        })
        .collect();
    assert!(callers.into_iter().all(|caller| caller.join().unwrap()));
    assert_eq!(sim.sign_ins(), THREADS * EACH);
    assert!(sim.requests().iter().all(|request| request.status == Some(200)));
}
