//! Stopping a run: its deadline and its cancellation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

/// Why the host ended a run before the guest did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The wall clock passed the limit.
    TimedOut,
    /// The caller gave up on it.
    Cancelled,
    /// It wrote more than it may.
    OutputLimit,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "the time limit passed",
            Self::Cancelled => "the run was cancelled",
            Self::OutputLimit => "the output limit was reached",
        })
    }
}

impl std::error::Error for Stop {}

/// Locks, whether or not a holder panicked: what these locks guard is never left half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cancels the runs that were started with it. Clones share one state.
#[derive(Clone, Default)]
pub struct CancelToken {
    shared: Arc<CancelShared>,
}

#[derive(Default)]
struct CancelShared {
    cancelled: AtomicBool,
    /// Tokens that cancel this one too.
    above: Vec<CancelToken>,
    sleep: Mutex<()>,
    woken: Condvar,
    wakers: Mutex<Vec<Weak<dyn Wake>>>,
}

impl CancelToken {
    /// A token that nothing has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every run that uses this token, those that start later included.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::SeqCst);
        self.shared.wake();
    }

    /// A token that is cancelled of itself, or with any of `above`.
    pub(crate) fn below(above: &[&Self]) -> Self {
        let above: Vec<_> = above.iter().map(|token| (*token).clone()).collect();
        let token = Self { shared: Arc::new(CancelShared { above, ..CancelShared::default() }) };
        let waker: Arc<dyn Wake> = token.shared.clone();
        for above in &token.shared.above {
            above.add_waker(&waker);
        }
        token
    }

    /// Has `waker` called when the token is cancelled. Calling this twice with the same one is calling it once.
    pub(crate) fn add_waker(&self, waker: &Arc<dyn Wake>) {
        let mut wakers = lock(&self.shared.wakers);
        let new = Arc::downgrade(waker);
        if !wakers.iter().any(|known| known.ptr_eq(&new)) {
            wakers.retain(|waker| waker.strong_count() > 0);
            wakers.push(new);
        }
    }

    /// Whether [`Self::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst) || self.shared.above.iter().any(Self::is_cancelled)
    }
}

impl Wake for CancelShared {
    fn wake(&self) {
        // Taking the lock keeps a sleeper from missing this between its check and its wait.
        drop(lock(&self.sleep));
        self.woken.notify_all();
        let wakers: Vec<_> = lock(&self.wakers).iter().filter_map(Weak::upgrade).collect();
        for waker in wakers {
            waker.wake();
        }
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// Makes busy guests look at whether they are to stop.
pub(crate) trait Wake: Send + Sync {
    fn wake(&self);
}

/// What a run looks at to know whether to go on.
#[derive(Clone, Debug)]
pub(crate) struct RunControl {
    pub(crate) deadline: Instant,
    pub(crate) cancel: CancelToken,
}

impl RunControl {
    /// The reason to stop now, if there is one.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() {
            Err(Stop::Cancelled)
        } else if Instant::now() >= self.deadline {
            Err(Stop::TimedOut)
        } else {
            Ok(())
        }
    }

    /// Sleeps until `until`, or stops at the deadline or when cancelled.
    pub(crate) fn sleep_until(&self, until: Instant) -> Result<(), Stop> {
        let shared = &*self.cancel.shared;
        let mut guard = lock(&shared.sleep);
        loop {
            self.check()?;
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let wait = until.min(self.deadline).saturating_duration_since(now);
            guard = shared.woken.wait_timeout(guard, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
