//! The Docker backend: shell, and Python or JavaScript with native packages, each run in a container of its own.

mod cgroup;
mod config;
mod container;
mod daemon;
mod error;
mod frames;
mod images;
mod pool;
mod reap;
mod run;
mod spec;
mod stats;

pub use config::{BUILTIN_CONTAINERS, CONTAINERS_SCHEMA, ContainersConfig, LanguageContainers, PoolConfig};
pub use error::{DockerError, DockerErrorKind};
pub use images::{BuildOptions, ImageReport, ImageState};

use super::{Backend, BackendError, BackendErrorKind, Finished, Job, Place, Places, Session, modules};
use crate::Language;
use crate::config::LimitsConfig;
use crate::control::{Wake, lock};
use crate::limits::{ByteSize, LimitOverrides, Limits};
use crate::monitor::ContainerTarget;
use crate::outcome::{BackendName, ExitKind, Truncated};
use container::Container;
use daemon::{Daemon, Removals};
use pool::{Plan, Pool, same_container};
use reap::Owner;
use run::{Failure, Waker, cancelled};
use spec::{Mode, Spec};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;

/// The least memory that a daemon takes for a limit.
const MIN_MEMORY: ByteSize = ByteSize::from_mb(6);

/// What the tasks of the backend share.
struct Shared {
    config: ContainersConfig,
    owner: Option<Owner>,
    places: Arc<Places>,
    pools: Vec<Pool>,
    daemon: Mutex<Option<Arc<Daemon>>>,
    removals: Arc<Removals>,
}

/// The backend. Nothing of it touches the daemon before it is first needed, unless it is to keep containers warm.
pub(crate) struct DockerBackend {
    shared: Arc<Shared>,
    queue_timeout: Duration,
    /// Its thread is started when a daemon is first needed.
    runtime: OnceLock<Runtime>,
}

impl Drop for DockerBackend {
    fn drop(&mut self) {
        for pool in &self.shared.pools {
            pool.close();
        }
        self.shared.removals.wait();
        if let Some(runtime) = self.runtime.take() {
            // Also where the engine is dropped inside another runtime, which may not be blocked.
            runtime.shutdown_background();
        }
    }
}

fn failed(error: DockerError) -> BackendError {
    BackendError { backend: BackendName::Docker, kind: BackendErrorKind::Docker(error) }
}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Docker(error) => failed(error),
            Failure::Backend(kind) => Self { backend: BackendName::Docker, kind },
        }
    }
}

impl Shared {
    fn image(&self, language: Language) -> String {
        self.config.language(language).image.clone().unwrap_or_else(|| images::name(language))
    }

    /// The daemon, connected to if it is not yet.
    async fn daemon(&self, handle: &Handle) -> Result<Arc<Daemon>, DockerError> {
        if let Some(daemon) = &*lock(&self.daemon) {
            return Ok(Arc::clone(daemon));
        }
        let asked = self.config.host.as_deref();
        let daemon = Daemon::connect(asked, handle.clone(), Arc::clone(&self.removals)).await?;
        let daemon = Arc::new(daemon);
        let mut slot = lock(&self.daemon);
        if let Some(daemon) = &*slot {
            return Ok(Arc::clone(daemon));
        }
        *slot = Some(Arc::clone(&daemon));
        if let Some(owner) = self.owner.clone() {
            let daemon = Arc::clone(&daemon);
            handle.spawn(async move { reap::reap(&daemon, &owner).await });
        }
        Ok(daemon)
    }

