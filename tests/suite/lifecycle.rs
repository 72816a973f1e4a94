//! Several runs at once, cancelling, streaming, denial, history.

use super::{cache_dir, engine, new_engine, output, python, run};
use bailiwick::{
    BackendChoice, ByteSize, CancelToken, ExecutionContext, ExecutionEngine, ExitKind, HistoryPlace,
    Language, OutputStream,
};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_at_once() {
    let runs = (0..40).map(|n| async move {
        let (language, code) = if n % 2 == 0 {
            (Language::Python, format!("print({n} * 2)"))
        } else {
            (Language::JavaScript, format!("console.log({n} * 2)"))
        };
        let result = engine().execute(&code, language, &ExecutionContext::new()).await.unwrap();
        assert_eq!(output(&result), format!("{}\n", n * 2));
    });
    let mut tasks = tokio::task::JoinSet::new();
    for run in runs {
        tasks.spawn(run);
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_future_stops_the_guest() {
    let engine = new_engine();
    let (sender, started) = mpsc::channel();
    let sender = Mutex::new(sender);
    let context = ExecutionContext::new().on_output(move |_, _| {
        let _ = sender.lock().unwrap().send(());
    });
    let run = tokio::time::timeout(
        Duration::from_secs(5),
        engine.execute("print('up', flush=True)\nwhile True: pass", Language::Python, &context),
    );
    let task = tokio::spawn({
        let engine = engine.clone();
        let context = context.clone();
        async move {
            engine.execute("print('up', flush=True)\nwhile True: pass", Language::Python, &context).await
        }
    });
    drop(run);
    tokio::task::spawn_blocking(move || started.recv_timeout(Duration::from_secs(20)).unwrap())
        .await
        .unwrap();
    task.abort();
    let start = Instant::now();
    loop {
        let records = engine.execution_history(10).unwrap();
        if records.iter().any(|record| record.exit == Some(ExitKind::Cancelled)) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "still running: {records:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_token_cancels_what_computes_and_what_sleeps() {
    for code in ["print('up')\nwhile True: pass", "print('up')\nimport time\ntime.sleep(20)"] {
        let token = CancelToken::new();
        let cancel = token.clone();
        let context = ExecutionContext::new().cancel_token(token).on_output(move |_, _| {
            let cancel = cancel.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                cancel.cancel();
            });
        });
        let result = engine().execute_blocking(code, Language::Python, &context).unwrap();
        assert_eq!(result.exit, ExitKind::Cancelled, "{code}");
        assert_eq!(result.stdout_text(), "up\n");
        assert!(result.usage.wall < Duration::from_secs(10));
    }
}

#[test]
fn output_streams_as_it_comes() {
    let seen: Arc<Mutex<Vec<(OutputStream, String, Instant)>>> = Arc::default();
    let log = Arc::clone(&seen);
    let context = ExecutionContext::new().on_output(move |stream, bytes| {
        log.lock().unwrap().push((stream, String::from_utf8_lossy(bytes).into_owned(), Instant::now()));
    });
    let code = "import sys, time\nprint('one')\ntime.sleep(0.2)\nprint('two', file=sys.stderr)\ntime.sleep(0.2)\nprint('three')";
    let result = engine().execute_blocking(code, Language::Python, &context).unwrap();
    assert_eq!((output(&result).as_str(), result.stderr_text().as_ref()), ("one\nthree\n", "two\n"));
    let seen = seen.lock().unwrap();
    let text = |wanted: OutputStream| {
        seen.iter().filter(|s| s.0 == wanted).map(|s| s.1.as_str()).collect::<String>()
    };
    assert_eq!(
        (text(OutputStream::Stdout).as_str(), text(OutputStream::Stderr).as_str()),
        ("one\nthree\n", "two\n")
    );
    let (first, last) = (seen.first().unwrap().2, seen.last().unwrap().2);
    assert!(last - first >= Duration::from_millis(300), "it came all at once");
}

#[test]
fn what_a_stopped_guest_still_buffers_is_kept() {
    let context = ExecutionContext::new()
        .limits(bailiwick::LimitOverrides::new().wall_time(Duration::from_millis(200)));
    let code = "import sys\nprint('line')\nsys.stdout.write('no line end')\nwhile True: pass";
    let result = engine().execute_blocking(code, Language::Python, &context).unwrap();
    assert_eq!(result.stdout_text(), "line\nno line end");
}

#[test]
fn denied_code_never_runs_and_is_recorded() {
    let engine = ExecutionEngine::builder()
        .history(HistoryPlace::Memory(10))
        .cache_dir(Some(cache_dir()))
        .build()
        .unwrap();
    let result = engine
        .execute_blocking("import os\nprint('ran')", Language::Python, &ExecutionContext::new())
        .unwrap();
    assert_eq!(result.exit, ExitKind::Denied);
    assert_eq!((result.backend, result.stdout.len(), result.exit.exit_status()), (None, 0, 126));
    assert!(!result.policy.findings.is_empty());
    let record = &engine.execution_history(1).unwrap()[0];
    assert_eq!(record.id, result.execution_id);
    assert_eq!(record.exit, Some(ExitKind::Denied));
    // Code that comes in as a file is judged as the code itself is.
    let context = ExecutionContext::new().file("helper.py", "import subprocess\n");
    let result = engine.execute_blocking("import helper", Language::Python, &context).unwrap();
    assert_eq!(result.exit, ExitKind::Denied);
    let context = ExecutionContext::new().file("notes.txt", "import subprocess\n");
    output(&engine.execute_blocking("print(1)", Language::Python, &context).unwrap());
}

#[test]
fn every_ending_is_recorded() {
    let engine = new_engine();
    for code in ["1", "1 / 0", "import sys; sys.exit(3)"] {
        engine.execute_blocking(code, Language::Python, &ExecutionContext::new()).unwrap();
    }
    let kinds: Vec<_> = engine
        .execution_history(10)
        .unwrap()
        .iter()
        .map(|record| record.exit.as_ref().unwrap().kind())
        .collect();
    assert_eq!(kinds, ["exited", "exception", "exited"]);
    let record = &engine.execution_history(1).unwrap()[0];
    assert_eq!(record.code, None, "the code is kept only if the owner says so");
    assert_eq!(record.code_sha256.len(), 64);
    assert_eq!(engine.execution_history(2).unwrap().len(), 2);
}

#[test]
fn shell_is_not_for_wasm() {
    let asked = ExecutionContext::new().backend(BackendChoice::Wasm);
    let error = engine().execute_blocking("echo hi", Language::Shell, &asked).unwrap_err();
    assert!(matches!(error.kind, bailiwick::EngineErrorKind::NoBackend { .. }), "{error}");
}

#[test]
fn a_run_is_measured_while_it_runs() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let samples = Arc::clone(&seen);
    let context = ExecutionContext::new()
        .on_usage(Duration::from_millis(10), move |usage| samples.lock().unwrap().push(*usage));
    let code =
        "x = bytearray(20_000_000)\nopen('f', 'wb').write(b'x' * 2_000_000)\nfor i in range(2_000_000): pass";
    let result = run(Language::Python, code, &context);
    output(&result);
    let seen = seen.lock().unwrap();
    assert!(seen.len() >= 3, "{} samples", seen.len());
    assert!(seen.windows(2).all(|pair| pair[0].wall <= pair[1].wall && pair[0].cpu <= pair[1].cpu));
    let last = seen.last().unwrap();
    assert_eq!(
        (result.usage.wall, result.usage.cpu),
        (last.wall, last.cpu),
        "the result has what was measured"
    );
    assert!(result.usage.peak_memory >= ByteSize::from_mb(19), "{:?}", result.usage);
    assert_eq!(result.metrics.unwrap().timeline.len(), seen.len());
    // Nobody asked, nothing is kept.
    assert!(python("1").metrics.is_none());
}
