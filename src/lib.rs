//! Bailiwick runs code that nobody has vetted.

mod backend;
pub mod config;
mod control;
mod engine;
mod environment;
mod error;
pub mod history;
mod language;
pub mod limits;
pub mod outcome;
pub mod policy;
mod request;

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
pub use outcome::{
    Artifact, BackendName, ExceptionInfo, ExecutionId, ExecutionResult, ExitKind, OutputStream,
    PolicyVerdict, Truncated, Usage, Value,
};
pub use policy::{RiskLevel, SecurityManager, SecurityResult};
pub use request::{BackendChoice, ExecutionContext, InputFile};
