//! A fleet behind one address, in simulated time, with the real token cache in every device.
//!
//! A thousand devices are switched on in the same second. The service allows 100 sign-ins per
//! address in any 5 minutes, and says no more than "429" to the rest. Eight hours later it is cut off
//! for 20 minutes. How many requests does that cost, how long does it take, and what do programs see
//! of it? The same for two ways of doing it by hand.
//!
//! Prints a table, and fails where our fleet does not keep what the token policy promises. Nothing is
//! measured here: the same numbers come out on every machine, in any profile.
//!
//! # What is assumed
//!
//! - A program asks for a token every 10 s. Where that fails it asks again when the error says so
//!   (`retry_after`); the impatient one, after a second, whatever the error says.
//! - A request takes 80 to 160 ms. One that is not answered costs the device 10 s.
//! - The limit counts the sign-ins of the last 5 minutes that got a token. What it refuses does not
//!   count.
//! - Tokens live for 240 minutes, as documented.
//! - Devices start within one second, each at a moment of its own.
//! - By hand: no renewal before the token is over. *Naive* tries again after a second; *vendor* after
//!   1, 2, 4, … 30 minutes, each drawn between that and one half more, as the vendor asks of fleets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use emnify::simulation::{Answer, Device, Service};

const DEVICES: usize = 1000;
const LIMIT: usize = 100;
const WINDOW: Duration = Duration::from_secs(5 * 60);
const LIFETIME: Duration = Duration::from_secs(240 * 60);
const ASKS_EVERY: Duration = Duration::from_secs(10);
const UNANSWERED_AFTER: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Requests that one device may send in a [`WINDOW`].
const BUDGET: usize = 10;

const OUTAGE: (Duration, Duration) =
    (Duration::from_secs(8 * 3600), Duration::from_secs(8 * 3600 + 20 * 60));

/// What the story falls into. Before the third hour no token of the first ones is due for renewal.
const PHASES: [(&str, Duration); 4] = [
    ("start, 3 h", Duration::from_secs(3 * 3600)),
    ("until 8 h", OUTAGE.0),
    ("outage, 20 min", OUTAGE.1),
    ("until 11 h", Duration::from_secs(11 * 3600)),
];

/// The phase in which nothing goes wrong, and everything has to be renewed.
const UNDISTURBED: usize = 1;

const END: Duration = PHASES[PHASES.len() - 1].1;

fn phase(at: Duration) -> usize {
    PHASES.iter().position(|(_, end)| at < *end).unwrap_or(PHASES.len() - 1)
}

/// What the service and the devices' programs saw in a phase.
#[derive(Clone, Copy, Default)]
struct Count {
    requests: usize,
    refused: usize,
    unanswered: usize,
    failed_calls: usize,
}

/// The service as it looks from one address.
struct Site {
    random: fastrand::Rng,
    /// When the sign-ins of the last [`WINDOW`] were granted.
    granted: VecDeque<Duration>,
    phases: [Count; PHASES.len()],
    /// When each device sent its latest requests, and the most it sent in a [`WINDOW`].
    sent: Vec<(VecDeque<Duration>, usize)>,
}

impl Site {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            granted: VecDeque::new(),
            phases: Default::default(),
            sent: vec![Default::default(); DEVICES],
        }
    }

    fn sign_in(&mut self, device: usize, at: Duration) -> (Answer, Duration) {
        let count = &mut self.phases[phase(at)];
        count.requests += 1;
        let (sent, most) = &mut self.sent[device];
        forget_old(sent, at);
        sent.push_back(at);
        *most = sent.len().max(*most);

        if OUTAGE.0 <= at && at < OUTAGE.1 {
            count.unanswered += 1;
            return (Answer::Nothing, UNANSWERED_AFTER);
        }
        let latency = Duration::from_millis(self.random.u64(80..160));
        forget_old(&mut self.granted, at);
        if self.granted.len() >= LIMIT {
            count.refused += 1;
            return (Answer::TooMany, latency);
        }
        self.granted.push_back(at);
        (Answer::Token(LIFETIME), latency)
    }

    fn most_of_one_device(&self) -> usize {
        self.sent.iter().map(|(_, most)| *most).max().unwrap_or(0)
    }
}

/// Leaves the times of the last [`WINDOW`] before `now`.
fn forget_old(times: &mut VecDeque<Duration>, now: Duration) {
    while times.front().is_some_and(|at| *at + WINDOW <= now) {
        times.pop_front();
    }
}

