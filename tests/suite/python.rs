//! What Python programs can do, and what comes back.

use super::{json_value, output, python, run};
use bailiwick::{BackendChoice, ExecutionContext, ExitKind, Language, Value};
use serde_json::json;

#[test]
fn prints_a_sum() {
    assert_eq!(output(&python("print(sum(range(10)))")), "45\n");
}

#[test]
fn the_last_expression_is_the_value() {
    for (code, value) in [
        ("1 + 1", json!(2)),
        ("x = 3\nx * 2", json!(6)),
        ("[1, 2.5, 'ä', None, True, {'k': (1, 2)}]", json!([1, 2.5, "ä", null, true, {"k": [1, 2]}])),
        ("'text'", json!("text")),
        ("None", json!(null)),
    ] {
        assert_eq!(json_value(&python(code)), value, "{code}");
    }
    assert_eq!(python("x = 1").value, None, "a statement has no value");
    assert_eq!(python("object").value, Some(Value::Repr("<class 'object'>".to_owned())));
    assert_eq!(python("float('nan')").value, Some(Value::Repr("nan".to_owned())));
    assert_eq!(python("{1: 2}").value, Some(Value::Repr("{1: 2}".to_owned())));
    let silent = run(Language::Python, "1 + 1", &ExecutionContext::new().report_value(false));
    assert_eq!(silent.value, None, "nobody asked for it");
}

#[test]
fn a_repr_that_fails_does_not_fail_the_run() {
    let result = python("class A:\n def __repr__(self): raise ValueError('no')\nA()");
    assert!(result.is_success(), "{}", result.exit);
}

#[test]
fn an_uncaught_exception_is_reported_with_its_own_traceback() {
    let result = python("def f():\n    return 1 / 0\n\nprint('before')\nf()\n");
    let ExitKind::Exception { code, exception } = &result.exit else { panic!("{}", result.exit) };
    assert_eq!(*code, 1);
    assert_eq!(exception.type_name, "ZeroDivisionError");
    assert_eq!(exception.message, "division by zero");
    assert_eq!(result.stdout_text(), "before\n");
    let stderr = result.stderr_text();
    assert!(stderr.starts_with("Traceback (most recent call last):\n"), "{stderr}");
    assert!(stderr.contains("line 2, in f\n    return 1 / 0"), "{stderr}");
    assert_eq!(stderr.matches("  File ").count(), 2, "no frames but the code's own:\n{stderr}");
}

#[test]
fn exceptions_of_modules_are_named_in_full() {
    let result = python("import json\njson.loads('{')");
    assert_eq!(result.exit.exception().unwrap().type_name, "json.decoder.JSONDecodeError");
}

#[test]
fn a_syntax_error_is_shown_as_python_shows_it() {
    let result = python("x = (\n");
    assert_eq!(result.exit.exception().unwrap().type_name, "SyntaxError");
    assert!(result.stderr_text().contains("'(' was never closed"), "{}", result.stderr_text());
}

#[test]
fn exit_codes_are_the_codes_own() {
    let exits = |code: &str| python(code).exit;
    assert_eq!(exits("import sys; print('kept'); sys.exit(3)"), ExitKind::Exited { code: 3 });
    assert_eq!(python("import sys; print('kept'); sys.exit(3)").stdout_text(), "kept\n");
    assert_eq!(exits("raise SystemExit"), ExitKind::Exited { code: 0 });
    let told = python("import sys; sys.exit('reason')");
    assert_eq!((told.exit, told.stderr.as_slice()), (ExitKind::Exited { code: 1 }, &b"reason\n"[..]));
    assert_eq!(exits("import os; os._exit(7)"), ExitKind::Exited { code: 7 });
}

