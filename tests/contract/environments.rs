//! Environments: several executions that share one interpreter and one workspace.

use crate::{On, exception, files, json_value, output, permissive, shown};
use bailiwick::limits::ByteSize;
use bailiwick::{EngineErrorKind, ExecutionContext, ExitKind, Language, LimitOverrides};
use std::sync::mpsc;
use std::time::{Duration, Instant};

fn state_lives_on_in_python(on: On) {
    let env = on.environment(Language::Python);
    output(&env.run("import math\nx = 20\ndef f(): return x + 1\nclass C:\n    n = 5\nwith open('note', 'w') as file: file.write('kept')"));
    let result = env.run("x += 1\nprint(math.floor(2.5), f(), C.n, open('note').read())\nx");
    assert_eq!(output(&result), "2 22 5 kept\n");
    assert_eq!(json_value(&result), 21);
    assert_eq!(output(&env.run("from __future__ import annotations\nprint(x)")), "21\n");
    output(&env.run("import os\nos.mkdir('d')\nos.chdir('d')"));
    // Each run starts in the workspace... or where the last one went: whichever, the files are there.
    assert_eq!(output(&env.run("print(sorted(os.listdir('/workspace')))")), "['d', 'note']\n");
}

fn state_lives_on_in_javascript(on: On) {
    let env = on.environment(Language::JavaScript);
    output(&env.run(
        "let a = 1; const b = 2; function f() { return a + b } class C { n = 5 } globalThis.d = 4; var e = [1]; require('fs').writeFileSync('note', 'kept')",
    ));
    let result = env.run(
        "a += 1; e.push(2); console.log(f(), new C().n, d, e, require('fs').readFileSync('note', 'utf8')); a",
    );
    assert_eq!(output(&result), "4 5 4 [ 1, 2 ] kept\n");
    assert_eq!(json_value(&result), 2);
    assert_eq!(json_value(&env.run("const late = await Promise.resolve(7); late")), 7);
    assert_eq!(json_value(&env.run("late + 1")), 8);
}

fn what_fails_of_itself_keeps_the_environment(on: On) {
    let env = on.environment(Language::Python);
    output(&env.run("y = 1"));
    for (code, kind) in [
        ("z = 2\nraise ValueError('x')", "exception"),
        ("import sys; sys.exit(4)", "exited"),
        ("x = (", "exception"),
        ("def f(): f()\nf()", "exception"),
    ] {
        assert_eq!(env.run(code).exit.kind(), kind, "{code}");
        assert_eq!(output(&env.run("print(y)")), "1\n", "after {code}");
    }
    assert_eq!(output(&env.run("print(z)")), "2\n");
    let env = on.environment(Language::JavaScript);
    output(&env.run("let y = 1"));
    for (code, kind) in [
        ("let z = 2; throw new Error('x')", "exception"),
        ("process.exit(4)", "exited"),
        ("let = ;", "exception"),
        ("Promise.reject(new Error('r'))", "exception"),
        ("(function f() { f() })()", "exception"),
    ] {
        assert_eq!(env.run(code).exit.kind(), kind, "{code}");
        assert_eq!(output(&env.run("console.log(y)")), "1\n", "after {code}");
    }
    assert_eq!(output(&env.run("console.log(z)")), "2\n");
}

fn exit_codes_and_exceptions_are_told(on: On) {
    let env = on.environment(Language::Python);
    for code in [0, 3, 255] {
        let result = env.run(&format!("import sys; sys.exit({code})"));
        assert_eq!(result.exit, ExitKind::Exited { code }, "{}", shown(&result));
    }
    let told = exception(&env.run("class Own(Exception): pass\nraise Own('told')"));
    assert_eq!(told, ("Own".to_owned(), "told".to_owned()));
    let env = on.environment(Language::JavaScript);
    for code in [0, 3, 255] {
        let result = env.run(&format!("process.exit({code})"));
        assert_eq!(result.exit, ExitKind::Exited { code }, "{}", shown(&result));
    }
    let told = exception(&env.run("class Own extends Error {} throw new Own('told')"));
    assert_eq!(told, ("Own".to_owned(), "told".to_owned()));
}

fn each_execution_has_its_own_input(on: On) {
    let env = on.environment(Language::Python);
    let code = "import sys, os\nprint(sys.stdin.read(), sys.argv[1:])";
    let with = |text: &str| ExecutionContext::new().stdin(text).arg(text).file("in.txt", text);
    assert_eq!(output(&env.run_with(code, with("one"))), "one ['one']\n");
    assert_eq!(output(&env.run_with(code, with("two"))), "two ['two']\n");
    assert_eq!(output(&env.run(code)), " []\n");
    let result =
        env.run_with("print(open('in.txt').read())", ExecutionContext::new().collect_artifacts(true));
    assert_eq!(output(&result), "two\n");
    assert_eq!(files(&result), [("in.txt", &b"two"[..])]);
    let env = on.environment(Language::JavaScript);
    let code = "console.log(require('fs').readFileSync(0, 'utf8'), process.argv.slice(2))";
    assert_eq!(output(&env.run_with(code, with("one"))), "one [ 'one' ]\n");
    assert_eq!(output(&env.run_with(code, with("two"))), "two [ 'two' ]\n");
    assert_eq!(output(&env.run(code)), " []\n");
}

