//! What runs code. Each backend takes an [`Admitted`] request, which policy alone can make, and never anything else.

#[cfg(feature = "docker")]
pub(crate) mod docker;
pub(crate) mod modules;
pub(crate) mod request;
#[cfg(feature = "wasm")]
pub(crate) mod wasm;

use crate::Language;
use crate::control::{CancelToken, Stop, lock};
use crate::limits::{ByteSize, LimitOverrides, Limits};
use crate::monitor::{MonitoringSession, PerformanceMetrics, ResourceUsage};
use crate::outcome::{Artifact, BackendName, ExitKind, OutputStream, Truncated, Value};
use crate::policy::Admitted;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Receives output while the guest runs.
pub(crate) type Sink = Arc<dyn Fn(OutputStream, &[u8]) + Send + Sync>;

/// One request on its way through a backend.
pub(crate) struct Job<'a> {
    pub(crate) admitted: &'a Admitted<'a>,
    /// The run's clock starts when its sandbox is ready to be made: neither compiling a guest nor waiting for a place is the code's doing.
    pub(crate) cancel: CancelToken,
    pub(crate) sink: Option<Sink>,
    /// Takes what the run uses: at least once, at its end.
    pub(crate) gauge: Arc<Gauge>,
}

/// Receives what a run uses, while it runs.
pub(crate) type OnUsage = Arc<dyn Fn(&ResourceUsage) + Send + Sync>;

/// Where a backend's measurements of one run go.
pub(crate) struct Gauge {
    session: MonitoringSession,
    live: Option<(Duration, OnUsage)>,
}

impl Gauge {
    pub(crate) fn new(session: MonitoringSession, live: Option<(Duration, OnUsage)>) -> Self {
        Self { session, live }
    }

    /// How often the run is to be measured; `None`: at its end is enough.
    pub(crate) fn every(&self) -> Option<Duration> {
        self.live.as_ref().map(|(every, _)| *every)
    }

    pub(crate) fn sample(&self, usage: ResourceUsage) {
        // A sample that is older than the last one tells nothing new.
        if self.session.record(usage).is_ok()
            && let Some((_, on_usage)) = &self.live
        {
            on_usage(&self.session.current_usage());
        }
    }

    pub(crate) fn usage(&self) -> ResourceUsage {
        self.session.current_usage()
    }

    /// What the samples come to, if the run was measured at an interval.
    pub(crate) fn metrics(&self) -> Option<PerformanceMetrics> {
        self.live.as_ref().map(|_| self.session.performance_metrics())
    }
}

/// What a guest has written so far, up to the output limit.
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) truncated: Truncated,
    /// How many bytes are still to be kept.
    room: usize,
    sink: Option<Sink>,
}

impl Output {
    pub(crate) fn new(room: usize, sink: Option<Sink>) -> Self {
        Self { stdout: Vec::new(), stderr: Vec::new(), truncated: Truncated::default(), room, sink }
    }

    /// Keeps and passes on what fits; what does not ends the run.
    pub(crate) fn write(&mut self, stream: OutputStream, bytes: &[u8]) -> Result<(), Stop> {
        let fits = bytes.len().min(self.room);
        self.room -= fits;
        let kept = &bytes[..fits];
        let (buffer, cut) = match stream {
            OutputStream::Stdout => (&mut self.stdout, &mut self.truncated.stdout),
            OutputStream::Stderr => (&mut self.stderr, &mut self.truncated.stderr),
        };
        buffer.extend_from_slice(kept);
        if let Some(sink) = &self.sink
            && !kept.is_empty()
        {
            sink(stream, kept);
        }
        if fits < bytes.len() {
            *cut = true;
            return Err(Stop::OutputLimit);
        }
        Ok(())
    }
}

/// What a backend makes of a job.
pub(crate) struct Finished {
    pub(crate) exit: ExitKind,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) truncated: Truncated,
    pub(crate) value: Option<Value>,
    pub(crate) artifacts: Vec<Artifact>,
    /// Files that were there and are not among the artifacts.
    pub(crate) artifacts_left_out: u32,
    /// Units of fuel, where the run was metered. What else it used, the gauge knows.
    pub(crate) fuel: Option<u64>,
    /// Whether the interpreter can take another request: not after it was stopped in the middle of something.
    pub(crate) reusable: bool,
}

/// A place where code runs.
pub(crate) trait Backend: Send + Sync {
    fn name(&self) -> BackendName;

    /// Whether it runs this language at all.
    fn supports(&self, language: Language) -> bool;

    /// Whether code in this language can import this module there: the top-level name.
    fn provides(&self, language: Language, module: &str) -> bool;

    /// What can be imported beside the interpreter's own modules.
    fn packages(&self, language: Language) -> Vec<String>;

    /// The limit that this backend cannot enforce, if there is one; `asked` is what the caller named.
    fn unenforceable(
        &self,
        limits: &Limits,
        asked: &LimitOverrides,
    ) -> Result<Option<&'static str>, BackendError>;