#[test]
fn standard_input_is_given_or_at_its_end() {
    let context = ExecutionContext::new().stdin("first\nsecond\n");
    let result =
        run(Language::Python, "import sys\nprint(input().upper())\nprint(sys.stdin.read())", &context);
    assert_eq!(output(&result), "FIRST\nsecond\n\n");
    let result =
        python("import sys\nprint(repr(sys.stdin.read()))\ntry:\n input()\nexcept EOFError: print('end')");
    assert_eq!(output(&result), "''\nend\n");
}

#[test]
fn arguments_environment_and_cwd_are_the_runs_own() {
    let context = ExecutionContext::new().arg("a").arg("b c").env("MODE", "test").filename("prog.py");
    let code = "import sys, os\nprint(sys.argv, os.environ['MODE'], os.getcwd(), sorted(os.environ))";
    let result = run(Language::Python, code, &context);
    assert_eq!(
        output(&result),
        "['prog.py', 'a', 'b c'] test /workspace ['HOME', 'LANG', 'MODE', 'PATH', 'PWD', 'TMPDIR', 'TZ']\n"
    );
    assert_eq!(output(&python("import os\nprint('MODE' in os.environ)")), "False\n");
}

/// The sixty modules that programs most often import.
const MODULES: &str = "json re math random datetime collections itertools functools statistics decimal fractions csv io \
    hashlib hmac base64 struct zlib gzip bz2 lzma zipfile sqlite3 ssl asyncio threading subprocess socket urllib.request \
    typing dataclasses enum pathlib tempfile uuid xml.etree.ElementTree html textwrap string pprint heapq bisect array copy \
    pickle unicodedata zoneinfo tomllib ast dis inspect traceback logging unittest doctest argparse contextlib \
    concurrent.futures multiprocessing ctypes";

#[test]
fn sixty_modules_import() {
    assert_eq!(MODULES.split_whitespace().count(), 60);
    for module in MODULES.split_whitespace() {
        let asked = ExecutionContext::new().backend(BackendChoice::Wasm);
        let result = run(Language::Python, &format!("import {module}\nprint({module}.__name__)"), &asked);
        if matches!(module, "ctypes" | "ssl") {
            continue;
        }
        assert_eq!(output(&result), format!("{module}\n"));
    }
}

