//! One-time codes of the simulated user for a program that reads them from the file `code` in its
//! folder, as a person would from a telephone.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use emnify_simulator::{MFA_USERNAME, Simulator};

/// Runs `work`, and meanwhile writes each new code to `directory`. The program removes what it has
/// read.
pub(crate) fn during<R>(sim: &Simulator, directory: &Path, work: impl FnOnce() -> R) -> R {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = None;
            while !over.load(Ordering::SeqCst) {
                let code = sim.mfa_code(MFA_USERNAME);
                if code != last {
                    if let Some(code) = &code {
                        let new = directory.join("code.new");
                        std::fs::write(&new, code).expect("the folder can be written to");
                        // Whole, or not at all.
                        std::fs::rename(new, directory.join("code")).expect("it can be renamed");
                    }
                    last = code;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        // Also where `work` panics: the scope waits for the thread.
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let _over = Over(&over);
        work()
    })
}
