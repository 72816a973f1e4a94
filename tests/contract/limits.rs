//! Each limit has an ending of its own; what came before it is kept.

use crate::{On, exception, files, output, shown};
use bailiwick::limits::ByteSize;
use bailiwick::{
    EngineErrorKind, ExceptionInfo, ExecutionContext, ExecutionResult, ExitKind, Language, LimitOverrides,
};
use std::time::Duration;

fn with(limits: LimitOverrides) -> ExecutionContext {
    ExecutionContext::new().limits(limits)
}

/// The ending and what was written before it.
#[track_caller]
fn ended(result: &ExecutionResult, exit: &ExitKind, code: &str) {
    assert_eq!(&result.exit, exit, "{code}: {}", shown(result));
    assert_eq!(result.stdout_text(), "kept\n", "{code}: {}", shown(result));
}

fn the_clock_ends_what_computes_and_what_sleeps(on: On) {
    let limit = Duration::from_millis(400);
    let exit = ExitKind::TimedOut { limit };
    for (language, code) in [
        (Language::Python, "print('kept')\nwhile True: pass"),
        (Language::Python, "print('kept')\nimport time\ntime.sleep(60)"),
        (Language::Python, "print('kept')\nsum(range(10**12))"),
        (Language::Python, "print('kept')\nimport re\nre.match(r'(a+)+$', 'a' * 40 + 'b')"),
        (Language::Python, "print('kept')\nimport asyncio\nasyncio.run(asyncio.sleep(60))"),
        (
            Language::Python,
            "print('kept')\nwhile True:\n    try:\n        while True: pass\n    except BaseException: print('caught')",
        ),
        (Language::JavaScript, "console.log('kept'); for (;;);"),
        (Language::JavaScript, "console.log('kept'); setTimeout(() => {}, 60000)"),
        (Language::JavaScript, "console.log('kept'); /(a+)+$/.test('a'.repeat(40) + 'b')"),
        (Language::JavaScript, "console.log('kept'); await new Promise((r) => setTimeout(r, 60000))"),
        (Language::JavaScript, "console.log('kept'); (function f() { Promise.resolve().then(f) })()"),
    ] {
        let result = on.run(language, code, with(LimitOverrides::new().wall_time(limit)));
        ended(&result, &exit, code);
        assert!(result.usage.wall >= limit, "{code}: {:?}", result.usage.wall);
        assert!(result.usage.wall < Duration::from_secs(20), "{code}: {:?}", result.usage.wall);
    }
    let limit = with(LimitOverrides::new().wall_time(Duration::from_secs(20)));
    let twin = "import time\ntime.sleep(0.1)\nprint(sum(range(10**5)))";
    assert_eq!(output(&on.run(Language::Python, twin, limit.clone())), "4999950000\n");
    let twin = "await new Promise((r) => setTimeout(r, 100)); console.log('in time')";
    assert_eq!(output(&on.run(Language::JavaScript, twin, limit)), "in time\n");
}

fn fuel_is_counted_or_refused(on: On) {
    for (language, endless, harmless) in [
        (Language::Python, "print('kept')\nwhile True: pass", "print('kept')"),
        (Language::JavaScript, "console.log('kept'); for (;;);", "console.log('kept')"),
    ] {
        let context = with(LimitOverrides::new().fuel(500_000_000));
        if on.is_wasm() {
            let result = on.run(language, endless, context.clone());
            ended(&result, &ExitKind::FuelExhausted { limit: 500_000_000 }, endless);
            assert_eq!(output(&on.run(language, harmless, context)), "kept\n");
        } else {
            for code in [endless, harmless] {
                let error = on.try_run(language, code, context.clone()).unwrap_err();
                assert!(
                    matches!(error.kind, EngineErrorKind::Unenforceable { backend: bailiwick::BackendName::Docker, limit } if limit.starts_with("fuel")),
                    "{error}"
                );
            }
            // Nothing that was not asked for is refused: the default fuel is a backstop of the clock.
            let result = on.run(language, harmless, ExecutionContext::new());
            assert_eq!((output(&result).as_str(), result.usage.fuel), ("kept\n", None));
        }
    }
}

