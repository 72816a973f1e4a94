//! Runs that their caller stops.

use crate::{On, output, permissive, shown};
use bailiwick::{CancelToken, ExecutionContext, ExitKind, Language, LimitOverrides};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const ENDLESS: [(Language, &str); 4] = [
    (Language::Python, "print('up', flush=True)\nwhile True: pass"),
    (Language::Python, "print('up', flush=True)\nimport time\ntime.sleep(25)"),
    (Language::JavaScript, "console.log('up'); for (;;);"),
    (Language::JavaScript, "console.log('up'); setTimeout(() => {}, 14000)"),
];

/// A context that says when the first output comes.
fn told_of_output(context: ExecutionContext) -> (ExecutionContext, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    let context = context.on_output(move |_, _| {
        let _ = sender.send(());
    });
    (context, receiver)
}

fn a_token_stops_what_computes_and_what_sleeps(on: On) {
    for (language, code) in ENDLESS {
        let token = CancelToken::new();
        let (context, started) = told_of_output(ExecutionContext::new().cancel_token(token.clone()));
        let canceller = std::thread::spawn(move || {
            started.recv_timeout(Duration::from_secs(30)).unwrap();
            // The next case has it stopped in the very write.
            std::thread::sleep(Duration::from_millis(50));
            token.cancel();
            Instant::now()
        });
        let result = on.run(language, code, context);
        let since = canceller.join().unwrap();
        assert_eq!(result.exit, ExitKind::Cancelled, "{code}: {}", shown(&result));
        assert_eq!((result.stdout_text().as_ref(), result.exit.exit_status()), ("up\n", 130), "{code}");
        assert!(since.elapsed() < Duration::from_secs(8), "{code}: {:?}", since.elapsed());
    }
    let twin = ExecutionContext::new().cancel_token(CancelToken::new());
    assert_eq!(output(&on.run(Language::Python, "print('not stopped')", twin)), "not stopped\n");
}

/// The token is cancelled while the guest is in the middle of the very write that it waits for.
fn what_was_written_is_kept_once(on: On) {
    for (language, code) in [
        (Language::Python, "print('up', flush=True)\nwhile True: pass"),
        (Language::Python, "print('up')\nwhile True: pass"),
        (Language::Python, "import os\nos.write(1, b'up\\n')\nwhile True: pass"),
        (Language::JavaScript, "console.log('up'); for (;;);"),
    ] {
        let token = CancelToken::new();
        let cancel = token.clone();
        let context = ExecutionContext::new().cancel_token(token).on_output(move |_, _| cancel.cancel());
        let result = on.run(language, code, context);
        assert_eq!(result.exit, ExitKind::Cancelled, "{code}: {}", shown(&result));
        assert_eq!(result.stdout_text(), "up\n", "{code}");
    }
}

/// More than a pipe holds, by code that then never waits, fails, or leaves.
fn what_was_written_before_a_stop_is_kept(on: On) {
    let limit = Duration::from_secs(3);
    for (language, print, endings) in [
        (
            Language::Python,
            "for i in range(20000): print('x' * 49)\n",
            ["while True: pass", "1 / 0", "import sys; sys.exit(3)"],
        ),
        (
            Language::JavaScript,
            "for (let i = 0; i < 20000; i++) console.log('x'.repeat(49));\n",
            ["for (;;);", "null.x", "process.exit(3)"],
        ),
    ] {
        for (ending, kind) in endings.into_iter().zip(["timed_out", "exception", "exited"]) {
            let context = ExecutionContext::new().limits(LimitOverrides::new().wall_time(limit));
            let result = on.run(language, &format!("{print}{ending}"), context);
            assert_eq!(result.exit.kind(), kind, "{ending}: {:?}", result.exit);
            assert_eq!(result.stdout.len(), 1_000_000, "{ending}");
        }
    }
}

fn a_token_that_is_cancelled_already_lets_nothing_run(on: On) {
    let token = CancelToken::new();
    token.cancel();
    let (context, started) = told_of_output(ExecutionContext::new().cancel_token(token));
    let result = on.run(Language::Python, "print('ran')", context);
    assert_eq!((&result.exit, result.stdout.len()), (&ExitKind::Cancelled, 0), "{}", shown(&result));
    assert!(started.recv().is_err());
}

fn dropping_the_future_stops_the_run(on: On) {
    let engine = permissive().build().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (context, started) = told_of_output(on.context());
    let task = runtime.spawn({
        let engine = engine.clone();
        async move { engine.execute(ENDLESS[0].1, Language::Python, &context).await }
    });
    started.recv_timeout(Duration::from_secs(30)).unwrap();
    task.abort();
    let start = Instant::now();
    loop {
        let records = engine.execution_history(10).unwrap();
        assert_eq!(records.len(), 1);
        if records[0].exit == Some(ExitKind::Cancelled) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "still running: {records:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let twin = runtime.block_on(engine.execute("print('awaited')", Language::Python, &on.context())).unwrap();
    assert_eq!(output(&twin), "awaited\n");
}

fn several_run_at_once(on: On) {
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6)
            .map(|n| {
                scope.spawn(move || {
                    let (language, code) = if n % 2 == 0 {
                        (Language::Python, format!("import time\ntime.sleep(0.2)\nprint({n} * 2)"))
                    } else {
                        (Language::JavaScript, format!("console.log({n} * 2)"))
                    };
                    output(&on.run(language, &code, ExecutionContext::new()))
                })
            })
            .collect();
        for (n, run) in runs.into_iter().enumerate() {
            assert_eq!(run.join().unwrap(), format!("{}\n", n * 2));
        }
    });
}

on_every_backend!(
    a_token_stops_what_computes_and_what_sleeps,
    what_was_written_is_kept_once,
    what_was_written_before_a_stop_is_kept,
    a_token_that_is_cancelled_already_lets_nothing_run,
    dropping_the_future_stops_the_run,
    several_run_at_once,
);
