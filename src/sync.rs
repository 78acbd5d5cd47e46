//! The lock, the condition and the threads of the token cache: parking_lot's and the system's, or
//! those of the checker that tries out interleavings (built with
//! `--cfg emnify_shuttle`).

#[cfg(not(emnify_shuttle))]
mod imp {
    use crate::deadline::Deadline;

    pub(crate) use crate::sys::thread_id;
    pub(crate) use parking_lot::{Mutex, MutexGuard};

    pub(crate) type ThreadId = usize;

    #[derive(Debug, Default)]
    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        /// Waits for a notification, at most until `deadline`. May return early.
        pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, deadline: Deadline) {
            self.0.wait_until(guard, deadline.instant());
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

#[cfg(emnify_shuttle)]
mod imp {
    use std::ops::{Deref, DerefMut};

    use crate::deadline::Deadline;

    pub(crate) use shuttle::thread::ThreadId;

    pub(crate) fn thread_id() -> ThreadId {
        shuttle::thread::current().id()
    }

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    /// An `Option` because waiting consumes the inner guard and gives another back.
    pub(crate) struct MutexGuard<'a, T>(Option<shuttle::sync::MutexGuard<'a, T>>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().expect("present outside wait_until")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("present outside wait_until")
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        /// Waits for a notification. The checker knows no time, so that a lost wake-up shows as
        /// a deadlock instead of being papered over by the deadline.
        pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _deadline: Deadline) {
            let inner = guard.0.take().expect("present outside wait_until");
            guard.0 = Some(self.0.wait(inner).unwrap_or_else(std::sync::PoisonError::into_inner));
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

pub(crate) use imp::{Condvar, Mutex, ThreadId, thread_id};
