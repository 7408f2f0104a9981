//! What the journal's threads meet at: locks, conditions, counters, parking.
//!
//! In every build but that of the tests these are the ones everybody knows. In test builds each is that too, unless it
//! is made inside [`scheduled`]: then a scheduler decides at every step who goes on, so that seats, group commit and
//! waiters can be tried under orders that a machine hardly ever takes, and a failing order can be repeated.
//!
//! Bound: the scheduler sees sequential consistency only; weaker orderings are the business of loom.

/// How a wait for a condition ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Somebody called, as far as can be told.
    Called,
    /// The time passed.
    Passed,
}

impl Waited {
    fn of(timed_out: bool) -> Waited {
        if timed_out { Waited::Passed } else { Waited::Called }
    }
}

#[cfg(not(test))]
pub(super) use plain::*;
#[cfg(test)]
pub(super) use scheduled::*;

#[cfg(not(test))]
mod plain {
    pub(in crate::journal) use std::sync::atomic::{AtomicU8, AtomicU64};
    pub(in crate::journal) use std::thread::{JoinHandle, Thread, current, park};

    use std::time::Duration;

    use super::Waited;
    pub(in crate::journal) use parking_lot::Mutex;
    use parking_lot::MutexGuard;

    /// A condition to wait for.
    #[derive(Debug, Default)]
    pub(in crate::journal) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        pub(in crate::journal) fn new() -> Condvar {
            Condvar::default()
        }

        pub(in crate::journal) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, most: Duration) -> Waited {
            Waited::of(self.0.wait_for(guard, most).timed_out())
        }

        pub(in crate::journal) fn notify_one(&self) {
            self.0.notify_one();
        }
    }

    /// Starts a thread with a name.
    pub(in crate::journal) fn spawn(
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(run)
    }

    /// As [`spawn`], for work that nobody waits for: it leaves the processor to those who serve.
    pub(in crate::journal) fn spawn_behind(
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        spawn(name, move || {
            // Of the calling thread alone, which is Linux' own reading. Refused, it only is less polite.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::nice(BEHIND);
            run();
        })
    }

    /// So much nicer than others is who works behind: about a tenth of a busy core.
    #[cfg(target_os = "linux")]
    const BEHIND: i32 = 10;
}

#[cfg(test)]
mod scheduled {
    use std::cell::Cell;
    use std::ops::{Deref, DerefMut};
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use shuttle::scheduler::Scheduler;

    use super::Waited;

    thread_local! {
        static SCHEDULED: Cell<bool> = const { Cell::new(false) };
    }

    /// Whether this thread is one of a scheduler's.
    fn is_scheduled() -> bool {
        SCHEDULED.get()
    }

    /// Runs `body` under every order that `scheduler` chooses.
    pub(crate) fn scheduled(scheduler: impl Scheduler + 'static, body: impl Fn() + Send + Sync + 'static) {
        let mut config = shuttle::Config::new();
        config.stack_size = 1 << 20;
        config.max_steps = shuttle::MaxSteps::FailAfter(200_000);
        // All tasks of a scheduler share the thread it runs on.
        SCHEDULED.set(true);
        let run = std::panic::AssertUnwindSafe(|| shuttle::Runner::new(scheduler, config).run(body));
        let ended = std::panic::catch_unwind(run);
        SCHEDULED.set(false);
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    }

    /// A lock.
    #[derive(Debug)]
    pub(crate) enum Mutex<T> {
        Real(parking_lot::Mutex<T>),
        Scheduled(shuttle::sync::Mutex<T>),
    }

