//! What is recorded of a run, and that policy comes before every backend.

use crate::{On, default_policy, output, permissive};
use bailiwick::limits::ByteSize;
use bailiwick::{
    BackendErrorKind, ContainersConfig, EngineErrorKind, ExecutionContext, ExitKind, Language, LimitOverrides,
};
use std::time::Duration;

fn every_ending_is_recorded_with_its_backend(on: On) {
    let engine = permissive().build().unwrap();
    let short = LimitOverrides::new().wall_time(Duration::from_millis(300)).output(ByteSize::from_kb(8));
    let mut results = Vec::new();
    for (language, code) in [
        (Language::Python, "print('x' * 9)"),
        (Language::Python, "1 / 0"),
        (Language::Python, "import sys; sys.exit(3)"),
        (Language::Python, "while True: pass"),
        (Language::Python, "while True: print('x' * 1000)"),
        (Language::JavaScript, "console.error('e')"),
        (Language::JavaScript, "null.x"),
    ] {
        let context = on.context().limits(if code.starts_with("while") {
            short.clone()
        } else {
            LimitOverrides::new().wall_time(Duration::from_secs(9))
        });
        results.push(engine.execute_blocking(code, language, &context).unwrap());
    }
    results.reverse();
    let records = engine.execution_history(10).unwrap();
    let kinds: Vec<_> = records.iter().map(|record| record.exit.as_ref().unwrap().kind()).collect();
    assert_eq!(kinds, ["exception", "exited", "output_limit", "timed_out", "exited", "exception", "exited"]);
    assert_eq!(records.len(), results.len());
    for (record, result) in records.iter().zip(&results) {
        assert_eq!(record.id, result.execution_id);
        assert_eq!(record.backend, Some(on.name));
        assert_eq!(record.language, result.language);
        assert_eq!(record.exit.as_ref(), Some(&result.exit));
        assert_eq!(record.usage.as_ref(), Some(&result.usage));
        assert_eq!(record.stdout_bytes, Some(result.stdout.len() as u64));
        assert_eq!(record.stderr_bytes, Some(result.stderr.len() as u64));
        assert_eq!((record.code.as_ref(), record.code_sha256.len()), (None, 64));
    }
}

fn runs_of_an_environment_are_recorded(on: On) {
    let engine = permissive().build().unwrap();
    let environment = engine.prepare_environment(Language::Python).unwrap();
    assert!(engine.execution_history(10).unwrap().is_empty(), "to prepare is not to run");
    for code in ["x = 1", "x / 0"] {
        environment.execute_blocking(code, &on.context()).unwrap();
    }
    let records = engine.execution_history(10).unwrap();
    let seen: Vec<_> =
        records.iter().map(|record| (record.backend, record.exit.as_ref().unwrap().kind())).collect();
    assert_eq!(seen, [(Some(on.name), "exception"), (Some(on.name), "exited")]);
}

/// The daemon of this engine is nowhere: a container that it tried to make would be an error.
fn denied_code_never_runs(on: On) {
    let containers = ContainersConfig {
        host: Some("unix:///nowhere/docker.sock".to_owned()),
        ..ContainersConfig::default()
    };
    let engine = default_policy().containers(containers).build().unwrap();
    for (language, code) in [
        (Language::Python, "print('ran')\nimport subprocess"),
        (Language::Python, "print('ran')\n__import__('os').system('ls')"),
        (Language::JavaScript, "console.log('ran'); require('child_process')"),
        (Language::Shell, "echo ran; curl http://example.org | sh"),
    ] {
        if on.is_wasm() && language == Language::Shell {
            continue;
        }
        let result = engine.execute_blocking(code, language, &on.context()).unwrap();
        assert_eq!(result.exit, ExitKind::Denied, "{code}");
        assert_eq!((result.backend, result.stdout.len(), result.exit.exit_status()), (None, 0, 126));
        assert!(!result.policy.allowed && !result.policy.findings.is_empty(), "{code}");
        let record = &engine.execution_history(1).unwrap()[0];
        assert_eq!((record.id, record.backend), (result.execution_id, None));
        assert_eq!(record.exit, Some(ExitKind::Denied));
        let environment = engine.prepare_environment(language).unwrap();
        assert_eq!(
            environment.execute_blocking(code, &on.context()).unwrap().exit,
            ExitKind::Denied,
            "{code}"
        );
    }
    // Code that comes in as a file is judged as the code itself is.
    let context = on.context().file("helper.py", "import subprocess\n");
    let result = engine.execute_blocking("import helper", Language::Python, &context).unwrap();
    assert_eq!(result.exit, ExitKind::Denied);
    // What passes is tried.
    let twin = engine.execute_blocking("print('ran')", Language::Python, &on.context());
    if on.is_wasm() {
        assert_eq!(output(&twin.unwrap()), "ran\n");
    } else {
        let error = twin.unwrap_err();
        let EngineErrorKind::Backend(error) = &error.kind else { panic!("{error}") };
        assert!(matches!(&error.kind, BackendErrorKind::Docker(_)), "{error}");
    }
}

/// The built-in policy lets the same code through on both.
fn harmless_code_passes_the_default_policy(on: On) {
    let engine = default_policy().build().unwrap();
    let context: ExecutionContext = on.context();
    for (language, code, expected) in [
        (Language::Python, "import json, math\nprint(json.dumps([math.sqrt(4)]))", "[2.0]\n"),
        (Language::JavaScript, "console.log([1, 2].map((x) => x * 2))", "[ 2, 4 ]\n"),
    ] {
        let result = engine.execute_blocking(code, language, &context).unwrap();
        assert_eq!((output(&result).as_str(), result.backend), (expected, Some(on.name)));
        assert!(result.policy.allowed);
    }
}

on_every_backend!(
    every_ending_is_recorded_with_its_backend,
    runs_of_an_environment_are_recorded,
    denied_code_never_runs,
    harmless_code_passes_the_default_policy,
);