fn what_a_limit_stops_is_lost(on: On) {
    let time = Duration::from_millis(500);
    for (language, code, limits, exit) in [
        (
            Language::Python,
            "print('kept')\nwhile True: pass",
            LimitOverrides::new().wall_time(time),
            ExitKind::TimedOut { limit: time },
        ),
        (
            Language::JavaScript,
            "console.log('kept'); for (;;);",
            LimitOverrides::new().wall_time(time),
            ExitKind::TimedOut { limit: time },
        ),
        (
            Language::Python,
            "print('kept')\nwhile True: print('x' * 1000)",
            LimitOverrides::new().output(ByteSize::from_kb(8)),
            ExitKind::OutputLimit { limit: ByteSize::from_kb(8) },
        ),
    ] {
        let env = on.environment(language);
        let first = if language == Language::Python { "print('up')" } else { "console.log('up')" };
        assert_eq!(output(&env.run(first)), "up\n");
        let result = env.run_with(code, ExecutionContext::new().limits(limits));
        assert_eq!(result.exit, exit, "{code}: {}", shown(&result));
        assert!(result.stdout_text().starts_with("kept\n"), "{code}");
        let error = env.error("1");
        assert!(matches!(&error.kind, EngineErrorKind::EnvironmentLost { .. }), "{code}: {error}");
        assert!(error.to_string().contains("prepare a new one"), "{error}");
    }
}

fn limits_apply_to_each_execution(on: On) {
    let env = on.environment(Language::Python);
    let context = || {
        ExecutionContext::new()
            .limits(LimitOverrides::new().wall_time(Duration::from_secs(3)).output(ByteSize::from_kb(4)))
    };
    for _ in 0..4 {
        // Together they are over both limits, each alone is not.
        let result = env.run_with("import time\ntime.sleep(1)\nprint('x' * 3000)", context());
        assert_eq!(output(&result).len(), 3001);
    }
}

fn they_do_not_see_each_other(on: On) {
    let (a, b) = (on.environment(Language::Python), on.environment(Language::Python));
    output(&a.run(
        "secret = 1\nopen('s', 'w').close()\nopen('/tmp/s', 'w').close()\nimport os\nos.environ['S'] = '1'",
    ));
    let look = "import os\nprint('secret' in globals(), os.listdir('.'), os.path.exists('/tmp/s'), 'S' in os.environ)";
    assert_eq!(output(&b.run(look)), "False [] False False\n");
    assert_eq!(output(&a.run(look)), "True ['s'] True True\n");
    assert_eq!(output(&on.python(look)), "False [] False False\n");
}

fn cleanup_stops_what_runs_and_frees_it(on: On) {
    let engine = permissive().build().unwrap();
    let environment = engine.prepare_environment(Language::Python).unwrap();
    output(&environment.execute_blocking("x = 1", &on.context()).unwrap());
    let (sender, started) = mpsc::channel();
    let context = on.context().on_output(move |_, _| {
        let _ = sender.send(());
    });
    let running = environment.clone();
    let busy =
        std::thread::spawn(move || running.execute_blocking("print('up')\nwhile True: pass", &context));
    started.recv_timeout(Duration::from_secs(30)).unwrap();
    let start = Instant::now();
    assert!(engine.cleanup_environment(environment.id()));
    assert_eq!(busy.join().unwrap().unwrap().exit, ExitKind::Cancelled);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert!(!engine.cleanup_environment(environment.id()), "it is gone");
    assert!(engine.environments().is_empty());
    let error = environment.execute_blocking("x", &on.context()).unwrap_err();
    assert!(matches!(error.kind, EngineErrorKind::NoEnvironment(_)), "{error}");
}

fn an_environment_stays_where_it_lives(on: On) {
    let env = on.environment(Language::Python);
    output(&env.run("x = 1"));
    // Without a wish it goes on where it is.
    let result = env.environment.execute_blocking("print(x)", &ExecutionContext::new()).unwrap();
    assert_eq!((output(&result).as_str(), result.backend), ("1\n", Some(on.name)));
    let elsewhere = if on.is_wasm() { On::DOCKER } else { On::WASM };
    let error = env.environment.execute_blocking("x", &elsewhere.context()).unwrap_err();
    assert!(
        matches!(error.kind, EngineErrorKind::EnvironmentElsewhere { lives_in, .. } if lives_in == on.name),
        "{error}"
    );
}

on_every_backend!(
    state_lives_on_in_python,
    state_lives_on_in_javascript,
    what_fails_of_itself_keeps_the_environment,
    exit_codes_and_exceptions_are_told,
    each_execution_has_its_own_input,
    what_a_limit_stops_is_lost,
    limits_apply_to_each_execution,
    they_do_not_see_each_other,
    cleanup_stops_what_runs_and_frees_it,
    an_environment_stays_where_it_lives,
);
