//! How a run ends when nothing stops it: exit codes and exceptions.

use crate::{On, exception, output, shown};
use bailiwick::{ExceptionInfo, ExecutionContext, ExitKind, Language};

fn exit_codes_in_python_are_the_codes_own(on: On) {
    for (code, expected) in [
        ("pass", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(0)", 0),
        ("import sys; sys.exit(None)", 0),
        ("import sys; sys.exit(1)", 1),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit(True)", 1),
        ("import sys; sys.exit(255)", 255),
        // No more than eight bits reach whoever waits for a program.
        ("import sys; sys.exit(256)", 0),
        ("import sys; sys.exit(259)", 3),
        ("import sys; sys.exit(-1)", 255),
        ("raise SystemExit(4)", 4),
        ("exit(5)", 5),
        ("import os; os._exit(7)", 7),
        ("import os; os._exit(0)", 0),
        ("try:\n    raise SystemExit(6)\nfinally:\n    pass", 6),
        ("try:\n    raise SystemExit(6)\nexcept SystemExit:\n    pass", 0),
    ] {
        let result = on.python(&format!("print('kept', flush=True)\n{code}"));
        assert_eq!(result.exit, ExitKind::Exited { code: expected }, "{code}: {}", shown(&result));
        assert_eq!((result.stdout_text().as_ref(), result.stderr.as_slice()), ("kept\n", &b""[..]), "{code}");
    }
}

fn an_exit_with_a_text_says_it(on: On) {
    let result = on.python("import sys; sys.exit('a reason')");
    assert_eq!(result.exit, ExitKind::Exited { code: 1 });
    assert_eq!(result.stderr_text(), "a reason\n");
    let result = on.python("import sys; sys.exit(['a', 1])");
    assert_eq!((&result.exit, result.stderr_text().as_ref()), (&ExitKind::Exited { code: 1 }, "['a', 1]\n"));
}

fn exit_codes_in_javascript_are_the_codes_own(on: On) {
    for (code, expected) in [
        ("", 0),
        ("process.exit()", 0),
        ("process.exit(0)", 0),
        ("process.exit(1)", 1),
        ("process.exit(3)", 3),
        ("process.exit(255)", 255),
        ("process.exit(256)", 0),
        ("process.exit(259)", 3),
        ("process.exit(-1)", 255),
        ("process.exitCode = 4", 4),
        ("process.exitCode = 4; process.exit()", 4),
        ("try { process.exit(5) } catch { console.log('caught') } finally { console.log('finally') }", 5),
        ("setTimeout(() => process.exit(6), 5); setTimeout(() => console.log('late'), 1000)", 6),
        ("await null; process.exit(7)", 7),
        ("process.on('exit', (code) => { process.exitCode = code + 1 }); process.exitCode = 1", 2),
    ] {
        let result = on.javascript(&format!("console.log('kept');\n{code}"));
        assert_eq!(result.exit, ExitKind::Exited { code: expected }, "{code}: {}", shown(&result));
        assert_eq!((result.stdout_text().as_ref(), result.stderr.as_slice()), ("kept\n", &b""[..]), "{code}");
    }
}

fn an_uncaught_exception_in_python_is_told(on: On) {
    for (code, kind, message) in [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("{}['k']", "KeyError", "'k'"),
        ("raise ValueError", "ValueError", ""),
        ("raise ValueError('a', 1)", "ValueError", "('a', 1)"),
        ("raise ValueError('two\\nlines ✓')", "ValueError", "two\nlines ✓"),
        ("class Own(Exception): pass\nraise Own('x')", "Own", "x"),
        (
            "class Outer:\n    class Inner(Exception):\n        class Deep(ValueError): pass\nraise Outer.Inner.Deep('deep')",
            "Outer.Inner.Deep",
            "deep",
        ),
        (
            "def make():\n    class Local(Exception):\n        def __str__(self): return 'own text'\n    return Local\nraise make()(1)",
            "make.<locals>.Local",
            "own text",
        ),
        ("class Bad(Exception):\n    def __str__(self): raise TypeError\nraise Bad('x')", "Bad", ""),
        (
            "import json\njson.loads('{')",
            "json.decoder.JSONDecodeError",
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (
            "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('outer') from e",
            "KeyError",
            "'outer'",
        ),
        ("raise ExceptionGroup('many', [ValueError('a')])", "ExceptionGroup", "many (1 sub-exception)"),
        ("assert 1 == 2, 'unequal'", "AssertionError", "unequal"),
        ("def f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
        ("x = (", "SyntaxError", "'(' was never closed (<string>, line 1)"),
        ("import nothing_of_this_name", "ModuleNotFoundError", "No module named 'nothing_of_this_name'"),
        ("raise GeneratorExit('g')", "GeneratorExit", "g"),
    ] {
        let result = on.python(code);
        let told = exception(&result);
        assert_eq!((told.0.as_str(), told.1.as_str()), (kind, message), "{code}: {}", shown(&result));
        // The traceback shows the code's own frames only, and names the exception.
        let stderr = result.stderr_text();
        assert!(stderr.contains(kind.rsplit('.').next().unwrap()), "{code}: {stderr}");
        assert!(!stderr.contains("worker"), "{code}: {stderr}");
    }
    assert_eq!(
        output(&on.python("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    print(e)")),
        "division by zero\n"
    );
}

fn an_interrupt_is_an_exception_of_code_130(on: On) {
    let result = on.python("raise KeyboardInterrupt");
    let exception = ExceptionInfo { type_name: "KeyboardInterrupt".to_owned(), message: String::new() };
    assert_eq!(result.exit, ExitKind::Exception { code: 130, exception });
}

fn an_uncaught_error_in_javascript_is_told(on: On) {
    for (code, kind, message) in [
        ("throw new Error('plain')", "Error", "plain"),
        ("throw new TypeError('no')", "TypeError", "no"),
        ("nothingOfThisName", "ReferenceError", "nothingOfThisName is not defined"),
        ("class Own extends Error {} throw new Own('x')", "Own", "x"),
        (
            "class Base extends Error { constructor(m) { super(m); this.name = 'Named' } } class Sub extends Base {} throw new Sub('two\\nlines ✓')",
            "Named",
            "two\nlines ✓",
        ),
        ("throw 'a string'", "string", "a string"),
        ("throw 42", "number", "42"),
        ("throw null", "null", "null"),
        ("throw { code: 5 }", "Object", "{ code: 5 }"),
        ("await Promise.reject(new RangeError('awaited'))", "RangeError", "awaited"),
        ("Promise.reject(new RangeError('unhandled'))", "RangeError", "unhandled"),
        ("setTimeout(() => { throw new EvalError('later') }, 1)", "EvalError", "later"),
        ("throw new AggregateError([new Error('a')], 'many')", "AggregateError", "many"),
        ("throw Object.assign(new Error('with code'), { code: 'E1' })", "Error", "with code"),
    ] {
        let result = on.javascript(code);
        let told = exception(&result);
        assert_eq!((told.0.as_str(), told.1.as_str()), (kind, message), "{code}: {}", shown(&result));
        assert!(result.stderr_text().starts_with("Uncaught "), "{code}: {}", shown(&result));
        assert!(!result.stderr_text().contains("worker.js"), "{code}: {}", shown(&result));
    }
    // Messages of these are the engines' own.
    for (code, kind) in [
        ("let x = 1;\nlet = ;", "SyntaxError"),
        ("null.x", "TypeError"),
        ("(function f() { return f() + 1 })()", "RangeError"),
    ] {
        let result = on.javascript(code);
        assert_eq!(exception(&result).0, kind, "{code}: {}", shown(&result));
    }
    assert_eq!(output(&on.javascript("try { null.x } catch (e) { console.log(e.name) }")), "TypeError\n");
    assert!(on.javascript("Promise.reject(1).catch(() => {})").is_success());
}

fn a_failure_names_its_place(on: On) {
    let code = "def f():\n    return 1 / 0\n\nprint('before')\nf()\n";
    let result = on.run(Language::Python, code, ExecutionContext::new().filename("prog.py"));
    assert_eq!(result.stdout_text(), "before\n");
    assert_eq!(
        result.stderr_text(),
        "Traceback (most recent call last):\n  File \"prog.py\", line 5, in <module>\n    f()\n    ~^^\n  File \"prog.py\", line 2, in f\n    return 1 / 0\n           ~~^~~\nZeroDivisionError: division by zero\n"
    );
    let code = "function f() {\n  throw new TypeError('no');\n}\nconsole.log('before');\nf();\n";
    let result = on.run(Language::JavaScript, code, ExecutionContext::new().filename("prog.js"));
    assert_eq!(result.stdout_text(), "before\n");
    let stderr = result.stderr_text();
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines[0], "Uncaught TypeError: no", "{stderr}");
    assert!(lines[1].starts_with("    at f (prog.js:2:"), "{stderr}");
    assert!(lines[2].contains("prog.js:5:"), "{stderr}");
    assert_eq!(lines.len(), 3, "no frames but the code's own: {stderr}");
}

fn what_is_registered_for_the_end_runs(on: On) {
    let result = on.python("import atexit\natexit.register(print, 'bye')\nprint('hi')");
    assert_eq!(output(&result), "hi\nbye\n");
    let result = on.python("import atexit\natexit.register(print, 'bye')\n1 / 0");
    assert_eq!(result.stdout_text(), "bye\n");
    let result = on.javascript("process.on('exit', (c) => console.log('bye', c)); console.log('hi')");
    assert_eq!(output(&result), "hi\nbye 0\n");
}

on_every_backend!(
    exit_codes_in_python_are_the_codes_own,
    an_exit_with_a_text_says_it,
    exit_codes_in_javascript_are_the_codes_own,
    an_uncaught_exception_in_python_is_told,
    an_interrupt_is_an_exception_of_code_130,
    an_uncaught_error_in_javascript_is_told,
    a_failure_names_its_place,
    what_is_registered_for_the_end_runs,
);
