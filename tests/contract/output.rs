//! What a run writes, and its last expression's value.

use crate::{On, exception, json_value, output, shown};
use bailiwick::limits::ByteSize;
use bailiwick::{ExecutionContext, ExitKind, Language, LimitOverrides, OutputStream, Value};
use serde_json::json;
use std::sync::{Arc, Mutex};

fn both_streams_are_kept_apart(on: On) {
    let result = on.python("import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('more', end='')");
    assert_eq!((output(&result).as_str(), result.stderr_text().as_ref()), ("out\nmore", "err\n"));
    let result = on.javascript(
        "console.log('out'); console.error('err'); console.warn('warn'); process.stdout.write('more')",
    );
    assert_eq!((output(&result).as_str(), result.stderr_text().as_ref()), ("out\nmore", "err\nwarn\n"));
    let silent = on.python("pass");
    assert!(silent.is_success() && silent.stdout.is_empty() && silent.stderr.is_empty());
}

fn output_is_bytes(on: On) {
    let result = on.python("import sys\nsys.stdout.buffer.write(bytes(range(256)))\nsys.stdout.flush()");
    output(&result);
    assert_eq!(result.stdout, (0..=255).collect::<Vec<u8>>());
    let result = on.python("import os\nos.write(1, b'a\\xff')\nos.write(2, b'\\xfe')");
    assert_eq!((result.stdout.as_slice(), result.stderr.as_slice()), (&b"a\xff"[..], &b"\xfe"[..]));
    let result =
        on.javascript("require('fs').writeSync(1, Buffer.from(Array.from({ length: 256 }, (_, i) => i))); 0");
    assert_eq!(result.stdout, (0..=255).collect::<Vec<u8>>());
}

fn the_last_expression_is_the_value_in_python(on: On) {
    for (code, value) in [
        ("1 + 1", json!(2)),
        ("x = 3\nx * 2", json!(6)),
        ("[1, 2.5, 'ä🎉', None, True, {'k': (1, 2)}]", json!([1, 2.5, "ä🎉", null, true, {"k": [1, 2]}])),
        ("None", json!(null)),
        ("2 ** 63", json!(1_u64 << 63)),
        ("0.1 + 0.2", json!(0.1 + 0.2)),
        ("print('also')\n'text'", json!("text")),
    ] {
        assert_eq!(json_value(&on.python(code)), value, "{code}");
    }
    for (code, repr) in [
        ("object", "<class 'object'>"),
        ("float('nan')", "nan"),
        ("{1: 2}", "{1: 2}"),
        ("{3}", "{3}"),
        ("2 ** 64", "18446744073709551616"),
        ("'\\ud800'", "'\\ud800'"),
        ("b'\\xff'", "b'\\xff'"),
        ("import decimal\ndecimal.Decimal('1.10')", "Decimal('1.10')"),
    ] {
        assert_eq!(on.python(code).value, Some(Value::Repr(repr.to_owned())), "{code}");
    }
    for code in ["x = 1", "for i in range(3): i", "1 / 0", "def f(): return 1"] {
        assert_eq!(on.python(code).value, None, "{code}");
    }
    let failing = on.python("class A:\n def __repr__(self): raise ValueError('no')\nA()");
    assert!(failing.is_success(), "{}", shown(&failing));
    let silent = on.run(Language::Python, "1 + 1", ExecutionContext::new().report_value(false));
    assert_eq!(silent.value, None, "nobody asked for it");
}

