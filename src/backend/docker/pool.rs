//! Containers that wait, with a started interpreter, for one job each.

use super::Shared;
use super::container::Container;
use super::daemon::Daemon;
use super::spec::Mode;
use crate::Language;
use crate::control::lock;
use crate::limits::Limits;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// How long after the first failure to start a container the next try is made; each further one doubles it.
const RETRY: Duration = Duration::from_secs(1);
/// How long after one was taken its replacement is started: a short job is then over, and has the processor for itself.
const REFILL_DELAY: Duration = Duration::from_millis(50);
/// How often a start is tried before the next job has to ask for it.
const TRIES: u32 = 5;

/// What a pool holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) size: usize,
    /// The limits that its containers are made with: only a job that has the same can have one.
    pub(super) limits: Limits,
    pub(super) idle: Duration,
}

struct Waiting {
    container: Container,
    since: Instant,
}

/// The containers of one language.
pub(super) struct Pool {
    pub(super) language: Language,
    pub(super) plan: Plan,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    filling: bool,
    closed: bool,
}

/// Whether a container of these limits is as good as one of those.
pub(super) fn same_container(a: &Limits, b: &Limits) -> bool {
    a.memory == b.memory
        && a.cpu_cores == b.cpu_cores
        && a.processes == b.processes
        && a.disk == b.disk
        && a.open_files == b.open_files
}

impl Pool {
    pub(super) fn new(language: Language, plan: Plan) -> Self {
        Self { language, plan, state: Mutex::default() }
    }

    /// A healthy container for a job of these limits, which is nobody else's from here on.
    pub(super) fn take(&self, limits: &Limits) -> Option<Container> {
        if !same_container(&self.plan.limits, limits) {
            return None;
        }
        let mut state = lock(&self.state);
        while let Some(mut waiting) = state.waiting.pop() {
            if waiting.container.is_idle() {
                return Some(waiting.container);
            }
        }
        None
    }

    /// How many containers wait.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    /// Lets nothing wait any more.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.waiting.clear();
    }

    /// Keeps one more, unless the pool is closed.
    fn put(&self, container: Container) -> bool {
        let mut state = lock(&self.state);
        if !state.closed && state.waiting.len() < self.plan.size {
            state.waiting.push(Waiting { container, since: Instant::now() });
        }
        !state.closed && state.waiting.len() < self.plan.size
    }

    /// Drops those that have waited for too long. Returns when the next one will have.
    fn expire(&self) -> Option<Instant> {
        let mut state = lock(&self.state);
        let idle = self.plan.idle;
        state.waiting.retain(|waiting| waiting.since.elapsed() < idle);
        state.waiting.iter().map(|waiting| waiting.since + idle).min()
    }
}

/// Starts containers in the background until the pool is full.
pub(super) fn fill(shared: &Arc<Shared>, index: usize, daemon: &Arc<Daemon>) {
    let pool = &shared.pools[index];
    {
        let mut state = lock(&pool.state);
        if state.filling || state.closed || state.waiting.len() >= pool.plan.size {
            return;
        }
        state.filling = true;
    }
    let (weak, daemon) = (Arc::downgrade(shared), Arc::clone(daemon));
    daemon.handle.clone().spawn(async move {
        tokio::time::sleep(REFILL_DELAY).await;
        refill(&weak, index, &daemon).await;
        let Some(shared) = weak.upgrade() else { return };
        lock(&shared.pools[index].state).filling = false;
        drop(shared);
        sweep(&weak, index).await;
    });
}

async fn refill(weak: &Weak<Shared>, index: usize, daemon: &Arc<Daemon>) {
    let mut failures = 0;
    while failures < TRIES {
        let Some(shared) = weak.upgrade() else { return };
        let pool = &shared.pools[index];
        let started = shared.start(daemon, pool.language, Mode::Warm, &pool.plan.limits, None).await;
        match started {
            Ok(container) => {
                failures = 0;
                if !pool.put(container) {
                    return;
                }
            }
            Err(_) => {
                failures += 1;
                drop(shared);
                tokio::time::sleep(RETRY * 2_u32.pow(failures - 1)).await;
            }
        }
    }
}

/// Drops what waits for too long, until nothing waits.
async fn sweep(weak: &Weak<Shared>, index: usize) {
    loop {
        let Some(shared) = weak.upgrade() else { return };
        let next = shared.pools[index].expire();
        drop(shared);
        match next {
            Some(next) => tokio::time::sleep_until((next + Duration::from_millis(1)).into()).await,
            None => return,
        }
    }
}