    /// Runs a request in a fresh sandbox, on the calling thread.
    fn run(&self, job: &Job<'_>) -> Result<Finished, BackendError>;

    /// Makes a sandbox that several requests share; `job` is the first of them, and is not run yet.
    fn open(&self, job: &Job<'_>) -> Result<Box<dyn Session>, BackendError>;
}

impl<B: Backend> Backend for Arc<B> {
    fn name(&self) -> BackendName {
        (**self).name()
    }

    fn supports(&self, language: Language) -> bool {
        (**self).supports(language)
    }

    fn provides(&self, language: Language, module: &str) -> bool {
        (**self).provides(language, module)
    }

    fn packages(&self, language: Language) -> Vec<String> {
        (**self).packages(language)
    }

    fn unenforceable(
        &self,
        limits: &Limits,
        asked: &LimitOverrides,
    ) -> Result<Option<&'static str>, BackendError> {
        (**self).unenforceable(limits, asked)
    }

    fn run(&self, job: &Job<'_>) -> Result<Finished, BackendError> {
        (**self).run(job)
    }

    fn open(&self, job: &Job<'_>) -> Result<Box<dyn Session>, BackendError> {
        (**self).open(job)
    }
}

/// How many more sandboxes may be made.
pub(crate) struct Places {
    free: Mutex<u32>,
    freed: Condvar,
}

/// One sandbox's place, given back when dropped.
pub(crate) struct Place(Arc<Places>);

impl Places {
    pub(crate) fn new(places: u32) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(places), freed: Condvar::new() })
    }

    pub(crate) fn take(self: &Arc<Self>, wait: Duration) -> Option<Place> {
        let free = lock(&self.free);
        let (mut free, _) = self
            .freed
            .wait_timeout_while(free, wait, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            return None;
        }
        *free -= 1;
        Some(Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}

/// A sandbox that several requests share.
pub(crate) trait Session: Send {
    fn run(&mut self, job: &Job<'_>) -> Result<Finished, BackendError>;
}

/// A backend could not do its work. What the guest did is never such an error.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackendError {
    /// The backend.
    pub backend: BackendName,
    /// What went wrong.
    pub kind: BackendErrorKind,
}

/// What can go wrong in a backend.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackendErrorKind {
    /// The backend cannot start.
    Start(String),
    /// It does not run this language.
    Language(Language),
    /// A guest that comes with this crate cannot be used.
    #[cfg(feature = "wasm")]
    Artifact(wasm::ArtifactError),
    /// As many sandboxes as the owner allows are alive, and none ended in this time.
    Busy(Duration),
    /// The memory limit is below what the interpreter itself takes.
    MemoryTooSmall {
        /// The limit.
        limit: ByteSize,
        /// The language.
        language: Language,
    },
    /// An input file cannot be put into the workspace.
    InputFile {
        /// Its path there.
        path: String,
        /// Whether the disk limit is the reason.
        full: bool,
        /// The disk limit.
        limit: ByteSize,
    },
    /// The Docker daemon, an image or a container is at fault.
    #[cfg(feature = "docker")]
    Docker(docker::DockerError),
    /// These limits of an environment's sandbox cannot be changed after its first execution.
    Fixed(&'static str),
    /// The sandbox failed in a way that is not the guest's doing.
    Guest(String),
}

impl BackendError {
    /// Whether the sandbox that it happened in is gone.
    pub(crate) fn loses_sandbox(&self) -> bool {
        match &self.kind {
            #[cfg(feature = "docker")]
            BackendErrorKind::Docker(_) => true,
            BackendErrorKind::Guest(_) => true,
            BackendErrorKind::Start(_)
            | BackendErrorKind::Language(_)
            | BackendErrorKind::Busy(_)
            | BackendErrorKind::MemoryTooSmall { .. }
            | BackendErrorKind::InputFile { .. }
            | BackendErrorKind::Fixed(_) => false,
            #[cfg(feature = "wasm")]
            BackendErrorKind::Artifact(_) => false,
        }
    }

    #[cfg(feature = "wasm")]
    pub(crate) fn wasm(kind: BackendErrorKind) -> Self {
        Self { backend: BackendName::Wasm, kind }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backend = self.backend;
        match &self.kind {
            BackendErrorKind::Start(what) => write!(f, "the {backend} backend cannot start: {what}"),
            BackendErrorKind::Language(language) => {
                write!(f, "the {backend} backend does not run {language}")
            }
            #[cfg(feature = "wasm")]
            BackendErrorKind::Artifact(error) => error.fmt(f),
            BackendErrorKind::Busy(wait) => write!(
                f,
                "all places of the {backend} backend were taken for {wait:?}: end environments that are no longer needed, or allow more sandboxes at once"
            ),
            BackendErrorKind::MemoryTooSmall { limit, language } => {
                write!(f, "a memory limit of {limit} is less than the {language} interpreter itself takes")
            }
            BackendErrorKind::InputFile { path, full: true, limit } => {
                write!(f, "the input file `{path}` does not fit the disk limit of {limit}")
            }
            BackendErrorKind::InputFile { path, .. } => {
                write!(
                    f,
                    "the input file `{path}` cannot be put into the workspace: another file is in its way"
                )
            }
            #[cfg(feature = "docker")]
            BackendErrorKind::Docker(error) => error.fmt(f),
            BackendErrorKind::Fixed(limits) => write!(
                f,
                "limits that an environment's first execution sets for good: {limits}. Prepare a new environment for others"
            ),
            BackendErrorKind::Guest(what) => write!(f, "the {backend} sandbox failed: {what}"),
        }
    }
}

impl std::error::Error for BackendError {}
