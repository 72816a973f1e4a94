//! JavaScript: what must be seen through, and what must be left alone.
use super::{allowed, denied, policy};
use bailiwick::Language::JavaScript;

#[test]
fn modules_are_seen_however_they_are_written() {
    denied(
        JavaScript,
        &[
            ("require('fs')", "js-require-fs@1:1"),
            ("const x = require(\"fs\")", "js-require-fs@1:11"),
            ("require ( `fs` )", "js-require-fs@1:1"),
            ("require(/*x*/'f'+'s')", "js-require-fs@1:1"),
            ("require\n// c\n(('fs'))", "js-require-fs@1:1"),
            ("require('\\x66s')", "js-require-fs@1:1"),
            ("require('\\u0066\\u{73}')", "js-require-fs@1:1"),
            ("require('f\\\ns')", "js-require-fs@1:1"),
            ("require('f'.concat('s'))", "js-require-fs@1:1"),
            ("require('node:fs/promises')", "js-require-fs@1:1"),
            ("require?.('fs')", "js-require-fs@1:1"),
            ("module.require('fs')", "js-require-fs@1:8"),
            ("r\\u0065quire('fs')", "js-require-fs@1:1"),
            ("import fs from 'fs'", "js-require-fs@1:1"),
            ("import { readFile as r, x } from \"node:fs\"", "js-require-fs@1:1"),
            ("import * as f from 'fs'", "js-require-fs@1:1"),
            ("import 'fs'", "js-require-fs@1:1"),
            ("await import('fs')", "js-require-fs@1:7"),
            ("export * from 'fs'", "js-require-fs@1:1"),
            ("require('child_process').exec('x')", "js-require-child-process@1:1"),
            ("require(name)", "js-dynamic-require@1:1"),
            ("require(`${'f'}s`)", "js-dynamic-require@1:1"),
            ("require('f' + s)", "js-dynamic-require@1:1"),
            ("const r = require; r('fs')", "js-dynamic-require@1:11"),
            ("import(name)", "js-dynamic-require@1:1"),
            ("import { createRequire } from 'module'", "js-import-machinery@1:1"),
            ("`${require('fs')}`", "js-require-fs@1:4"),
            ("`a${`b${require('fs')}`}`", "js-require-fs@1:9"),
        ],
    );
    allowed(
        JavaScript,
        &[
            "require('lodash')",
            "import { x } from './util.js'\nexport default x",
            "// require('fs')",
            "/* require('fs') */",
            "const s = \"require('fs')\"",
            "const t = `require('fs')`",
            "const r = /require('fs')/",
            "if (require.main === module) main()",
            "export const a = 1, b = from",
        ],
    );
    assert_eq!(
        policy().imports("import a from 'a'\nconst fs = require('node:fs'); import('b')", JavaScript),
        ["a", "fs", "b"]
    );
    assert_eq!(policy().check_imports("import a from 'a'; require('fs')", JavaScript)[0].module, "fs");
}

