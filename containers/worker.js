'use strict';
// The JavaScript interpreter of a container: takes requests from the runner and runs them. PROTOCOL.md and
// ../wasm-runtimes/ABI.md say what both sides send; what a program sees is what ../wasm-runtimes/quickjs lets it see, with
// all of Node besides.
//
// Run as `node worker.js cold|warm|shared`. A last request runs in this process as in any Node: the event loop drains, and
// the process ends with its own exit code. In an environment (shared) the process takes the next request instead.
const fs = require('fs');
const path = require('path');
const util = require('util');
const vm = require('vm');
const Module = require('module');
const timers = require('timers');
const { pathToFileURL } = require('url');

const DOOR = 3;
const WORKSPACE = process.cwd();
const FLAG_VALUE = 2;
const FLAG_MODULE = 4;
const FLAG_LAST = 8;
const REPORT = { json: 1, text: 2, errorName: 3, errorMessage: 4 };
// No value that is reported is longer: the rest is cut.
const VALUE_MAX = 1 << 20;
const { stringify } = JSON;
const { inspect, types } = util;
const nodeExit = process.exit;
const nodeReallyExit = process.reallyExit;
const { setImmediate, setTimeout, clearTimeout, clearImmediate } = timers;

// ---- the runner ----

const doorIdentity = (({ dev, ino }) => `${dev} ${ino}`)(fs.fstatSync(DOOR));

// False: the program closed the socket, and its number may by now be a file of the program's.
function send(kind, payload) {
  try {
    const { dev, ino } = fs.fstatSync(DOOR);
    if (`${dev} ${ino}` !== doorIdentity) return false;
    const frame = Buffer.alloc(5 + payload.length);
    frame.write(kind, 0, 'latin1');
    frame.writeUInt32LE(payload.length, 1);
    payload.copy(frame, 5);
    for (let at = 0; at < frame.length;) at += fs.writeSync(DOOR, frame, at);
    return true;
  } catch {
    return false;
  }
}

function receive(size) {
  const data = Buffer.alloc(size);
  for (let at = 0; at < size;) {
    const n = fs.readSync(DOOR, data, at, size - at, null);
    if (n === 0) return null;
    at += n;
  }
  return data;
}

// The next request; null: the runner is gone.
function next() {
  try {
    for (;;) {
      const head = receive(5);
      const body = head && receive(head.readUInt32LE(1));
      if (!body) return null;
      if (head[0] === 0x71) return body;
    }
  } catch {
    return null;
  }
}

const cut = (s) => (s.length > VALUE_MAX / 4 && Buffer.byteLength(s) > VALUE_MAX ? `${s.slice(0, VALUE_MAX / 4)}... (cut)` : s);
const tell = (op, text) => send('p', Buffer.concat([Buffer.from([op]), Buffer.from(text)]));

function parse(data) {
  let at = 0;
  const u32 = () => { at += 4; return data.readUInt32LE(at - 4); };
  const str = () => {
    const n = u32();
    if (at + n > data.length) throw new RangeError('too short');
    at += n;
    return data.toString('utf8', at - n, at);
  };
  const list = () => { const a = []; for (let n = u32(); n > 0; n--) a.push(str()); return a; };
  if (u32() !== 1) throw new RangeError('version');
  return { flags: u32(), code: str(), filename: str(), argv: list(), env: list() };
}

// ---- what is reported ----

// True for what JSON gives back as it was: null, booleans, finite numbers, strings, and plain arrays and objects of these.
function isJSON(v, depth, seen) {
  switch (typeof v) {
    case 'boolean': return true;
    case 'number': return Number.isFinite(v) && !Object.is(v, -0);
    case 'string': return !/\p{Surrogate}/u.test(v);
    case 'object': break;
    default: return false;
  }
  if (v === null) return true;
  if (depth > 100 || seen.has(v) || types.isProxy(v) || types.isArgumentsObject(v) || types.isBoxedPrimitive(v) || types.isModuleNamespaceObject(v) || types.isNativeError(v)) return false;
  const isArray = Array.isArray(v);
  const proto = Object.getPrototypeOf(v);
  if (isArray ? proto !== Array.prototype : proto !== Object.prototype && proto !== null) return false;
  const keys = Reflect.ownKeys(v);
  if (isArray && keys.length !== v.length + 1) return false;
  seen.add(v);
  for (const k of keys) {
    if (isArray && k === 'length') continue;
    const d = Object.getOwnPropertyDescriptor(v, k);
    if (typeof k === 'symbol' || !('value' in d) || !d.enumerable || !isJSON(k, 0, seen) || !isJSON(d.value, depth + 1, seen)) return false;
  }
  seen.delete(v);
  return true;
}

