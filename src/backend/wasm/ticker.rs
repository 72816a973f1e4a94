//! The one thread per engine that wakes a busy guest to look at its deadline.

use crate::control::{RunControl, Wake, lock};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::EngineWeak;

/// How soon a guest that has passed its deadline is woken again, should it not have looked the first time.
const AGAIN: Duration = Duration::from_millis(1);

struct TickerShared {
    /// Weak, so that an engine that is dropped ends its thread.
    engine: EngineWeak,
    state: Mutex<TickerState>,
    changed: Condvar,
    next_id: AtomicU64,
}

#[derive(Default)]
struct TickerState {
    deadlines: BTreeSet<(Instant, u64)>,
    /// Runs that are measured at an interval: the next time, the interval, the run.
    pulses: Vec<(Instant, Duration, u64)>,
    /// When a guest is to look once more that was to be stopped and was let go on for a moment.
    nudge: Option<Instant>,
    /// Until when the thread sleeps; a deadline before that has to wake it.
    asleep_until: Option<Instant>,
    closed: bool,
}

impl Wake for TickerShared {
    fn wake(&self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.increment_epoch();
        }
    }
}

impl TickerShared {
    fn run(&self) {
        let mut state = lock(&self.state);
        while !state.closed {
            let now = Instant::now();
            let mut pulse = false;
            for (next, every, _) in &mut state.pulses {
                if *next <= now {
                    pulse = true;
                    *next = now + *every;
                }
            }
            let due = state.deadlines.first().map(|(at, _)| *at);
            if state.nudge.is_some_and(|at| at <= now) {
                state.nudge = None;
                pulse = true;
            }
            let due = state.pulses.iter().map(|(next, ..)| *next).chain(due).chain(state.nudge).min();
            if pulse {
                self.wake();
            }
            let wait = match due {
                Some(at) if at <= now => {
                    self.wake();
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
pub(crate) struct Ticker {
    shared: Arc<TickerShared>,
    waker: Arc<dyn Wake>,
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
        Ok(Self { waker: Arc::clone(&shared) as Arc<dyn Wake>, shared })
    }

    /// Watches over a run until the guard is dropped. Enter before the store's epoch deadline is set.
    /// With `every`, the guest is made to look that often too.
    pub(crate) fn watch(&self, control: &RunControl, every: Option<Duration>) -> Watch<'_> {
        let key = (control.deadline, self.shared.next_id.fetch_add(1, Ordering::Relaxed));
        control.cancel.add_waker(&self.waker);
        let mut state = lock(&self.shared.state);
        state.deadlines.insert(key);
        let mut first = key.0;
        if let Some(every) = every {
            let next = Instant::now() + every;
            state.pulses.push((next, every, key.1));
            first = first.min(next);
        }
        if state.asleep_until.is_none_or(|until| first < until) {
            self.shared.changed.notify_one();
        }
        Watch { ticker: self, key }
    }
}

impl Ticker {
    /// Makes every busy guest look once more in a moment.
    pub(crate) fn nudge(&self) {
        let at = Instant::now() + AGAIN;
        let mut state = lock(&self.shared.state);
        state.nudge = Some(state.nudge.map_or(at, |before| before.min(at)));
        if state.asleep_until.is_none_or(|until| at < until) {
            self.shared.changed.notify_one();
        }
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
        let mut state = lock(&self.ticker.shared.state);
        state.deadlines.remove(&self.key);
        state.pulses.retain(|(.., id)| *id != self.key.1);
    }
}