fn memory_ends_what_takes_too_much(on: On) {
    let limit = ByteSize::from_mb(64);
    let context = || with(LimitOverrides::new().memory(limit));
    for (language, code) in [
        (Language::Python, "print('kept')\nb = bytearray(10**9)"),
        (Language::Python, "print('kept')\na = []\nwhile True: a.append('x' * 1000)"),
        (Language::Python, "print('kept')\na = 'x'\nwhile True: a += a"),
        (
            Language::JavaScript,
            "console.log('kept'); const a = []; for (;;) a.push('x'.repeat(1000) + a.length)",
        ),
        (
            Language::JavaScript,
            "console.log('kept'); const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))",
        ),
        (Language::JavaScript, "console.log('kept'); new Uint8Array(1e9).fill(1)"),
    ] {
        let result = on.run(language, code, context());
        let ExitKind::MemoryLimit { limit: told, exception } = &result.exit else {
            panic!("{code}: {}", shown(&result));
        };
        assert_eq!((*told, result.exit.exit_status()), (limit, 137), "{code}");
        // A guest of ours is refused memory and says so; a container's kernel ends the interpreter.
        if on.is_wasm() && language == Language::Python {
            assert_eq!(exception.as_ref().unwrap().type_name, "MemoryError", "{code}");
        }
        assert_eq!(result.stdout_text(), "kept\n", "{code}");
        assert!(result.usage.peak_memory <= limit, "{code}: {:?}", result.usage);
    }
    let twin = "b = bytearray(20 * 10**6)\nprint(len(b))";
    assert_eq!(output(&on.run(Language::Python, twin, context())), "20000000\n");
    let twin = "console.log(new Uint8Array(10e6).fill(1).length)";
    assert_eq!(output(&on.run(Language::JavaScript, twin, context())), "10000000\n");
    assert_eq!(output(&on.python("print('alive')")), "alive\n");
}

fn a_refusal_of_memory_that_is_caught_is_no_ending(on: On) {
    // More than any address space here has.
    let code = "try:\n    'x' * (1 << 62) if __import__('sys').maxsize > 1 << 60 else 'x' * (1 << 30)\nexcept MemoryError:\n    print('seen')";
    let context = with(LimitOverrides::new().memory(ByteSize::from_mb(64)));
    assert_eq!(output(&on.run(Language::Python, code, context)), "seen\n");
}

fn output_ends_at_its_limit(on: On) {
    let limit = ByteSize::from_kb(64);
    let context = || with(LimitOverrides::new().output(limit));
    for (language, code) in [
        (Language::Python, "while True: print('x' * 50)"),
        (Language::Python, "import os\nwhile True: os.write(1, b'x' * 100000)"),
        (Language::JavaScript, "for (;;) console.log('x'.repeat(50))"),
        (Language::JavaScript, "setInterval(() => console.log('x'.repeat(5000)), 1)"),
    ] {
        let result = on.run(language, code, context());
        assert_eq!(result.exit, ExitKind::OutputLimit { limit }, "{code}");
        assert!(result.truncated.stdout && !result.truncated.stderr, "{code}");
        assert_eq!(result.stdout.len(), 64 << 10, "{code}");
        assert_eq!(result.exit.exit_status(), 141);
    }
    let code = "import sys\nprint('kept', flush=True)\nwhile True: sys.stderr.write('e' * 1000)";
    let result = on.run(Language::Python, code, context());
    assert_eq!(result.exit, ExitKind::OutputLimit { limit });
    assert!(result.truncated.stderr && !result.truncated.stdout);
    assert_eq!((result.stdout_text().as_ref(), result.stderr.len()), ("kept\n", (64 << 10) - 5));
    // One write that is too much, at the very end.
    let code = "import sys\nsys.stdout.write('x' * 65537)";
    let result = on.run(Language::Python, code, context());
    assert_eq!((&result.exit, result.stdout.len()), (&ExitKind::OutputLimit { limit }, 64 << 10));
    let twin = on.run(Language::Python, "import sys\nsys.stdout.write('x' * 65536)", context());
    assert!(twin.is_success() && !twin.truncated.any(), "exactly the limit is no overrun");
    assert_eq!(twin.stdout.len(), 64 << 10);
}

