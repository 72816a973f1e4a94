//! What goes into a run and what comes out of it: standard input, arguments, variables, files, artifacts.

use crate::{On, files, json_value, output, shown};
use bailiwick::{EngineErrorKind, ExecutionContext, ExitKind, Language, LimitOverrides};
use serde_json::json;
use std::time::Duration;

fn standard_input_is_given_or_at_its_end(on: On) {
    let context = ExecutionContext::new().stdin("first\nsecond ✓\n");
    let code = "import sys\nprint(input().upper())\nprint(sys.stdin.read())";
    assert_eq!(output(&on.run(Language::Python, code, context)), "FIRST\nsecond ✓\n\n");
    let code =
        "import sys\nprint(repr(sys.stdin.read()))\ntry:\n    input()\nexcept EOFError:\n    print('end')";
    assert_eq!(output(&on.python(code)), "''\nend\n");
    let context = ExecutionContext::new().stdin("a\nb");
    let code = "import sys\nprint([line for line in sys.stdin])";
    assert_eq!(output(&on.run(Language::Python, code, context)), "['a\\n', 'b']\n");
    let code = "console.log(JSON.stringify(require('fs').readFileSync(0, 'utf8')))";
    let context = ExecutionContext::new().stdin("in ✓\n");
    assert_eq!(output(&on.run(Language::JavaScript, code, context)), "\"in ✓\\n\"\n");
    assert_eq!(output(&on.javascript(code)), "\"\"\n");
}

fn standard_input_is_bytes(on: On) {
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let context = ExecutionContext::new().stdin(bytes.clone());
    let code = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])\nsys.stdout.flush()";
    let result = on.run(Language::Python, code, context.clone());
    assert!(result.is_success(), "{:?} {}", result.exit, result.stderr_text());
    assert!(result.stdout.iter().rev().eq(&bytes));
    let code = "const b = require('fs').readFileSync(0); [b.length, b.subarray(0, 4).toString('hex'), b.reduce((a, x) => a + x, 0)]";
    let result = on.run(Language::JavaScript, code, context);
    assert_eq!(json_value(&result), json!([1 << 20, "00010203", 133_693_440]));
}

fn input_that_nobody_reads_does_not_matter(on: On) {
    let context = ExecutionContext::new().stdin(vec![b'x'; 4 << 20]);
    assert_eq!(output(&on.run(Language::Python, "print('done')", context.clone())), "done\n");
    assert_eq!(output(&on.run(Language::JavaScript, "console.log('done')", context)), "done\n");
}

fn arguments_variables_and_directory_are_the_runs_own(on: On) {
    let context =
        ExecutionContext::new().arg("a").arg("b c ✓").arg("").env("MODE", "te=st ✓").filename("prog.py");
    let code = "import sys, os\nprint(sys.argv, os.environ['MODE'], os.getcwd(), __name__)";
    assert_eq!(
        output(&on.run(Language::Python, code, context)),
        "['prog.py', 'a', 'b c ✓', ''] te=st ✓ /workspace __main__\n"
    );
    let code = "import os\nprint(sorted(os.environ), os.environ['HOME'], os.environ['TZ'])";
    // In a container the libraries for numbers are told how many threads to start.
    let threads = if on.is_wasm() { "" } else { "'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', " };
    assert_eq!(
        output(&on.python(code)),
        format!("['HOME', 'LANG', {threads}'PATH', 'PWD', 'TMPDIR', 'TZ'] /workspace UTC\n")
    );
    let context = ExecutionContext::new().arg("a").arg("b c").env("MODE", "test").filename("prog.js");
    let code = "console.log(process.argv.slice(2), process.env.MODE, process.cwd(), Object.keys(process.env).filter((k) => !/NUM_THREADS/.test(k)).sort())";
    assert_eq!(
        output(&on.run(Language::JavaScript, code, context)),
        "[ 'a', 'b c' ] test /workspace [\n  'HOME', 'LANG',\n  'MODE', 'PATH',\n  'PWD',  'TMPDIR',\n  'TZ'\n]\n"
    );
}

fn files_go_in_and_artifacts_come_out(on: On) {
    let context = ExecutionContext::new()
        .file("in/data.txt", "abc")
        .file("ünï ✓.bin", vec![0, 255])
        .file(".hidden", "")
        .collect_artifacts(true);
    let code = "import os\nos.makedirs('out/deep')\nwith open('out/deep/r.bin', 'wb') as f: f.write(open('in/data.txt', 'rb').read()[::-1])\n\
        open('/tmp/scratch', 'w').write('x')\nprint(sorted(os.listdir('.')), open('ünï ✓.bin', 'rb').read())\nos.remove('.hidden')\nos.makedirs('empty/dir')";
    let result = on.run(Language::Python, code, context);
    assert_eq!(output(&result), "['.hidden', 'in', 'out', 'ünï ✓.bin'] b'\\x00\\xff'\n");
    assert_eq!(
        files(&result),
        [("in/data.txt", &b"abc"[..]), ("out/deep/r.bin", &b"cba"[..]), ("ünï ✓.bin", &[0, 255][..])]
    );
    let context = ExecutionContext::new().file("a.txt", "file").collect_artifacts(true);
    let code = "const fs = require('fs'); fs.writeFileSync('b.txt', fs.readFileSync('a.txt', 'utf8') + '!'); fs.mkdirSync('d'); fs.writeFileSync('d/c.json', JSON.stringify([1])); fs.unlinkSync('a.txt')";
    let result = on.run(Language::JavaScript, code, context);
    output(&result);
    assert_eq!(files(&result), [("b.txt", &b"file!"[..]), ("d/c.json", &b"[1]"[..])]);
    assert!(on.python("open('f', 'w').write('x')").artifacts.is_empty(), "nobody asked");
}

