//! Stateful environments: one interpreter and one workspace that several executions share.

use crate::Language;
use crate::backend::{BackendError, Finished, Job, Session};
use crate::control::{CancelToken, lock};
use crate::engine::{ExecutionEngine, Inner};
use crate::error::{EngineError, EngineErrorKind};
use crate::outcome::{BackendName, ExecutionResult};
use crate::request::ExecutionContext;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The name of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnvironmentId(Uuid);

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for EnvironmentId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::try_parse(text).map(Self)
    }
}

/// Where an environment's interpreter stands.
enum State {
    /// No execution has needed it yet.
    New,
    Live(Box<dyn Session>),
    /// It was stopped in the middle of something: its heap may be half-changed.
    Lost(String),
}

/// An environment as the engine keeps it.
pub(crate) struct Entry {
    pub(crate) id: EnvironmentId,
    pub(crate) language: Language,
    state: Mutex<State>,
    last_used: Mutex<Instant>,
    /// Where its interpreter lives, once it does.
    backend: OnceLock<BackendName>,
    /// Cancelled when the environment is cleaned up, so that an execution under way in it ends.
    pub(crate) closed: CancelToken,
}

impl Entry {
    /// Runs a job in the environment's sandbox, which `open` makes if there is none yet.
    pub(crate) fn run(
        &self,
        job: &Job<'_>,
        open: impl FnOnce(&Job<'_>) -> Result<Box<dyn Session>, BackendError>,
    ) -> Result<Finished, EngineError> {
        let mut state = lock(&self.state);
        if self.closed.is_cancelled() {
            return Err(EngineErrorKind::NoEnvironment(self.id).into());
        }
        self.touch();
        // Taken out while it runs: should the caller's own output callback panic, a half-run interpreter is not left behind.
        let before = std::mem::replace(&mut *state, State::Lost("did not end".to_owned()));
        let mut session = match before {
            State::Live(session) => session,
            State::New => open(job).inspect_err(|_| *state = State::New)?,
            State::Lost(after) => {
                *state = State::Lost(after.clone());
                return Err(EngineErrorKind::EnvironmentLost { id: self.id, after }.into());
            }
        };
        let result = session.run(job);
        *state = match &result {
            // The memory of one that was stopped is given back at once; only the reason is kept.
            Ok(finished) if !finished.reusable => State::Lost(finished.exit.to_string()),
            Err(error) if error.loses_sandbox() => State::Lost("lost its container".to_owned()),
            // An input file that did not fit leaves the interpreter as it was.
            Ok(_) | Err(_) => State::Live(session),
        };
        self.touch();
        Ok(result?)
    }

    /// Where this environment's interpreter lives; `None` if that is still open.
    pub(crate) fn backend(&self) -> Option<BackendName> {
        self.backend.get().copied()
    }

    /// Notes where the interpreter lives.
    pub(crate) fn settle(&self, backend: BackendName) {
        let _ = self.backend.set(backend);
    }

    fn touch(&self) {
        *lock(&self.last_used) = Instant::now();
    }

    /// Whether it has been idle since `before`. One that is busy is not.
    fn idle_since(&self, before: Instant) -> bool {
        self.state.try_lock().is_ok() && *lock(&self.last_used) <= before
    }
}

/// The environments of one engine.
#[derive(Default)]
pub(crate) struct Environments {
    entries: Mutex<HashMap<EnvironmentId, Arc<Entry>>>,
    sweeper: Mutex<bool>,
    changed: Condvar,
}

impl Environments {
    pub(crate) fn add(&self, language: Language) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            id: EnvironmentId(Uuid::now_v7()),
            language,
            state: Mutex::new(State::New),
            last_used: Mutex::new(Instant::now()),
            backend: OnceLock::new(),
            closed: CancelToken::new(),
        });
        lock(&self.entries).insert(entry.id, Arc::clone(&entry));
        entry
    }

    pub(crate) fn remove(&self, id: EnvironmentId) -> bool {
        let removed = lock(&self.entries).remove(&id);
        let Some(entry) = removed else { return false };
        entry.closed.cancel();
        // Waits for an execution under way, which has just been told to stop; then nothing of it is left.
        *lock(&entry.state) = State::Lost("was cleaned up".to_owned());
        true
    }

    /// Frees all.
    pub(crate) fn clear(&self) {
        for id in self.ids() {
            self.remove(id);
        }
    }

    pub(crate) fn ids(&self) -> Vec<EnvironmentId> {
        lock(&self.entries).keys().copied().collect()
    }

    /// Wakes the sweeper, to look again or to see that the engine is gone.
    pub(crate) fn notify(&self) {
        drop(lock(&self.sweeper));
        self.changed.notify_all();
    }

    fn sweep(&self, idle: Duration) {
        let Some(before) = Instant::now().checked_sub(idle) else { return };
        let stale: Vec<_> = lock(&self.entries)
            .values()
            .filter(|entry| entry.idle_since(before))
            .map(|entry| entry.id)
            .collect();
        for id in stale {
            self.remove(id);
        }
    }
}

/// Starts the thread that frees environments left idle, unless it runs already. It ends with the engine.
pub(crate) fn start_sweeper(inner: &Arc<Inner>, idle: Duration) {
    let mut running = lock(&inner.environments.sweeper);
    if *running {
        return;
    }
    let environments = Arc::clone(&inner.environments);
    let weak: Weak<Inner> = Arc::downgrade(inner);
    // A tenth of the idle time is how late an environment may be freed.
    let period = (idle / 10).max(Duration::from_millis(10));
    let spawned = thread::Builder::new().name("bailiwick-sweeper".to_owned()).spawn(move || {
        let mut guard = lock(&environments.sweeper);
        while weak.strong_count() > 0 {
            guard =
                environments.changed.wait_timeout(guard, period).unwrap_or_else(PoisonError::into_inner).0;
            drop(guard);
            environments.sweep(idle);
            guard = lock(&environments.sweeper);
        }
    });
    // Without the thread, environments live until they are cleaned up; the next one tries again.
    *running = spawned.is_ok();
}

/// A stateful sandbox: variables, imports and workspace files live on from one execution to the next.
///
/// Clones are the same environment. It is freed by [`ExecutionEngine::cleanup_environment`], when left idle for longer than
/// the engine allows, or with the engine.
#[derive(Clone)]
pub struct Environment {
    pub(crate) engine: ExecutionEngine,
    pub(crate) entry: Arc<Entry>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("id", &self.id())
            .field("language", &self.language())
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The environment's name.
    #[must_use]
    pub fn id(&self) -> EnvironmentId {
        self.entry.id
    }

    /// The language it runs.
    #[must_use]
    pub fn language(&self) -> Language {
        self.entry.language
    }

    /// Runs code in the environment. Executions in one environment run one after another, each within its own limits.
    ///
    /// An execution that a limit stops in the middle takes the environment with it: its interpreter may be half-way through
    /// anything.
    ///
    /// # Errors
    /// As [`ExecutionEngine::execute`], and if the environment is gone or lost.
    pub async fn execute(
        &self,
        code: &str,
        context: &ExecutionContext,
    ) -> Result<ExecutionResult, EngineError> {
        self.engine.execute_on(Some(Arc::clone(&self.entry)), code, self.language(), context).await
    }

    /// [`Self::execute`] on the calling thread.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_blocking(
        &self,
        code: &str,
        context: &ExecutionContext,
    ) -> Result<ExecutionResult, EngineError> {
        self.engine.execute_here(Some(&self.entry), code, self.language(), context)
    }
}
