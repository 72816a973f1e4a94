//! Each limit has an ending of its own, and what came before it is kept.

use super::{javascript, json_value, output, python, run};
use bailiwick::limits::ByteSize;
use bailiwick::{ExecutionContext, ExitKind, Language, LimitOverrides};
use std::time::Duration;

fn with(limits: LimitOverrides) -> ExecutionContext {
    ExecutionContext::new().limits(limits)
}

#[test]
fn fuel_ends_a_loop() {
    let context = with(LimitOverrides::new().fuel(500_000_000));
    for (language, code) in [
        (Language::Python, "print('kept')\nwhile True: pass"),
        (Language::JavaScript, "console.log('kept'); for (;;);"),
    ] {
        let result = run(language, code, &context);
        assert_eq!(result.exit, ExitKind::FuelExhausted { limit: 500_000_000 });
        assert_eq!(result.exit.exit_status(), 124);
        assert_eq!(result.stdout_text(), "kept\n");
        let used = result.usage.fuel.unwrap();
        assert!((490_000_000..=500_000_000).contains(&used), "{used}");
    }
}

#[test]
fn fuel_use_is_repeatable() {
    let fuel = |code| python(code).usage.fuel.unwrap();
    let (once, twice) = (fuel("sum(range(1000))"), fuel("sum(range(2000))"));
    assert!(once < twice, "{once} {twice}");
}

#[test]
fn the_wall_clock_ends_what_computes_and_what_sleeps() {
    let limit = Duration::from_millis(150);
    let context = with(LimitOverrides::new().wall_time(limit));
    for (language, code) in [
        (Language::Python, "print('kept')\nwhile True: pass"),
        (Language::Python, "print('kept')\nimport time\ntime.sleep(60)"),
        (Language::Python, "print('kept')\nsum(range(10**12))"),
        (Language::Python, "print('kept')\nimport re\nre.match(r'(a+)+$', 'a' * 40 + 'b')"),
        (Language::Python, "print('kept')\nimport asyncio\nasyncio.run(asyncio.sleep(60))"),
        (Language::Python, "print('kept')\nimport select\nselect.select([], [], [], 60)"),
        (Language::Python, "print('kept')\ntry:\n while True: pass\nexcept BaseException: print('caught')"),
        (Language::JavaScript, "console.log('kept'); for (;;);"),
        (Language::JavaScript, "console.log('kept'); setTimeout(() => {}, 60000)"),
        (Language::JavaScript, "console.log('kept'); /(a+)+$/.test('a'.repeat(40) + 'b')"),
        (Language::JavaScript, "console.log('kept'); await new Promise(r => setTimeout(r, 60000))"),
    ] {
        let result = run(language, code, &context);
        assert_eq!(result.exit, ExitKind::TimedOut { limit }, "{code}\n{}", result.stderr_text());
        assert_eq!(result.stdout_text(), "kept\n", "{code}");
        assert!(result.usage.wall >= limit, "{code}: {:?}", result.usage.wall);
    }
}

#[test]
fn a_sleep_uses_no_cpu() {
    let result = python("import time\ntime.sleep(0.3)");
    assert!(result.usage.wall >= Duration::from_millis(300));
    assert!(result.usage.cpu < Duration::from_millis(200), "{:?}", result.usage);
}

#[test]
fn python_sees_memory_error_first() {
    let context = with(LimitOverrides::new().memory(ByteSize::from_mb(64)));
    let code = "print('kept')\ntry:\n b = bytearray(10**9)\nexcept MemoryError: print('seen')";
    assert_eq!(output(&run(Language::Python, code, &context)), "kept\nseen\n");
    let result = run(Language::Python, "print('kept')\nbytearray(10**9)", &context);
    let ExitKind::MemoryLimit { limit, exception } = &result.exit else { panic!("{}", result.exit) };
    assert_eq!(*limit, ByteSize::from_mb(64));
    assert_eq!(exception.as_ref().unwrap().type_name, "MemoryError");
    assert_eq!(result.stdout_text(), "kept\n");
    assert!(result.usage.peak_memory <= ByteSize::from_mb(64));
}

