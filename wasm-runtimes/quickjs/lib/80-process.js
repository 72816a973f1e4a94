// process, its streams, readline.
(function (host) {
  'use strict';
  const { EventEmitter, nodeError, builtins } = host;
  const { path } = builtins;

  // ---- output ----------------------------------------------------------------------------------------
  function outStream(fd) {
    const s = new EventEmitter();
    const done = (cb) => { if (typeof cb === 'function') process.nextTick(cb); };
    return Object.assign(s, {
      fd, isTTY: false, writable: true, columns: undefined,
      write(chunk, enc, cb) {
        if (typeof chunk !== 'string' && !ArrayBuffer.isView(chunk)) throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "chunk" argument must be of type string or an instance of Buffer or Uint8Array. Received ${chunk === null ? 'null' : typeof chunk}`);
        if (typeof enc === 'function') { cb = enc; enc = undefined; }
        host.write(fd, typeof chunk === 'string' && (enc === undefined || /^utf-?8$/i.test(enc)) ? chunk : typeof chunk === 'string' ? host.toBytes(chunk, enc) : host.bytes(chunk));
        done(cb);
        return true;
      },
      end(chunk, enc, cb) { if (chunk !== undefined && typeof chunk !== 'function') this.write(chunk, enc); done(cb ?? enc ?? chunk); return this; },
      cork() {}, uncork() {}, setDefaultEncoding() { return this; }, hasColors: () => false, getColorDepth: () => 1,
    });
  }

  // ---- input: whole, once somebody listens --------------------------------------------------------------
  function inStream() {
    const s = new EventEmitter();
    let enc = null;
    let state = 0; // 0 untouched, 1 flowing is asked for, 2 read
    let paused = false;
    let chunk = null;
    const text = (b) => (enc ? host.toText(b, enc) : host.asBuffer(b));
    const take = () => {
      if (state === 2) { const c = chunk; chunk = null; return c; }
      state = 2;
      const b = host.readFd(0);
      return typeof b === 'number' || b.length === 0 ? null : b;
    };
    function flow() {
      if (state !== 0 || paused) return;
      state = 1;
      host.later(() => {
        if (state === 2) return;
        const b = take();
        if (s.listenerCount('readable')) {
          chunk = b;
          s.emit('readable');
          if (chunk === null || s.listenerCount('data') === 0) { chunk = null; s.readableEnded = true; s.emit('end'); s.emit('close'); }
          return;
        }
        if (b) s.emit('data', text(b));
        s.readableEnded = true;
        s.emit('end');
        s.emit('close');
      });
    }
    const add = (name) => function (type, f) {
      EventEmitter.prototype[name].call(this, type, f);
      if (type === 'data' || type === 'readable' || type === 'end') flow();
      return this;
    };
    Object.assign(s, {
      fd: 0, isTTY: false, readable: true, readableEnded: false,
      on: add('on'), once: add('once'), addListener: add('on'),
      setEncoding(e) { enc = e ?? 'utf8'; return this; },
      resume() { paused = false; flow(); return this; },
      pause() { paused = true; return this; },
      read() { const b = state === 2 ? chunk : take(); chunk = null; return b ? text(b) : null; },
      pipe(dest) { this.on('data', (d) => dest.write(d)); if (dest.end && dest !== process.stdout && dest !== process.stderr) this.on('end', () => dest.end()); return dest; },
      unref() { return this; }, ref() { return this; }, setRawMode() { return this; }, destroy() { state = 2; return this; },
    });
    s[Symbol.asyncIterator] = async function* () { const b = take(); s.readableEnded = true; if (b) yield text(b); };
    s.takeText = () => { const b = take(); return b ? host.decode(b, false) : ''; };
    Object.defineProperty(s, 'takeText', { enumerable: false });
    return s;
  }

  // ---- process -------------------------------------------------------------------------------------------
  const ticks = [];
  const process = new EventEmitter();
  host.process = process;
  const own = {
    title: 'bailiwick', version: 'v20.0.0', versions: { quickjs: host.version, bailiwick: '1' }, arch: 'wasm32', platform: 'wasi', release: { name: 'bailiwick' },
    pid: 1, ppid: 0, execPath: '/usr/bin/node', execArgv: [], argv0: 'node', argv: [], env: {}, exitCode: undefined, features: {}, config: {},
    cwd: () => host.cwd,
    chdir(d) {
      const p = host.absolute(d, 'directory');
      const s = host.stat(p);
      if (typeof s === 'number') throw host.sysError(s, 'chdir', d);
      if ((s[0] & 0o170000) !== 0o040000) throw host.sysError(-54, 'chdir', d);
      host.cwd = p;
    },
    exit(code) {
      if (code !== undefined) process.exitCode = code;
      emitExit(exitCode(0));
      host.exit(exitCode(0));
    },
    reallyExit: (code = 0) => host.exit(code | 0),
    abort: () => host.exit(134),
    kill(pid) { if (pid !== 1) throw nodeError(Error, 'ESRCH', 'kill ESRCH'); host.exit(143); },
    nextTick(f, ...args) { host.requireFunction(f, 'callback'); ticks.push({ f, args }); host.tick(); },
    hrtime: Object.assign((prev) => {
      const n = host.hrtime();
      let s = Number(n / 1000000000n);
      let ns = Number(n % 1000000000n);
      if (prev) { s -= prev[0]; ns -= prev[1]; if (ns < 0) { s--; ns += 1e9; } }
      return [s, ns];
    }, { bigint: () => host.hrtime() }),
    uptime: () => performance.now() / 1000,
    memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }), { rss: () => 0 }),
    cpuUsage: () => ({ user: Math.round(performance.now() * 1000), system: 0 }),
    umask: () => 0o22, getuid: () => 1000, geteuid: () => 1000, getgid: () => 1000, getegid: () => 1000,
    emitWarning(w, o) { console.error(`(bailiwick) ${w instanceof Error ? w.name : (typeof o === 'string' ? o : o?.type) ?? 'Warning'}: ${w?.message ?? w}`); },
    getBuiltinModule: (n) => builtins[n.replace(/^node:/, '')],
    binding() { throw nodeError(Error, 'ERR_INVALID_MODULE', 'No such binding'); },
    setUncaughtExceptionCaptureCallback() {},
  };
  Object.assign(process, own);
  Object.defineProperty(process, Symbol.toStringTag, { value: 'process', configurable: true });
  builtins.process = process;
  host.define('process', process);
  host.define('global', globalThis);
  host.define('readStdin', function readStdin() { return process.stdin.takeText(); });

  const exitCode = (fallback) => { const c = process.exitCode; return c === undefined || c === null ? fallback : Number.isInteger(+c) ? +c : 1; };
  let exitTold = false;
  function emitExit(code) {
    if (exitTold) return;
    exitTold = true;
    process.emit('exit', code);
  }
  host.tickAll = () => {
    // A tick that throws must not take the others along.
    let t;
    try {
      while ((t = ticks.shift())) t.f.apply(undefined, t.args);
    } finally {
      if (ticks.length) host.tick();
    }
  };
  host.clearTicks = () => { ticks.length = 0; };
  host.endProcess = (code) => {
    emitExit(exitCode(code));
    return exitCode(code) || code;
  };
  // What a run may have changed, as new. Part of the snapshot, so that a first run does none of it.
  const BASE_ENV = { HOME: '/workspace', PATH: '/usr/bin', LANG: 'C.UTF-8', TZ: 'UTC', TMPDIR: '/tmp', PWD: '/workspace' };
  // Values are strings, as every environment's are.
  process.env = new Proxy(Object.assign(Object.create(null), BASE_ENV), {
    set(o, k, v) { o[k] = typeof k === 'symbol' ? v : `${v}`; return true; },
    defineProperty(o, k, d) { return Reflect.defineProperty(o, k, 'value' in d ? { ...d, value: `${d.value}` } : d); },
  });
  host.renewProcess = () => {
    exitTold = false;
    process.exitCode = undefined;
    process.removeAllListeners();
    host.cwd = '/workspace';
    process.stdin = inStream();
    process.stdout = outStream(1);
    process.stderr = outStream(2);
  };
  host.renewProcess();
  host.beginProcess = (first, argv, env) => {
    if (!first) host.renewProcess();
    process.argv = ['/usr/bin/node', ...argv];
    for (let n = 0; n < env.length; n++) {
      const kv = env[n];
      const i = kv.indexOf('=');
      if (i > 0) process.env[kv.slice(0, i)] = kv.slice(i + 1);
    }
  };

  // ---- readline -------------------------------------------------------------------------------------------
  class Interface extends EventEmitter {
    constructor(o) {
      super();
      this.input = o.input ?? process.stdin;
      this.output = o.output;
      this.closed = false;
      this.line = '';
      const hide = (k, value) => Object.defineProperty(this, k, { value, writable: true });
      hide('lines', null);
      hide('prompt_', o.prompt ?? '> ');
      hide('waiting', []);
      hide('scheduled', false);
      hide('paused', false);
    }
    on(type, f) { EventEmitter.prototype.on.call(this, type, f); if (type === 'line' || type === 'close') this.#schedule(); return this; }
    once(type, f) { EventEmitter.prototype.once.call(this, type, f); if (type === 'line') this.#schedule(); return this; }
    #fill() {
      if (this.lines) return;
      const t = this.input === process.stdin ? process.stdin.takeText() : typeof this.input?.read === 'function' ? `${this.input.read() ?? ''}` : '';
      this.lines = t.split(/\r\n|\n|\r/);
      if (this.lines.at(-1) === '') this.lines.pop();
    }
    #schedule() {
      if (this.scheduled || this.closed) return;
      this.scheduled = true;
      host.later(() => {
        this.scheduled = false;
        if (this.closed || this.paused) return;
        this.#fill();
        if (this.waiting.length || this.listenerCount('line')) {
          if (this.lines.length) {
            const l = this.lines.shift();
            if (this.waiting.length) this.waiting.shift()(l);
            else this.emit('line', l);
            this.#schedule();
            return;
          }
          this.close();
        } else if (!this.lines.length) {
          this.close();
        }
      });
    }
    question(q, o, cb) {
      if (typeof o === 'function') cb = o;
      if (this.closed) throw nodeError(Error, 'ERR_USE_AFTER_CLOSE', 'readline was closed');
      this.output?.write(q);
      this.waiting.push(cb);
      this.#schedule();
    }
    setPrompt(p) { this.prompt_ = p; }
    getPrompt() { return this.prompt_; }
    prompt() { this.output?.write(this.prompt_); this.#schedule(); }
    write() {}
    pause() { this.paused = true; return this; }
    resume() { this.paused = false; this.#schedule(); return this; }
    close() { if (!this.closed) { this.closed = true; this.emit('close'); } }
    async* [Symbol.asyncIterator]() {
      this.#fill();
      while (this.lines.length && !this.closed) yield this.lines.shift();
      this.close();
    }
    [Symbol.dispose]() { this.close(); }
  }
  const options = (a, b) => (a && typeof a.read === 'function' && !a.input ? { input: a, output: b } : a ?? {});
  class PromiseInterface extends Interface {
    question(q) { return new Promise((r) => super.question(q, r)); }
  }
  builtins['readline/promises'] = { createInterface: (a, b) => new PromiseInterface(options(a, b)), Interface: PromiseInterface };
  builtins.readline = { createInterface: (a, b) => new Interface(options(a, b)), Interface, promises: builtins['readline/promises'], clearLine: () => true, cursorTo: () => true, moveCursor: () => true, clearScreenDown: () => true };
})