/// A device's way to the site.
struct Line {
    site: Arc<Mutex<Site>>,
    device: usize,
}

impl Service for Line {
    fn sign_in(&self, at: Duration) -> (Answer, Duration) {
        self.site.lock().expect("no device panics").sign_in(self.device, at)
    }
}

/// A program that needs a token now and then.
trait Program {
    /// Asks for a token at `at`: whether there is one, when the call was over, and how long after
    /// that the program asks again.
    fn ask(&mut self, at: Duration) -> (bool, Duration, Duration);
}

/// Uses this crate.
struct Ours {
    device: Device,
    patient: bool,
}

impl Program for Ours {
    fn ask(&mut self, at: Duration) -> (bool, Duration, Duration) {
        match self.device.token(at) {
            (Ok(_), over) => (true, over, ASKS_EVERY),
            (Err(error), over) if self.patient => {
                (false, over, error.retry_after().unwrap_or(ASKS_EVERY))
            }
            (Err(_), over) => (false, over, SECOND),
        }
    }
}

/// Signs in when it has no token or the token is over, and tries again when `back_off` says.
struct ByHand<B> {
    line: Line,
    good_until: Duration,
    failures: u32,
    back_off: B,
}

impl<B: FnMut(u32) -> Duration> Program for ByHand<B> {
    fn ask(&mut self, at: Duration) -> (bool, Duration, Duration) {
        if at < self.good_until {
            return (true, at, ASKS_EVERY);
        }
        let (answer, wait) = self.line.sign_in(at);
        if let Answer::Token(lifetime) = answer {
            self.good_until = at + lifetime;
            self.failures = 0;
            return (true, at + wait, ASKS_EVERY);
        }
        self.failures += 1;
        (false, at + wait, (self.back_off)(self.failures))
    }
}

/// The vendor's advice to fleets.
fn vendor(mut random: fastrand::Rng) -> impl FnMut(u32) -> Duration {
    move |failures| {
        let wait = (MINUTE * 2_u32.saturating_pow(failures - 1).min(30)).min(30 * MINUTE);
        wait + wait.mul_f64(0.5 * random.f64())
    }
}

/// What became of a fleet.
struct Story {
    name: &'static str,
    phases: [Count; PHASES.len()],
    most_of_one_device: usize,
    /// When 50, 95 and 100 % of the devices had their first token.
    first_token: [Option<Duration>; 3],
    /// How many programs were without a token at some time after the start: when they asked, there
    /// was none.
    interrupted: usize,
    /// When the last device that had none after the outage began got one again.
    recovered: Option<Duration>,
    without_at_end: usize,
}

impl Story {
    fn refused(&self) -> usize {
        self.phases.iter().map(|phase| phase.refused).sum()
    }
}

fn tell<P: Program>(name: &'static str, seed: u64, program: impl Fn(Line, u64) -> P) -> Story {
    let mut random = fastrand::Rng::with_seed(seed);
    let site = Arc::new(Mutex::new(Site::new(random.u64(..))));
    let mut programs: Vec<P> = (0..DEVICES)
        .map(|device| program(Line { site: site.clone(), device }, random.u64(..)))
        .collect();
    let mut due: BinaryHeap<Reverse<(Duration, usize)>> = (0..DEVICES)
        .map(|device| Reverse((Duration::from_nanos(random.u64(0..1_000_000_000)), device)))
        .collect();

    let mut first_tokens = Vec::with_capacity(DEVICES);
    let mut had_one = [false; DEVICES];
    let mut has_one = [false; DEVICES];
    let mut interrupted = [false; DEVICES];
    let mut recovered = None;
    let mut failed_calls = [0; PHASES.len()];
    while let Some(Reverse((at, device))) = due.pop() {
        if at >= END {
            break;
        }
        let (got_one, over, pause) = programs[device].ask(at);
        match got_one {
            true if !had_one[device] => first_tokens.push(over),
            true if !has_one[device] && over >= OUTAGE.0 => recovered = recovered.max(Some(over)),
            true => {}
            false => {
                failed_calls[phase(at)] += 1;
                interrupted[device] |= had_one[device];
            }
        }
        had_one[device] |= got_one;
        has_one[device] = got_one;
        due.push(Reverse((over + pause, device)));
    }

    let site = site.lock().expect("no device panics");
    let mut phases = site.phases;
    for (phase, failed) in phases.iter_mut().zip(failed_calls) {
        phase.failed_calls = failed;
    }
    first_tokens.sort();
    let share = |percent: usize| first_tokens.get(DEVICES * percent / 100 - 1).copied();
    Story {
        name,
        phases,
        most_of_one_device: site.most_of_one_device(),
        first_token: [share(50), share(95), share(100)],
        interrupted: interrupted.iter().filter(|it| **it).count(),
        recovered,
        without_at_end: has_one.iter().filter(|it| !**it).count(),
    }
}

