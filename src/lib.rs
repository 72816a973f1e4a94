//! Bailiwick runs code that nobody has vetted.
pub mod config;
pub mod history;
mod language;
pub mod limits;
pub mod outcome;
pub mod policy;
pub use config::LimitsConfig;
pub use history::{ExecutionRecord, History, HistoryOptions};
pub use language::Language;
pub use limits::{ByteSize, LimitError, LimitOverrides, Limits};
pub use outcome::{
    Artifact, BackendName, ExceptionInfo, ExecutionId, ExecutionResult, ExitKind, PolicyVerdict, Truncated,
    Usage, Value,
};
