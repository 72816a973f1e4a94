"""Tests of worker.js; see workers.py."""
import os

from workers import LAST, MODULE, VALUE, Worker, holds, lacks, once, same


def js(code, **kwargs):
    return once('javascript', code, **kwargs)


def test_the_last_expression_is_the_value():
    for code, value in [
        ('1 + 1', 2), ('const x = 3; x * 2', 6), ("[1, 2.5, 'ä', null, true, {k: [1]}]", [1, 2.5, 'ä', None, True, {'k': [1]}]), ("'text'", 'text'),
        ('await Promise.resolve(5)', 5), ('Promise.resolve(6)', 6), ('null', None), ('const r = await Promise.all([1, 2]); ({r})', {'r': [1, 2]}),
        ('const o = {n: 0}; setTimeout(() => { o.n = 1 }, 5); o', {'n': 1}), ('await 1; 2', 2), ('await null; "s"', 's'),
    ]:
        r = js(code)
        same((r.code, 1 in r.told, r.value, r.err), (0, True, value, ''), (code, r))
    for code, text in [
        ('(() => 1)', '[Function (anonymous)]'), ('new Map([[1, 2]])', 'Map(1) { 1 => 2 }'), ('NaN', 'NaN'), ('-0', '-0'), ('10n', '10n'),
        ('const a = []; a.push(a); a', '<ref *1> [ [Circular *1] ]'), ('await 1; NaN', 'NaN'), ('await 1; 5n', '5n'), ('await 1; new Set([1])', 'Set(1) { 1 }'),
        ('new Promise(() => {})', 'Promise { <pending> }'), ('class A {}; new A()', 'A {}'), ('[undefined]', '[ undefined ]'),
    ]:
        r = js(code)
        same((r.code, r.text, r.err), (0, text, ''), (code, r))
    for code in 'undefined', 'setTimeout(() => {}, 1)', 'process.on("x", () => {})', 'let y = 1':
        same(js(code).told, {}, code)
    same(js('1 + 1', flags=LAST).told, {})
    r = js('"x".repeat(2000000)')
    same((list(r.told), len(r.told[2]) < 1 << 20), ([2], True))


def test_an_uncaught_error_is_reported_with_its_own_stack():
    r = js("function f() {\n  throw new TypeError('no');\n}\nconsole.log('before');\nf();\n")
    same((r.code, r.out, r.error, r.err), (1, 'before\n', ('TypeError', 'no'), 'Uncaught TypeError: no\n    at f (<string>:2:9)\n    at <string>:5:1\n'))
    r = js('await null; function f() { null.x }\nf()', filename='main.js')
    same((r.code, r.error[0]), (1, 'TypeError'))
    holds(r.err, 'at f (main.js:1:33)\n    at main.js:2:1\n')
    lacks(r.err, 'worker')
    r = js('console.error(new Error("shown").stack)')
    same(r.err, 'Error: shown\n    at <string>:1:15\n')
    r = js('setTimeout(() => { throw new RangeError("late") }, 1)')
    same((r.code, r.error), (1, ('RangeError', 'late')))
    same(js('throw 5').error, ('number', '5'))
    same(js('throw "text"').error, ('string', 'text'))
    same(js('throw null').error[0], 'null')
    same(js('class E extends Error {}; throw new E("m")').error, ('E', 'm'))


def test_syntax_errors_name_their_place():
    r = js('let x = 1;\nlet = ;\n')
    same((r.code, r.error[0], r.out), (1, 'SyntaxError', ''))
    same(r.err, "Uncaught SyntaxError: Unexpected token ';'\n    at <string>:2:7\n", r)
    r = js('console.log(1);\nawait 1;\nlet = ;')
    same((r.error[0], r.out), ('SyntaxError', ''))
    holds(r.err, '<string>:3')
    same(js('JSON.parse("{")').error[0], 'SyntaxError')


def test_rejections_that_nobody_handles_fail_the_run():
    r = js("Promise.reject(new RangeError('later')); console.log('first')")
    same((r.code, r.error, r.out), (1, ('RangeError', 'later'), 'first\n'))
    holds(r.err, 'Uncaught (in promise) RangeError: later')
    same(js('Promise.reject(1).catch(() => {})').code, 0)
    same(js('Promise.reject(7)').error, ('number', '7'))
    same(js("process.on('unhandledRejection', (e) => console.log('got', e)); Promise.reject(3)").out, 'got 3\n')
    r = js("process.on('uncaughtException', (e, o) => console.log('got', e.message, o)); setTimeout(() => console.log('on'), 5); throw new Error('x')")
    same((r.code, r.out, r.told), (0, 'got x uncaughtException\non\n', {}), r)


