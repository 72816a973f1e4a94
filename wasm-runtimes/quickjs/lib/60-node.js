// The small modules of Node's that a script takes for granted: path, events, util, os, url, timers.
(function (host) {
  'use strict';
  const { nodeError, requireFunction, inspect, format } = host;
  const builtins = host.builtins = Object.create(null);

  // ---- path (posix) ------------------------------------------------------------------------------
  const str = (p, name = 'path') => {
    if (typeof p !== 'string') throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "${name}" argument must be of type string. Received ${p === null ? 'null' : typeof p}`);
    return p;
  };
  function tidy(p, absolute) {
    const out = [];
    for (const s of p.split('/')) {
      if (s === '' || s === '.') continue;
      if (s === '..') {
        if (out.length && out.at(-1) !== '..') out.pop();
        else if (!absolute) out.push('..');
      } else {
        out.push(s);
      }
    }
    return out.join('/');
  }
  const path = {
    sep: '/', delimiter: ':',
    normalize(p) {
      str(p);
      if (p === '') return '.';
      const abs = p[0] === '/';
      let r = tidy(p, abs);
      if (r === '' && !abs) r = '.';
      if (r !== '' && p.at(-1) === '/') r += '/';
      return abs ? `/${r}` : r;
    },
    join(...parts) {
      const j = parts.map((p) => str(p)).filter(Boolean).join('/');
      return j === '' ? '.' : path.normalize(j);
    },
    resolve(...parts) {
      let r = '';
      for (let i = parts.length - 1; i >= 0 && r[0] !== '/'; i--) if (str(parts[i], `paths[${i}]`) !== '') r = r ? `${parts[i]}/${r}` : parts[i];
      if (r[0] !== '/') r = `${host.cwd}/${r}`;
      return `/${tidy(r, true)}`;
    },
    isAbsolute: (p) => str(p)[0] === '/',
    dirname(p) {
      str(p);
      const t = p.replace(/\/+$/, '');
      const i = t.lastIndexOf('/');
      if (i < 0) return p[0] === '/' ? '/' : '.';
      return t.slice(0, i).replace(/\/+$/, '') || '/';
    },
    basename(p, ext) {
      const b = str(p).replace(/\/+$/, '').split('/').at(-1);
      return ext !== undefined && b !== ext && b.endsWith(ext) ? b.slice(0, -ext.length) : b;
    },
    extname(p) {
      const b = path.basename(p);
      const i = b.lastIndexOf('.');
      return i <= 0 || /^\.\.$/.test(b) ? '' : b.slice(i);
    },
    relative(from, to) {
      const a = path.resolve(from).split('/').filter(Boolean);
      const b = path.resolve(to).split('/').filter(Boolean);
      let i = 0;
      while (i < a.length && i < b.length && a[i] === b[i]) i++;
      return [...new Array(a.length - i).fill('..'), ...b.slice(i)].join('/');
    },
    parse(p) {
      const base = path.basename(p);
      const ext = path.extname(base);
      const root = str(p)[0] === '/' ? '/' : '';
      const t = p.replace(/\/+$/, '');
      const dir = t.includes('/') ? path.dirname(p) : '';
      return { root, dir: dir === '.' && !p.startsWith('.') ? '' : dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
    },
    format(o) {
      const base = o.base || `${o.name || ''}${o.ext ? (o.ext[0] === '.' ? o.ext : `.${o.ext}`) : ''}`;
      const dir = o.dir || o.root;
      return !dir ? base : dir === o.root ? dir + base : `${dir}/${base}`;
    },
    toNamespacedPath: (p) => p,
    matchesGlob: undefined,
  };
  delete path.matchesGlob;
  path.posix = path;
  builtins.path = path;
  builtins['path/posix'] = path;

  // ---- events --------------------------------------------------------------------------------------
  function EventEmitter() { EventEmitter.init.call(this); }
  EventEmitter.init = function () {
    if (!Object.hasOwn(this, '_events') || !this._events) {
      Object.defineProperty(this, '_events', { value: Object.create(null), writable: true, configurable: true });
    }
  };
  const events = (e) => { if (!e._events || !Object.hasOwn(e, '_events')) EventEmitter.init.call(e); return e._events; };
  function add(e, type, f, front, once) {
    requireFunction(f, 'listener');
    const ev = events(e);
    if (ev.newListener && type !== 'newListener') e.emit('newListener', type, f);
    const entry = { f, once };
    ev[type] = front ? [entry, ...(ev[type] ?? [])] : [...(ev[type] ?? []), entry];
    return e;
  }
  const emitterMethods = {
    on(type, f) { return add(this, type, f, false, false); },
    once(type, f) { return add(this, type, f, false, true); },
    prependListener(type, f) { return add(this, type, f, true, false); },
    prependOnceListener(type, f) { return add(this, type, f, true, true); },
    off(type, f) {
      const ev = events(this);
      const list = ev[type] ?? [];
      const i = list.findLastIndex((l) => l.f === f);
      if (i < 0) return this;
      if (list.length === 1) delete ev[type];
      else ev[type] = list.toSpliced(i, 1);
      if (ev.removeListener) this.emit('removeListener', type, f);
      return this;
    },
    removeAllListeners(type) {
      const ev = events(this);
      for (const k of type === undefined ? Reflect.ownKeys(ev) : [type]) delete ev[k];
      return this;
    },
    emit(type, ...args) {
      const list = events(this)[type];
      if (!list) {
        if (type !== 'error') return false;
        if (args[0] instanceof Error) throw args[0];
        throw nodeError(Error, 'ERR_UNHANDLED_ERROR', `Unhandled error. (${inspect(args[0])})`, { context: args[0] });
      }
      for (const l of list) {
        if (l.once) {
          if (l.fired) continue;
          l.fired = true;
          const now = events(this)[type] ?? [];
          const i = now.indexOf(l);
          if (i >= 0) { if (now.length === 1) delete events(this)[type]; else events(this)[type] = now.toSpliced(i, 1); }
        }
        l.f.apply(this, args);
      }
      return true;
    },
    listeners(type) { return (events(this)[type] ?? []).map((l) => l.f); },
    rawListeners(type) { return this.listeners(type); },
    listenerCount(type) { return (events(this)[type] ?? []).length; },
    eventNames() { return Reflect.ownKeys(events(this)); },
    setMaxListeners() { return this; },
    getMaxListeners() { return EventEmitter.defaultMaxListeners; },
  };
  emitterMethods.addListener = emitterMethods.on;
  emitterMethods.removeListener = emitterMethods.off;
  Object.assign(EventEmitter.prototype, emitterMethods);
  EventEmitter.EventEmitter = EventEmitter;
  EventEmitter.defaultMaxListeners = 10;
  EventEmitter.listenerCount = (e, type) => e.listenerCount(type);
  EventEmitter.once = (e, type) => new Promise((resolve, reject) => {
    if (e instanceof EventTarget) return e.addEventListener(type, (x) => resolve([x]), { once: true });
    const ok = (...args) => { e.off('error', bad); resolve(args); };
    const bad = (err) => { e.off(type, ok); reject(err); };
    e.once(type, ok);
    if (type !== 'error') e.once('error', bad);
  });
  EventEmitter.on = async function* (e, type) {
    const queue = [];
    let wake = null;
    const f = (...args) => { queue.push(args); wake?.(); };
    e.on(type, f);
    try {
      for (;;) {
        while (queue.length) yield queue.shift();
        await new Promise((r) => { wake = r; });
      }
    } finally {
      e.off(type, f);
    }
  };
  builtins.events = EventEmitter;
  host.EventEmitter = EventEmitter;

  // ---- util ------------------------------------------------------------------------------------------
  const promisifyCustom = Symbol.for('nodejs.util.promisify.custom');
  function promisify(f) {
    requireFunction(f, 'original');
    if (f[promisifyCustom]) return f[promisifyCustom];
    const g = function (...args) {
      return new Promise((resolve, reject) => f.call(this, ...args, (e, v) => (e ? reject(e) : resolve(v))));
    };
    Object.setPrototypeOf(g, Object.getPrototypeOf(f));
    return Object.defineProperties(g, Object.getOwnPropertyDescriptors(f));
  }
  promisify.custom = promisifyCustom;
  host.timers.setTimeout[promisifyCustom] = (ms, v) => new Promise((r) => setTimeout(r, ms, v));
  host.timers.setImmediate[promisifyCustom] = (v) => new Promise((r) => setImmediate(r, v));
  const is = (...names) => (v) => names.includes(host.classOf(v));
  const typedTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array).prototype, Symbol.toStringTag).get;
  const types = {
    isPromise: is('Promise'), isMap: is('Map'), isSet: is('Set'), isWeakMap: is('WeakMap'), isWeakSet: is('WeakSet'),
    isDate: is('Date'), isRegExp: is('RegExp'), isNativeError: is('Error'), isProxy: is('Proxy'),
    isArrayBuffer: is('ArrayBuffer'), isAnyArrayBuffer: is('ArrayBuffer'), isSharedArrayBuffer: () => false, isDataView: is('DataView'),
    isMapIterator: is('Map Iterator'), isSetIterator: is('Set Iterator'), isGeneratorObject: is('Generator', 'AsyncGenerator'),
    isNumberObject: is('Number'), isStringObject: is('String'), isBooleanObject: is('Boolean'), isSymbolObject: is('Symbol'), isBigIntObject: is('BigInt'),
    isBoxedPrimitive: is('Number', 'String', 'Boolean', 'Symbol', 'BigInt'), isArgumentsObject: is('Arguments', 'MappedArguments'),
    isArrayBufferView: ArrayBuffer.isView, isTypedArray: (v) => typedTag.call(v) !== undefined,
    isAsyncFunction: (f) => /^\[object Async/.test(Object.prototype.toString.call(f)), isGeneratorFunction: (f) => /GeneratorFunction\]$/.test(Object.prototype.toString.call(f)),
    isModuleNamespaceObject: is('Module', 'Module Namespace'), isExternal: () => false,
  };
  for (const n of ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64', 'BigInt64', 'BigUint64']) types[`is${n}Array`] = (v) => typedTag.call(v) === `${n}Array`;
  const warned = new Set();
  const util = {
    inspect, format, formatWithOptions: host.formatWithOptions, promisify, types,
    inherits(C, S) { Object.defineProperty(C, 'super_', { value: S, writable: true, configurable: true }); Object.setPrototypeOf(C.prototype, S.prototype); },
    callbackify: (f) => function (...args) { const cb = args.pop(); f.apply(this, args).then((v) => process.nextTick(cb, null, v), (e) => process.nextTick(cb, e)); },
    deprecate: (f, msg, code) => function (...args) {
      if (!warned.has(code ?? msg)) { warned.add(code ?? msg); console.error(`DeprecationWarning: ${msg}`); }
      return new.target ? Reflect.construct(f, args, new.target) : f.apply(this, args);
    },
    isDeepStrictEqual: (a, b) => host.deepEqual(a, b, true),
    stripVTControlCharacters: (s) => s.replace(/[\u001B\u009B][[\]()#;?]*(?:(?:(?:;[-a-zA-Z\d/#&.:=?%@~_]+)*|[a-zA-Z\d]+(?:;[-a-zA-Z\d/#&.:=?%@~_]*)*)?\u0007|(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~])/g, ''),
    toUSVString: (s) => `${s}`.toWellFormed(),
    debuglog: () => Object.assign(() => {}, { enabled: false }),
    styleText: (style, s) => s,
    isArray: Array.isArray,
    TextEncoder, TextDecoder,
  };
  util.debug = util.debuglog;
  builtins.util = util;
  builtins['util/types'] = types;
  builtins.sys = util;

  // ---- os, url, timers, buffer, string_decoder, querystring -----------------------------------------
  builtins.os = {
    EOL: '\n', platform: () => 'wasi', type: () => 'WASI', arch: () => 'wasm32', release: () => '0', machine: () => 'wasm32', version: () => 'preview1',
    hostname: () => 'localhost', homedir: () => '/workspace', tmpdir: () => '/tmp', endianness: () => 'LE',
    cpus: () => [], availableParallelism: () => 1, totalmem: () => 0, freemem: () => 0, uptime: () => host.mono() / 1000, loadavg: () => [0, 0, 0],
    networkInterfaces: () => ({}), userInfo: () => ({ uid: -1, gid: -1, username: 'user', homedir: '/workspace', shell: null }),
    devNull: '/dev/null', constants: { signals: {}, errno: {} },
  };
  builtins.url = {
    URL, URLSearchParams,
    fileURLToPath(u) {
      u = typeof u === 'string' ? new URL(u) : u;
      if (u.protocol !== 'file:') throw nodeError(TypeError, 'ERR_INVALID_URL_SCHEME', 'The URL must be of scheme file');
      return host.decodePercent(u.pathname);
    },
    pathToFileURL(p) {
      const u = new URL('file:///');
      u.pathname = path.resolve(p).replaceAll('%', '%25').replaceAll('\\', '%5C').replaceAll('?', '%3F').replaceAll('#', '%23');
      return u;
    },
    parse(s, query) {
      const u = URL.parse(s) ?? new URL(s, 'relative://x');
      const rel = u.protocol === 'relative:';
      return { protocol: rel ? null : u.protocol, auth: u.username ? `${u.username}${u.password ? `:${u.password}` : ''}` : null, host: rel ? null : u.host, port: u.port || null, hostname: rel ? null : u.hostname, hash: u.hash || null, search: u.search || null, query: query ? Object.fromEntries(u.searchParams) : u.search.slice(1) || null, pathname: u.pathname, path: u.pathname + u.search, href: rel ? s : u.href };
    },
    format: (u) => (typeof u === 'string' ? u : u instanceof URL ? u.href : `${u.protocol ?? ''}${u.host || u.hostname ? `//${u.host ?? u.hostname + (u.port ? `:${u.port}` : '')}` : ''}${u.pathname ?? ''}${u.search ?? ''}${u.hash ?? ''}`),
    resolve: (a, b) => { const u = new URL(b, new URL(a, 'relative://x')); return u.protocol === 'relative:' ? u.pathname + u.search + u.hash : u.href; },
  };
  builtins['timers/promises'] = {
    setTimeout: (ms, v, { signal } = {}) => new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const t = setTimeout(resolve, ms, v);
      signal?.addEventListener('abort', () => { clearTimeout(t); reject(signal.reason); }, { once: true });
    }),
    setImmediate: (v) => new Promise((r) => setImmediate(r, v)),
    async* setInterval(ms, v) { for (;;) { await new Promise((r) => setTimeout(r, ms)); yield v; } },
    scheduler: { wait: (ms) => new Promise((r) => setTimeout(r, ms)), yield: () => new Promise((r) => setImmediate(r)) },
  };
  builtins.timers = { ...host.timers, promises: builtins['timers/promises'] };
  builtins.buffer = { Buffer, atob, btoa, constants: { MAX_LENGTH: 0x7FFFFFFF, MAX_STRING_LENGTH: 0x3FFFFFFF }, kMaxLength: 0x7FFFFFFF };
  builtins.perf_hooks = { performance };
  builtins.console = Object.assign(Object.create(console), console, { console });
  builtins.string_decoder = {
    StringDecoder: class StringDecoder {
      #d; #enc; #rest = '';
      constructor(enc = 'utf8') { this.encoding = this.#enc = enc; if (/^utf-?8$/i.test(enc)) this.#d = new TextDecoder('utf-8', { ignoreBOM: true }); else if (/^utf-?16le$|^ucs-?2$/i.test(enc)) this.#d = new TextDecoder('utf-16le', { ignoreBOM: true }); }
      write(b) { return this.#d ? this.#d.decode(b, { stream: true }) : host.toText(b, this.#enc); }
      end(b) { return (b ? this.write(b) : '') + (this.#d ? this.#d.decode() : ''); }
    },
  };
  builtins.querystring = {
    parse: (s) => { const o = Object.create(null); for (const [k, v] of new URLSearchParams(`${s}`)) o[k] = k in o ? [].concat(o[k], v) : v; return o; },
    stringify: (o) => Object.entries(o ?? {}).flatMap(([k, v]) => [].concat(v).map((x) => `${encodeURIComponent(k)}=${encodeURIComponent(x ?? '')}`)).join('&'),
    escape: encodeURIComponent, unescape: decodeURIComponent,
  };
  builtins.querystring.encode = builtins.querystring.stringify;
  builtins.querystring.decode = builtins.querystring.parse;
})
