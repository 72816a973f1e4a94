//! What the Docker backend alone is about: how closed a container is, images, routing, faults, clean-up, the pool. What it has in
//! common with the wasm backend is in `tests/contract`.
//!
//! All of it needs a daemon and the images: `bash tests/run.sh --docker`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cleanup;
mod closed;
mod command;
mod faults;
mod images;
mod monitor;
mod pool;
mod routing;

use bailiwick::policy::{Profile, SecurityManager};
use bailiwick::{
    BackendChoice, BackendErrorKind, ContainersConfig, DockerErrorKind, EngineBuilder, EngineError,
    EngineErrorKind, ExecutionContext, ExecutionEngine, ExecutionResult, HistoryPlace, Language,
};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Where native code is cached for all tests.
fn cache_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

fn builder(containers: ContainersConfig) -> EngineBuilder {
    ExecutionEngine::builder()
        .policy(SecurityManager::builtin(Profile::Permissive))
        .history(HistoryPlace::Memory(1000))
        .cache_dir(Some(cache_dir()))
        .containers(containers)
}

fn engine() -> &'static ExecutionEngine {
    static ENGINE: OnceLock<ExecutionEngine> = OnceLock::new();
    ENGINE.get_or_init(|| builder(ContainersConfig::default()).build().unwrap())
}

fn on_docker() -> ExecutionContext {
    ExecutionContext::new().backend(BackendChoice::Docker)
}

fn run(language: Language, code: &str, context: &ExecutionContext) -> ExecutionResult {
    engine().execute_blocking(code, language, context).unwrap()
}

fn shell(code: &str) -> ExecutionResult {
    run(Language::Shell, code, &on_docker())
}

/// The output of code that must succeed.
#[track_caller]
fn output(result: &ExecutionResult) -> String {
    assert!(result.is_success(), "{}\n{}\n{}", result.exit, result.stdout_text(), result.stderr_text());
    result.stdout_text().into_owned()
}

/// What the Docker backend says went wrong.
#[track_caller]
fn docker_error(error: EngineError) -> DockerErrorKind {
    match error.kind {
        EngineErrorKind::Backend(error) | EngineErrorKind::Needed { error, .. } => match error.kind {
            BackendErrorKind::Docker(error) => error.kind,
            other => panic!("not Docker's fault: {other:?}"),
        },
        other => panic!("not the backend's fault: {other:?}"),
    }
}

/// The `docker` command: what it prints.
#[track_caller]
fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The same of a container that may be gone by now: other tests of this process have theirs.
fn docker_if_there(args: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(args).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The ids of containers of engines, those of this test's own `engine` label alone if one is given.
fn containers_of_pid(pid: u32) -> Vec<String> {
    let format = "{{.ID}} {{.Label \"bailiwick.engine\"}}";
    let all = docker(&["ps", "-a", "--no-trunc", "--filter", "label=bailiwick.engine", "--format", format]);
    let of_pid = all.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let id = words.next()?;
        (words.nth(2)? == pid.to_string()).then(|| id.to_owned())
    });
    of_pid.collect()
}

/// The command with a home of its own.
fn bailiwick(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    for name in ["DOCKER_HOST", "PATH", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("XDG_CACHE_HOME", cache_dir().join("command"));
    command
}

/// Waits until something holds that must hold soon.
#[track_caller]
fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
