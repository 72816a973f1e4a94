//! The engine as its users see it: real guests, real limits, real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod command;
mod environment;
mod freshness;
mod hostile;
mod javascript;
mod lifecycle;
mod limits;
mod python;
mod workspace;

use bailiwick::policy::{Profile, SecurityManager};
use bailiwick::{
    ContainersConfig, ExecutionContext, ExecutionEngine, ExecutionResult, HistoryPlace, Language, Value,
};
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where native code is cached for all tests.
fn cache_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// An engine of the test's own, under the policy that forbids nothing.
fn new_engine() -> ExecutionEngine {
    ExecutionEngine::builder()
        .policy(SecurityManager::builtin(Profile::Permissive))
        .history(HistoryPlace::Memory(100))
        .cache_dir(Some(cache_dir()))
        .containers(nowhere())
        .build()
        .unwrap()
}

/// No Docker daemon: whether there is one makes no difference to these tests.
fn nowhere() -> ContainersConfig {
    ContainersConfig { host: Some("unix:///nowhere/docker.sock".to_owned()), ..ContainersConfig::default() }
}

/// The engine that most tests share, as runs of one engine must not see each other.
fn engine() -> &'static ExecutionEngine {
    static ENGINE: OnceLock<ExecutionEngine> = OnceLock::new();
    ENGINE.get_or_init(new_engine)
}

fn run(language: Language, code: &str, context: &ExecutionContext) -> ExecutionResult {
    engine().execute_blocking(code, language, context).unwrap()
}

fn python(code: &str) -> ExecutionResult {
    run(Language::Python, code, &ExecutionContext::new())
}

fn javascript(code: &str) -> ExecutionResult {
    run(Language::JavaScript, code, &ExecutionContext::new())
}

/// The output of code that must succeed.
#[track_caller]
fn output(result: &ExecutionResult) -> String {
    assert!(result.is_success(), "{}\n{}\n{}", result.exit, result.stdout_text(), result.stderr_text());
    result.stdout_text().into_owned()
}

/// The JSON value of the last expression.
#[track_caller]
fn json_value(result: &ExecutionResult) -> serde_json::Value {
    match &result.value {
        Some(Value::Json(value)) => value.clone(),
        other => panic!("no JSON value but {other:?}: {}\n{}", result.exit, result.stderr_text()),
    }
}
