//! The engine: admit, route, run, finish.

use crate::Language;
use crate::backend::{Backend, Finished, Gauge, Job};
use crate::config::LimitsConfig;
use crate::control::CancelToken;
use crate::environment::{Entry, Environment, EnvironmentId, Environments, start_sweeper};
use crate::error::{EngineError, EngineErrorKind};
use crate::history::{BeginRecord, ExecutionRecord, FinishRecord, History, HistoryError, HistoryOptions};
use crate::limits::{ByteSize, Limits};
#[cfg(feature = "docker")]
use crate::monitor::ContainerTarget;
use crate::monitor::{MonitorTarget, ResourceMonitor};
use crate::outcome::{ExecutionId, ExecutionResult, ExitKind, Usage};
use crate::policy::{self, Admission, Profile, Refused, SecurityManager};
use crate::request::ExecutionContext;
use crate::route::{Routed, needed};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "docker")]
use crate::backend::docker::{BuildOptions, ContainersConfig, DaemonReport, DockerBackend, ImageReport};
#[cfg(feature = "wasm")]
use crate::backend::wasm::{self, Progress, WasmBackend, WasmOptions};

/// Runs code that nobody has vetted.
///
/// Clones share one engine. See the [crate's page](crate) for an example.
#[derive(Clone)]
pub struct ExecutionEngine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    policy: SecurityManager,
    limits: LimitsConfig,
    history: History,
    backends: Vec<Box<dyn Backend>>,
    #[cfg(feature = "wasm")]
    wasm: Arc<WasmBackend>,
    #[cfg(feature = "docker")]
    docker: Arc<DockerBackend>,
    pub(crate) environments: Arc<Environments>,
    environment_idle: Duration,
    monitor: ResourceMonitor,
    notices: Vec<String>,
}

impl Inner {
    /// The backends, the fastest first.
    pub(crate) fn backends(&self) -> impl Iterator<Item = &dyn Backend> {
        self.backends.iter().map(|backend| &**backend)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Before the backends, which their sandboxes belong to.
        self.environments.clear();
        self.environments.notify();
    }
}

/// Where executions are recorded.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum HistoryPlace {
    /// On disk, in the user's own state directory: `bailiwick` under `$XDG_STATE_HOME` or `~/.local/state`. In memory where there is none
    /// that can be used; [`ExecutionEngine::notices`] says so then.
    #[default]
    Default,
    /// On disk, in this directory; the engine does not start if it cannot be used.
    Directory(PathBuf),
    /// In memory, the last so many executions.
    Memory(usize),
}

/// Settings of an engine, each with a safe default.
///
/// - policy: the one in `config/security_policies.yaml`
/// - limits and ceiling: those in `config/resource_limits.yaml`
/// - native code of the guests is cached in `bailiwick` under `$XDG_CACHE_HOME` or `~/.cache`
/// - executions are recorded as [`HistoryPlace::Default`] has it, without their code
/// - at most 64 sandboxes are alive at once, and a run waits up to 30 s for a place
/// - an environment left idle for 10 minutes is freed
#[must_use]
pub struct EngineBuilder {
    policy: Option<SecurityManager>,
    limits: Option<LimitsConfig>,
    history: HistoryPlace,
    history_options: HistoryOptions,
    #[cfg(feature = "wasm")]
    cache_dir: Option<Option<PathBuf>>,
    #[cfg(feature = "wasm")]
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
    #[cfg(feature = "docker")]
    containers: ContainersConfig,
    max_sandboxes: u32,
    queue_timeout: Duration,
    environment_idle: Duration,
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("history", &self.history)
            .field("max_sandboxes", &self.max_sandboxes)
            .finish_non_exhaustive()
    }
}

impl EngineBuilder {
    fn new() -> Self {
        Self {
            policy: None,
            limits: None,
            history: HistoryPlace::Default,
            history_options: HistoryOptions::default(),
            #[cfg(feature = "wasm")]
            cache_dir: None,
            #[cfg(feature = "wasm")]
            progress: Arc::new(|_| {}),
            #[cfg(feature = "docker")]
            containers: ContainersConfig::default(),
            max_sandboxes: 64,
            queue_timeout: Duration::from_secs(30),
            environment_idle: Duration::from_secs(600),
        }
    }

    /// Judges code by this policy.
    pub fn policy(mut self, policy: SecurityManager) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Takes defaults and ceiling of all limits from here.
    pub fn limits(mut self, limits: LimitsConfig) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Says where executions are recorded.
    pub fn history(mut self, place: HistoryPlace) -> Self {
        self.history = place;
        self
    }

