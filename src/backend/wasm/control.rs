//! Stopping a run: its deadline, its cancellation, and the one thread per engine that wakes a busy guest to look at them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::EngineWeak;

/// How soon a guest that has passed its deadline is woken again, should it not have looked the first time.
const AGAIN: Duration = Duration::from_millis(1);

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
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    shared: Arc<CancelShared>,
}

#[derive(Debug, Default)]
struct CancelShared {
    cancelled: AtomicBool,
    sleep: Mutex<()>,
    woken: Condvar,
    tickers: Mutex<Vec<Weak<TickerShared>>>,
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
        drop(lock(&self.shared.sleep));
        self.shared.woken.notify_all();
        for ticker in lock(&self.shared.tickers).iter().filter_map(Weak::upgrade) {
            ticker.tick();
        }
    }

    /// Whether [`Self::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::SeqCst)
    }
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

struct TickerShared {
    /// Weak, so that an engine that is dropped ends its thread.
    engine: EngineWeak,
    state: Mutex<TickerState>,
    changed: Condvar,
    next_id: AtomicU64,
}

impl std::fmt::Debug for TickerShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct TickerState {
    deadlines: BTreeMap<(Instant, u64), ()>,
    /// Until when the thread sleeps; a deadline before that has to wake it.
    asleep_until: Option<Instant>,
    closed: bool,
}

impl TickerShared {
    fn tick(&self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.increment_epoch();
        }
    }

    fn run(&self) {
        let mut state = lock(&self.state);
        while !state.closed {
            let now = Instant::now();
            let due = state.deadlines.first_key_value().map(|((at, _), ())| *at);
            let wait = match due {
                Some(at) if at <= now => {
                    self.tick();
                    AGAIN
                }
                Some(at) => at - now,
                // Nothing runs: until a deadline is entered, which notifies.
                None => Duration::from_secs(3600),
            };
            state.asleep_until = Some(now + wait);
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The thread that makes busy guests look at their deadline. It sleeps until the next deadline of any run in flight.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<TickerShared>,
}

impl Ticker {
    pub(crate) fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(TickerShared {
            engine: engine.weak(),
            state: Mutex::default(),
            changed: Condvar::new(),
            next_id: AtomicU64::new(0),
        });
        let thread = Arc::clone(&shared);
        thread::Builder::new().name("bailiwick-ticker".to_owned()).spawn(move || thread.run())?;
        Ok(Self { shared })
    }

    /// Watches over a run until the guard is dropped. Enter before the store's epoch deadline is set.
    pub(crate) fn watch(&self, control: &RunControl) -> Watch<'_> {
        let key = (control.deadline, self.shared.next_id.fetch_add(1, Ordering::Relaxed));
        {
            let mut tickers = lock(&control.cancel.shared.tickers);
            let here = Arc::downgrade(&self.shared);
            if !tickers.iter().any(|known| known.ptr_eq(&here)) {
                tickers.retain(|ticker| ticker.strong_count() > 0);
                tickers.push(here);
            }
        }
        let mut state = lock(&self.shared.state);
        state.deadlines.insert(key, ());
        if state.asleep_until.is_none_or(|until| key.0 < until) {
            self.shared.changed.notify_one();
        }
        Watch { ticker: self, key }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        lock(&self.shared.state).closed = true;
        self.shared.changed.notify_one();
    }
}

/// Ends the watch over one run when dropped.
pub(crate) struct Watch<'a> {
    ticker: &'a Ticker,
    key: (Instant, u64),
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        lock(&self.ticker.shared.state).deadlines.remove(&self.key);
    }
}