def test_exit_codes_are_the_codes_own():
    r = js("console.log('kept'); try { process.exit(3) } catch { console.log('caught') }")
    same((r.code, r.out, r.told), (3, 'kept\n', {}))
    same(js('process.exitCode = 4').code, 4)
    r = js("process.on('exit', (c) => console.log('exit', c)); await new Promise(() => {})")
    same((r.code, r.out), (13, 'exit 13\n'), r)
    holds(r.err, 'never settled')
    same(js('process.on("exit", (c) => console.log("exit", c)); null.x').out, 'exit 1\n')
    with Worker('javascript') as w:
        r = w.run('', raw=b'\x01\0\0\0')
        same((r.code, r.err), (125, 'bailiwick: the request is malformed\n'))


def test_timers_and_jobs_run_in_order():
    r = js("setTimeout(() => console.log('late'), 30); setTimeout(() => console.log('soon'), 1); process.nextTick(() => console.log('tick'));"
           "queueMicrotask(() => console.log('micro')); console.log('now')")
    same(r.out, 'now\ntick\nmicro\nsoon\nlate\n')


def test_input_files_and_arguments():
    r = js("const fs = require('fs'); fs.writeFileSync('b.txt', fs.readFileSync('a.txt', 'utf8') + '!');"
           "console.log(fs.readFileSync(0, 'utf8').trim(), fs.readFileSync('b.txt', 'utf8'), process.argv.slice(1), process.env.K, process.cwd() === __dirname)",
           argv=['<string>', 'x'], env=['K=v'], stdin='in\n', files=[('a.txt', 'file')])
    same(r.out, "in file! [ '<string>', 'x' ] v true\n", r)
    same(js("process.stdin.setEncoding('utf8'); let s = ''; process.stdin.on('data', (d) => { s += d }); process.stdin.on('end', () => console.log(s))", stdin='text').out, 'text\n')
    same(js("const rl = require('readline').createInterface({input: process.stdin}); for await (const l of rl) console.log('<' + l + '>')", stdin='a\nb\n').out, '<a>\n<b>\n')
    same(js('readStdin()', stdin='abc').value, 'abc')


def test_modules():
    lib = [('lib.js', 'exports.n = 41;'), ('esm.mjs', 'export const n = 1; export default (x) => x + 1;'), ('node_modules/pkg/index.js', 'module.exports = "pkg"')]
    same(js("require('./lib').n + require('pkg')", files=lib).value, '41pkg')
    same(js("require.main === module && __filename.endsWith('/main.js')", filename='main.js').value, True)
    r = js("import inc, { n } from './esm.mjs';\nimport p from 'pkg';\nconsole.log(inc(n), p, import.meta.url.endsWith('/main.mjs'));\nawait 1", files=lib, filename='main.mjs', flags=VALUE | LAST | MODULE)
    same((r.code, r.out, r.err, r.told), (0, '2 pkg true\n', '', {}), r)
    same(js("import { n } from './esm.mjs'; console.log(n)", files=lib).out, '1\n')
    for code in "const m = await import('./esm.mjs'); m.n", "let v; import('./esm.mjs').then((m) => { v = m.n }); new Promise((r) => setTimeout(() => r(v), 50))":
        r = js(code, files=lib)
        same((r.value, r.err), (1, ''), r)
    same(js("(await import('pkg')).default", files=lib).value, 'pkg')
    with Worker('javascript') as w:
        r = w.run('import fs from "fs";\nconsole.log(fs.readdirSync("."));\nnull.x', filename='main.mjs')
        same((r.code, r.out, os.listdir(w.place)), (1, '[]\n', []), r)
        holds(r.err, 'main.mjs:3:6')
    with Worker('javascript', files=[('main.mjs', 'other')]) as w:
        w.run('import fs from "fs"; await 1; fs.x = 1', filename='main.mjs')
        same((os.listdir(w.place), w.read('main.mjs')), (['main.mjs'], 'other'))
    r = js('import "./none.mjs"', filename='main.mjs')
    same((r.code, 'none.mjs' in r.error[1]), (1, True), r)
    r = js('export const a = 1;\nlet = ;', flags=VALUE | LAST | MODULE)
    same((r.code, r.error[0]), (1, 'SyntaxError'), r)
    r = js('import "fs"; await new Promise(() => {})', flags=LAST | MODULE)
    same(r.code, 13, r)


