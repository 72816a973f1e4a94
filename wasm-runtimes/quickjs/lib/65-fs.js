// fs over the run's own small world; every path is made absolute here.
(function (host) {
  'use strict';
  const { nodeError, sysError, builtins } = host;
  const { path } = builtins;

  function abs(p, name = 'path') {
    if (p instanceof URL) return builtins.url.fileURLToPath(p);
    if (p instanceof Uint8Array) p = host.decode(p, false);
    if (typeof p !== 'string') throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "${name}" argument must be of type string or an instance of Buffer or URL. Received ${p === null ? 'null' : typeof p}`);
    if (p.includes('\0')) throw nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', `The argument '${name}' must be a string, Uint8Array, or URL without null bytes. Received ${host.quote(p)}`);
    return path.resolve(p);
  }
  host.absolute = abs;
  const check = (r, call, p, dest) => {
    if (typeof r === 'number' && r < 0) throw sysError(r, call, p, dest);
    return r;
  };
  const encodingOf = (o) => (typeof o === 'string' ? o : o?.encoding ?? null);
  const result = (bytes, o) => {
    const e = encodingOf(o);
    return e && e !== 'buffer' ? host.toText(bytes, e) : host.asBuffer(bytes);
  };
  const data = (v, o) => {
    if (typeof v === 'string') return host.toBytes(v, encodingOf(o) ?? 'utf8');
    if (ArrayBuffer.isView(v)) return host.bytes(v);
    throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received ${v === null ? 'null' : typeof v === 'object' ? 'an instance of ' + (v.constructor?.name ?? 'Object') : `type ${typeof v} (${String(v)})`}`);
  };
  const STDIN = new Set(['/dev/stdin', '/proc/self/fd/0', '/dev/fd/0']);
  const STDOUT = { '/dev/stdout': 1, '/dev/stderr': 2 };

  const KIND = 0o170000;
  class Stats {
    constructor([mode, size, mtimeMs, atimeMs, ctimeMs, ino, nlink, dev]) {
      // WASI keeps no permissions: what a program would see of its own files.
      const perm = (mode & KIND) === 0o040000 ? 0o755 : 0o644;
      Object.assign(this, { dev, mode: mode & 0o777 ? mode : mode | perm, nlink, uid: 0, gid: 0, rdev: 0, blksize: 4096, ino, size, blocks: Math.ceil(size / 512), atimeMs, mtimeMs, ctimeMs, birthtimeMs: ctimeMs });
    }
    get atime() { return new Date(this.atimeMs); }
    get mtime() { return new Date(this.mtimeMs); }
    get ctime() { return new Date(this.ctimeMs); }
    get birthtime() { return new Date(this.birthtimeMs); }
    isDirectory() { return (this.mode & KIND) === 0o040000; }
    isFile() { return (this.mode & KIND) === 0o100000; }
    isSymbolicLink() { return (this.mode & KIND) === 0o120000; }
    isFIFO() { return false; }
    isSocket() { return false; }
    isBlockDevice() { return false; }
    isCharacterDevice() { return (this.mode & KIND) === 0o020000; }
  }
  class Dirent {
    #kind;
    constructor(name, parent, kind) { this.name = name; this.parentPath = parent; this.path = parent; this.#kind = kind; }
    isDirectory() { return this.#kind === 1; }
    isFile() { return this.#kind === 0; }
    isSymbolicLink() { return this.#kind === 2; }
    isFIFO() { return false; }
    isSocket() { return false; }
    isBlockDevice() { return false; }
    isCharacterDevice() { return false; }
  }
  const FLAGS = { r: 0, rs: 0, w: 1, wx: 1, a: 2, ax: 2, 'r+': 3, 'rs+': 3, 'w+': 4, 'wx+': 4, 'a+': 5, 'ax+': 5 };

  const fs = {
    readFileSync(p, o) {
      if (typeof p === 'number') return result(check(host.readFd(p), 'read'), o);
      if (typeof p === 'string' && STDIN.has(p)) return result(check(host.readFd(0), 'read'), o);
      const a = abs(p);
      return result(check(host.read(a), 'open', p), o);
    },
    writeFileSync(p, v, o) {
      const b = data(v, o);
      if (typeof p === 'number') { check(host.write(p, b), 'write'); return; }
      if (STDOUT[p]) { host.write(STDOUT[p], b); return; }
      const flag = (typeof o === 'object' && o?.flag) || 'w';
      check(host.writeFile(abs(p), b, flag[0] === 'a' ? 1 : flag.includes('x') ? 2 : 0), 'open', p);
    },
    appendFileSync(p, v, o) { fs.writeFileSync(p, v, { ...(typeof o === 'string' ? { encoding: o } : o), flag: 'a' }); },
    existsSync(p) { try { return typeof host.stat(abs(p)) === 'object'; } catch { return false; } },
    accessSync(p) { check(host.stat(abs(p)), 'access', p); },
    statSync(p, o) {
      const r = host.stat(abs(p));
      if (typeof r === 'number' && o?.throwIfNoEntry === false) return undefined;
      return new Stats(check(r, 'stat', p));
    },
    lstatSync(p, o) {
      const r = host.lstat(abs(p));
      if (typeof r === 'number' && o?.throwIfNoEntry === false) return undefined;
      return new Stats(check(r, 'lstat', p));
    },
    readdirSync(p, o) {
      const a = abs(p);
      const out = [];
      const walk = (dir, rel) => {
        const r = check(host.readdir(dir), 'scandir', p);
        const list = [];
        for (let i = 0; i < r.length; i += 2) list.push([r[i], r[i + 1]]);
        list.sort((x, y) => (x[0] < y[0] ? -1 : x[0] > y[0] ? 1 : 0));
        for (const [name, kind] of list) {
          out.push(o?.withFileTypes ? new Dirent(name, rel ? `${p}/${rel}` : `${p}`, kind) : rel ? `${rel}/${name}` : name);
          if (o?.recursive && kind === 1) walk(`${dir}/${name}`, rel ? `${rel}/${name}` : name);
        }
      };
      walk(a, '');
      return out;
    },
    mkdirSync(p, o) {
      const a = abs(p);
      if (!(typeof o === 'object' && o?.recursive)) { check(host.mkdir(a), 'mkdir', p); return undefined; }
      let first;
      let at = '';
      for (const part of a.split('/').filter(Boolean)) {
        at += `/${part}`;
        const s = host.stat(at);
        if (typeof s === 'object') {
          if (!new Stats(s).isDirectory()) throw sysError(at === a ? -20 : -54, 'mkdir', p);
          continue;
        }
        check(host.mkdir(at), 'mkdir', p);
        first ??= at;
      }
      return first;
    },
    mkdtempSync(prefix) {
      const b = new Uint8Array(3);
      host.random(b);
      const d = `${prefix}${b.toHex()}`;
      fs.mkdirSync(d);
      return d;
    },
    unlinkSync(p) { check(host.unlink(abs(p)), 'unlink', p); },
    rmdirSync(p, o) { if (o?.recursive) fs.rmSync(p, o); else check(host.rmdir(abs(p)), 'rmdir', p); },
    rmSync(p, o) {
      const a = abs(p);
      const s = host.lstat(a);
      if (typeof s === 'number') {
        if (o?.force && s === -44) return;
        throw sysError(s, 'rm', p);
      }
      if (!new Stats(s).isDirectory()) { check(host.unlink(a), 'rm', p); return; }
      if (!o?.recursive) throw nodeError(Error, 'ERR_FS_EISDIR', `Path is a directory: rm returned EISDIR (is a directory) ${a}`, { errno: -31, syscall: 'rm', path: a });
      for (const n of fs.readdirSync(a)) fs.rmSync(`${a}/${n}`, o);
      check(host.rmdir(a), 'rm', p);
    },
    renameSync(a, b) { check(host.rename(abs(a, 'oldPath'), abs(b, 'newPath')), 'rename', a, b); },
    copyFileSync(a, b, mode) {
      const bytes = check(host.read(abs(a, 'src')), 'copyfile', a, b);
      check(host.writeFile(abs(b, 'dest'), bytes, mode & 1 ? 2 : 0), 'copyfile', a, b);
    },
    cpSync(a, b, o) {
      if (!fs.statSync(a).isDirectory()) return fs.copyFileSync(a, b);
      if (!o?.recursive) throw nodeError(Error, 'ERR_FS_EISDIR', `Recursive option not enabled, cannot copy a directory: ${a}`);
      fs.mkdirSync(b, { recursive: true });
      for (const n of fs.readdirSync(a)) fs.cpSync(`${abs(a)}/${n}`, `${abs(b)}/${n}`, o);
    },
    truncateSync(p, len = 0) { check(host.truncate(abs(p), len), 'truncate', p); },
    symlinkSync(target, p) { check(host.symlink(`${target}`, abs(p)), 'symlink', target, p); },
    linkSync(a, b) { check(host.link(abs(a), abs(b)), 'link', a, b); },
    readlinkSync(p) { return check(host.readlink(abs(p)), 'readlink', p); },
    realpathSync(p) {
      let a = abs(p);
      for (let n = 0; n < 40; n++) {
        const r = host.readlink(a);
        if (typeof r === 'number') { check(host.stat(a), 'realpath', p); return a; }
        a = path.resolve(path.dirname(a), r);
      }
      throw sysError(-32, 'realpath', p);
    },
    chmodSync(p) { fs.accessSync(p); },
    utimesSync(p) { fs.accessSync(p); },
    openSync(p, flags = 'r') {
      const m = FLAGS[flags];
      if (m === undefined) throw nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', `The argument 'flags' is invalid. Received ${host.quote(`${flags}`)}`);
      return check(host.open(abs(p), m, flags.includes('x')), 'open', p);
    },
    closeSync(fd) { check(host.close(fd), 'close'); },
    readSync(fd, buf, offset = 0, length = buf.byteLength - offset, position = null) {
      if (typeof offset === 'object' && offset !== null) ({ offset = 0, length = buf.byteLength - offset, position = null } = offset);
      if (position !== null && position !== undefined && position !== -1) throw nodeError(Error, 'ENOTSUP', 'reading at a position is not supported: read the file whole');
      const r = check(host.readFd(fd, length), 'read');
      host.bytes(buf).set(r, offset);
      return r.length;
    },
    writeSync(fd, v, offset, length) {
      let b = data(v);
      if (typeof v !== 'string' && typeof offset === 'number') b = b.subarray(offset, typeof length === 'number' ? offset + length : undefined);
      check(host.write(fd, b), 'write');
      return b.length;
    },
    fsyncSync() {},
    constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, COPYFILE_EXCL: 1, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2 },
    Stats, Dirent,
  };
  fs.realpathSync.native = fs.realpathSync;
  // The others are the same at once, with the answer given later.
  fs.promises = { constants: fs.constants };
  for (const k of Object.keys(fs)) {
    if (!k.endsWith('Sync')) continue;
    const sync = fs[k];
    const name = k.slice(0, -4);
    if (name !== 'exists') fs.promises[name] = { async [name](...args) { return sync(...args); } }[name];
    fs[name] = {
      [name](...args) {
        const cb = args.pop();
        host.requireFunction(cb, 'cb');
        let r;
        let e = null;
        try { r = sync(...args); } catch (x) { e = x; }
        setImmediate(() => (name === 'exists' ? cb(r) : e ? cb(e) : cb(null, r)));
      },
    }[name];
  }
  delete fs.promises.open;
  delete fs.promises.close;
  builtins.fs = fs;
  builtins['fs/promises'] = fs.promises;
})
