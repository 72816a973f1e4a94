//! Code that kills other hosts. Every case ends as an exception or a trap of the guest, and the engine goes on.

use super::{engine, javascript, output, python, run};
use bailiwick::{ExecutionContext, ExecutionResult, ExitKind, Language, LimitOverrides};
use std::time::Duration;

/// Ended by the guest itself, by a trap of it, or by a limit; not by a failure of ours.
#[track_caller]
fn ended(what: &str, result: &ExecutionResult) {
    match &result.exit {
        ExitKind::Exited { .. }
        | ExitKind::Exception { .. }
        | ExitKind::Trap { .. }
        | ExitKind::MemoryLimit { .. }
        | ExitKind::TimedOut { .. }
        | ExitKind::FuelExhausted { .. } => {}
        other => panic!("{what}: {other}"),
    }
    assert_eq!(output(&python("print(1 + 1)")), "2\n", "after {what}");
}

fn bounded() -> ExecutionContext {
    ExecutionContext::new().limits(LimitOverrides::new().wall_time(Duration::from_secs(10)))
}

#[test]
fn deep_recursion_in_python() {
    for (what, code) in [
        (
            "recursion without a limit",
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)",
        ),
        (
            "recursion through C",
            "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n def __repr__(self): return repr(self)\nrepr(A())",
        ),
        (
            "recursion through sort keys",
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return sorted([1, 2], key=f)\nf(0)",
        ),
        (
            "recursion through __getattr__",
            "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n def __getattr__(self, n): return getattr(self, n + 'x')\nA().x",
        ),
        ("repr of a deep list", "a = []\nfor _ in range(100000): a = [a]\nrepr(a)"),
        ("a deep list dropped", "a = []\nfor _ in range(1000000): a = [a]\ndel a\nprint('dropped')"),
        ("comparison of deep lists", "a = []\nb = []\nfor _ in range(100000): a = [a]; b = [b]\na == b"),
        ("json.loads", "import json\njson.loads('[' * 100000)"),
        ("json.dumps", "import json\na = []\nfor _ in range(100000): a = [a]\njson.dumps(a)"),
        ("eval of parentheses", "eval('(' * 5000 + ')' * 5000)"),
        ("eval of brackets", "eval('[' * 100000 + ']' * 100000)"),
        ("eval of unary operators", "eval('-' * 100000 + '1')"),
        ("eval of attributes", "eval('a' + '.b' * 100000)"),
        ("eval of additions", "eval('+'.join(['1'] * 100000))"),
        ("nested lambdas", "eval('lambda: ' * 5000 + '1')"),
        ("a deep regular expression", "import re\nre.compile('(' * 10000 + ')' * 10000)"),
        ("a deep pickle", "import pickle\na = []\nfor _ in range(100000): a = [a]\npickle.dumps(a)"),
        ("a deep copy", "import copy\na = []\nfor _ in range(100000): a = [a]\ncopy.deepcopy(a)"),
        ("deep XML", "import xml.etree.ElementTree as E\nE.fromstring('<a>' * 100000 + '</a>' * 100000)"),
        ("ast.literal_eval", "import ast\nast.literal_eval('(' * 100000)"),
        ("deep isinstance tuple", "t = int\nfor _ in range(100000): t = (t,)\nisinstance('', t)"),
        ("hash of a deep tuple", "t = ()\nfor _ in range(100000): t = (t,)\nhash(t)"),
        (
            "deep exception chain",
            "e = None\nfor _ in range(100000):\n n = ValueError(); n.__context__ = e; e = n\nraise e",
        ),
        (
            "deep itertools chain",
            "import itertools\na = iter([])\nfor _ in range(100000): a = itertools.chain(a)\nlist(a)",
        ),
    ] {
        ended(what, &run(Language::Python, code, &bounded()));
    }
}

#[test]
fn the_usual_recursion_is_an_exception() {
    let result = python("def f(): return f()\nf()");
    assert_eq!(result.exit.exception().unwrap().type_name, "RecursionError");
    let result = python("a = []\nfor _ in range(100000): a = [a]\nrepr(a)");
    assert_eq!(result.exit.exception().unwrap().type_name, "RecursionError");
    let result = python("import json\njson.loads('[' * 100000)");
    assert_eq!(result.exit.exception().unwrap().type_name, "RecursionError");
    assert_eq!(
        output(&python("def f(n): return n and f(n - 1)\nprint(f(900))")),
        "0\n",
        "and what fits works"
    );
}

