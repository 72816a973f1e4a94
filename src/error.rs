//! The engine's own failures. What a guest does is never one of them: see [`ExitKind`](crate::ExitKind).

use crate::Language;
use crate::backend::BackendError;
use crate::environment::EnvironmentId;
use crate::history::HistoryError;
use crate::limits::LimitError;
use crate::monitor::MonitorError;
use crate::outcome::BackendName;
use crate::policy::RequestError;
use std::fmt;

/// The engine could not do what it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub struct EngineError {
    /// What went wrong.
    pub kind: EngineErrorKind,
}

/// What can go wrong in the engine.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineErrorKind {
    /// The request makes no sense.
    Request(RequestError),
    /// A limit was asked for that cannot be had.
    Limit(LimitError),
    /// No backend of this engine runs the language.
    NoBackend {
        /// The language.
        language: Language,
        /// The backend that was asked for, if one was.
        asked: Option<BackendName>,
    },
    /// The backend cannot enforce a limit, so nothing was run.
    Unenforceable {
        /// The backend.
        backend: BackendName,
        /// The limit.
        limit: &'static str,
    },
    /// No backend has a module that the code imports, so nothing was run.
    NoModule {
        /// The language.
        language: Language,
        /// The module.
        module: String,
        /// What there is beside the language's own modules.
        available: Vec<String>,
    },
    /// The environment's interpreter lives in another backend than the one that was asked for.
    EnvironmentElsewhere {
        /// The environment.
        id: EnvironmentId,
        /// Where it lives.
        lives_in: BackendName,
    },
    /// The backend that the code needs cannot be used.
    Needed {
        /// Why that backend is needed.
        why: String,
        /// What is wrong with it.
        error: BackendError,
    },
    /// The backend failed.
    Backend(BackendError),
    /// The execution could not be recorded.
    History(HistoryError),
    /// There is no such environment: it was cleaned up, or left idle for too long.
    NoEnvironment(EnvironmentId),
    /// The environment's interpreter was stopped in the middle of something and cannot go on.
    EnvironmentLost {
        /// The environment.
        id: EnvironmentId,
        /// How the execution ended that it was lost to.
        after: String,
    },
    /// What the run uses could not be measured.
    Monitor(MonitorError),
    /// The thread that ran the guest died. This is a defect of the engine's.
    Panicked,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EngineErrorKind::Request(error) => error.fmt(f),
            EngineErrorKind::Limit(error) => error.fmt(f),
            EngineErrorKind::NoBackend { language, asked: Some(backend) } => {
                write!(f, "the {backend} backend does not run {language} here")
            }
            EngineErrorKind::NoBackend { language, asked: None } => {
                write!(f, "no backend here runs {language}")
            }
            EngineErrorKind::Unenforceable { backend, limit } => {
                write!(f, "the {backend} backend cannot enforce {limit}, so nothing was run")
            }
            EngineErrorKind::NoModule { language, module, available } => {
                write!(f, "no backend has the {language} module `{module}`, so nothing was run. ")?;
                if available.is_empty() {
                    f.write_str("There are the language's own modules only")?;
                } else {
                    write!(f, "Beside the language's own modules there are: {}", available.join(", "))?;
                }
                f.write_str(". Code that does without it runs with the backend `wasm` asked for")
            }
            EngineErrorKind::EnvironmentElsewhere { id, lives_in } => {
                write!(
                    f,
                    "the environment {id} lives in the {lives_in} backend: prepare another one for another backend"
                )
            }
            EngineErrorKind::Needed { why, error } => write!(f, "{why}, and {error}"),
            EngineErrorKind::Backend(error) => error.fmt(f),
            EngineErrorKind::History(error) => write!(f, "the execution cannot be recorded: {error}"),
            EngineErrorKind::NoEnvironment(id) => {
                write!(f, "there is no environment {id}: it was cleaned up, or left idle for too long")
            }
            EngineErrorKind::EnvironmentLost { id, after } => {
                write!(f, "the environment {id} is lost: its last execution {after}; prepare a new one")
            }
            EngineErrorKind::Monitor(error) => write!(f, "the run cannot be measured: {error}"),
            EngineErrorKind::Panicked => {
                f.write_str("the thread that ran the guest died; this is a defect, please report it")
            }
        }
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            EngineErrorKind::Request(error) => Some(error),
            EngineErrorKind::Limit(error) => Some(error),
            EngineErrorKind::Backend(error) | EngineErrorKind::Needed { error, .. } => Some(error),
            EngineErrorKind::History(error) => Some(error),
            EngineErrorKind::Monitor(error) => Some(error),
            EngineErrorKind::NoBackend { .. }
            | EngineErrorKind::Unenforceable { .. }
            | EngineErrorKind::NoModule { .. }
            | EngineErrorKind::EnvironmentElsewhere { .. }
            | EngineErrorKind::NoEnvironment(_)
            | EngineErrorKind::EnvironmentLost { .. }
            | EngineErrorKind::Panicked => None,
        }
    }
}

impl From<EngineErrorKind> for EngineError {
    fn from(kind: EngineErrorKind) -> Self {
        Self { kind }
    }
}

impl From<BackendError> for EngineError {
    fn from(error: BackendError) -> Self {
        EngineErrorKind::Backend(error).into()
    }
}

impl From<HistoryError> for EngineError {
    fn from(error: HistoryError) -> Self {
        EngineErrorKind::History(error).into()
    }
}