    /// A held lock.
    pub(crate) enum MutexGuard<'a, T> {
        Real(parking_lot::MutexGuard<'a, T>),
        /// `None` only while a condition is waited for.
        Scheduled(Option<shuttle::sync::MutexGuard<'a, T>>),
    }

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            if is_scheduled() {
                Mutex::Scheduled(shuttle::sync::Mutex::new(value))
            } else {
                Mutex::Real(parking_lot::Mutex::new(value))
            }
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            match self {
                Mutex::Real(mutex) => MutexGuard::Real(mutex.lock()),
                Mutex::Scheduled(mutex) => MutexGuard::Scheduled(Some(mutex.lock().expect("no holder panics"))),
            }
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            match self {
                MutexGuard::Real(guard) => guard,
                MutexGuard::Scheduled(guard) => guard.as_ref().expect("held"),
            }
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            match self {
                MutexGuard::Real(guard) => guard,
                MutexGuard::Scheduled(guard) => guard.as_mut().expect("held"),
            }
        }
    }

    /// A condition to wait for.
    #[derive(Debug)]
    pub(crate) enum Condvar {
        Real(parking_lot::Condvar),
        Scheduled(shuttle::sync::Condvar),
    }

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            if is_scheduled() {
                Condvar::Scheduled(shuttle::sync::Condvar::new())
            } else {
                Condvar::Real(parking_lot::Condvar::new())
            }
        }

        /// The time never passes under a scheduler, which knows none: who must be called is, or is found to wait for ever.
        pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, most: Duration) -> Waited {
            match (self, guard) {
                (Condvar::Real(condition), MutexGuard::Real(guard)) => {
                    Waited::of(condition.wait_for(guard, most).timed_out())
                }
                (Condvar::Scheduled(condition), MutexGuard::Scheduled(guard)) => {
                    let held = guard.take().expect("held");
                    *guard = Some(condition.wait(held).expect("no holder panics"));
                    Waited::Called
                }
                _ => unreachable!("a lock and its condition are made in the same place"),
            }
        }

        pub(crate) fn notify_one(&self) {
            match self {
                Condvar::Real(condition) => drop(condition.notify_one()),
                Condvar::Scheduled(condition) => condition.notify_one(),
            }
        }
    }

    macro_rules! atomic {
        ($name:ident, $number:ty) => {
            /// A number that several threads change.
            #[derive(Debug)]
            pub(crate) enum $name {
                Real(std::sync::atomic::$name),
                Scheduled(shuttle::sync::atomic::$name),
            }

            #[allow(dead_code, reason = "not every number is changed in every way")]
            impl $name {
                pub(crate) fn new(value: $number) -> Self {
                    if is_scheduled() {
                        Self::Scheduled(shuttle::sync::atomic::$name::new(value))
                    } else {
                        Self::Real(std::sync::atomic::$name::new(value))
                    }
                }

                pub(crate) fn load(&self, order: Ordering) -> $number {
                    match self {
                        Self::Real(number) => number.load(order),
                        Self::Scheduled(number) => number.load(order),
                    }
                }

                pub(crate) fn store(&self, value: $number, order: Ordering) {
                    match self {
                        Self::Real(number) => number.store(value, order),
                        Self::Scheduled(number) => number.store(value, order),
                    }
                }

                pub(crate) fn swap(&self, value: $number, order: Ordering) -> $number {
                    match self {
                        Self::Real(number) => number.swap(value, order),
                        Self::Scheduled(number) => number.swap(value, order),
                    }
                }

                pub(crate) fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                    match self {
                        Self::Real(number) => number.fetch_add(value, order),
                        Self::Scheduled(number) => number.fetch_add(value, order),
                    }
                }

                pub(crate) fn fetch_sub(&self, value: $number, order: Ordering) -> $number {
                    match self {
                        Self::Real(number) => number.fetch_sub(value, order),
                        Self::Scheduled(number) => number.fetch_sub(value, order),
                    }
                }

                pub(crate) fn fetch_max(&self, value: $number, order: Ordering) -> $number {
                    match self {
                        Self::Real(number) => number.fetch_max(value, order),
                        Self::Scheduled(number) => number.fetch_max(value, order),
                    }
                }
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::new(0)
                }
            }
        };
    }

    atomic!(AtomicU8, u8);
    atomic!(AtomicU64, u64);

    /// A thread that can be woken.
    pub(crate) enum Thread {
        Real(std::thread::Thread),
        Scheduled(shuttle::thread::Thread),
    }

    impl Thread {
        pub(crate) fn unpark(&self) {
            match self {
                Thread::Real(thread) => thread.unpark(),
                Thread::Scheduled(thread) => thread.unpark(),
            }
        }
    }

    /// The thread that asks.
    pub(crate) fn current() -> Thread {
        if is_scheduled() {
            Thread::Scheduled(shuttle::thread::current())
        } else {
            Thread::Real(std::thread::current())
        }
    }

    /// Sleeps until woken.
    pub(crate) fn park() {
        if is_scheduled() { shuttle::thread::park() } else { std::thread::park() }
    }

    /// A thread to wait for.
    pub(crate) enum JoinHandle<T> {
        Real(std::thread::JoinHandle<T>),
        Scheduled(shuttle::thread::JoinHandle<T>),
    }

    impl<T: 'static> JoinHandle<T> {
        pub(crate) fn join(self) -> std::thread::Result<T> {
            match self {
                JoinHandle::Real(thread) => thread.join(),
                JoinHandle::Scheduled(thread) => thread.join(),
            }
        }
    }

    /// Starts a thread with a name.
    pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        if is_scheduled() {
            shuttle::thread::Builder::new().name(name.to_owned()).spawn(run).map(JoinHandle::Scheduled)
        } else {
            std::thread::Builder::new().name(name.to_owned()).spawn(run).map(JoinHandle::Real)
        }
    }

    /// As [`spawn`]: under test nobody works behind, as all threads of a schedule are one.
    pub(crate) fn spawn_behind(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        spawn(name, run)
    }
}