    /// Says what is recorded, and for how long.
    pub fn history_options(mut self, options: HistoryOptions) -> Self {
        self.history_options = options;
        self
    }

    /// Keeps the guests' native code in this directory, which must be this user's alone; `None` compiles in each process anew.
    #[cfg(feature = "wasm")]
    pub fn cache_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.cache_dir = Some(dir);
        self
    }

    /// Is told before and after the steps that take seconds.
    #[cfg(feature = "wasm")]
    pub fn on_progress(mut self, f: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(f);
        self
    }

    /// Says where containers run, from which images, and how many wait.
    #[cfg(feature = "docker")]
    pub fn containers(mut self, containers: ContainersConfig) -> Self {
        self.containers = containers;
        self
    }

    /// Allows so many wasm sandboxes to be alive at once, environments included. Each reserves address space, not memory.
    pub fn max_sandboxes(mut self, n: u32) -> Self {
        self.max_sandboxes = n.max(1);
        self
    }

    /// Lets a run wait so long for a place before it is refused.
    pub fn queue_timeout(mut self, wait: Duration) -> Self {
        self.queue_timeout = wait;
        self
    }

    /// Frees an environment that nobody has used for so long.
    pub fn environment_idle(mut self, idle: Duration) -> Self {
        self.environment_idle = idle;
        self
    }

    /// Starts the engine. Guests are loaded when they are first needed; see [`ExecutionEngine::warm_up`].
    ///
    /// # Errors
    /// If a backend cannot start, or the history directory that was asked for cannot be used.
    pub fn build(self) -> Result<ExecutionEngine, EngineError> {
        let mut notices = Vec::new();
        let limits = self.limits.unwrap_or_else(LimitsConfig::builtin);
        let history = open_history(&self.history, self.history_options, &mut notices)?;
        #[cfg(feature = "wasm")]
        let wasm = {
            let cache_dir = self.cache_dir.unwrap_or_else(wasm::default_cache_dir);
            if cache_dir.is_none() {
                notices.push(
                    "there is no directory for compiled guests: each process compiles them anew".to_owned(),
                );
            }
            let backend = WasmBackend::new(WasmOptions {
                max_instances: self.max_sandboxes,
                max_memory: limits.ceiling().memory.min(ByteSize::from_mb(4096)),
                queue_timeout: self.queue_timeout,
                cache_dir,
                progress: self.progress,
            })?;
            if let Some(error) = backend.cache_refused() {
                notices.push(format!(
                    "compiled guests are not kept, so each process compiles them anew: {error}"
                ));
            }
            Arc::new(backend)
        };
        #[cfg(feature = "docker")]
        let docker = Arc::new(DockerBackend::new(self.containers, &limits, self.queue_timeout)?);
        let backends: Vec<Box<dyn Backend>> = vec![
            #[cfg(feature = "wasm")]
            Box::new(Arc::clone(&wasm)),
            #[cfg(feature = "docker")]
            Box::new(Arc::clone(&docker)),
        ];
        Ok(ExecutionEngine {
            inner: Arc::new(Inner {
                policy: self.policy.unwrap_or_else(|| SecurityManager::builtin(Profile::Default)),
                monitor: ResourceMonitor::new(limits.ceiling()),
                limits,
                history,
                backends,
                #[cfg(feature = "wasm")]
                wasm,
                #[cfg(feature = "docker")]
                docker,
                environments: Arc::default(),
                environment_idle: self.environment_idle,
                notices,
            }),
        })
    }
}

/// Where executions are recorded when nobody says otherwise, if there is such a place.
#[must_use]
pub fn default_history_dir() -> Option<PathBuf> {
    crate::paths::own_dir("XDG_STATE_HOME", ".local/state")
}

/// How many executions are kept where they can be kept in memory only.
const MEMORY_HISTORY: usize = 1000;

fn open_history(
    place: &HistoryPlace,
    options: HistoryOptions,
    notices: &mut Vec<String>,
) -> Result<History, HistoryError> {
    match place {
        HistoryPlace::Memory(records) => Ok(History::in_memory(*records)),
        HistoryPlace::Directory(dir) => History::open(dir, options),
        HistoryPlace::Default => {
            let why = match default_history_dir() {
                Some(dir) => match History::open(&dir, options) {
                    Ok(history) => return Ok(history),
                    Err(error) => error.to_string(),
                },
                None => "neither XDG_STATE_HOME nor HOME is set".to_owned(),
            };
            notices.push(format!("executions are recorded in this process only: {why}"));
            Ok(History::in_memory(MEMORY_HISTORY))
        }
    }
}