#[test]
fn memory_that_grows_bit_by_bit_is_bounded_too() {
    let context = with(LimitOverrides::new().memory(ByteSize::from_mb(64)));
    for (language, code) in [
        (Language::Python, "print('kept')\na = []\nwhile True: a.append('x' * 1000)"),
        (Language::Python, "print('kept')\na = 'x'\nwhile True: a += a"),
        (
            Language::JavaScript,
            "console.log('kept'); const a = []; for (;;) a.push('x'.repeat(1000) + a.length)",
        ),
        (Language::JavaScript, "console.log('kept'); const a = []; for (;;) a.push(new Uint8Array(1 << 20))"),
        (Language::JavaScript, "console.log('kept'); new Uint8Array(1e9).fill(1)"),
    ] {
        let result = run(language, code, &context);
        assert!(
            matches!(result.exit, ExitKind::MemoryLimit { .. }),
            "{code}: {}\n{}",
            result.exit,
            result.stderr_text()
        );
        assert_eq!(result.exit.exit_status(), 137);
        assert_eq!(result.stdout_text(), "kept\n", "{code}");
        assert!(result.usage.peak_memory <= ByteSize::from_mb(64));
    }
}

#[test]
fn endless_output_ends_at_the_cap() {
    let context = with(LimitOverrides::new().output(ByteSize::from_kb(64)));
    for (language, code) in [
        (Language::Python, "while True: print('x' * 50)"),
        (Language::Python, "import os\nwhile True: os.write(1, b'x' * 100000)"),
        (Language::JavaScript, "for (;;) console.log('x'.repeat(50))"),
    ] {
        let result = run(language, code, &context);
        assert_eq!(result.exit, ExitKind::OutputLimit { limit: ByteSize::from_kb(64) }, "{code}");
        assert!(result.truncated.stdout && !result.truncated.stderr);
        assert_eq!(result.stdout.len(), 64 << 10);
    }
    let result = run(Language::Python, "import sys\nprint('out')\nsys.stderr.write('e' * 100000)", &context);
    assert!(result.truncated.stderr && !result.truncated.stdout);
    assert_eq!(result.stdout_text(), "out\n");
    let fits = run(Language::Python, "import sys\nsys.stdout.write('x' * 65536)", &context);
    assert!(fits.is_success() && !fits.truncated.any(), "exactly the cap is no overrun");
}

#[test]
fn the_disk_limit_is_enospc_inside() {
    let context = with(LimitOverrides::new().disk(ByteSize::from_mb(1)));
    let code = "import errno\ntry:\n with open('big', 'wb') as f: f.write(b'x' * (2 << 20))\nexcept OSError as e: print(errno.errorcode[e.errno])";
    let result = run(Language::Python, code, &context);
    assert_eq!(output(&result), "ENOSPC\n");
    assert!(result.usage.disk <= ByteSize::from_mb(1));
    let result = run(Language::Python, "print('kept')\nopen('big', 'wb').write(b'x' * (2 << 20))", &context);
    assert!(matches!(result.exit, ExitKind::DiskLimit { code: 1, .. }), "{}", result.exit);
    assert_eq!(result.stdout_text(), "kept\n");
    let result =
        run(Language::JavaScript, "require('fs').writeFileSync('big', 'x'.repeat(2 << 20))", &context);
    assert!(matches!(result.exit, ExitKind::DiskLimit { .. }), "{}\n{}", result.exit, result.stderr_text());
}