#[test]
fn functions_are_seen_behind_other_names() {
    denied(
        JavaScript,
        &[
            ("eval('1')", "js-eval@1:1"),
            ("eval /* x */ ('1')", "js-eval@1:1"),
            ("const e = eval; e('1')", "js-eval@1:11"),
            ("(0, eval)('1')", "js-eval@1:5"),
            ("eval?.('1')", "js-eval@1:1"),
            ("globalThis.eval('1')", "js-eval@1:12"),
            ("globalThis['eval']('1')", "js-eval@1:12"),
            ("globalThis['ev' + 'al']('1')", "js-eval@1:12"),
            ("globalThis?.[`eval`]('1')", "js-eval@1:14"),
            ("\\u0065val('1')", "js-eval@1:1"),
            ("ev\\u{61}l('1')", "js-eval@1:1"),
            ("const { eval: e } = globalThis", "js-eval@1:9"),
            ("const o = { eval }", "js-eval@1:13"),
            ("new Function('return 1')()", "js-function@1:5"),
            ("Function('return 1')()", "js-function@1:1"),
            ("const F = Function", "js-function@1:11"),
            ("[].constructor.constructor('x')()", "js-constructor@1:4"),
            ("(() => {}).constructor('x')()", "js-constructor@1:12"),
            ("x['constructor']['constructor']('y')", "js-constructor@1:3"),
            ("const C = f.constructor", "js-constructor@1:13"),
            ("const { constructor: C } = f", "js-constructor@1:9"),
            ("Reflect.get(globalThis, 'eval')", "js-eval@1:25"),
            ("Reflect.get(f, 'constructor')", "js-constructor@1:16"),
            ("Object.getOwnPropertyDescriptor(x, 'eval').value", "js-eval@1:36"),
            ("process.exit(1)", "js-process-exit@1:1"),
            ("process['exit'](1)", "js-process-exit@1:1"),
            ("process . exit ()", "js-process-exit@1:1"),
            ("globalThis.process.exit()", "js-process-exit@1:12"),
            ("const { exit } = process", "js-process-exit@1:9"),
            ("const { exit: quit } = process", "js-process-exit@1:9"),
            ("const p = process; p.exit()", "js-dynamic-global@1:11"),
            ("process[x]()", "js-dynamic-global@1:1"),
            ("globalThis[x]()", "js-dynamic-global@1:1"),
            ("f(globalThis)", "js-dynamic-global@1:3"),
            ("setTimeout('x()', 1)", "js-constructor@1:1"),
            ("process.binding('fs')", "js-process-internals@1:1"),
        ],
    );
    allowed(
        JavaScript,
        &[
            "evaluate(1); const medieval = 2",
            "const o = { eval: 1 }",
            "console.log('eval(1)')",
            "x instanceof Function && typeof eval",
            "typeof x === Function",
            "Function.prototype.call.bind(f)",
            "class A { constructor(x) { super(x); this.x = x } }",
            "x.constructor.name === 'A' || x.constructor === A",
            "new this.constructor(1)",
            "process.argv; process.env.HOME; process.exitCode = 1",
            "function process(x) { return x } items.map(process)",
            "typeof globalThis === 'undefined'",
            "setTimeout(() => f(), 1)",
            "const require_ = 1",
        ],
    );
}

#[test]
fn slashes_are_told_apart() {
    denied(
        JavaScript,
        &[
            ("const r = /'/; eval('1')", "js-eval@1:16"),
            ("const r = /[/'\"`]/; eval('1')", "js-eval@1:21"),
            ("a = b / eval('1') / c", "js-eval@1:9"),
            ("a = (b) / eval('1') / c", "js-eval@1:11"),
            ("if (x) /'/.test(y); eval('1')", "js-eval@1:21"),
            ("a = x[0] / eval('1') / 2", "js-eval@1:12"),
            ("return_ = /`/\neval('1')", "js-eval@2:1"),
            ("a = {} / eval('1') / 2", "js-eval@1:10"),
            ("a = {} / eval('1') / 2", "js-ambiguous@1:8"),
            ("a++ / eval('1') / 2", "js-eval@1:7"),
            ("/* // */ eval('1')", "js-eval@1:10"),
            ("x = '//'; eval('1')", "js-eval@1:11"),
            ("x = `//${'`'}`; eval('1')", "js-eval@1:17"),
            ("x <!-- ` \neval('1') // `", "js-ambiguous@1:3"),
            ("--> `", "js-ambiguous@1:1"),
            ("'abc", "syntax-error@1:1"),
            ("`abc", "syntax-error@1:1"),
            ("/* abc", "syntax-error@1:1"),
            ("x = /abc", "syntax-error@1:5"),
            ("x\0y", "null-byte@1:2"),
            ("#!/usr/bin/node\neval('1')", "js-eval@2:1"),
            ("// x\u{2028}eval('1')", "js-eval@1:6"),
        ],
    );
    allowed(
        JavaScript,
        &[
            "const r = /eval(/",
            "const r = x.replace(/\\/\\*eval\\(/g, '')",
            "const half = (a + b) / 2 / c",
            "function f() { return /process.exit/.test(x) }",
            "const s = 'it\\'s eval(1)'",
            "a = { b: 1 }\n// eval('1') / 2",
            "x = y ? /a/ : /b/",
        ],
    );
}