#[test]
fn deep_recursion_in_javascript() {
    for (what, code) in [
        ("recursion", "function f() { return f() + 1 } f()"),
        ("recursion through sort", "function f() { [1, 2].sort(f) } f()"),
        ("recursion through a getter", "const o = { get x() { return this.x } }; o.x"),
        ("recursion through toString", "const o = { toString() { return `${this}` } }; `${o}`"),
        (
            "recursion through a proxy",
            "let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x",
        ),
        ("JSON.parse", "JSON.parse('['.repeat(100000))"),
        ("JSON.stringify", "let a = []; for (let i = 0; i < 100000; i++) a = [a]; JSON.stringify(a)"),
        ("printing a deep array", "let a = []; for (let i = 0; i < 100000; i++) a = [a]; console.log(a)"),
        ("the value is a deep array", "let a = []; for (let i = 0; i < 100000; i++) a = [a]; a"),
        ("structuredClone", "let a = []; for (let i = 0; i < 100000; i++) a = [a]; structuredClone(a)"),
        ("flat", "let a = []; for (let i = 0; i < 100000; i++) a = [a]; a.flat(Infinity)"),
        ("eval of brackets", "eval('['.repeat(100000))"),
        ("eval of parentheses", "eval('('.repeat(5000) + '1' + ')'.repeat(5000))"),
        ("eval of unary operators", "eval('-+'.repeat(50000) + '1')"),
        ("a deep regular expression", "new RegExp('('.repeat(100000) + ')'.repeat(100000))"),
        (
            "a deep promise chain",
            "let p = Promise.resolve(); for (let i = 0; i < 100000; i++) p = p.then(() => {}); await p",
        ),
    ] {
        ended(what, &run(Language::JavaScript, code, &bounded()));
    }
    let result = javascript(
        "function f() { return f() + 1 } try { f() } catch (e) { console.log(e instanceof Error) }",
    );
    assert_eq!(output(&result), "true\n", "the code can catch it");
}

#[test]
fn a_source_of_five_megabytes() {
    let python_code = "x = 1\n".repeat(5 * 1024 * 1024 / 6);
    ended("a 5 MB Python source", &run(Language::Python, &python_code, &bounded()));
    let text = format!("x = '{}'\nprint(len(x))", "a".repeat(5 << 20));
    assert_eq!(output(&run(Language::Python, &text, &bounded())), "5242880\n");
    let javascript_code = "x = 1;\n".repeat(5 * 1024 * 1024 / 7);
    ended("a 5 MB JavaScript source", &run(Language::JavaScript, &javascript_code, &bounded()));
}

#[test]
fn odd_sources_are_the_guests_affair() {
    // A source that is to be read as other text than it is would be judged as what it is not.
    assert_eq!(python("# coding: rot13\nprint(1)").exit, ExitKind::Denied);
    for code in ["", "\0", "a\0b", "\u{feff}print(1)", "\r\r\n", "#", "é = 1", "print('\u{202e}')"] {
        ended(code, &python(code));
        ended(code, &javascript(code));
    }
}

#[test]
fn what_a_guest_asks_of_the_host_is_bounded() {
    for (what, code) in [
        ("a gigabyte of randomness", "import os\nos.urandom(10**9)"),
        ("a gigabyte read", "import os\nfd = os.open('f', os.O_CREAT | os.O_RDWR)\nos.read(fd, 10**9)"),
        ("a huge allocation", "'x' * 10**12"),
        ("a huge integer", "10 ** 10 ** 10"),
        ("a wide integer", "1 << (1 << 40)"),
        ("a huge list", "[0] * 10**10"),
        ("a huge format", "'{:>10000000000}'.format(1)"),
        ("huge iovecs", "import os\nos.writev(1, [b''] * 100000)"),
    ] {
        ended(what, &run(Language::Python, code, &bounded()));
    }
}

#[test]
fn listings_under_way_do_not_fill_the_hosts_memory() {
    let make = "import os, errno\nfor i in range(30000): open('n' * 100 + str(i), 'w').close()\n";
    let hold = "held = []\ntry:\n for i in range(20):\n  s = os.scandir('.'); next(s); held.append(s)\nexcept OSError as e: print(errno.errorcode[e.errno], len(held) > 3)\n";
    let after = "held.clear()\nprint(len(os.listdir('.')))";
    assert_eq!(output(&python(&format!("{make}{hold}{after}"))), "ENOMEM True\n30000\n");
}

#[test]
fn the_host_cannot_be_seen() {
    for path in [
        "/etc/passwd",
        "/proc/self/environ",
        "/root",
        "/home",
        "../../etc/passwd",
        "/workspace/../etc/passwd",
        "/dev/null",
    ] {
        let result = python(&format!("open({path:?})"));
        let kind = result.exit.exception().map(|e| e.type_name.clone());
        assert_eq!(kind.as_deref(), Some("FileNotFoundError"), "{path}: {}", result.exit);
    }
    assert_eq!(output(&python("import os\nprint(sorted(os.listdir('/')))")), "['tmp', 'usr', 'workspace']\n");
    for code in [
        "open('/usr/lib/x', 'w')",
        "import os\nos.unlink('/usr/lib/python3.13/os.py')",
        "import os\nos.rename('/usr', '/workspace/usr')",
        "open('/x', 'w')",
        "import os\nos.mkdir('/d')",
    ] {
        let result = python(code);
        assert!(matches!(result.exit, ExitKind::Exception { .. }), "{code}: {}", result.exit);
    }
}

#[test]
fn one_engine_outlives_all_of_it_at_once() {
    let cases = [
        (Language::Python, "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()"),
        (Language::Python, "while True: pass"),
        (Language::Python, "a = []\nwhile True: a.append(bytearray(1 << 20))"),
        (Language::JavaScript, "function f() { f() } f()"),
        (Language::JavaScript, "for (;;);"),
        (Language::Python, "while True: print('x' * 1000)"),
    ];
    let context = ExecutionContext::new().limits(LimitOverrides::new().wall_time(Duration::from_millis(500)));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            for (language, code) in cases {
                let context = &context;
                scope.spawn(move || {
                    let result = engine().execute_blocking(code, language, context).unwrap();
                    assert!(!result.is_success(), "{code}");
                });
            }
        }
    });
    assert_eq!(output(&python("print('alive')")), "alive\n");
}