impl ExecutionEngine {
    /// Settings to start an engine with.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::new()
    }

    /// What a user should know of how this engine started: a directory that cannot be used, say. Empty if all is well.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.inner.notices
    }

    /// The policy that code is judged by.
    #[must_use]
    pub fn security(&self) -> &SecurityManager {
        &self.inner.policy
    }

    /// The defaults and the ceiling of all limits.
    #[must_use]
    pub fn limits(&self) -> &LimitsConfig {
        &self.inner.limits
    }

    /// Loads a language's guest now, compiling it if this machine has not seen it yet, so that no run waits for that.
    ///
    /// # Errors
    /// If the guest cannot be used.
    #[cfg(feature = "wasm")]
    pub fn warm_up(&self, language: Language) -> Result<(), EngineError> {
        Ok(self.inner.wasm.warm_up(language)?)
    }

    /// What the Docker daemon is, and what it cannot do.
    ///
    /// # Errors
    /// If no daemon answers, or this user may not use it.
    #[cfg(feature = "docker")]
    pub fn docker_daemon(&self) -> Result<DaemonReport, EngineError> {
        Ok(self.inner.docker.daemon_report()?)
    }

    /// A container, whoever started it, as something to give to [`ResourceMonitor::start_monitoring`].
    ///
    /// # Errors
    /// If no daemon answers, or it has no such running container.
    #[cfg(feature = "docker")]
    pub fn container_target(&self, id: &str) -> Result<ContainerTarget, EngineError> {
        Ok(self.inner.docker.container_target(id)?)
    }

    /// How the image stands that containers of a language are made from.
    ///
    /// # Errors
    /// If no daemon answers.
    #[cfg(feature = "docker")]
    pub fn image(&self, language: Language) -> Result<ImageReport, EngineError> {
        Ok(self.inner.docker.image_report(language)?)
    }

    /// Builds the image that containers of a language are made from, and returns its name. `progress` gets what the build prints,
    /// line by line.
    ///
    /// # Errors
    /// If no daemon answers, or the build fails.
    #[cfg(feature = "docker")]
    pub fn build_image(
        &self,
        language: Language,
        options: &BuildOptions,
        progress: impl FnMut(&str),
    ) -> Result<String, EngineError> {
        Ok(self.inner.docker.build_image(language, options, progress)?)
    }

    /// How many containers with a started interpreter wait for a job in this language.
    #[cfg(feature = "docker")]
    #[must_use]
    pub fn containers_waiting(&self, language: Language) -> usize {
        self.inner.docker.pooled(language)
    }

    /// Judges code by policy and, if it passes, runs it in a fresh sandbox.
    ///
    /// Needs a tokio runtime: the guest runs on its blocking threads. Dropping the future stops the guest.
    ///
    /// # Errors
    /// If the request makes no sense or the engine itself fails. Whatever the code does (an exception, a limit, a crash, a
    /// denial by policy) is an `Ok`: see [`ExecutionResult::exit`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn execute(
        &self,
        code: &str,
        language: Language,
        context: &ExecutionContext,
    ) -> Result<ExecutionResult, EngineError> {
        self.execute_on(None, code, language, context).await
    }

    /// [`Self::execute`] on the calling thread, and without a runtime.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_blocking(
        &self,
        code: &str,
        language: Language,
        context: &ExecutionContext,
    ) -> Result<ExecutionResult, EngineError> {
        self.execute_here(None, code, language, context)
    }

    /// Makes a stateful environment. Its interpreter starts with the first execution, in the backend that this one needs or asks
    /// for; later executions run there too.
    ///
    /// # Errors
    /// If nothing here runs the language, or its guest cannot be used.
    pub fn prepare_environment(&self, language: Language) -> Result<Environment, EngineError> {
        self.inner.backend(language, None)?;
        let entry = self.inner.environments.add(language);
        start_sweeper(&self.inner, self.inner.environment_idle);
        Ok(Environment { engine: self.clone(), entry })
    }

    /// Frees an environment: its interpreter, its memory and its files. An execution under way in it is stopped. Returns
    /// whether there was such an environment.
    pub fn cleanup_environment(&self, id: EnvironmentId) -> bool {
        self.inner.environments.remove(id)
    }

    /// The environments that are alive.
    #[must_use]
    pub fn environments(&self) -> Vec<EnvironmentId> {
        self.inner.environments.ids()
    }

    /// The latest executions, newest first, at most `limit` of them.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn execution_history(&self, limit: usize) -> Result<Vec<ExecutionRecord>, EngineError> {
        Ok(self.inner.history.recent(limit)?)
    }

    pub(crate) async fn execute_on(
        &self,
        environment: Option<Arc<Entry>>,
        code: &str,
        language: Language,
        context: &ExecutionContext,
    ) -> Result<ExecutionResult, EngineError> {
        /// Stops the guest when the future is dropped.
        struct Stop(CancelToken);
        impl Drop for Stop {
            fn drop(&mut self) {
                self.0.cancel();
            }
        }
        let token = CancelToken::below(&[&context.cancel]);
        let stop = Stop(token.clone());
        let (engine, code) = (self.clone(), code.to_owned());
        let context = context.clone().cancel_token(token);
        let run = tokio::task::spawn_blocking(move || {
            engine.execute_here(environment.as_ref(), &code, language, &context)
        });
        let result = run.await.map_err(|_| EngineErrorKind::Panicked)?;
        std::mem::forget(stop);
        result
    }

    pub(crate) fn execute_here(
        &self,
        environment: Option<&Arc<Entry>>,
        code: &str,
        language: Language,
        context: &ExecutionContext,
    ) -> Result<ExecutionResult, EngineError> {
        let inner = &*self.inner;
        let id = ExecutionId::new();
        let admission = policy::admit(&inner.policy, &inner.limits, language, code, context);
        let (admitted, verdict) = match admission {
            Ok(Admission::Granted(admitted, verdict)) => (admitted, verdict),
            Ok(Admission::Denied(verdict, limits)) => {
                let mut result = ExecutionResult::new(id, language, ExitKind::Denied, verdict.into());
                result.routing = "policy denied the code, so nothing ran".to_owned();
                let pending = inner.history.begin(&begin(&result, code, &limits))?;
                inner.history.finish(pending, &FinishRecord::from(&result))?;
                return Ok(result);
            }
            Err(Refused::Request(error)) => return Err(EngineErrorKind::Request(error).into()),
            Err(Refused::Limit(error)) => return Err(EngineErrorKind::Limit(error).into()),
        };
        let Routed { backend, why } = self.route(&admitted, context, environment)?;
        let mut result = ExecutionResult::new(id, language, ExitKind::Cancelled, verdict.into());
        result.backend = Some(backend.name());
        result.routing = why;
        let pending = inner.history.begin(&begin(&result, code, admitted.limits()))?;
        let cancel = match environment {
            Some(entry) => CancelToken::below(&[&context.cancel, &entry.closed]),
            None => context.cancel.clone(),
        };
        let target = MonitorTarget::Feed(Some(cancel.clone()));
        let session = inner.monitor.start_monitoring_with(target, admitted.limits());
        let session = session.map_err(EngineErrorKind::Monitor)?;
        let gauge = Arc::new(Gauge::new(session, context.on_usage.clone()));
        let job =
            Job { admitted: &admitted, cancel, sink: context.on_output.clone(), gauge: Arc::clone(&gauge) };
        let ran = match environment {
            Some(entry) => entry.run(&job, |job| backend.open(job)),
            None => backend.run(&job).map_err(EngineError::from),
        };
        let ran = ran.map_err(|error| needed(error, &result.routing, context.backend));
        let finished = match ran {
            Ok(finished) => finished,
            Err(error) => {
                // The record says that it began and did not end; the caller hears why.
                drop(pending);
                return Err(error);
            }
        };
        finish(&mut result, finished, &gauge);
        inner.history.finish(pending, &FinishRecord::from(&result))?;
        Ok(result)
    }
}

fn begin<'a>(result: &'a ExecutionResult, code: &'a str, limits: &'a Limits) -> BeginRecord<'a> {
    BeginRecord {
        id: result.execution_id,
        language: result.language,
        backend: result.backend,
        code,
        policy: &result.policy,
        limits,
    }
}

/// Puts what a backend made of the run into the result. For every ending, and nowhere else.
fn finish(result: &mut ExecutionResult, finished: Finished, gauge: &Gauge) {
    result.exit = finished.exit;
    result.stdout = finished.stdout;
    result.stderr = finished.stderr;
    result.truncated = finished.truncated;
    result.value = finished.value;
    result.artifacts = finished.artifacts;
    result.artifacts_left_out = finished.artifacts_left_out;
    let used = gauge.usage();
    result.usage = Usage::new(
        used.wall,
        used.cpu,
        finished.fuel,
        used.peak_memory,
        used.disk.unwrap_or(ByteSize::from_bytes(0)),
    );
    result.metrics = gauge.metrics();
}