    fn spec<'a>(
        &'a self,
        daemon: &Daemon,
        image: &'a str,
        language: Language,
        mode: Mode,
        limits: &'a Limits,
    ) -> Spec<'a> {
        Spec {
            image,
            language,
            mode,
            limits,
            labels: Owner::labels(self.owner.as_ref()),
            oci_runtime: self.config.runtime.as_deref(),
            processors: daemon.info.ncpu,
        }
    }

    /// Starts a container and waits until it can take a job.
    async fn start(
        &self,
        daemon: &Arc<Daemon>,
        language: Language,
        mode: Mode,
        limits: &Limits,
        place: Option<Place>,
    ) -> Result<Container, DockerError> {
        let runtime = self.config.runtime.as_deref();
        if let (Some(runtime), Some(known)) = (runtime, &daemon.info.runtimes)
            && !known.contains_key(runtime)
        {
            let mut known: Vec<_> = known.keys().cloned().collect();
            known.sort();
            return Err(daemon.error(DockerErrorKind::NoRuntime { runtime: runtime.to_owned(), known }));
        }
        let image = self.image(language);
        let spec = self.spec(daemon, &image, language, mode, limits);
        let wait = self.config.start_timeout;
        let started = async {
            let mut container = Container::start(daemon, &spec, place).await?;
            container.ready().await?;
            Ok(container)
        };
        tokio::time::timeout(wait, started)
            .await
            .unwrap_or_else(|_| Err(daemon.error(DockerErrorKind::StartTimeout(wait))))
    }
}

impl DockerBackend {
    pub(crate) fn new(
        config: ContainersConfig,
        limits: &LimitsConfig,
        queue_timeout: Duration,
    ) -> Result<Self, BackendError> {
        let pools = Language::ALL.into_iter().filter_map(|language| {
            let pool = config.language(language).pool.as_ref().filter(|pool| pool.size > 0)?;
            let mut made = limits.for_language(language);
            made.memory = pool.memory.unwrap_or(made.memory);
            Some(Pool::new(language, Plan { size: pool.size as usize, limits: made, idle: pool.idle }))
        });
        let shared = Arc::new(Shared {
            pools: pools.collect(),
            owner: Owner::this(),
            places: Places::new(config.max_containers),
            daemon: Mutex::default(),
            removals: Arc::default(),
            config,
        });
        let backend = Self { shared, queue_timeout, runtime: OnceLock::new() };
        if !backend.shared.pools.is_empty() {
            let (shared, handle) = (Arc::clone(&backend.shared), backend.handle()?.clone());
            handle.clone().spawn(async move {
                // Should there be no daemon, the first job says so.
                let Ok(daemon) = shared.daemon(&handle).await else { return };
                for index in 0..shared.pools.len() {
                    pool::fill(&shared, index, &daemon);
                }
            });
        }
        Ok(backend)
    }