const timerTypes = [setTimeout(() => {}, 0), setImmediate(() => {})].map((t, i) => { (i ? clearImmediate : clearTimeout)(t); return t.constructor; });

function report(value) {
  // What setTimeout() and process.on() give back is not meant as a result.
  if (value === undefined || value === process || timerTypes.some((type) => value instanceof type)) return;
  let json;
  try {
    if (isJSON(value, 0, new Set())) json = stringify(value);
  } catch { /* too deep, or too large: as text */ }
  try {
    if (json !== undefined && Buffer.byteLength(json) <= VALUE_MAX) tell(REPORT.json, json);
    else tell(REPORT.text, cut(inspect(value, { depth: 4, maxStringLength: 100000, maxArrayLength: 1000 })));
  } catch { /* its own inspection failed: no value */ }
}

// A promise's value, once it has one, is the run's.
function reportValue(value) {
  // Looked at this way, since then() would make a rejection a handled one.
  if (!types.isPromise(value) || /\{\s*<(pending|rejected)>/.test(inspect(value, { depth: 0, customInspect: false }).slice(0, 200))) report(value);
  else Promise.prototype.then.call(value, report);
}

const safely = (f, otherwise) => { try { return f(); } catch { return otherwise; } };

function write(fd, text) {
  const data = Buffer.from(text);
  try {
    for (let at = 0; at < data.length;) {
      try { at += fs.writeSync(fd, data, at); } catch (e) { if (e.code !== 'EAGAIN') return; }
    }
  } catch { /* nobody to tell */ }
}

// Tells the user and the runner of an exception that nothing caught.
function tellFatal(error, inPromise) {
  const isError = safely(() => types.isNativeError(error) || error instanceof Error, false);
  let text = safely(() => inspect(error), null);
  // A syntax error's stack begins with its place and its line, and inspect() puts brackets around one that has no frames.
  const place = isError && /^\[?(.+:\d+)\n.*\n( *)\^+\n+(.*)((?:\n    at .*)*)\]?$/.exec(text ?? '');
  if (place) text = `${place[3].replace(/\]$/, '')}\n    at ${place[1]}:${place[2].length + 1}${place[4]}`;
  text ??= safely(() => `${error.stack}`, null) ?? '(an error that cannot be shown)';
  write(2, `Uncaught ${inPromise ? '(in promise) ' : ''}${cut(text)}\n`);
  const name = isError ? safely(() => (typeof error.name === 'string' && error.name !== 'Error' && error.name) || error.constructor?.name || 'Error', 'Error')
    : error === null ? 'null' : typeof error === 'object' ? safely(() => error.constructor?.name, '') || 'object' : typeof error;
  const message = isError ? safely(() => `${error.message}`, '') : safely(() => (typeof error === 'string' ? error : inspect(error)), '');
  tell(REPORT.errorName, cut(`${name}`));
  tell(REPORT.errorMessage, cut(message));
}

// Stacks end where this file begins: neither its frames nor what it called of Node's to run the code are the program's.
Object.defineProperty(Error, 'prepareStackTrace', {
  configurable: true,
  writable: true,
  enumerable: false,
  value(error, frames) {
    let end = frames.findIndex((f) => f.getFileName() === __filename);
    if (end < 0) end = frames.length;
    else while (end > 0 && /^node:/.test(frames[end - 1].getFileName() ?? '')) end--;
    let head;
    try { head = Error.prototype.toString.call(error); } catch { head = '<error>'; }
    return head + frames.slice(0, end).map((f) => `\n    at ${f}`).join('');
  },
});

// ---- running ----

// The run that goes on: `settled` is false while a top-level await or a module is under way.
let run = null;
let shared = false;
let session = null;

const unsettledPromises = new Set();

const EXIT = new (class Exit {})();

function finishFatal(error, inPromise) {
  if (error === EXIT || run.over) return;
  tellFatal(error, inPromise);
  process.exitCode = run.code = 1;
  if (!shared) return nodeExit.call(process, 1);
  try {
    tellExit();
  } catch { /* one failure is enough */ }
  stop();
}

// The runtime's listeners, told as Node itself tells them. A program that has its own decides for itself.
function onException(error) {
  if (process.listenerCount('uncaughtException') === 1) finishFatal(error, false);
}
function onRejection(reason, promise) {
  if (process.listenerCount('unhandledRejection') > 1 || reason === EXIT) return;
  if (process.listenerCount('uncaughtException') > 1) process.emit('uncaughtException', reason, 'unhandledRejection');
  else finishFatal(reason, promise !== run.main);
}
function fail(error) {
  if (error !== EXIT && process.listenerCount('uncaughtException') > 1) process.emit('uncaughtException', error, 'uncaughtException');
  else finishFatal(error, false);
}

const loader = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
// Where import() leads from the code: this file is elsewhere, and so are its packages.
function fromWorkspace(name) {
  if (/^\.{0,2}\//.test(name)) return pathToFileURL(path.resolve(WORKSPACE, name)).href;
  if (Module.isBuiltin(name) || /^[a-z]+:/.test(name)) return name;
  try { return pathToFileURL(globalThis.require.resolve(name)).href; } catch { return name; }
}

// Node 18 has no constant for it; the others warn when it is first used, so that happens where nobody sees it.
const options = (filename) => ({ filename, importModuleDynamically: loader });
let warned = !loader;
function warnUnseen(code) {
  if (warned || !/\bimport\s*\(/.test(code)) return;
  warned = true;
  const { emitWarning } = process;
  process.emitWarning = () => {};
  safely(() => new vm.Script('import("fs")', options('import')).runInThisContext());
  process.emitWarning = emitWarning;
}

// What `Runtime.evaluate` names: a value, or an object by its number.
function fetchObject(remote) {
  if (remote.objectId === undefined) {
    const text = remote.unserializableValue;
    if (text === undefined) return remote.type === 'undefined' ? undefined : remote.value;
    return text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text);
  }
  const key = Symbol('bailiwick');
  let value;
  Object.defineProperty(globalThis, key, { value: (v) => { value = v; }, configurable: true });
  session.post('Runtime.evaluate', { expression: 'globalThis' }, (_, { result }) => {
    session.post('Runtime.callFunctionOn', {
      objectId: result.objectId,
      functionDeclaration: 'function (v) { for (const k of Object.getOwnPropertySymbols(this)) if (k.description === "bailiwick") this[k](v); }',
      arguments: [{ objectId: remote.objectId }],
    }, () => {});
  });
  delete globalThis[key];
  session.post('Runtime.releaseObject', { objectId: remote.objectId }, () => {});
  return value;
}

// Runs a script the way a REPL does: with top-level await, and with names that may be declared again.
function evaluate(code, filename) {
  if (session === null) {
    session = new (require('inspector').Session)();
    session.connect();
  }
  const name = filename.replace(/\s/g, '_');
  run.settled = false;
  const mine = run;
  // The script's own promise is kept, the first that it makes: were it collected unsettled, V8 would answer from within the
  // collection, and abort the process (seen with Node 22).
  const hook = require('async_hooks').createHook({ init(id, type, trigger, promise) { if (type === 'PROMISE' && mine.kept.length < 4) mine.kept.push(promise); } }).enable();
  mine.inCode = true;
  session.post('Runtime.evaluate', { expression: `${withImport(code)}\n//# sourceURL=${name}`, replMode: true }, (error, answer) => {
    if (error || run !== mine) return; // the run is over: process.exit()
    mine.settled = true;
    unsettledPromises.delete(mine.kept);
    const { result, exceptionDetails: details } = answer;
    if (!details) {
      mine.value = fetchObject(result);
      return;
    }
    const reason = fetchObject(details.exception ?? result);
    if (reason === EXIT) return;
    // The place of a syntax error is in the answer only.
    if (types.isNativeError(reason) && reason.name === 'SyntaxError' && !`${reason.stack}`.includes(name)) {
      const line = code.split('\n')[details.lineNumber] ?? '';
      reason.stack = `${name}:${details.lineNumber + 1}\n${line}\n${' '.repeat(details.columnNumber)}^\n\n${reason.stack}`;
    }
    setImmediate(fail, reason);
  });
  mine.inCode = false;
  hook.disable();
  if (!mine.settled) unsettledPromises.add(mine.kept);
}

// import() is not to be had in such scripts: one of this file's stands in, under a name that nobody uses.
function withImport(code) {
  if (!/\bimport\s*\(/.test(code)) return code;
  const name = '__bailiwick_import';
  if (!globalThis[name]) {
    const load = async (specifier, more) => import(fromWorkspace(`${specifier}`), more);
    Object.defineProperty(globalThis, name, { value: load, configurable: true });
  }
  return code.replace(/(?<![\w$.'"`])import(?=\s*\()/g, name);
}

// Runs an ES module. Node reads modules from files only, so it gets one, for as long as it takes to read it: the first thing that
// it imports removes it. A file that is there already and says the same is left alone.
function runModule(code, filename) {
  const plain = /\.(mjs|js)$/.test(filename) ? filename : `${filename}.mjs`;
  let file = path.resolve(WORKSPACE, plain);
  if (!file.endsWith('.mjs')) file = file.replace(/\.js$/, '.mjs');
  for (let n = 1; ; n++) {
    const had = safely(() => fs.readFileSync(file, 'utf8'), null);
    if (had === code) { code = null; break; }
    if (had === null) break;
    file = file.replace(/(-\d+)?\.mjs$/, `-${n}.mjs`);
  }
  const remove = () => { if (code !== null) safely(() => fs.unlinkSync(file)); };
  const url = pathToFileURL(file).href;
  if (code !== null) {
    const key = `bailiwick:${process.hrtime.bigint()}`;
    globalThis[Symbol.for(key)] = () => { delete globalThis[Symbol.for(key)]; remove(); };
    const first = `import 'data:text/javascript,globalThis[Symbol.for("${key}")]()';`;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, code.startsWith('#!') ? code.replace('\n', `\n${first}`) : first + code);
    if (shared) run.cleanup = remove;
    else process.on('exit', remove);
  }
  run.settled = false;
  const mine = run;
  import(url).then(() => { mine.settled = true; }, (error) => {
    remove();
    mine.settled = true;
    if (error !== EXIT && run === mine) setImmediate(fail, error);
  });
}

const placeOf = (error) => Number(/^.*:(\d+)$/m.exec(`${error.stack}`.split('\n')[0])?.[1] ?? 0);
const looksESM = (s) => /^\s*(import\s*[\w${*'"]|export\s*(default|const|let|var|function|class|async|\{|\*))/m.test(s);

// Runs the code as what it is: a script, a script with top-level await, or a module. Of several syntax errors the one furthest
// into the source is told.
function start({ code, filename, flags }) {
  if (flags & FLAG_MODULE) return runModule(code, filename);
  let script;
  try {
    script = new vm.Script(loader ? code : withImport(code), options(filename));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    let best = error;
    if (code.includes('await')) {
      try {
        new vm.Script(`async () => {${code}\n}`, { filename, columnOffset: -13 });
        return evaluate(code, filename);
      } catch (second) {
        if (placeOf(second) > placeOf(best)) best = second;
      }
    }
    if (looksESM(code)) return runModule(code, filename);
    throw best;
  }
  if (shared) return evaluate(code, filename);
  warnUnseen(code);
  run.value = script.runInThisContext({ displayErrors: false });
}

// ---- before and after a run ----

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

function begin(request) {
  run = { code: 0, value: undefined, settled: true, over: false, inCode: false, main: null, cleanup: null, kept: [], wantsValue: (request.flags & FLAG_VALUE) !== 0 };
  process.argv = [process.execPath, ...(request.argv.length ? request.argv : [request.filename])];
  process.execArgv = [];
  for (const pair of request.env) {
    const i = pair.indexOf('=');
    if (i > 0) process.env[pair.slice(0, i)] = pair.slice(i + 1);
  }
  // The names of CommonJS are globals: the code is a script, not a function, so that an environment's next run has what it declares.
  const file = path.resolve(WORKSPACE, request.filename);
  const main = new Module(file, null);
  main.id = '.';
  main.filename = file;
  main.path = path.dirname(file);
  main.paths = Module._nodeModulePaths(main.path);
  process.mainModule = main;
  const require = Module.createRequire(file);
  require.main = main;
  for (const [name, value] of Object.entries({ module: main, exports: main.exports, require, __filename: file, __dirname: main.path })) define(name, value);
  define('readStdin', function readStdin() { return fs.readFileSync(0, 'utf8'); });
  process.on('uncaughtException', onException);
  process.on('unhandledRejection', onRejection);
}

function unsettled() {
  if (run.settled) return false;
  write(2, 'Warning: the top-level await was never settled: nothing is left that could settle it\n');
  return true;
}

// The event loop of a last request has nothing left to do.
function drained() {
  if (unsettled()) {
    process.exitCode ??= 13;
    return;
  }
  if (run.wantsValue) reportValue(run.value);
}

function go(request) {
  try {
    start(request);
  } catch (error) {
    fail(error);
  }
}

// A write waits until the pipe has room. Otherwise Node queues what does not fit until its event loop runs, and a program that is
// stopped, or never comes to its end, loses it.
function writeAtOnce() {
  for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);
}

function serve(mode) {
  shared = mode === 'shared';
  writeAtOnce();
  if (shared) prepareShared();
  if (mode !== 'cold') {
    // What takes its time when it is first used.
    safely(() => require('lodash'));
    inspect({ a: [1, 'x', new Map([[1, 2]])] });
  }
  send('r', Buffer.alloc(0));
  accept();
}

function accept() {
  const data = next();
  if (data === null) return nodeReallyExit.call(process, 0);
  let request;
  try {
    request = parse(data);
  } catch {
    write(2, 'bailiwick: the request is malformed\n');
    if (!shared) return nodeReallyExit.call(process, 125);
    run = { code: 125, settled: true, over: true };
    return setImmediate(finish);
  }
  if (request.flags & FLAG_LAST && shared) endShared();
  begin(request);
  if (shared) process.once('beforeExit', finish);
  else process.once('beforeExit', drained);
  // From the event loop, and not while this file is still being loaded.
  setImmediate(go, request);
}

// ---- an environment ----

// Its timers, by which Node would go on with a run that is over.
const pending = new Set();
const original = {};

function prepareShared() {
  for (const [name, once] of [['setTimeout', true], ['setInterval', false], ['setImmediate', true]]) {
    const make = timers[name];
    original[name] = make;
    const wrapped = { [name](callback, ...rest) {
      if (typeof callback !== 'function') return make(callback, ...rest);
      const mine = run;
      const timer = make(function (...args) {
        if (once) pending.delete(timer);
        if (run === mine && !mine.over) return Reflect.apply(callback, this, args);
      }, ...rest);
      pending.add(timer);
      return timer;
    } }[name];
    const promised = make[util.promisify.custom];
    if (promised) Object.defineProperty(wrapped, util.promisify.custom, { enumerable: true, value: promised });
    timers[name] = globalThis[name] = wrapped;
  }
  process.exit = function exit(code) {
    if (code !== undefined) process.exitCode = code;
    tellExit();
    leave();
  };
  process.reallyExit = (code) => {
    process.exitCode = code;
    run.exitTold = true;
    leave();
  };
}

// The last request of an environment ends as any program does.
function endShared() {
  shared = false;
  for (const name of Object.keys(original)) timers[name] = globalThis[name] = original[name];
  process.exit = nodeExit;
  process.reallyExit = nodeReallyExit;
}

function tellExit() {
  if (run.exitTold) return;
  run.exitTold = true;
  process.emit('exit', process.exitCode ?? run.code);
}

// Nothing more of the run is to happen.
function stop() {
  if (run.over) return;
  run.over = true;
  for (const timer of pending) clearTimeout(timer), clearImmediate(timer);
  pending.clear();
  process.removeListener('beforeExit', finish);
  for (const handle of process._getActiveHandles()) if (!(handle.fd < 3)) safely(() => handle.unref());
  setImmediate(finish);
}

// Ends the run from wherever its code is. The code of the script itself cannot catch that; a callback's could, and then runs on
// to its end, but no other callback does.
function leave() {
  stop();
  if (run.inCode) {
    session.post('Runtime.terminateExecution');
    for (;;); // until the termination is noticed, which is at once
  }
  throw EXIT;
}

// The run is over: answers, and takes the next.
function finish() {
  if (!run.over) {
    if (unsettled()) process.exitCode ??= 13;
    else if (run.wantsValue && !run.reported) {
      run.reported = true;
      reportValue(run.value);
      // A promise's value comes with the next job.
      return setImmediate(() => finish());
    }
    run.over = true;
    try {
      tellExit();
    } catch (error) {
      if (error !== EXIT) tellFatal(error, false);
      if (error !== EXIT) process.exitCode = run.code = 1;
    }
  }
  run.cleanup?.();
  const asked = process.exitCode;
  const code = asked === undefined || asked === null ? run.code : Number.isInteger(+asked) ? +asked : 1;
  for (const event of ['exit', 'beforeExit', 'uncaughtException', 'uncaughtExceptionMonitor', 'unhandledRejection', 'rejectionHandled', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.removeAllListeners(event);
  process.exitCode = undefined;
  const answer = Buffer.alloc(4);
  answer.writeInt32LE(code & 0xff);
  if (!send('x', answer)) return nodeReallyExit.call(process, code & 0xff);
  safely(() => process.chdir(WORKSPACE));
  let stdin = null;
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    enumerable: true,
    get() { return (stdin ??= new fs.ReadStream(null, { fd: 0, autoClose: false })); },
  });
  // Files of the workspace may be others by the next run.
  for (const name of Object.keys(Module._cache)) if (name.startsWith(`${WORKSPACE}/`)) delete Module._cache[name];
  accept();
}

serve(process.argv[2] ?? 'cold');
