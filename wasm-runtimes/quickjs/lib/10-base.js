// What all other files of the prelude share, as properties of `host`: each file is a function of it.
// Its file name begins with "bailiwick:", which keeps its frames out of the user's stack traces.
(function (host) {
  'use strict';
  // No threads, hence nothing to share memory with.
  delete globalThis.SharedArrayBuffer;
  delete globalThis.Atomics;

  const TA = Object.getPrototypeOf(Uint8Array);
  const taBuffer = Object.getOwnPropertyDescriptor(TA.prototype, 'buffer').get;
  const taOffset = Object.getOwnPropertyDescriptor(TA.prototype, 'byteOffset').get;
  const taLength = Object.getOwnPropertyDescriptor(TA.prototype, 'byteLength').get;

  // Globals as the web has them: not enumerable.
  host.define = (name, value) => Object.defineProperty(globalThis, name, {
    value, writable: true, enumerable: false, configurable: true,
  });
  host.classes = (map) => { for (const k of Object.keys(map)) host.define(k, map[k]); };

  // Any buffer source as a Uint8Array of the same bytes.
  host.bytes = (v) => {
    if (v instanceof Uint8Array) return v;
    if (ArrayBuffer.isView(v)) {
      return v instanceof DataView
        ? new Uint8Array(v.buffer, v.byteOffset, v.byteLength)
        : new Uint8Array(taBuffer.call(v), taOffset.call(v), taLength.call(v));
    }
    if (v instanceof ArrayBuffer) return new Uint8Array(v);
    throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'The argument must be an ArrayBuffer or a view of one');
  };

  // An error with Node's `code`; shown as "TypeError [CODE]: message" by its stack.
  host.nodeError = (Ctor, code, message, props) => {
    const e = new Ctor(message);
    e.code = code;
    if (props) Object.assign(e, props);
    return e;
  };

  // WASI's numbers.
  const ERRNO = {
    1: ['E2BIG', 'argument list too long'], 2: ['EACCES', 'permission denied'],
    6: ['EAGAIN', 'resource temporarily unavailable'], 8: ['EBADF', 'bad file descriptor'],
    10: ['EBUSY', 'resource busy or locked'], 19: ['EDQUOT', 'disk quota exceeded'],
    20: ['EEXIST', 'file already exists'], 22: ['EFBIG', 'file too large'],
    25: ['EILSEQ', 'illegal byte sequence'], 28: ['EINVAL', 'invalid argument'], 29: ['EIO', 'i/o error'],
    31: ['EISDIR', 'illegal operation on a directory'], 32: ['ELOOP', 'too many symbolic links encountered'],
    33: ['EMFILE', 'too many open files'], 34: ['EMLINK', 'too many links'], 37: ['ENAMETOOLONG', 'name too long'],
    41: ['ENFILE', 'file table overflow'], 44: ['ENOENT', 'no such file or directory'],
    48: ['ENOMEM', 'not enough memory'], 51: ['ENOSPC', 'no space left on device'],
    52: ['ENOSYS', 'function not implemented'], 54: ['ENOTDIR', 'not a directory'],
    55: ['ENOTEMPTY', 'directory not empty'], 58: ['ENOTSUP', 'operation not supported'],
    63: ['EPERM', 'operation not permitted'], 64: ['EPIPE', 'broken pipe'], 69: ['EROFS', 'read-only file system'],
    70: ['ESPIPE', 'invalid seek'], 75: ['EXDEV', 'cross-device link not permitted'],
    76: ['ENOTCAPABLE', 'outside the sandbox'],
  };
  host.sysError = (negative, syscall, path, dest) => {
    const [code, text] = ERRNO[-negative] || ['UNKNOWN', `error ${-negative}`];
    let m = `${code}: ${text}, ${syscall}`;
    if (path !== undefined) m += ` '${path}'`;
    if (dest !== undefined) m += ` -> '${dest}'`;
    const e = new Error(m);
    e.errno = negative;
    e.code = code;
    e.syscall = syscall;
    if (path !== undefined) e.path = path;
    if (dest !== undefined) e.dest = dest;
    return e;
  };

  host.requireFunction = (f, name) => {
    if (typeof f !== 'function') {
      throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "${name}" argument must be of type function. Received ${f === null ? 'null' : typeof f}`);
    }
  };

  // ---- encodings -------------------------------------------------------------------------------
  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(s = '') { return host.encode(`${s}`); }
    encodeInto(s, dest) {
      s = `${s}`;
      let read = 0;
      let written = 0;
      for (const ch of s) {
        const b = host.encode(ch);
        if (written + b.length > dest.length) break;
        dest.set(b, written);
        written += b.length;
        read += ch.length;
      }
      return { read, written };
    }
  }

  const LABELS = new Map();
  for (const [name, labels] of [
    ['utf-8', 'utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8'],
    ['utf-16le', 'utf-16le utf-16 ucs-2 iso-10646-ucs-2 unicode unicodefeff csunicode'],
    ['utf-16be', 'utf-16be unicodefffe'],
    ['windows-1252', 'windows-1252 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252'],
  ]) for (const l of labels.split(' ')) LABELS.set(l, name);
  const CP1252 = '\u20AC\x81\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\x8D\u017D\x8F\x90\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\x9D\u017E\u0178';

  // How many bytes at the end begin a UTF-8 character that a later chunk may finish.
  function unfinishedUtf8(b) {
    for (let back = 1; back <= 3 && back <= b.length; back++) {
      const c = b[b.length - back];
      if ((c & 0xC0) === 0x80) continue;
      const need = c >= 0xF0 && c <= 0xF4 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 1;
      if (need <= back) return 0;
      // A second byte that no character has does not wait.
      if (back > 1) {
        const d = b[b.length - back + 1];
        if ((c === 0xE0 && d < 0xA0) || (c === 0xED && d > 0x9F) || (c === 0xF0 && d < 0x90) || (c === 0xF4 && d > 0x8F)) return 0;
      }
      return back;
    }
    return 0;
  }

  class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #rest = null;
    #bomSeen = false;
    constructor(label = 'utf-8', options = {}) {
      const e = LABELS.get(`${label}`.trim().toLowerCase());
      if (!e) throw host.nodeError(RangeError, 'ERR_ENCODING_NOT_SUPPORTED', `The "${label}" encoding is not supported`);
      this.#encoding = e;
      this.#fatal = !!options?.fatal;
      this.#ignoreBOM = !!options?.ignoreBOM;
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(input = new Uint8Array(0), { stream = false } = {}) {
      let b = host.bytes(input);
      if (this.#rest) {
        const joined = new Uint8Array(this.#rest.length + b.length);
        joined.set(this.#rest);
        joined.set(b, this.#rest.length);
        b = joined;
        this.#rest = null;
      }
      let s;
      switch (this.#encoding) {
        case 'utf-8': {
          if (stream) {
            const n = unfinishedUtf8(b);
            if (n) {
              this.#rest = b.slice(b.length - n);
              b = b.subarray(0, b.length - n);
            }
          }
          s = host.decode(b, this.#fatal);
          break;
        }
        case 'windows-1252':
          s = host.latin1(b).replace(/[\x80-\x9F]/g, (c) => CP1252[c.charCodeAt(0) - 0x80]);
          break;
        default: {
          const be = this.#encoding === 'utf-16be' ? 0 : 1;
          let end = b.length;
          if (end % 2) {
            end--;
            if (stream) this.#rest = b.slice(end);
          }
          const parts = [];
          for (let i = 0; i < end;) {
            const units = [];
            for (let n = Math.min(end, i + 8192); i < n; i += 2) units.push((b[i + be] << 8) | b[i + 1 - be]);
            parts.push(String.fromCharCode.apply(null, units));
          }
          s = parts.join('');
          if (!stream && b.length % 2) s += '\uFFFD';
          if (stream && s && (s.charCodeAt(s.length - 1) & 0xFC00) === 0xD800 && !this.#rest) {
            this.#rest = b.slice(end - 2);
            s = s.slice(0, -1);
          }
          if (this.#fatal && (!s.isWellFormed() || (!stream && b.length % 2))) s = null;
          else s = s.toWellFormed();
        }
      }
      if (s === null) {
        this.#bomSeen = false;
        throw host.nodeError(TypeError, 'ERR_ENCODING_INVALID_ENCODED_DATA', `The encoded data was not valid for encoding ${this.#encoding}`);
      }
      if (!this.#bomSeen && s) {
        if (!this.#ignoreBOM && this.#encoding !== 'windows-1252' && s.charCodeAt(0) === 0xFEFF) s = s.slice(1);
        this.#bomSeen = true;
      }
      if (!stream) this.#bomSeen = false;
      return s;
    }
  }
  for (const C of [TextEncoder, TextDecoder]) {
    Object.defineProperty(C.prototype, Symbol.toStringTag, { value: C.name, configurable: true });
  }
  host.classes({ TextEncoder, TextDecoder });
})
