//! Bailiwick runs code that nobody has vetted: Python and JavaScript, each run in a fresh WebAssembly sandbox inside this process;
//! shell, and code with native packages, each in a container that is used once. Under a policy and real limits, with a record of every
//! execution.
//!
//! ```
//! use bailiwick::{ExecutionContext, ExecutionEngine, ExitKind, HistoryPlace, Language, LimitOverrides};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # if cfg!(not(feature = "wasm")) { return Ok(()) }
//! let engine = ExecutionEngine::builder().history(HistoryPlace::Memory(100)).build()?;
//!
//! let result = engine.execute_blocking("print(sum(range(10)))", Language::Python, &ExecutionContext::new())?;
//! assert_eq!(result.stdout_text(), "45\n");
//!
//! // What the code does is data, never an error.
//! let context = ExecutionContext::new().limits(LimitOverrides::new().wall_time(Duration::from_millis(200)));
//! let result = engine.execute_blocking("while True: pass", Language::Python, &context)?;
//! assert!(matches!(result.exit, ExitKind::TimedOut { .. }));
//!
//! // Code that the policy forbids never runs.
//! let result = engine.execute_blocking("import subprocess", Language::Python, &context)?;
//! assert_eq!(result.exit, ExitKind::Denied);
//! assert_eq!(result.policy.findings[0].line, 1);
//! # Ok(())
//! # }
//! ```
//!
//! | to | see |
//! |---|---|
//! | run code | [`ExecutionEngine`], [`ExecutionContext`], [`ExecutionResult`] |
//! | keep variables and files between runs | [`Environment`] |
//! | choose what code may say | [`SecurityManager`] |
//! | choose what a run may use | [`LimitsConfig`], [`LimitOverrides`] |
//! | watch what a process or a run uses | [`ResourceMonitor`], [`MonitoringSession`] |
//! | run shell, numpy and pandas | [`ContainersConfig`], [`ExecutionEngine::build_image`] |
//! | know what ran | [`ExecutionRecord`], [`History`] |
//!
//! Features: `wasm` and `docker`, the two backends, both on by default. Without either, policy, limits, monitor and history remain, and
//! nothing runs.

#![cfg_attr(
    not(all(feature = "wasm", feature = "docker")),
    allow(dead_code, unused_imports, reason = "what only the backend that is left out needs")
)]

mod backend;
pub mod config;
mod control;
mod engine;
mod environment;
mod error;
pub mod history;
mod language;
pub mod limits;
pub mod monitor;
pub mod outcome;
mod paths;
pub mod policy;
mod request;
mod route;

#[cfg(feature = "docker")]
pub use backend::docker::{
    BUILTIN_CONTAINERS, BuildOptions, CONTAINERS_SCHEMA, ContainersConfig, DaemonReport, DockerError,
    DockerErrorKind, ImageReport, ImageState, LanguageContainers, PoolConfig,
};
#[cfg(feature = "snapshot")]
pub use backend::wasm::snapshot;
#[cfg(feature = "wasm")]
pub use backend::wasm::{
    ArtifactError, ArtifactErrorKind, Guest, GuestPin, Progress, check_cache_dir, default_cache_dir,
};
pub use backend::{BackendError, BackendErrorKind};
pub use config::LimitsConfig;
pub use control::CancelToken;
pub use engine::{EngineBuilder, ExecutionEngine, HistoryPlace, default_history_dir};
pub use environment::{Environment, EnvironmentId};
pub use error::{EngineError, EngineErrorKind};
pub use history::{ExecutionRecord, History, HistoryOptions};
pub use language::Language;
pub use limits::{ByteSize, LimitError, LimitOverrides, Limits};
pub use monitor::{LimitStatus, MonitoringSession, PerformanceMetrics, ResourceMonitor, ResourceUsage};
pub use outcome::{
    Artifact, BackendName, ExceptionInfo, ExecutionId, ExecutionResult, ExitKind, OutputStream,
    PolicyVerdict, Truncated, Usage, Value,
};
pub use policy::{RiskLevel, SecurityManager, SecurityResult};
pub use request::{BackendChoice, ExecutionContext, InputFile};
