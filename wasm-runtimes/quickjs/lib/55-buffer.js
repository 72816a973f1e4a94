// Node's Buffer: a Uint8Array that knows encodings.
(function (host) {
  'use strict';
  const { nodeError } = host;
  const ENC = { utf8: 'utf8', 'utf-8': 'utf8', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le', 'utf-16le': 'utf16le', latin1: 'latin1', binary: 'latin1', ascii: 'ascii', hex: 'hex', base64: 'base64', base64url: 'base64url' };
  const encoding = (e) => {
    if (e === undefined || e === null || e === '') return 'utf8';
    const r = ENC[`${e}`.toLowerCase()];
    if (!r) throw nodeError(TypeError, 'ERR_UNKNOWN_ENCODING', `Unknown encoding: ${e}`);
    return r;
  };
  host.knownEncoding = (e) => Object.hasOwn(ENC, `${e}`.toLowerCase());
  const utf16 = new TextDecoder('utf-16le', { ignoreBOM: true });

  function toBytes(s, enc) {
    switch (encoding(enc)) {
      case 'utf8': return host.encode(s);
      case 'latin1': case 'ascii': {
        const b = new Uint8Array(s.length);
        for (let i = 0; i < s.length; i++) b[i] = s.charCodeAt(i);
        return b;
      }
      case 'utf16le': {
        const b = new Uint8Array(s.length * 2);
        for (let i = 0; i < s.length; i++) { const c = s.charCodeAt(i); b[2 * i] = c; b[2 * i + 1] = c >> 8; }
        return b;
      }
      case 'hex': {
        const m = /^(?:[\da-f]{2})*/i.exec(s)[0];
        return Uint8Array.fromHex(m);
      }
      default: {
        let t = s.replace(/[^A-Za-z0-9+/_=-]/g, '').replaceAll('-', '+').replaceAll('_', '/');
        const eq = t.indexOf('=');
        if (eq >= 0) t = t.slice(0, eq);
        if (t.length % 4 === 1) t = t.slice(0, -1);
        return Uint8Array.fromBase64(t);
      }
    }
  }
  function toText(b, enc) {
    switch (encoding(enc)) {
      case 'utf8': return host.decode(b, false);
      case 'latin1': return host.latin1(b);
      case 'ascii': return host.latin1(b.map((x) => x & 127));
      case 'utf16le': return utf16.decode(b.subarray(0, b.length & ~1));
      case 'hex': return Uint8Array.prototype.toHex.call(b);
      case 'base64url': return Uint8Array.prototype.toBase64.call(b, { alphabet: 'base64url', omitPadding: true });
      default: return Uint8Array.prototype.toBase64.call(b);
    }
  }
  host.toBytes = toBytes;
  host.toText = toText;

  const wrap = (u) => { Object.setPrototypeOf(u, Buffer.prototype); return u; };
  // Called with or without new, as old code does.
  function Buffer(v, enc, len) {
    return typeof v === 'number' ? Buffer.alloc(v) : Buffer.from(v, enc, len);
  }
  Object.setPrototypeOf(Buffer, Uint8Array);
  Buffer.prototype = Object.create(Uint8Array.prototype, { constructor: { value: Buffer, writable: true, configurable: true } });
  Object.defineProperty(Buffer, Symbol.species, { get() { return Species; } });
  // What subarray(), map() and the like make: Buffer itself is not made by length.
  class Species extends Uint8Array { constructor(...a) { super(...a); Object.setPrototypeOf(this, Buffer.prototype); } }

  const statics = {
    poolSize: 8192,
    from(v, enc, len) {
      if (typeof v === 'string') return wrap(toBytes(v, enc));
      if (v instanceof ArrayBuffer) return wrap(new Uint8Array(v, enc, len));
      if (ArrayBuffer.isView(v)) return wrap(new Uint8Array(v));
      if (v && v.type === 'Buffer' && Array.isArray(v.data)) return wrap(Uint8Array.from(v.data));
      if (v && typeof v === 'object') {
        if (typeof v.length === 'number' || typeof v[Symbol.iterator] === 'function') return wrap(Uint8Array.from(v));
        const p = v.valueOf();
        if (p !== v && p !== null && p !== undefined) return Buffer.from(p, enc, len);
      }
      throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object. Received ${v === null ? 'null' : typeof v}`);
    },
    alloc(n, fill, enc) {
      if (typeof n !== 'number') throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'The "size" argument must be of type number');
      if (!(n >= 0 && n <= 0x7FFFFFFF)) throw nodeError(RangeError, 'ERR_OUT_OF_RANGE', `The value of "size" is out of range. Received ${n}`);
      const b = wrap(new Uint8Array(n));
      return fill === undefined || fill === 0 ? b : b.fill(fill, enc);
    },
    allocUnsafe: (n) => Buffer.alloc(n),
    allocUnsafeSlow: (n) => Buffer.alloc(n),
    isBuffer: (b) => b instanceof Buffer,
    isEncoding: (e) => typeof e === 'string' && host.knownEncoding(e),
    byteLength: (s, enc) => (typeof s === 'string' ? toBytes(s, enc).length : s.byteLength),
    concat(list, total) {
      const n = total ?? list.reduce((s, b) => s + b.length, 0);
      const out = Buffer.alloc(n);
      let at = 0;
      for (const b of list) {
        if (at >= n) break;
        const part = b.length > n - at ? b.subarray(0, n - at) : b;
        out.set(part, at);
        at += part.length;
      }
      return out;
    },
    compare(a, b) {
      const n = Math.min(a.length, b.length);
      for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
      return Math.sign(a.length - b.length);
    },
  };
  const range = (b, at, n) => {
    if (typeof at !== 'number') throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'The "offset" argument must be of type number');
    if (!(at >= 0 && at + n <= b.length)) throw nodeError(RangeError, 'ERR_OUT_OF_RANGE', `The value of "offset" is out of range. It must be >= 0 and <= ${b.length - n}. Received ${at}`);
  };
  const view = (b) => new DataView(b.buffer, b.byteOffset, b.byteLength);
  function find(b, v, at, enc, dir) {
    if (typeof at === 'string') { enc = at; at = undefined; }
    if (typeof v === 'number') return dir > 0 ? Uint8Array.prototype.indexOf.call(b, v & 255, at) : Uint8Array.prototype.lastIndexOf.call(b, v & 255, at ?? b.length);
    const needle = typeof v === 'string' ? toBytes(v, enc) : v;
    let i = at === undefined ? (dir > 0 ? 0 : b.length) : at < 0 ? Math.max(0, b.length + at) : +at;
    i = Math.min(i, b.length - needle.length);
    outer: for (; i >= 0 && i + needle.length <= b.length; i += dir) {
      for (let j = 0; j < needle.length; j++) if (b[i + j] !== needle[j]) continue outer;
      return i;
    }
    return -1;
  }
  const methods = {
    toString(enc, start = 0, end = this.length) {
      const b = start <= 0 && end >= this.length ? this : this.subarray(Math.max(0, start), Math.min(end, this.length));
      return toText(b, enc);
    },
    toLocaleString(enc, start, end) { return this.toString(enc, start, end); },
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; },
    equals(b) { return this.length === b.length && Buffer.compare(this, b) === 0; },
    compare(b, ts = 0, te = b.length, ss = 0, se = this.length) { return Buffer.compare(this.subarray(ss, se), b.subarray(ts, te)); },
    write(s, at = 0, n, enc) {
      if (typeof at === 'string') { enc = at; at = 0; n = undefined; } else if (typeof n === 'string') { enc = n; n = undefined; }
      let b = toBytes(s, enc);
      const room = Math.min(n ?? Infinity, this.length - at);
      if (b.length > room) {
        b = b.subarray(0, room);
        if (encoding(enc) === 'utf8') { let e = b.length; while (e > 0 && host.decode(b.subarray(0, e), true) === null) e--; b = b.subarray(0, e); }
      }
      this.set(b, at);
      return b.length;
    },
    copy(target, at = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + Math.max(0, target.length - at)));
      target.set(part, at);
      return part.length;
    },
    slice(a, b) { return this.subarray(a, b); },
    subarray(a, b) { return wrap(Uint8Array.prototype.subarray.call(this, a, b)); },
    fill(v, a, b, enc) {
      if (typeof a === 'string') { enc = a; a = undefined; }
      if (typeof v === 'string') v = toBytes(v, enc);
      if (typeof v === 'object') {
        if (v.length === 0) v = 0;
        else if (v.length === 1) v = v[0];
        else {
          const end = b ?? this.length;
          for (let i = a ?? 0, j = 0; i < end; i++, j = (j + 1) % v.length) this[i] = v[j];
          return this;
        }
      }
      return Uint8Array.prototype.fill.call(this, v, a, b);
    },
    indexOf(v, at, enc) { return find(this, v, at, enc, 1); },
    lastIndexOf(v, at, enc) { return find(this, v, at, enc, -1); },
    includes(v, at, enc) { return find(this, v, at, enc, 1) !== -1; },
    readUIntBE(at, n) { range(this, at, n); let v = 0; for (let i = 0; i < n; i++) v = v * 256 + this[at + i]; return v; },
    readUIntLE(at, n) { range(this, at, n); let v = 0; for (let i = n - 1; i >= 0; i--) v = v * 256 + this[at + i]; return v; },
    readIntBE(at, n) { const v = this.readUIntBE(at, n); return v >= 2 ** (8 * n - 1) ? v - 2 ** (8 * n) : v; },
    readIntLE(at, n) { const v = this.readUIntLE(at, n); return v >= 2 ** (8 * n - 1) ? v - 2 ** (8 * n) : v; },
    writeUIntBE(v, at, n) { range(this, at, n); for (let i = n - 1; i >= 0; i--) { this[at + i] = v % 256; v = Math.floor(v / 256); } return at + n; },
    writeUIntLE(v, at, n) { range(this, at, n); for (let i = 0; i < n; i++) { this[at + i] = v % 256; v = Math.floor(v / 256); } return at + n; },
    writeIntBE(v, at, n) { return this.writeUIntBE(v < 0 ? v + 2 ** (8 * n) : v, at, n); },
    writeIntLE(v, at, n) { return this.writeUIntLE(v < 0 ? v + 2 ** (8 * n) : v, at, n); },
    swap16() { for (let i = 0; i + 1 < this.length; i += 2) [this[i], this[i + 1]] = [this[i + 1], this[i]]; return this; },
    [host.inspect.custom]() {
      const n = Math.min(50, this.length);
      let s = '';
      for (let i = 0; i < n; i++) s += ` ${this[i].toString(16).padStart(2, '0')}`;
      return `<Buffer${s}${this.length > n ? ` ... ${this.length - n} more byte${this.length - n > 1 ? 's' : ''}` : ''}>`;
    },
  };
  for (const [name, get, n] of [['UInt8', 'Uint8', 1], ['Int8', 'Int8', 1], ['UInt16', 'Uint16', 2], ['Int16', 'Int16', 2], ['UInt32', 'Uint32', 4], ['Int32', 'Int32', 4], ['Float', 'Float32', 4], ['Double', 'Float64', 8], ['BigUInt64', 'BigUint64', 8], ['BigInt64', 'BigInt64', 8]]) {
    for (const e of n === 1 ? [''] : ['LE', 'BE']) {
      methods[`read${name}${e}`] = function (at = 0) { range(this, at, n); return view(this)[`get${get}`](at, e === 'LE'); };
      methods[`write${name}${e}`] = function (v, at = 0) { range(this, at, n); view(this)[`set${get}`](at, v, e === 'LE'); return at + n; };
      for (const w of ['read', 'write']) if (name.includes('UInt')) methods[`${w}${name.replace('UInt', 'Uint')}${e}`] = methods[`${w}${name}${e}`];
    }
  }
  for (const w of ['read', 'write']) for (const k of ['UInt', 'Int']) for (const e of ['LE', 'BE']) if (k === 'UInt') methods[`${w}Uint${e}`] = methods[`${w}UInt${e}`];
  const hide = (o, map) => { for (const k of Reflect.ownKeys(map)) Object.defineProperty(o, k, { value: map[k], writable: true, configurable: true }); };
  hide(Buffer, statics);
  hide(Buffer.prototype, methods);
  Object.defineProperty(Buffer.prototype, 'parent', { get() { return this.buffer; }, configurable: true });
  host.asBuffer = wrap;
  host.define('Buffer', Buffer);
})