fn a_full_disk_is_an_error_of_the_guests(on: On) {
    let limit = ByteSize::from_mb(1);
    let context = || with(LimitOverrides::new().disk(limit)).collect_artifacts(true);
    let result =
        on.run(Language::Python, "print('kept')\nopen('big', 'wb').write(b'x' * (2 << 20))", context());
    let told = match &result.exit {
        ExitKind::DiskLimit { limit: told, code: 1, exception: Some(exception) } if *told == limit => {
            exception
        }
        _ => panic!("{}", shown(&result)),
    };
    assert_eq!(told.type_name, "OSError");
    assert!(told.message.contains("No space left on device"), "{}", told.message);
    assert_eq!(result.stdout_text(), "kept\n");
    let code = "console.log('kept'); require('fs').writeFileSync('big', 'x'.repeat(2 << 20))";
    let result = on.run(Language::JavaScript, code, context());
    let ExitKind::DiskLimit { exception: Some(told), code: 1, .. } = &result.exit else {
        panic!("{}", shown(&result));
    };
    assert_eq!(told.type_name, "Error");
    // Known: Node names the call that failed, which is `write`; the guest's own `fs` names `open 'big'`.
    let call = if on.is_wasm() { "open 'big'" } else { "write" };
    assert_eq!(told.message, format!("ENOSPC: no space left on device, {call}"));
    assert_eq!(result.stdout_text(), "kept\n");
    // Code that knows what to do about it goes on.
    let code = "import errno\nopen('small', 'w').write('s')\ntry:\n    with open('big', 'wb') as f: f.write(b'x' * (2 << 20))\nexcept OSError as e:\n    print(errno.errorcode[e.errno])\nimport os\nos.remove('big')";
    let result = on.run(Language::Python, code, context());
    assert_eq!(output(&result), "ENOSPC\n");
    assert_eq!(files(&result), [("small", &b"s"[..])]);
    // Room that is given back can be used again.
    let twin = "for i in range(20):\n    with open('a', 'wb') as f: f.write(b'x' * 800000)\nprint('fine')";
    assert_eq!(output(&on.run(Language::Python, twin, context())), "fine\n");
}

fn the_disk_limit_holds_everywhere(on: On) {
    let limit = ByteSize::from_mb(1);
    for (what, code) in [
        ("/tmp", "with open('/tmp/a', 'wb') as f: f.write(b'x' * (2 << 20))"),
        (
            "both places",
            "for p in ('/tmp/a', 'a'):\n    with open(p, 'wb') as f: f.write(b'x' * (800 << 10))\nimport time\ntime.sleep(2)",
        ),
        ("many small files", "for i in range(20000):\n    with open(f'f{i}', 'w') as f: f.write('x' * 100)"),
        ("many directories", "import os\nfor i in range(20000): os.mkdir(f'd{i}')"),
        (
            "unlinked but open",
            "import os\nkeep = []\nfor i in range(20):\n    f = open('a', 'wb'); f.write(b'x' * 100000); f.flush(); os.unlink('a'); keep.append(f)",
        ),
    ] {
        let context = with(LimitOverrides::new().disk(limit));
        let result = on.run(Language::Python, &format!("print('kept')\n{code}\nprint('passed')"), context);
        assert!(matches!(result.exit, ExitKind::DiskLimit { .. }), "{what}: {}", shown(&result));
        assert_eq!(result.stdout_text(), "kept\n", "{what}");
    }
}

fn an_input_file_beyond_the_disk_limit_is_an_error(on: On) {
    let limits = LimitOverrides::new().disk(ByteSize::from_mb(1));
    let context = with(limits).file("fits", vec![0; 100]).file("big", vec![0; 2 << 20]);
    let error = on.try_run(Language::Python, "1", context).unwrap_err();
    assert!(error.to_string().contains("`big` does not fit the disk limit"), "{error}");
}

fn open_files_are_bounded(on: On) {
    let context = || with(LimitOverrides::new().open_files(32));
    let code = "import errno\nopened = []\ntry:\n    while True: opened.append(open(f'f{len(opened)}', 'w'))\nexcept OSError as e:\n    print(len(opened), errno.errorcode[e.errno])";
    // The three standard streams count.
    let most = 29;
    assert_eq!(output(&on.run(Language::Python, code, context())), format!("{most} EMFILE\n"));
    let code = "const fs = require('fs'); let n = 0; try { for (;; n++) fs.openSync('f' + n, 'w') } catch (e) { console.log(n >= 12, e.code) }";
    assert_eq!(output(&on.run(Language::JavaScript, code, context())), "true EMFILE\n");
    let code = "opened = []\nwhile True: opened.append(open(f'f{len(opened)}', 'w'))";
    let (kind, message) = exception(&on.run(Language::Python, code, context()));
    assert_eq!(kind, "OSError");
    // Known: WASI numbers its errors otherwise than Linux, and its C library words them otherwise.
    let (number, text) =
        if on.is_wasm() { (33, "No file descriptors available") } else { (24, "Too many open files") };
    assert_eq!(message, format!("[Errno {number}] {text}: 'f{most}'"));
    let twin = "opened = [open(f'f{n}', 'w') for n in range(20)]\nprint(len(opened))";
    assert_eq!(output(&on.run(Language::Python, twin, context())), "20\n");
    let twin = "for n in range(200): open('f', 'w').close()\nprint('closed')";
    assert_eq!(output(&on.run(Language::Python, twin, context())), "closed\n");
}

fn few_open_files_are_enough_to_start(on: On) {
    for (language, code) in [(Language::Python, "print('up')"), (Language::JavaScript, "console.log('up')")] {
        let context = with(LimitOverrides::new().open_files(8));
        assert_eq!(output(&on.run(language, code, context)), "up\n");
    }
}