fn the_last_expression_is_the_value_in_javascript(on: On) {
    for (code, value) in [
        ("1 + 1", json!(2)),
        ("const x = 3; x * 2", json!(6)),
        ("[1, 2.5, 'ä🎉', null, true, { k: [1] }]", json!([1, 2.5, "ä🎉", null, true, {"k": [1]}])),
        ("await Promise.resolve(5)", json!(5)),
        ("Promise.resolve(6)", json!(6)),
        ("({ a: { b: 1 } })", json!({"a": {"b": 1}})),
    ] {
        assert_eq!(json_value(&on.javascript(code)), value, "{code}");
    }
    for (code, repr) in [
        ("NaN", "NaN"),
        ("10n", "10n"),
        ("[undefined]", "[ undefined ]"),
        ("new Map([[1, 'x']])", "Map(1) { 1 => 'x' }"),
        ("(function f() {})", "[Function: f]"),
        ("class A { x = 1 } new A()", "A { x: 1 }"),
        // Known: Node 20 writes `\ud800`; the guest's own `inspect` writes capitals.
        ("'\\ud800'", if on.is_wasm() { "'\\uD800'" } else { "'\\ud800'" }),
    ] {
        assert_eq!(on.javascript(code).value, Some(Value::Repr(repr.to_owned())), "{code}");
    }
    for code in ["undefined", "const x = 1", "throw new Error('x')"] {
        assert_eq!(on.javascript(code).value, None, "{code}");
    }
    let silent = on.run(Language::JavaScript, "1 + 1", ExecutionContext::new().report_value(false));
    assert_eq!(silent.value, None, "nobody asked for it");
}

fn unicode_goes_through(on: On) {
    // As text, and as the escapes that both languages read.
    let text = "äöü ✓ 🎉 👩\u{200d}👧 e\u{301} \u{202e}rtl\u{202c} 日本語\0\u{feff}";
    let escaped = r"äöü ✓ 🎉 👩\u200d👧 e\u0301 \u202ertl\u202c 日本語\x00\ufeff";
    assert_eq!(output(&on.python(&format!("print('{escaped}', len('🎉'))"))), format!("{text} 1\n"));
    assert_eq!(
        output(&on.javascript(&format!("console.log('{escaped}', '🎉'.length)"))),
        format!("{text} 2\n")
    );
    // Written in the source itself, and in names.
    assert_eq!(output(&on.python("größe = 'e\u{301}🎉'\nprint(größe, len(größe))")), "e\u{301}🎉 3\n");
    assert_eq!(
        output(&on.javascript("const größe = 'e\u{301}🎉'; console.log(größe, größe.length)")),
        "e\u{301}🎉 4\n"
    );
}

fn lone_surrogates_are_an_error_or_a_replacement(on: On) {
    for code in [r"print('a\ud800b')", r"print('\udfff')"] {
        let (kind, message) = exception(&on.python(code));
        assert_eq!(kind, "UnicodeEncodeError", "{code}");
        assert!(message.starts_with("'utf-8' codec can't encode character"), "{message}");
        assert!(message.ends_with("surrogates not allowed"), "{message}");
    }
    let result = on.python("import sys\nprint('\\ud800', file=sys.stderr)");
    assert_eq!((output(&result).as_str(), result.stderr_text().as_ref()), ("", "\\ud800\n"));
    let (kind, message) = exception(&on.python(r"raise ValueError('\ud800')"));
    assert_eq!((kind.as_str(), message.as_str()), ("ValueError", r"\ud800"));
    assert_eq!(output(&on.python(r"print('a\ud800b'.encode('utf-8', 'replace'))")), "b'a?b'\n");
    assert_eq!(output(&on.javascript(r"console.log('a\ud800b', '\udfff')")), "a\u{fffd}b \u{fffd}\n");
    assert_eq!(output(&on.javascript(r"console.log('\ud83c\udf89')")), "🎉\n");
}