fn print(stories: &[Story]) {
    println!("{DEVICES} devices behind one address, {LIMIT} sign-ins in 5 minutes\n");
    println!(
        "fleet                 50 %     95 %    100 % have    most in   interrupted  all again"
    );
    println!(
        "                                      a token     5 min      programs   after the outage"
    );
    for story in stories {
        let [half, most, all] = story.first_token.map(time);
        let Story { name, most_of_one_device, interrupted, .. } = story;
        let recovered = story.recovered.map(|at| at.saturating_sub(OUTAGE.1));
        let recovered = if story.without_at_end == 0 { time(recovered) } else { "never".into() };
        println!(
            "{name:<18}{half:>8} {most:>8} {all:>8} {most_of_one_device:>13} {interrupted:>13} \
             {recovered:>11}"
        );
    }
    println!();
    println!("fleet             phase              requests      429  unanswered  failed calls");
    for Story { name, phases, .. } in stories {
        for ((phase, _), count) in PHASES.iter().zip(phases) {
            let Count { requests, refused, unanswered, failed_calls } = count;
            println!(
                "{name:<18}{phase:<16}{requests:>11} {refused:>8} {unanswered:>11} \
                 {failed_calls:>13}"
            );
        }
    }
}

fn time(at: Option<Duration>) -> String {
    match at {
        None => "-".into(),
        Some(at) if at < HOUR => format!("{} min", at.as_secs().div_ceil(60)),
        Some(at) => {
            let minutes = at.as_secs().div_ceil(60);
            format!("{} h {:02}", minutes / 60, minutes % 60)
        }
    }
}

/// What the policy promises, and does not keep.
fn broken(ours: &Story, naive: &Story) -> Vec<String> {
    let mut broken = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            broken.push(format!("{}: {what}", ours.name));
        }
    };
    expect(ours.first_token[2].is_some(), "not every device got a token".into());
    expect(
        ours.without_at_end == 0,
        format!("{} devices have no token at the end", ours.without_at_end),
    );
    let failed = ours.phases[UNDISTURBED].failed_calls;
    expect(failed == 0, format!("{failed} calls failed although every device had a token"));
    expect(
        ours.most_of_one_device <= BUDGET,
        format!("a device sent {} requests in 5 minutes", ours.most_of_one_device),
    );
    expect(
        ours.refused() * 10 <= naive.refused(),
        format!("{} requests refused, {} of the naive fleet", ours.refused(), naive.refused()),
    );
    broken
}

fn main() -> ExitCode {
    const SEED: u64 = 20_240_229;
    let ours = |patient| move |line: Line, seed| Ours { device: Device::new(line, seed), patient };
    let naive = |line, _seed| ByHand {
        line,
        good_until: Duration::ZERO,
        failures: 0,
        back_off: |_failures| SECOND,
    };
    let vendor = |line, seed| ByHand {
        line,
        good_until: Duration::ZERO,
        failures: 0,
        back_off: vendor(fastrand::Rng::with_seed(seed)),
    };
    // Side by side, for the time it takes; each has its own randomness, so the order does not matter.
    let stories = std::thread::scope(|scope| {
        let ours = [("emnify", true), ("emnify, impatient", false)]
            .map(|(name, patient)| scope.spawn(move || tell(name, SEED, ours(patient))));
        let vendor = scope.spawn(|| tell("by hand, vendor", SEED, vendor));
        let naive = scope.spawn(|| tell("by hand, naive", SEED, naive));
        let [patient, impatient] = ours;
        [patient, impatient, vendor, naive].map(|story| story.join().expect("told to its end"))
    });
    print(&stories);
    let [patient, impatient, _, naive] = &stories;
    let broken = [patient, impatient].map(|ours| broken(ours, naive)).concat();
    for promise in &broken {
        eprintln!("fleet: {promise}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