def test_children_get_no_socket():
    r = js("require('child_process').execSync('ls /proc/self/fd').toString().trim().split('\\n')")
    same(r.value, ['0', '1', '2', '3'], r)


def test_an_environment_keeps_its_names():
    with Worker('javascript', 'shared') as w:
        def run(code, **kwargs):
            return w.run(code, flags=VALUE, **kwargs)
        same(run('let a = 1; const b = 2; function f() { return a + b } class C {} globalThis.d = 4; var e = 5').code, 0)
        r = run('a += 1; console.log(f(), typeof C, d, e)')
        same((r.out, r.code, r.err), ('4 function 4 5\n', 0, ''), r)
        same(run('let a = 10; const b = 20; class C { x = 1 }; function f() { return a * b } f()').value, 200)
        same(run('const q = await Promise.resolve(7); q').value, 7)
        same(run('q').value, 7)
        r = run('\nfunction g() { null.x }\ng()')
        same((r.code, r.error[0]), (1, 'TypeError'))
        same(r.err, "Uncaught TypeError: Cannot read properties of null (reading 'x')\n    at g (<string>:2:21)\n    at <string>:3:1\n")
        r = run('let ok = 1;\nlet = ;')
        same((r.code, r.error[0]), (1, 'SyntaxError'))
        holds(r.err, '<string>:2')
        r = run("console.log('kept'); process.on('exit', (c) => console.log('exit', c)); try { process.exit(3) } catch { console.log('caught') } finally { console.log('finally') }")
        same((r.code, r.out, r.told, r.err), (3, 'kept\nexit 3\n', {}, ''), r)
        r = run("setTimeout(() => console.log('never'), 50); setTimeout(() => process.exit(5), 1); setInterval(() => {}, 10)")
        same((r.code, r.out, r.err), (5, '', ''), r)
        r = run('await null; process.exit(6)')
        same((r.code, r.err), (6, ''), r)
        r = run('setTimeout(() => { throw new Error("t") }, 1); setTimeout(() => console.log("never"), 30)')
        same((r.code, r.out, r.error), (1, '', ('Error', 't')), r)
        r = run('Promise.reject(new Error("p"))')
        same((r.code, r.error), (1, ('Error', 'p')), r)
        holds(r.err, '(in promise)')
        r = run('await new Promise(() => {})')
        same(r.code, 13)
        # Not even when the promise that nobody can settle is collected.
        same(run('let n = 0; const timer = setInterval(() => { for (let i = 0; i < 200; i++) Buffer.from(new Array(10000).fill({}).map(String).join()); if (++n > 20) clearInterval(timer) }, 1); await new Promise(() => {})').code, 13)
        same(run('await new Promise((r) => setTimeout(r, 60)); "after"').value, 'after')
        same(run('require("fs").readFileSync(0, "utf8")', stdin='one').value, 'one')
        same(run("let t = ''; process.stdin.on('data', (d) => { t += d }); await new Promise((r) => process.stdin.on('end', r)); t", stdin='two').value, 'two')
        same(run("t = ''; for await (const d of process.stdin) t += d; t", stdin='three').value, 'three')
        same(run('process.exitCode = 9').code, 9)
        r = run('[process.exitCode === undefined, process.listenerCount("exit")]')
        same((r.code, r.value), (0, [True, 0]), r)
        same(run('', raw=b'nonsense').code, 125)
        with open(w.path('m.js'), 'w') as f:
            f.write('exports.n = 1')
        same(run('require("./m").n').value, 1)
        with open(w.path('m.js'), 'w') as f:
            f.write('exports.n = 2')
        same(run('require("./m").n').value, 2)
        same(run('(await import("./m.js")).default.n').value, 2)
        same(run('process.chdir("/"); new Map([[1, a]])').text, 'Map(1) { 1 => 10 }')
        same(run('process.cwd() === __dirname').value, True)
        r = w.run('setTimeout(() => console.log(a), 5); process.on("exit", () => { process.exitCode = 8 })', flags=VALUE | LAST)
        same((r.code, r.out, w.process.wait(10)), (8, '10\n', 8), r)


def test_packages_are_found():
    with Worker('javascript', 'warm') as w:
        if not os.path.exists('/node_modules/lodash'):
            print('lodash is not there: it is not tested')
            return
        r = w.run('const _ = require("lodash"); _.chunk([1, 2, 3], 2)')
        same(r.value, [[1, 2], [3]], r)
    r = js('import _ from "lodash"; console.log(_.sum([1, 2]))')
    same(r.out, '3\n', r)