#[test]
fn no_trick_passes_the_disk_limit() {
    let context = with(LimitOverrides::new().disk(ByteSize::from_mb(1)));
    for (what, code) in [
        ("a hole", "f = open('a', 'wb')\nf.seek(2**40)\nf.write(b'x')\nf.flush()"),
        ("truncate", "f = open('a', 'wb')\nf.truncate(2**40)"),
        ("many empty files", "for i in range(10000): open(f'f{i}', 'w').close()"),
        (
            "many names of few files",
            "import os\nfor j in range(100):\n open(f'a{j}', 'w').close()\n for i in range(1000): os.link(f'a{j}', f'l{j}-{i}')",
        ),
        ("many directories", "import os\nfor i in range(10000): os.mkdir(f'd{i}')"),
        (
            "unlinked but open",
            "import os\nkeep = []\nfor i in range(20):\n f = open('a', 'wb'); f.write(b'x' * 100000); f.flush(); os.unlink('a'); keep.append(f)",
        ),
        ("/tmp", "open('/tmp/a', 'wb').write(b'x' * (2 << 20))"),
    ] {
        let result = run(Language::Python, &format!("{code}\nprint('passed')"), &context);
        assert!(!result.is_success(), "{what} passes");
        assert!(
            result.stderr_text().contains("Errno 51") || result.stderr_text().contains("No space"),
            "{what}: {}",
            result.stderr_text()
        );
        assert!(result.usage.disk <= ByteSize::from_mb(1), "{what}: {}", result.usage.disk);
    }
    let reuse = "for i in range(50):\n with open('a', 'wb') as f: f.write(b'x' * 900000)\nprint('fine')";
    assert_eq!(
        output(&run(Language::Python, reuse, &context)),
        "fine\n",
        "room that is given back can be used again"
    );
}

#[test]
fn open_files_are_bounded() {
    let context = with(LimitOverrides::new().open_files(8));
    let code = "import errno\nopened = []\ntry:\n while True: opened.append(open(f'f{len(opened)}', 'w'))\nexcept OSError as e: print(len(opened), errno.errorcode[e.errno])";
    assert_eq!(output(&run(Language::Python, code, &context)), "5 EMFILE\n");
}

#[test]
fn a_limit_above_the_ceiling_is_refused_and_not_clamped() {
    let engine = super::engine();
    for limits in [
        LimitOverrides::new().memory(ByteSize::from_mb(1 << 20)),
        LimitOverrides::new().wall_time(Duration::from_secs(1_000_000)),
        LimitOverrides::new().wall_time(Duration::ZERO),
    ] {
        let error = engine.execute_blocking("1", Language::Python, &with(limits)).unwrap_err();
        assert!(matches!(error.kind, bailiwick::EngineErrorKind::Limit(_)), "{error}");
    }
    let error = engine
        .execute_blocking(
            "1",
            Language::Python,
            &with(LimitOverrides::new().cpu_cores(0.5)).backend(bailiwick::BackendChoice::Wasm),
        )
        .unwrap_err();
    assert!(matches!(error.kind, bailiwick::EngineErrorKind::Unenforceable { .. }), "{error}");
    let error = engine
        .execute_blocking("1", Language::Python, &with(LimitOverrides::new().memory(ByteSize::from_mb(2))))
        .unwrap_err();
    assert!(error.to_string().contains("less than the python interpreter itself takes"), "{error}");
}

#[test]
fn usage_is_reported() {
    let result = python("open('f', 'wb').write(b'x' * 5000)\nsum(range(10**6))\n'done'");
    assert_eq!(json_value(&result), "done");
    let usage = &result.usage;
    assert!(usage.disk.bytes() >= 5000, "{usage:?}");
    assert!(usage.fuel.unwrap() > 1_000_000, "{usage:?}");
    assert!(usage.peak_memory.bytes() > 1 << 20, "{usage:?}");
    assert!(!usage.wall.is_zero() && !usage.cpu.is_zero(), "{usage:?}");
    assert!(javascript("1").usage.peak_memory.bytes() > 64 << 10);
}

#[test]
fn the_engine_answers_after_every_limit() {
    assert_eq!(output(&python("print('still here')")), "still here\n");
    assert_eq!(output(&javascript("console.log('still here')")), "still here\n");
}
