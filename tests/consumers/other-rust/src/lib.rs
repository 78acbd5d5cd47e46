//! Somebody else's library. It panics and catches that, starts a thread, and allocates.

#[unsafe(no_mangle)]
pub extern "C" fn other_catches_a_panic() -> i32 {
    std::panic::catch_unwind(|| "not a number".parse::<u32>().expect("a panic")).is_err().into()
}

#[unsafe(no_mangle)]
pub extern "C" fn other_thread_adds(left: i32, right: i32) -> i32 {
    let sum = std::thread::spawn(move || vec![left, right].iter().sum());
    sum.join().unwrap_or_default()
}
