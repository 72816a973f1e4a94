//! What every backend promises: each case is one function that runs once on each backend.
//!
//! A case `name` of module `module` is the test `module::wasm::name`, and `module::docker::name`, which is ignored unless asked for
//! (`cargo test --test contract -- --include-ignored`), as it needs a Docker daemon and the images.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// Makes one test for each backend of every function named. A function that is not named is dead code, and so noticed.
macro_rules! on_every_backend {
    ($($case:ident),* $(,)?) => {
        mod wasm {
            $(
                #[test]
                fn $case() {
                    super::$case(crate::On::WASM);
                }
            )*
        }
        on_docker!($($case),*);
    };
}

/// The same for what is in containers only.
macro_rules! on_docker {
    ($($case:ident),* $(,)?) => {
        mod docker {
            $(
                #[test]
                #[ignore = "needs a Docker daemon"]
                fn $case() {
                    super::$case(crate::On::DOCKER);
                }
            )*
        }
    };
}

mod endings;
mod environments;
mod exchange;
mod history;
mod isolation;
mod limits;
mod output;
mod same;
mod shell;
mod stopping;

use bailiwick::policy::{Profile, SecurityManager};
use bailiwick::{
    BackendChoice, BackendName, ContainersConfig, EngineBuilder, EngineError, Environment, ExecutionContext,
    ExecutionEngine, ExecutionResult, HistoryPlace, Language, Value,
};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The backend that a case runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct On {
    choice: BackendChoice,
    name: BackendName,
}

impl On {
    const WASM: Self = Self { choice: BackendChoice::Wasm, name: BackendName::Wasm };
    const DOCKER: Self = Self { choice: BackendChoice::Docker, name: BackendName::Docker };

    /// The engine that cases on this backend share, as runs of one engine must not see each other. It forbids nothing.
    fn engine(self) -> &'static ExecutionEngine {
        static WASM: OnceLock<ExecutionEngine> = OnceLock::new();
        static DOCKER: OnceLock<ExecutionEngine> = OnceLock::new();
        let engine = if self == Self::WASM { &WASM } else { &DOCKER };
        engine.get_or_init(|| permissive().build().unwrap())
    }

    fn is_wasm(self) -> bool {
        self == Self::WASM
    }

    fn context(self) -> ExecutionContext {
        ExecutionContext::new().backend(self.choice)
    }

    /// Runs code. The context says what it gets; the backend is this one.
    #[track_caller]
    fn run(self, language: Language, code: &str, context: ExecutionContext) -> ExecutionResult {
        let result = self.try_run(language, code, context).unwrap();
        assert_eq!(result.backend, Some(self.name));
        result
    }

    fn try_run(
        self,
        language: Language,
        code: &str,
        context: ExecutionContext,
    ) -> Result<ExecutionResult, EngineError> {
        self.engine().execute_blocking(code, language, &context.backend(self.choice))
    }

    #[track_caller]
    fn python(self, code: &str) -> ExecutionResult {
        self.run(Language::Python, code, self.context())
    }

    #[track_caller]
    fn javascript(self, code: &str) -> ExecutionResult {
        self.run(Language::JavaScript, code, self.context())
    }

    #[track_caller]
    fn shell(self, code: &str) -> ExecutionResult {
        self.run(Language::Shell, code, self.context())
    }

    /// An environment that is freed with the case.
    fn environment(self, language: Language) -> Shared {
        let environment = self.engine().prepare_environment(language).unwrap();
        Shared { on: self, environment }
    }
}

/// An environment of a case's own.
struct Shared {
    on: On,
    environment: Environment,
}

impl Shared {
    #[track_caller]
    fn run(&self, code: &str) -> ExecutionResult {
        self.run_with(code, self.on.context())
    }

    #[track_caller]
    fn run_with(&self, code: &str, context: ExecutionContext) -> ExecutionResult {
        let result = self.environment.execute_blocking(code, &context.backend(self.on.choice)).unwrap();
        assert_eq!(result.backend, Some(self.on.name));
        result
    }

    fn error(&self, code: &str) -> EngineError {
        self.environment.execute_blocking(code, &self.on.context()).unwrap_err()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.on.engine().cleanup_environment(self.environment.id());
    }
}

/// Settings of an engine that forbids nothing.
fn permissive() -> EngineBuilder {
    default_policy().policy(SecurityManager::builtin(Profile::Permissive))
}

/// Settings of an engine with the built-in policy.
fn default_policy() -> EngineBuilder {
    ExecutionEngine::builder()
        .history(HistoryPlace::Memory(1000))
        .cache_dir(Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")))
        .containers(ContainersConfig::default())
}

/// Everything that a result shows, for the message of a test that fails.
fn shown(result: &ExecutionResult) -> String {
    format!(
        "{:?}\n--- stdout\n{}\n--- stderr\n{}\n--- value\n{:?}",
        result.exit,
        result.stdout_text(),
        result.stderr_text(),
        result.value
    )
}

/// The output of code that must succeed.
#[track_caller]
fn output(result: &ExecutionResult) -> String {
    assert!(result.is_success(), "{}", shown(result));
    result.stdout_text().into_owned()
}

/// The JSON value of the last expression.
#[track_caller]
fn json_value(result: &ExecutionResult) -> serde_json::Value {
    match &result.value {
        Some(Value::Json(value)) => value.clone(),
        _ => panic!("no JSON value: {}", shown(result)),
    }
}

/// The type and the message of the exception that ended a run with code 1.
#[track_caller]
fn exception(result: &ExecutionResult) -> (String, String) {
    match &result.exit {
        bailiwick::ExitKind::Exception { code: 1, exception } => {
            (exception.type_name.clone(), exception.message.clone())
        }
        _ => panic!("no exception: {}", shown(result)),
    }
}

/// Paths and contents of the files that a run left.
fn files(result: &ExecutionResult) -> Vec<(&str, &[u8])> {
    let mut files: Vec<_> = result.artifacts.iter().map(|a| (a.path.as_str(), a.bytes.as_slice())).collect();
    files.sort_unstable();
    files
}
