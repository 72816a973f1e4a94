// Where a specifier leads and what stands there: for require() and, through modules.c, for import.
(function (host) {
  'use strict';
  const { nodeError, builtins } = host;
  const { path, fs } = builtins;

  // Modules of Node's that exist there and cannot exist here get an error that says so.
  const ABSENT = new Set(['async_hooks', 'child_process', 'cluster', 'dgram', 'diagnostics_channel', 'dns', 'http', 'http2', 'https', 'inspector', 'net', 'repl', 'stream', 'stream/promises', 'tls', 'tty', 'v8', 'vm', 'wasi', 'worker_threads', 'zlib', 'sqlite', 'test']);

  const bare = (name) => (name.startsWith('node:') ? name.slice(5) : name);
  const builtin = (name) => (Object.hasOwn(builtins, bare(name)) ? bare(name) : null);

  function notFound(name, from) {
    const b = bare(name);
    const why = ABSENT.has(b) ? ` (Node's ${b} is not part of this sandbox)` : '';
    const e = nodeError(Error, 'MODULE_NOT_FOUND', `Cannot find module '${name}'${why}`);
    Object.defineProperty(e, 'requireStack', { value: from ? [from] : [], configurable: true, writable: true });
    return e;
  }
  const isFile = (p) => { const s = host.stat(p); return typeof s === 'object' && (s[0] & 0o170000) === 0o100000; };
  function file(p) {
    if (isFile(p)) return p;
    for (const ext of ['.js', '.mjs', '.cjs', '.json']) if (isFile(p + ext)) return p + ext;
    return null;
  }
  function directory(p) {
    if (isFile(`${p}/package.json`)) {
      try {
        const pkg = JSON.parse(host.decode(host.read(`${p}/package.json`), false));
        let main = pkg.exports?.['.'] ?? pkg.exports ?? pkg.main;
        while (main && typeof main === 'object') main = main.import ?? main.require ?? main.default;
        if (typeof main === 'string') {
          const m = file(path.resolve(p, main)) ?? file(path.resolve(p, main, 'index'));
          if (m) return m;
        }
      } catch { /* a package.json that is no JSON says nothing */ }
    }
    return file(`${p}/index`);
  }
  function resolve(name, from) {
    const b = builtin(name);
    if (b !== null) return `node:${b}`;
    if (name.startsWith('file:')) name = builtins.url.fileURLToPath(name);
    const dir = from && from[0] === '/' ? path.dirname(from) : from ? path.dirname(path.resolve(from)) : host.cwd;
    if (/^(\.\.?(\/|$)|\/)/.test(name)) {
      const p = path.resolve(dir, name);
      const f = name.endsWith('/') ? directory(p) : file(p) ?? directory(p);
      if (f) return f;
      throw notFound(name, from);
    }
    // Packages that the user put in the workspace.
    for (let d = dir; ; d = path.dirname(d)) {
      const p = `${d === '/' ? '' : d}/node_modules/${name}`;
      const f = name && (file(p) ?? directory(p));
      if (f) return f;
      if (d === '/') throw notFound(name, from);
    }
  }

  const source = (p) => {
    const b = host.read(p);
    if (typeof b === 'number') throw host.sysError(b, 'open', p);
    return new TextDecoder().decode(b);
  };
  // Strings and comments are not looked at: a wrong guess here costs a second attempt, no more.
  const looksESM = (s) => /^\s*(import\s*[\w${*'"]|export\s*(default|const|let|var|function|class|async|\{|\*))/m.test(s);
  const looksCJS = (s) => /\b(module\.exports|exports\.\w+\s*=|require\s*\()/.test(s);

  // ---- require -------------------------------------------------------------------------------------
  const cache = Object.create(null);
  function Module(id, parent, dir = path.dirname(id)) {
    this.id = id;
    this.path = dir;
    this.exports = {};
    this.filename = id;
    this.loaded = false;
    this.children = [];
    Object.defineProperty(this, 'parent', { value: parent, configurable: true, writable: true });
    this.paths = [];
  }
  Module.prototype.require = function (name) { return makeRequire(this)(name); };
  let main = null;

  function load(p, parent) {
    const had = cache[p];
    if (had) return had.exports;
    const m = new Module(p, parent);
    cache[p] = m;
    parent?.children.push(m);
    let ok = false;
    try {
      const s = source(p);
      if (p.endsWith('.json')) m.exports = json(s, p);
      else if (p.endsWith('.mjs') || (!p.endsWith('.cjs') && looksESM(s) && !looksCJS(s))) m.exports = host.importSync(p, s);
      else {
        // The wrapper takes lines of its own, so that the file's lines and columns are right; it begins at
        // line -1, as QuickJS takes 0 for "not given".
        const f = host.evaluate(`(function (exports, require, module, __filename, __dirname) {\n\n${s.replace(/^#!.*/, '')}\n})`, p, -1);
        f.call(m.exports, m.exports, makeRequire(m), m, p, m.path);
      }
      ok = true;
    } finally {
      if (!ok) delete cache[p];
    }
    m.loaded = true;
    return m.exports;
  }
  function json(s, p) {
    try { return JSON.parse(s); } catch (e) {
      e.message = `${p}: ${e.message}`;
      throw e;
    }
  }
  function makeRequire(m) {
    function require(name) {
      if (typeof name !== 'string') throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "id" argument must be of type string. Received ${name === null ? 'null' : typeof name}`);
      if (name === '') throw nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', "The argument 'id' must be a non-empty string. Received ''");
      const p = resolve(name, m.filename);
      return p.startsWith('node:') ? builtins[p.slice(5)] : load(p, m);
    }
    require.resolve = (name) => { const p = resolve(name, m.filename); return p.startsWith('node:') ? name : p; };
    require.cache = cache;
    require.main = main;
    require.extensions = Object.create(null);
    return require;
  }
  builtins.module = { createRequire: (from) => makeRequire(new Module(`${from}`.startsWith('file:') ? builtins.url.fileURLToPath(`${from}`) : `${from}`, null)), builtinModules: [], isBuiltin: (n) => builtin(n) !== null, Module };

  // The CommonJS names of the main script are globals: it is a script, not a function, so that what
  // it declares is there for the environment's next run.
  const commonJS = ['module', 'exports', 'require', '__filename', '__dirname'];
  for (const k of commonJS) host.define(k, undefined);
  host.beginModules = (first, filename) => {
    if (!first) {
      for (const k of Object.keys(cache)) delete cache[k];
      for (const k of commonJS) host.define(k, undefined); // whatever the last run made of them
    }
    // A name without directories is the usual one, and needs no resolving.
    main = filename.includes('/') || filename[0] === '.' ? new Module(path.resolve(filename), null) : new Module(`/workspace/${filename}`, null, '/workspace');
    main.id = '.';
    globalThis.module = main;
    globalThis.exports = main.exports;
    globalThis.require = makeRequire(main);
    globalThis.__filename = main.filename;
    globalThis.__dirname = main.path;
  };

  // ---- import ----------------------------------------------------------------------------------------
  host.resolve = resolve;
  // Text is an ES module; [exports] is anything else.
  host.load = (p, attributes) => {
    if (p.startsWith('node:')) return [builtins[p.slice(5)]];
    const type = attributes?.type;
    if (type !== undefined && type !== 'json') throw nodeError(TypeError, 'ERR_IMPORT_ATTRIBUTE_UNSUPPORTED', `Import attribute "type" with value "${type}" is not supported`);
    if (p.endsWith('.json') || type === 'json') return [json(source(p), p)];
    const s = source(p);
    if (p.endsWith('.cjs') || (!p.endsWith('.mjs') && looksCJS(s) && !looksESM(s))) return [load(p, main)];
    return s;
  };
  host.load.meta = (meta, name, isMain) => {
    const p = path.resolve(name);
    meta.url = builtins.url.pathToFileURL(p).href;
    meta.filename = p;
    meta.dirname = path.dirname(p);
    meta.main = isMain;
    meta.resolve = (n) => { const r = resolve(n, p); return r.startsWith('node:') ? r : builtins.url.pathToFileURL(r).href; };
  };
})
