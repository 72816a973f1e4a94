// Node's crypto: randomness, and the hashes that scripts use for checksums.
(function (host) {
  'use strict';
  const { nodeError, builtins } = host;
  const bytes = (v, enc) => (typeof v === 'string' ? host.toBytes(v, enc ?? 'utf8') : host.bytes(v));

  const primes = [];
  for (let n = 2; primes.length < 80; n++) if (primes.every((p) => n % p)) primes.push(n);
  // The first bits of the fraction of a root, exactly: by integer roots of big numbers.
  const root = (v, k) => {
    let x = 1n << BigInt(Math.ceil(v.toString(2).length / k));
    for (;;) {
      const y = (x * BigInt(k - 1) + v / x ** BigInt(k - 1)) / BigInt(k);
      if (y >= x) return x;
      x = y;
    }
  };
  const fraction = (p, k) => root(BigInt(p) << BigInt(64 * k), k) & 0xFFFFFFFFFFFFFFFFn;
  const K512 = primes.map((p) => fraction(p, 3));
  const K256 = new Uint32Array(64).map((_, i) => Number(K512[i] >> 32n));
  const H512 = primes.slice(0, 8).map((p) => fraction(p, 2));
  const H256 = H512.map((h) => Number(h >> 32n));
  const H384 = primes.slice(8, 16).map((p) => fraction(p, 2));
  const H224 = H384.map((h) => Number(h & 0xFFFFFFFFn));
  const KMD5 = new Uint32Array(64).map((_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));
  const SMD5 = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
  const rol = (x, n) => (x << n) | (x >>> (32 - n));
  const ror = (x, n) => (x >>> n) | (x << (32 - n));

  const w = new Int32Array(80);
  const blocks = {
    md5(h, v, at) {
      let [a, b, c, d] = h;
      for (let i = 0; i < 64; i++) {
        const r = i >> 4;
        const f = r === 0 ? (b & c) | (~b & d) : r === 1 ? (d & b) | (~d & c) : r === 2 ? b ^ c ^ d : c ^ (b | ~d);
        const g = r === 0 ? i : r === 1 ? (5 * i + 1) & 15 : r === 2 ? (3 * i + 5) & 15 : (7 * i) & 15;
        const t = (a + f + KMD5[i] + v.getInt32(at + 4 * g, true)) | 0;
        a = d; d = c; c = b;
        b = (b + rol(t, SMD5[r][i & 3])) | 0;
      }
      h[0] = (h[0] + a) | 0; h[1] = (h[1] + b) | 0; h[2] = (h[2] + c) | 0; h[3] = (h[3] + d) | 0;
    },
    sha1(h, v, at) {
      let [a, b, c, d, e] = h;
      for (let i = 0; i < 80; i++) {
        w[i] = i < 16 ? v.getInt32(at + 4 * i) : rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        const f = i < 20 ? ((b & c) | (~b & d)) + 0x5A827999 : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1 : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC : (b ^ c ^ d) + 0xCA62C1D6;
        const t = (rol(a, 5) + f + e + w[i]) | 0;
        e = d; d = c; c = rol(b, 30); b = a; a = t;
      }
      h[0] = (h[0] + a) | 0; h[1] = (h[1] + b) | 0; h[2] = (h[2] + c) | 0; h[3] = (h[3] + d) | 0; h[4] = (h[4] + e) | 0;
    },
    sha256(s, v, at) {
      let [a, b, c, d, e, f, g, h] = s;
      for (let i = 0; i < 64; i++) {
        if (i < 16) w[i] = v.getInt32(at + 4 * i);
        else {
          const x = w[i - 15];
          const y = w[i - 2];
          w[i] = (w[i - 16] + (ror(x, 7) ^ ror(x, 18) ^ (x >>> 3)) + w[i - 7] + (ror(y, 17) ^ ror(y, 19) ^ (y >>> 10))) | 0;
        }
        const t = (h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + K256[i] + w[i]) | 0;
        const u = ((ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((x, i) => { s[i] = (s[i] + x) | 0; });
    },
    sha512(s, v, at) {
      const M = 0xFFFFFFFFFFFFFFFFn;
      const r = (x, n) => ((x >> n) | (x << (64n - n))) & M;
      const x = [];
      let [a, b, c, d, e, f, g, h] = s;
      for (let i = 0; i < 80; i++) {
        x[i] = i < 16 ? v.getBigUint64(at + 8 * i)
          : (x[i - 16] + (r(x[i - 15], 1n) ^ r(x[i - 15], 8n) ^ (x[i - 15] >> 7n)) + x[i - 7] + (r(x[i - 2], 19n) ^ r(x[i - 2], 61n) ^ (x[i - 2] >> 6n))) & M;
        const t = h + (r(e, 14n) ^ r(e, 18n) ^ r(e, 41n)) + ((e & f) ^ (~e & M & g)) + K512[i] + x[i];
        const u = (r(a, 28n) ^ r(a, 34n) ^ r(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = (d + t) & M; d = c; c = b; b = a; a = (t + u) & M;
      }
      [a, b, c, d, e, f, g, h].forEach((y, i) => { s[i] = (s[i] + y) & M; });
    },
  };
  // name: block function, block size, first state, digest size, little-endian
  const HASHES = {
    md5: ['md5', 64, [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476], 16, true],
    sha1: ['sha1', 64, [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0], 20, false],
    sha224: ['sha256', 64, H224, 28, false],
    sha256: ['sha256', 64, H256, 32, false],
    sha384: ['sha512', 128, H384, 48, false],
    sha512: ['sha512', 128, H512, 64, false],
  };
  const spec = (name) => HASHES[`${name}`.toLowerCase().replace('-', '')];
  function digest(sp, parts) {
    const [fn, size, init, outLen, le] = sp;
    const len = parts.reduce((n, p) => n + p.length, 0);
    const buf = new Uint8Array(Math.ceil((len + 1 + size / 8) / size) * size);
    let at = 0;
    for (const p of parts) { buf.set(p, at); at += p.length; }
    buf[len] = 0x80;
    const v = new DataView(buf.buffer);
    v.setBigUint64(buf.length - 8, BigInt(len) * 8n, le);
    const state = size === 128 ? [...init] : Int32Array.from(init, (x) => x | 0);
    for (let i = 0; i < buf.length; i += size) blocks[fn](state, v, i);
    const out = new DataView(new ArrayBuffer(64));
    state.forEach((x, i) => { if (size === 128) out.setBigUint64(8 * i, x); else out.setInt32(4 * i, x, le); });
    return new Uint8Array(out.buffer).slice(0, outLen);
  }
  class Hash {
    #spec; #parts = []; #outer = null; #done = false;
    constructor(name, key) {
      this.#spec = spec(name);
      if (!this.#spec) throw nodeError(Error, 'ERR_CRYPTO_INVALID_DIGEST', `Digest method not supported: ${name}`);
      if (key !== undefined) {
        const k = new Uint8Array(this.#spec[1]);
        const b = bytes(key);
        k.set(b.length > k.length ? digest(this.#spec, [b]) : b);
        this.#parts.push(k.map((x) => x ^ 0x36));
        this.#outer = k.map((x) => x ^ 0x5C);
      }
    }
    update(v, enc) {
      if (this.#done) throw nodeError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
      this.#parts.push(bytes(v, enc).slice());
      return this;
    }
    digest(enc) {
      if (this.#done) throw nodeError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
      this.#done = true;
      let d = digest(this.#spec, this.#parts);
      if (this.#outer) d = digest(this.#spec, [this.#outer, d]);
      return enc && enc !== 'buffer' ? host.toText(d, enc) : host.asBuffer(d);
    }
  }
  const randomBytes = (n, cb) => {
    const b = Buffer.alloc(n);
    host.random(b);
    if (cb) { setImmediate(cb, null, b); return undefined; }
    return b;
  };
  builtins.crypto = {
    webcrypto: host.webcrypto,
    getRandomValues: (a) => host.webcrypto.getRandomValues(a),
    randomUUID: () => host.webcrypto.randomUUID(),
    randomBytes,
    randomFillSync: (b) => { host.random(host.bytes(b)); return b; },
    randomInt(min, max, cb) {
      if (max === undefined || typeof max === 'function') { cb = max; max = min; min = 0; }
      const range = max - min;
      if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && range > 0 && range <= 2 ** 48)) throw nodeError(RangeError, 'ERR_OUT_OF_RANGE', `The value of "max" is out of range. Received ${max}`);
      const limit = 2 ** 48 - (2 ** 48 % range);
      let v;
      do { v = randomBytes(6).readUIntBE(0, 6); } while (v >= limit);
      v = min + (v % range);
      if (cb) { setImmediate(cb, null, v); return undefined; }
      return v;
    },
    createHash: (name) => new Hash(name),
    createHmac: (name, key) => new Hash(name, key),
    hash: (name, v, enc = 'hex') => new Hash(name).update(v).digest(enc),
    getHashes: () => Object.keys(HASHES),
    timingSafeEqual: (a, b) => {
      a = host.bytes(a);
      b = host.bytes(b);
      if (a.length !== b.length) throw nodeError(RangeError, 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH', 'Input buffers must have the same byte length');
      let d = 0;
      for (let i = 0; i < a.length; i++) d |= a[i] ^ b[i];
      return d === 0;
    },
  };
  Object.defineProperty(Object.getPrototypeOf(host.webcrypto), 'subtle', {
    value: { async digest(name, v) { const sp = spec(name?.name ?? name); if (!sp) throw new DOMException('Unrecognized algorithm name', 'NotSupportedError'); return digest(sp, [host.bytes(v)]).buffer; } },
    configurable: true,
  });
})