fn five_megabytes_in_each_stream(on: On) {
    let size = 5 << 20;
    let python = "import sys\nfor _ in range(5 * 1024):\n    sys.stdout.write('o' * 1023 + '\\n')\n    sys.stderr.write('e' * 1023 + '\\n')";
    let javascript = "for (let i = 0; i < 5 * 1024; i++) { console.log('o'.repeat(1023)); console.error('e'.repeat(1023)); }";
    let at_once = "import sys\nsys.stdout.write('o' * (5 << 20))\nsys.stderr.write('e' * (5 << 20))";
    let js_at_once =
        "process.stdout.write('o'.repeat(5 << 20)); process.stderr.write('e'.repeat(5 << 20)); 0";
    for (language, code) in [
        (Language::Python, python),
        (Language::JavaScript, javascript),
        (Language::Python, at_once),
        (Language::JavaScript, js_at_once),
    ] {
        // Exactly what the default limit allows.
        let result = on.run(language, code, on.context());
        assert_eq!(result.exit, ExitKind::Exited { code: 0 }, "{code}");
        assert_eq!((result.stdout.len(), result.stderr.len()), (size, size), "{code}");
        assert!(result.stdout.iter().all(|byte| matches!(byte, b'o' | b'\n')), "{code}");
        assert!(result.stderr.iter().all(|byte| matches!(byte, b'e' | b'\n')), "{code}");
        assert!(!result.truncated.any(), "{code}");
    }
    let one_more = LimitOverrides::new().output(ByteSize::from_bytes((10 << 20) - 1));
    let result = on.run(Language::Python, at_once, ExecutionContext::new().limits(one_more));
    assert_eq!(result.exit, ExitKind::OutputLimit { limit: ByteSize::from_bytes((10 << 20) - 1) });
}

fn output_comes_while_the_code_runs(on: On) {
    for (language, code) in [
        (
            Language::Python,
            "import sys, time\nprint('one')\ntime.sleep(0.2)\nprint('two', file=sys.stderr)\ntime.sleep(0.2)\nprint('three')",
        ),
        (
            Language::JavaScript,
            "const wait = (ms) => new Promise((r) => setTimeout(r, ms)); console.log('one'); await wait(200); console.error('two'); await wait(200); console.log('three')",
        ),
    ] {
        let pieces: Arc<Mutex<Vec<(OutputStream, String)>>> = Arc::default();
        let log = Arc::clone(&pieces);
        let context = ExecutionContext::new().on_output(move |stream, bytes| {
            log.lock().unwrap().push((stream, String::from_utf8_lossy(bytes).into_owned()));
        });
        let result = on.run(language, code, context);
        assert_eq!((output(&result).as_str(), result.stderr_text().as_ref()), ("one\nthree\n", "two\n"));
        let pieces = pieces.lock().unwrap();
        let joined = pieces.iter().fold(Vec::<(OutputStream, String)>::new(), |mut all, (stream, text)| {
            match all.last_mut() {
                Some((last, before)) if last == stream => before.push_str(text),
                _ => all.push((*stream, text.clone())),
            }
            all
        });
        let expected = [
            (OutputStream::Stdout, "one\n".to_owned()),
            (OutputStream::Stderr, "two\n".to_owned()),
            (OutputStream::Stdout, "three\n".to_owned()),
        ];
        assert_eq!(joined, expected, "{code}");
    }
}

/// What is passed on is what the result holds, up to the limit and no further.
fn what_is_passed_on_is_what_is_kept(on: On) {
    let passed: Arc<Mutex<[Vec<u8>; 2]>> = Arc::default();
    let log = Arc::clone(&passed);
    let context = ExecutionContext::new()
        .limits(LimitOverrides::new().output(ByteSize::from_kb(64)))
        .on_output(move |stream, bytes| {
            log.lock().unwrap()[usize::from(stream == OutputStream::Stderr)].extend_from_slice(bytes);
        });
    let code = "import sys\nprint('e' * 1000, file=sys.stderr)\nwhile True: print('o' * 1000)";
    let result = on.run(Language::Python, code, context);
    assert_eq!(result.exit, ExitKind::OutputLimit { limit: ByteSize::from_kb(64) });
    let passed = passed.lock().unwrap();
    assert_eq!(passed[0], result.stdout);
    assert_eq!(passed[1], result.stderr);
    assert_eq!(passed[0].len() + passed[1].len(), 64 << 10);
}

on_every_backend!(
    both_streams_are_kept_apart,
    output_is_bytes,
    the_last_expression_is_the_value_in_python,
    the_last_expression_is_the_value_in_javascript,
    unicode_goes_through,
    lone_surrogates_are_an_error_or_a_replacement,
    five_megabytes_in_each_stream,
    output_comes_while_the_code_runs,
    what_is_passed_on_is_what_is_kept,
);