    fn handle(&self) -> Result<&Handle, BackendError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime.handle());
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("bailiwick-docker")
            .enable_all()
            .build()
            .map_err(|error| BackendError {
                backend: BackendName::Docker,
                kind: BackendErrorKind::Start(format!("no thread: {error}")),
            })?;
        if let Err(second) = self.runtime.set(runtime) {
            // Another caller was as quick.
            second.shutdown_background();
        }
        // Set just now, by whomever.
        Ok(self.runtime.get().map(Runtime::handle).unwrap_or_else(|| unreachable!("it was set")))
    }

    fn connect(&self) -> Result<Arc<Daemon>, BackendError> {
        let handle = self.handle()?;
        wait(handle, self.shared.daemon(handle)).map_err(failed)
    }

    /// How many containers wait for a job.
    pub(crate) fn pooled(&self, language: Language) -> usize {
        self.shared.pools.iter().filter(|pool| pool.language == language).map(Pool::waiting).sum()
    }

    /// A container for a job, from the pool or a new one. `None`: cancelled meanwhile.
    fn container(&self, job: &Job<'_>, mode: Mode) -> Result<Option<Container>, BackendError> {
        let (language, limits) = (job.admitted.language(), job.admitted.limits());
        let too_small = || BackendError {
            backend: BackendName::Docker,
            kind: BackendErrorKind::MemoryTooSmall { limit: limits.memory, language },
        };
        if limits.memory < MIN_MEMORY {
            return Err(too_small());
        }
        let place = self.shared.places.take(self.queue_timeout).ok_or(BackendError {
            backend: BackendName::Docker,
            kind: BackendErrorKind::Busy(self.queue_timeout),
        })?;
        let daemon = self.connect()?;
        let pool = self.shared.pools.iter().position(|pool| pool.language == language);
        if let (Some(index), Mode::Cold) = (pool, mode) {
            let taken = self.shared.pools[index].take(limits);
            pool::fill(&self.shared, index, &daemon);
            if let Some(mut container) = taken {
                container.hold(place);
                return Ok(Some(container));
            }
        }
        let started = async {
            let waker = Arc::new(Waker(Notify::new()));
            let wake: Arc<dyn Wake> = waker.clone();
            job.cancel.add_waker(&wake);
            tokio::select! {
                started = self.shared.start(&daemon, language, mode, limits, Some(place)) => started.map(Some),
                () = cancelled(&job.cancel, &waker) => Ok(None),
            }
        };
        wait(&daemon.handle, started).map_err(|error| match error.kind {
            DockerErrorKind::NoMemory => too_small(),
            _ => failed(error),
        })
    }

    /// What is known of the daemon, for a person to read.
    ///
    /// # Errors
    /// If no daemon answers.
    pub(crate) fn daemon_report(&self) -> Result<DaemonReport, BackendError> {
        let daemon = self.connect()?;
        let info = &daemon.info;
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        let mut runtimes: Vec<_> = info.runtimes.iter().flatten().map(|(name, _)| name.clone()).collect();
        runtimes.sort();
        Ok(DaemonReport {
            host: daemon.host.clone(),
            version: text(&info.server_version),
            storage: text(&info.driver),
            cgroup_version: info.cgroup_version.map_or_else(|| "unknown".to_owned(), |v| v.to_string()),
            runc: info.runc_commit.as_ref().and_then(|commit| commit.id.clone()).unwrap_or_default(),
            runtimes,
            default_runtime: text(&info.default_runtime),
            security: info.security_options.clone().unwrap_or_default(),
            unenforceable: daemon.unenforceable(),
        })
    }

    /// A container, whoever started it, as something to monitor.
    ///
    /// # Errors
    /// If no daemon answers, or it has no such running container.
    pub(crate) fn container_target(&self, id: &str) -> Result<ContainerTarget, BackendError> {
        let daemon = self.connect()?;
        let handle = daemon.handle.clone();
        wait(&handle, stats::follow(daemon, id)).map_err(failed)
    }

    /// How the image of a language stands.
    ///
    /// # Errors
    /// If no daemon answers.
    pub(crate) fn image_report(&self, language: Language) -> Result<ImageReport, BackendError> {
        let daemon = self.connect()?;
        let packages = self.packages_of(language).map(str::to_owned).collect();
        let image = self.shared.image(language);
        let report = images::report(&daemon, language, &image, packages);
        wait(&daemon.handle, report).map_err(failed)
    }

    /// Builds the image of a language and returns its name.
    ///
    /// # Errors
    /// If no daemon answers or the build fails.
    pub(crate) fn build_image(
        &self,
        language: Language,
        options: &BuildOptions,
        progress: impl FnMut(&str),
    ) -> Result<String, BackendError> {
        let daemon = self.connect()?;
        wait(&daemon.handle, images::build(&daemon, language, options, progress)).map_err(failed)
    }

    /// What the image of a language adds to its interpreter.
    fn packages_of(&self, language: Language) -> impl Iterator<Item = &str> {
        let own = self.shared.config.language(language);
        // An image of the user's own has what the user says that it has.
        let ours: &[String] = if own.image.is_some() { &[] } else { images::packages(language) };
        ours.iter().chain(&own.packages).map(String::as_str)
    }
}

/// What a Docker daemon is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DaemonReport {
    /// Its address.
    pub host: String,
    /// Its version.
    pub version: String,
    /// Its storage driver.
    pub storage: String,
    /// The version of control groups that its containers are held by.
    pub cgroup_version: String,
    /// The version of runc.
    pub runc: String,
    /// The container runtimes that it has.
    pub runtimes: Vec<String>,
    /// The one that it takes when nobody says otherwise.
    pub default_runtime: String,
    /// Its security options.
    pub security: Vec<String>,
    /// The limit that it cannot enforce, if there is one; then nothing is run there.
    pub unenforceable: Option<&'static str>,
}