#[test]
fn modules_are_usable() {
    for (what, code, expected) in [
        ("json", "import json; print(json.loads('[1,2]'), json.dumps({'a': 1}))", "[1, 2] {\"a\": 1}"),
        ("re", r"import re; print(re.sub(r'(\w+)@', r'<\1>', 'me@x'))", "<me>x"),
        ("decimal", "from decimal import Decimal as D; print(D('0.1') + D('0.2'))", "0.3"),
        (
            "hashlib",
            "import hashlib; print(hashlib.sha256(b'').hexdigest()[:8], hashlib.md5(b'').hexdigest()[:4], hashlib.blake2b(b'').hexdigest()[:4])",
            "e3b0c442 d41d 786a",
        ),
        (
            "zlib",
            "import zlib, gzip, bz2, lzma\nd = b'x' * 1000\nprint(all(m.decompress(m.compress(d)) == d for m in (zlib, gzip, bz2, lzma)))",
            "True",
        ),
        (
            "zipfile",
            "import zipfile, io\nb = io.BytesIO()\nwith zipfile.ZipFile(b, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a', 'hi')\nprint(zipfile.ZipFile(b).read('a'))",
            "b'hi'",
        ),
        (
            "sqlite3 in memory",
            "import sqlite3; print(sqlite3.connect(':memory:').execute('select 1 + 1').fetchone())",
            "(2,)",
        ),
        (
            "sqlite3 on a file",
            "import sqlite3\nwith sqlite3.connect('a.db') as c:\n c.execute('create table t(x)'); c.execute('insert into t values (7)')\nprint(sqlite3.connect('a.db').execute('select x from t').fetchall())",
            "[(7,)]",
        ),
        (
            "asyncio",
            "import asyncio\nasync def f(n):\n await asyncio.sleep(0.01 * n); return n\nasync def main(): return await asyncio.gather(f(2), f(1))\nprint(asyncio.run(main()))",
            "[2, 1]",
        ),
        (
            "asyncio.timeout",
            "import asyncio\nasync def main():\n try:\n  async with asyncio.timeout(0.01): await asyncio.sleep(10)\n except TimeoutError: return 'late'\nprint(asyncio.run(main()))",
            "late",
        ),
        (
            "zoneinfo",
            "import zoneinfo, datetime\nprint(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')).utcoffset())",
            "2:00:00",
        ),
        (
            "xml",
            "import xml.etree.ElementTree as E; print(E.fromstring('<a><b>t</b></a>').find('b').text)",
            "t",
        ),
        (
            "tempfile",
            "import tempfile\nwith tempfile.NamedTemporaryFile() as f: print(f.name.startswith('/tmp/'))",
            "True",
        ),
        (
            "dataclasses",
            "from dataclasses import dataclass\n@dataclass\nclass P:\n x: int\nprint(P(1))",
            "P(x=1)",
        ),
        (
            "unittest",
            "import unittest\nclass T(unittest.TestCase):\n def test(self): self.assertEqual(1, 1)\nprint(unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromTestCase(T)).wasSuccessful())",
            "True",
        ),
        (
            "logging",
            "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(message)s'); logging.warning('w')",
            "w",
        ),
        ("pickle", "import pickle; print(pickle.loads(pickle.dumps({'a': [1]})))", "{'a': [1]}"),
        (
            "inspect",
            "import inspect, json; print(inspect.getsource(json.dumps).startswith('def dumps'))",
            "True",
        ),
        ("unicodedata", "import unicodedata; print(unicodedata.name('ß'))", "LATIN SMALL LETTER SHARP S"),
        (
            "threading",
            "import threading\nl = threading.Lock()\nwith l: print(threading.current_thread().name)",
            "MainThread",
        ),
        ("statistics", "import statistics; print(statistics.mean([1, 2, 3]))", "2"),
        (
            "contextvars",
            "import contextvars; v = contextvars.ContextVar('v', default=1); print(v.get())",
            "1",
        ),
        (
            "time",
            "import time; a = time.perf_counter(); time.sleep(0.01); print(time.perf_counter() - a >= 0.01, time.process_time() >= 0)",
            "True True",
        ),
    ] {
        assert_eq!(output(&python(code)).trim_end(), expected, "{what}");
    }
}

#[test]
fn a_module_in_the_workspace_can_be_imported() {
    let context = ExecutionContext::new()
        .file("helper.py", "VALUE = 42\n")
        .file("pkg/__init__.py", "from .inner import f\n")
        .file("pkg/inner.py", "def f(): return 'inner'\n");
    let result = run(Language::Python, "import helper, pkg\nprint(helper.VALUE, pkg.f())", &context);
    assert_eq!(output(&result), "42 inner\n");
}

#[test]
fn there_is_no_network() {
    for code in [
        "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)",
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:80/', timeout=1)",
        "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))",
    ] {
        let result = python(code);
        assert!(matches!(result.exit, ExitKind::Exception { .. }), "{code}: {}", result.exit);
    }
}

#[test]
fn there_are_no_processes() {
    for code in
        ["import subprocess\nsubprocess.run(['ls'])", "import os\nos.system('ls')", "import os\nos.fork()"]
    {
        let result = python(code);
        assert!(matches!(result.exit, ExitKind::Exception { .. }), "{code}: {}", result.exit);
    }
}

#[test]
fn unicode_goes_through() {
    assert_eq!(output(&python("print('äöü ✓ 🎉'); print(len('🎉'))")), "äöü ✓ 🎉\n1\n");
}

#[test]
fn atexit_runs() {
    assert_eq!(output(&python("import atexit\natexit.register(print, 'bye')\nprint('hi')")), "hi\nbye\n");
}