fn a_large_artifact_comes_out_whole(on: On) {
    let context = ExecutionContext::new().collect_artifacts(true);
    let code = "with open('big', 'wb') as f:\n    for n in range(256): f.write(bytes([n]) * (1 << 16))";
    let result = on.run(Language::Python, code, context);
    output(&result);
    assert_eq!(result.artifacts.len(), 1);
    let expected: Vec<u8> = (0..=255_u8).flat_map(|n| std::iter::repeat_n(n, 1 << 16)).collect();
    assert!(result.artifacts[0].bytes == expected, "{} bytes", result.artifacts[0].bytes.len());
}

fn artifacts_come_out_of_failures_too(on: On) {
    let limit = Duration::from_millis(700);
    let context =
        || ExecutionContext::new().collect_artifacts(true).limits(LimitOverrides::new().wall_time(limit));
    let write = "with open('left', 'w') as f: f.write('kept')\n";
    let js_write = "require('fs').writeFileSync('left', 'kept');";
    let timed_out = ExitKind::TimedOut { limit };
    for (language, code, kind) in [
        (Language::Python, format!("{write}1 / 0"), "exception"),
        (Language::Python, format!("{write}import sys; sys.exit(3)"), "exited"),
        (Language::Python, format!("{write}while True: pass"), "timed_out"),
        (Language::Python, format!("{write}import time; time.sleep(60)"), "timed_out"),
        (Language::JavaScript, format!("{js_write} for (;;);"), "timed_out"),
        (Language::JavaScript, format!("{js_write} null.x"), "exception"),
    ] {
        let result = on.run(language, &code, context());
        assert_eq!(result.exit.kind(), kind, "{code}: {}", shown(&result));
        assert!(kind != "timed_out" || result.exit == timed_out);
        assert_eq!(files(&result), [("left", &b"kept"[..])], "{code}");
    }
}

fn links_are_not_artifacts(on: On) {
    let code = "import os\nopen('real', 'w').write('r')\nos.symlink('real', 'inside')\nos.symlink('/etc/passwd', 'outside')\nos.symlink('/etc', 'dir')\nos.symlink('loop', 'loop')";
    let result = on.run(Language::Python, code, ExecutionContext::new().collect_artifacts(true));
    output(&result);
    assert_eq!(files(&result), [("real", &b"r"[..])]);
}

fn a_path_that_leads_out_is_refused(on: On) {
    for path in ["../x", "/etc/x", "a/../../x", "a//b", "", ".", "a\0b", "a\\b"] {
        let context = ExecutionContext::new().file(path, "x");
        let error = on.try_run(Language::Python, "1", context).unwrap_err();
        assert!(matches!(error.kind, EngineErrorKind::Request(_)), "{path:?}: {error}");
    }
    let context = ExecutionContext::new().file("a/b..c/.d", "x");
    assert_eq!(output(&on.run(Language::Python, "print(open('a/b..c/.d').read())", context)), "x\n");
}

fn modules_are_imported_from_the_workspace(on: On) {
    let context = ExecutionContext::new()
        .file("helper.py", "VALUE = 42\n")
        .file("pkg/__init__.py", "from .inner import f\n")
        .file("pkg/inner.py", "def f(): return 'inner'\n")
        .collect_artifacts(true);
    let result = on.run(Language::Python, "import helper, pkg\nprint(helper.VALUE, pkg.f())", context);
    assert_eq!(output(&result), "42 inner\n");
    assert_eq!(result.artifacts.len(), 3, "no bytecode is left: {:?}", files(&result));
    let context = ExecutionContext::new()
        .file("lib.js", "export const n = 41; export default (x) => x + 1;")
        .file("old.cjs", "module.exports = { twice: (x) => x * 2 };")
        .file("data.json", "{\"k\": [1]}");
    let module = "import inc, { n } from './lib.js';\nconsole.log(inc(n));";
    let explicit = context.clone().filename("main.mjs").es_module(true);
    assert_eq!(output(&on.run(Language::JavaScript, module, explicit)), "42\n");
    assert_eq!(output(&on.run(Language::JavaScript, module, context.clone())), "42\n");
    let code = "const { twice } = require('./old.cjs'); console.log(twice(4), require('./data.json').k); const m = await import('./lib.js'); console.log(m.n)";
    assert_eq!(output(&on.run(Language::JavaScript, code, context)), "8 [ 1 ]\n41\n");
}

on_every_backend!(
    standard_input_is_given_or_at_its_end,
    standard_input_is_bytes,
    input_that_nobody_reads_does_not_matter,
    arguments_variables_and_directory_are_the_runs_own,
    files_go_in_and_artifacts_come_out,
    a_large_artifact_comes_out_whole,
    artifacts_come_out_of_failures_too,
    links_are_not_artifacts,
    a_path_that_leads_out_is_refused,
    modules_are_imported_from_the_workspace,
);
