//! Stateful environments.

use super::{cache_dir, engine, json_value, new_engine, output};
use bailiwick::{
    EngineErrorKind, ExecutionContext, ExecutionEngine, ExitKind, HistoryPlace, Language, LimitOverrides,
};
use std::time::{Duration, Instant};

fn plain() -> ExecutionContext {
    ExecutionContext::new()
}

#[test]
fn variables_imports_and_files_live_on() {
    let env = engine().prepare_environment(Language::Python).unwrap();
    output(
        &env.execute_blocking(
            "import math\nx = 20\ndef f(): return x + 1\nopen('note', 'w').write('kept')",
            &plain(),
        )
        .unwrap(),
    );
    let result = env
        .execute_blocking("x += 1\nprint(math.floor(2.5), f(), open('note').read())\nx", &plain())
        .unwrap();
    assert_eq!(output(&result), "2 22 kept\n");
    assert_eq!(json_value(&result), 21);
    let env = engine().prepare_environment(Language::JavaScript).unwrap();
    output(
        &env.execute_blocking(
            "let a = 1; const b = 2; function f() { return a + b } class C {} globalThis.d = 4",
            &plain(),
        )
        .unwrap(),
    );
    let result = env.execute_blocking("a += 1; console.log(f(), typeof C, d)", &plain()).unwrap();
    assert_eq!(output(&result), "4 function 4\n");
}

#[test]
fn an_exception_leaves_the_environment_intact() {
    let env = engine().prepare_environment(Language::Python).unwrap();
    let result = env.execute_blocking("y = 1\nraise ValueError('x')", &plain()).unwrap();
    assert!(matches!(result.exit, ExitKind::Exception { .. }));
    assert_eq!(output(&env.execute_blocking("print(y)", &plain()).unwrap()), "1\n");
    let result = env.execute_blocking("import sys; sys.exit(4)", &plain()).unwrap();
    assert_eq!(result.exit, ExitKind::Exited { code: 4 });
    assert_eq!(output(&env.execute_blocking("print(y)", &plain()).unwrap()), "1\n");
}

#[test]
fn limits_apply_to_each_execution() {
    let env = engine().prepare_environment(Language::Python).unwrap();
    let context = plain().limits(LimitOverrides::new().fuel(300_000_000));
    for _ in 0..5 {
        output(&env.execute_blocking("sum(range(10**5))", &context).unwrap());
    }
    let result = env.execute_blocking("while True: pass", &context).unwrap();
    assert_eq!(result.exit, ExitKind::FuelExhausted { limit: 300_000_000 });
    let error = env.execute_blocking("1", &plain()).unwrap_err();
    assert!(matches!(&error.kind, EngineErrorKind::EnvironmentLost { .. }), "{error}");
    assert!(error.to_string().contains("prepare a new one"), "{error}");
}

#[test]
fn environments_do_not_see_each_other() {
    let (a, b) = (
        engine().prepare_environment(Language::Python).unwrap(),
        engine().prepare_environment(Language::Python).unwrap(),
    );
    output(&a.execute_blocking("secret = 1\nopen('s', 'w').close()", &plain()).unwrap());
    let result =
        b.execute_blocking("import os\nprint('secret' in globals(), os.listdir('.'))", &plain()).unwrap();
    assert_eq!(output(&result), "False []\n");
}

#[test]
fn cleanup_frees_it_and_stops_what_runs_in_it() {
    let engine = new_engine();
    let env = engine.prepare_environment(Language::Python).unwrap();
    output(&env.execute_blocking("x = 1", &plain()).unwrap());
    let running = env.clone();
    let busy = std::thread::spawn(move || running.execute_blocking("while True: pass", &plain()));
    std::thread::sleep(Duration::from_millis(100));
    assert!(engine.cleanup_environment(env.id()));
    assert!(matches!(busy.join().unwrap().unwrap().exit, ExitKind::Cancelled));
    assert!(!engine.cleanup_environment(env.id()), "it is gone");
    assert!(engine.environments().is_empty());
    let error = env.execute_blocking("x", &plain()).unwrap_err();
    assert!(matches!(error.kind, EngineErrorKind::NoEnvironment(_)), "{error}");
}

#[test]
fn one_left_behind_is_freed() {
    let engine = ExecutionEngine::builder()
        .history(HistoryPlace::Memory(10))
        .cache_dir(Some(cache_dir()))
        .environment_idle(Duration::from_millis(200))
        .build()
        .unwrap();
    let env = engine.prepare_environment(Language::JavaScript).unwrap();
    output(&env.execute_blocking("var x = 1", &plain()).unwrap());
    let start = Instant::now();
    while !engine.environments().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20), "never freed");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(start.elapsed() >= Duration::from_millis(100), "freed while it was in use");
}

#[test]
fn environments_take_places() {
    let engine = ExecutionEngine::builder()
        .history(HistoryPlace::Memory(10))
        .cache_dir(Some(cache_dir()))
        .max_sandboxes(1)
        .queue_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let env = engine.prepare_environment(Language::JavaScript).unwrap();
    output(&env.execute_blocking("var x = 1", &plain()).unwrap());
    let error = engine.execute_blocking("1", Language::JavaScript, &plain()).unwrap_err();
    assert!(error.to_string().contains("all places"), "{error}");
    assert!(engine.cleanup_environment(env.id()));
    output(&engine.execute_blocking("1", Language::JavaScript, &plain()).unwrap());
}