fn processes_are_bounded_where_there_are_any(on: On) {
    let fork = "import os, time\nprint('kept')\nwhile True:\n    if os.fork() == 0:\n        time.sleep(60)";
    let twin = "import os\nchildren = []\nfor n in range(2):\n    pid = os.fork()\n    if pid == 0: os._exit(n)\n    children.append(pid)\nprint([os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in children])";
    let result = on.python(fork);
    if on.is_wasm() {
        // A guest in WebAssembly can start none.
        assert!(matches!(result.exit, ExitKind::Exception { code: 1, .. }), "{}", shown(&result));
        return;
    }
    let exception = ExceptionInfo {
        type_name: "BlockingIOError".to_owned(),
        message: "[Errno 11] Resource temporarily unavailable".to_owned(),
    };
    ended(&result, &ExitKind::ProcessLimit { limit: 5, code: 1, exception: Some(exception) }, fork);
    assert_eq!(output(&on.python(twin)), "[0, 1]\n");
    let bomb =
        "import os\nprint('kept', flush=True)\nwhile True:\n    try: os.fork()\n    except OSError: pass";
    let limit = Duration::from_secs(2);
    let result = on.run(Language::Python, bomb, with(LimitOverrides::new().wall_time(limit)));
    ended(&result, &ExitKind::TimedOut { limit }, bomb);
    let run = "import subprocess\nprint(subprocess.run(['echo', 'hi'], capture_output=True, text=True))";
    assert_eq!(
        output(&on.python(run)),
        "CompletedProcess(args=['echo', 'hi'], returncode=0, stdout='hi\\n', stderr='')\n"
    );
    let spawn = "const { spawnSync } = require('child_process'); console.log(String(spawnSync('echo', ['hi']).stdout))";
    assert_eq!(output(&on.javascript(spawn)), "hi\n\n");
    let threads = "import threading, time\nprint('kept')\nfor n in range(20): threading.Thread(target=time.sleep, args=(5,), daemon=True).start()";
    let result = on.python(threads);
    let ExitKind::ProcessLimit { limit: 5, code: 1, exception: Some(told) } = &result.exit else {
        panic!("{}", shown(&result));
    };
    assert_eq!((told.type_name.as_str(), told.message.as_str()), ("RuntimeError", "can't start new thread"));
    let twin = "import threading\nts = [threading.Thread(target=print, args=(n,)) for n in range(2)]\nfor t in ts: t.start(); t.join()";
    assert_eq!(output(&on.python(twin)), "0\n1\n");
}

fn a_limit_above_the_ceiling_is_refused_and_not_cut(on: On) {
    for limits in [
        LimitOverrides::new().memory(ByteSize::from_mb(1 << 20)),
        LimitOverrides::new().wall_time(Duration::from_secs(1_000_000)),
        LimitOverrides::new().wall_time(Duration::ZERO),
        LimitOverrides::new().processes(100_000),
        LimitOverrides::new().output(ByteSize::from_mb(1000)),
    ] {
        let error = on.try_run(Language::Python, "1", with(limits)).unwrap_err();
        assert!(matches!(error.kind, EngineErrorKind::Limit(_)), "{error}");
    }
}

fn usage_is_told(on: On) {
    let code = "open('f', 'wb').write(b'x' * 50000)\nb = bytearray(30 << 20)\nn = 0\nfor i in range(10**6): n += i\nn";
    let result = on.python(code);
    assert!(result.is_success(), "{}", shown(&result));
    let usage = &result.usage;
    assert!(usage.disk.bytes() >= 50000, "{usage:?}");
    assert!(usage.peak_memory >= ByteSize::from_mb(30), "{usage:?}");
    assert!(usage.cpu > Duration::from_millis(5) && usage.wall >= usage.cpu / 2, "{usage:?}");
    assert_eq!(usage.fuel.is_some(), on.is_wasm());
}

on_every_backend!(
    the_clock_ends_what_computes_and_what_sleeps,
    fuel_is_counted_or_refused,
    memory_ends_what_takes_too_much,
    a_refusal_of_memory_that_is_caught_is_no_ending,
    output_ends_at_its_limit,
    a_full_disk_is_an_error_of_the_guests,
    the_disk_limit_holds_everywhere,
    an_input_file_beyond_the_disk_limit_is_an_error,
    open_files_are_bounded,
    few_open_files_are_enough_to_start,
    processes_are_bounded_where_there_are_any,
    a_limit_above_the_ceiling_is_refused_and_not_cut,
    usage_is_told,
);