/// Waits for a future on the calling thread, wherever that is: a runtime's own `block_on` panics on a thread that drives another runtime.
fn wait<F: Future>(handle: &Handle, future: F) -> F::Output {
    struct Bell(Mutex<bool>, Condvar);
    impl std::task::Wake for Bell {
        fn wake(self: Arc<Self>) {
            *lock(&self.0) = true;
            self.1.notify_one();
        }
    }
    let _context = handle.enter();
    let bell = Arc::new(Bell(Mutex::new(false), Condvar::new()));
    let waker = Arc::clone(&bell).into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut rung = lock(&bell.0);
        while !*rung {
            rung = bell.1.wait(rung).unwrap_or_else(PoisonError::into_inner);
        }
        *rung = false;
    }
}

fn nothing_ran() -> Finished {
    Finished {
        exit: ExitKind::Cancelled,
        stdout: Vec::new(),
        stderr: Vec::new(),
        truncated: Truncated::default(),
        value: None,
        artifacts: Vec::new(),
        artifacts_left_out: 0,
        fuel: None,
        reusable: false,
    }
}

impl Backend for DockerBackend {
    fn name(&self) -> BackendName {
        BackendName::Docker
    }

    fn supports(&self, _: Language) -> bool {
        true
    }

    fn provides(&self, language: Language, module: &str) -> bool {
        modules::interpreter_has(language, module) || self.packages_of(language).any(|name| name == module)
    }

    fn packages(&self, language: Language) -> Vec<String> {
        self.packages_of(language).map(str::to_owned).collect()
    }

    fn unenforceable(
        &self,
        _: &Limits,
        asked: &LimitOverrides,
    ) -> Result<Option<&'static str>, BackendError> {
        if asked.fuel.is_some() {
            return Ok(Some("fuel (native code is not metered; the time limit holds)"));
        }
        Ok(self.connect()?.unenforceable())
    }

    fn run(&self, job: &Job<'_>) -> Result<Finished, BackendError> {
        let Some(mut container) = self.container(job, Mode::Cold)? else { return Ok(nothing_ran()) };
        Ok(wait(self.handle()?, run::run(&mut container, job, true))?)
    }

    fn open(&self, job: &Job<'_>) -> Result<Box<dyn Session>, BackendError> {
        let container = self.container(job, Mode::Shared)?;
        let limits = job.admitted.limits().clone();
        Ok(Box::new(DockerSession {
            container,
            limits,
            shared: Arc::clone(&self.shared),
            handle: self.handle()?.clone(),
        }))
    }
}

/// A container that several jobs share.
struct DockerSession {
    /// `None` if the first job was cancelled before there was one.
    container: Option<Container>,
    /// What the container is held to at the moment.
    limits: Limits,
    shared: Arc<Shared>,
    handle: Handle,
}

impl Session for DockerSession {
    fn run(&mut self, job: &Job<'_>) -> Result<Finished, BackendError> {
        let Some(container) = &mut self.container else {
            return Ok(nothing_ran());
        };
        let limits = job.admitted.limits();
        if limits.disk > self.limits.disk || limits.open_files != self.limits.open_files {
            // Neither can be changed once a container is there. A smaller disk is the runner's to watch.
            return Err(BackendError {
                backend: BackendName::Docker,
                kind: BackendErrorKind::Fixed("disk (to more) and open_files"),
            });
        }
        let limits = Limits { disk: self.limits.disk, ..limits.clone() };
        if !same_container(&limits, &self.limits) {
            let daemon = lock(&self.shared.daemon).clone();
            if let Some(daemon) = daemon {
                let image = self.shared.image(job.admitted.language());
                let spec = self.shared.spec(&daemon, &image, job.admitted.language(), Mode::Shared, &limits);
                wait(&self.handle, container.hold_to(&spec)).map_err(failed)?;
            }
            self.limits = limits;
        }
        Ok(wait(&self.handle, run::run(container, job, false))?)
    }
}
