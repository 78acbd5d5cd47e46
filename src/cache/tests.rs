//! The policy as tests. Read the names: together they are the specification.
//!
//! The clock stands still until a test moves it, and the source says what the test scripted.
//! Nothing here sleeps to let time pass.

#[cfg(not(emnify_shuttle))]
mod changes;
#[cfg(not(emnify_shuttle))]
mod codes;
#[cfg(emnify_shuttle)]
mod interleavings;
#[cfg(not(emnify_shuttle))]
mod lifetimes;
#[cfg(not(emnify_shuttle))]
mod log_lines;
#[cfg(not(emnify_shuttle))]
mod own_loop;
#[cfg(not(emnify_shuttle))]
mod properties;
#[cfg(not(emnify_shuttle))]
mod refusals;
#[cfg(not(emnify_shuttle))]
mod rig;
#[cfg(not(emnify_shuttle))]
mod script;
#[cfg(not(emnify_shuttle))]
mod sessions;
#[cfg(not(emnify_shuttle))]
mod single_flight;
#[cfg(not(emnify_shuttle))]
mod table;
#[cfg(not(emnify_shuttle))]
mod trials;
#[cfg(not(emnify_shuttle))]
mod waits;
