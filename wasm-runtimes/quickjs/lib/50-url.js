// URL and URLSearchParams, after the WHATWG URL Standard. Names outside ASCII are lower-cased,
// NFC-normalised and put in Punycode; the full IDNA tables are not here.
(function (host) {
  'use strict';
  const { nodeError } = host;
  const SPECIAL = { 'http:': 80, 'https:': 443, 'ws:': 80, 'wss:': 443, 'ftp:': 21, 'file:': null };
  const special = (u) => Object.hasOwn(SPECIAL, u.scheme);
  const enc = (s) => host.encode(s);

  // ---- percent encoding: each set is a test of a code point below 0x80 ---------------------------
  const set = (chars, parent) => { const s = new Set(chars); return (c) => c < 0x20 || c > 0x7E || s.has(String.fromCharCode(c)) || (parent ? parent(c) : false); };
  const C0 = set('');
  const FRAGMENT = set(' "<>`');
  const QUERY = set(' "#<>');
  const SPECIAL_QUERY = set("'", QUERY);
  const PATH = set('?^`{}', QUERY);
  const USERINFO = set('/:;=@[\\]|', PATH);
  const pct = (b) => `%${b.toString(16).toUpperCase().padStart(2, '0')}`;
  function encodeChar(ch, inSet) {
    const c = ch.codePointAt(0);
    if (c < 0x80) return inSet(c) ? pct(c) : ch;
    let s = '';
    for (const b of enc(ch)) s += pct(b);
    return s;
  }
  const encodeAll = (s, inSet) => { let r = ''; for (const ch of s) r += encodeChar(ch, inSet); return r; };
  function decodePercent(s) {
    if (!s.includes('%')) return enc(s);
    const b = enc(s);
    const out = [];
    const hex = (c) => (c >= 48 && c <= 57 ? c - 48 : c >= 65 && c <= 70 ? c - 55 : c >= 97 && c <= 102 ? c - 87 : -1);
    for (let i = 0; i < b.length; i++) {
      if (b[i] === 0x25 && i + 2 < b.length && hex(b[i + 1]) >= 0 && hex(b[i + 2]) >= 0) {
        out.push(hex(b[i + 1]) * 16 + hex(b[i + 2]));
        i += 2;
      } else {
        out.push(b[i]);
      }
    }
    return new Uint8Array(out);
  }

  // ---- hosts -------------------------------------------------------------------------------------
  function punycode(label) {
    const cps = Array.from(label, (c) => c.codePointAt(0));
    let out = cps.filter((c) => c < 0x80).map((c) => String.fromCharCode(c)).join('');
    let h = out.length;
    const b = h;
    if (b) out += '-';
    let n = 128;
    let delta = 0;
    let bias = 72;
    while (h < cps.length) {
      const m = Math.min(...cps.filter((c) => c >= n));
      delta += (m - n) * (h + 1);
      n = m;
      for (const c of cps) {
        if (c < n) delta++;
        if (c === n) {
          let q = delta;
          for (let k = 36; ; k += 36) {
            const t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
            if (q < t) break;
            const d = t + ((q - t) % (36 - t));
            out += String.fromCharCode(d < 26 ? d + 97 : d + 22);
            q = Math.floor((q - t) / (36 - t));
          }
          out += String.fromCharCode(q < 26 ? q + 97 : q + 22);
          delta = h === b ? Math.floor(delta / 700) : delta >> 1;
          delta += Math.floor(delta / (h + 1));
          let k = 0;
          for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
          bias = Math.floor(k + (36 * delta) / (delta + 38));
          delta = 0;
          h++;
        }
      }
      delta++;
      n++;
    }
    return `xn--${out}`;
  }
  function toASCII(domain) {
    const d = domain.normalize('NFKC').toLowerCase().normalize('NFC').replace(/[\u3002\uFF0E\uFF61]/g, '.').replace(/[\u00AD\u200B\u2060\uFEFF]/g, '');
    return d.split('.').map((l) => (/[^\x00-\x7F]/.test(l) ? punycode(l) : l)).join('.');
  }
  function ipv4Number(s) {
    if (s === '') return NaN;
    let radix = 10;
    if (/^0x/i.test(s)) { s = s.slice(2); radix = 16; } else if (s.length > 1 && s[0] === '0') { s = s.slice(1); radix = 8; }
    if (s === '') return 0;
    if (!(radix === 10 ? /^\d+$/ : radix === 16 ? /^[\da-f]+$/i : /^[0-7]+$/).test(s)) return NaN;
    return parseInt(s, radix);
  }
  function endsInNumber(s) {
    const parts = s.split('.');
    if (parts.at(-1) === '') { if (parts.length === 1) return false; parts.pop(); }
    const last = parts.at(-1);
    return /^\d+$/.test(last) || !Number.isNaN(/^0x/i.test(last) ? ipv4Number(last) : NaN);
  }
  function ipv4(s) {
    const parts = s.split('.');
    if (parts.at(-1) === '' && parts.length > 1) parts.pop();
    if (parts.length > 4) return null;
    const nums = parts.map(ipv4Number);
    if (nums.some(Number.isNaN) || nums.slice(0, -1).some((n) => n > 255)) return null;
    const last = nums.pop();
    if (last >= 256 ** (4 - nums.length)) return null;
    let v = last;
    nums.forEach((n, i) => { v += n * 256 ** (3 - i); });
    return [24, 16, 8, 0].map((sh) => Math.floor(v / 2 ** sh) % 256).join('.');
  }
  function ipv6(s) {
    let tail = [];
    const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(s);
    if (v4) {
      const n = v4.slice(2).map((x) => (x.length > 1 && x[0] === '0' ? NaN : +x));
      if (!n.every((x) => x <= 255)) return null;
      tail = [n[0] * 256 + n[1], n[2] * 256 + n[3]];
      s = v4[1].endsWith('::') ? v4[1] : v4[1].slice(0, -1);
    }
    const halves = s.split('::');
    if (halves.length > 2) return null;
    const groups = (t) => (t === '' ? [] : t.split(':').map((g) => (/^[\da-f]{1,4}$/i.test(g) ? parseInt(g, 16) : NaN)));
    const a = groups(halves[0]);
    const b = (halves.length === 2 ? groups(halves[1]) : []).concat(tail);
    const all = halves.length === 2 ? a : a.concat(b);
    if (all.concat(b).some(Number.isNaN)) return null;
    let pieces;
    if (halves.length === 2) {
      const zeros = 8 - a.length - b.length;
      if (zeros < 1) return null;
      pieces = [...a, ...new Array(zeros).fill(0), ...b];
    } else {
      if (all.length !== 8) return null;
      pieces = all;
    }
    let best = -1;
    let bestLen = 1;
    for (let i = 0; i < 8; i++) {
      let j = i;
      while (j < 8 && pieces[j] === 0) j++;
      if (j - i > bestLen) { best = i; bestLen = j - i; }
      if (j > i) i = j;
    }
    let out = '';
    for (let i = 0; i < 8; i++) {
      if (i === best) {
        out += i === 0 ? '::' : ':';
        i += bestLen - 1;
        continue;
      }
      out += pieces[i].toString(16);
      if (i < 7) out += ':';
    }
    return `[${out}]`;
  }
  const FORBIDDEN_HOST = /[\x00\t\n\r #/:<>?@[\\\]^|]/;
  const FORBIDDEN_DOMAIN = /[\x00-\x20"#%/:<>?@[\\\]^`{|}\x7F]/;
  function parseHost(s, isSpecial) {
    if (s[0] === '[') return s.at(-1) === ']' ? ipv6(s.slice(1, -1)) : null;
    if (!isSpecial) return FORBIDDEN_HOST.test(s) ? null : encodeAll(s, C0);
    const domain = toASCII(host.decode(decodePercent(s), false));
    if (domain === '' || FORBIDDEN_DOMAIN.test(domain)) return null;
    return endsInNumber(domain) ? ipv4(domain) : domain;
  }

  // ---- the parser ----------------------------------------------------------------------------------
  const isDrive = (s) => /^[a-z][:|]$/i.test(s);
  const startsDrive = (s) => /^[a-z][:|]([/\\?#]|$)/i.test(s);
  const single = (s) => /^(\.|%2e)$/i.test(s);
  const double = (s) => /^(\.|%2e){2}$/i.test(s);
  function shorten(u) {
    if (u.scheme === 'file:' && u.path.length === 1 && /^[a-z]:$/i.test(u.path[0])) return;
    u.path.pop();
  }
  const copyAuthority = (u, b) => { u.user = b.user; u.pass = b.pass; u.host = b.host; u.port = b.port; };

  function parsePath(u, s) {
    const sp = special(u);
    const parts = s.split(sp ? /[/\\]/ : '/');
    parts.forEach((seg, i) => {
      const last = i === parts.length - 1;
      if (double(seg)) {
        shorten(u);
        if (last) u.path.push('');
      } else if (single(seg)) {
        if (last) u.path.push('');
      } else {
        if (u.scheme === 'file:' && u.path.length === 0 && isDrive(seg)) seg = `${seg[0]}:`;
        u.path.push(encodeAll(seg, PATH));
      }
    });
  }
  // The path that follows a host or a base: with or without its first slash.
  function pathStart(u, s) {
    if (special(u)) parsePath(u, s === '' ? '' : /^[/\\]/.test(s) ? s.slice(1) : s);
    else if (s !== '') parsePath(u, s[0] === '/' ? s.slice(1) : s);
  }
  function authority(u, s) {
    const at = s.lastIndexOf('@');
    if (at >= 0) {
      const cred = s.slice(0, at);
      const colon = cred.indexOf(':');
      u.user = encodeAll(colon < 0 ? cred : cred.slice(0, colon), USERINFO);
      u.pass = colon < 0 ? '' : encodeAll(cred.slice(colon + 1), USERINFO);
      s = s.slice(at + 1);
      if (s === '') return false;
    }
    return hostPort(u, s);
  }
  function hostPort(u, s) {
    const m = /^(\[[^\]]*\]?|[^:]*)(?::(.*))?$/s.exec(s);
    if (!m) return false;
    if (m[1] === '') {
      if (special(u) || m[2] !== undefined || u.user || u.pass) return false;
      u.host = '';
      return true;
    }
    const h = parseHost(m[1], special(u));
    if (h === null) return false;
    u.host = h;
    return m[2] === undefined || m[2] === '' ? ((u.port = null), true) : setPort(u, m[2]);
  }
  function setPort(u, s) {
    if (!/^\d+$/.test(s) || +s > 65535) return false;
    u.port = SPECIAL[u.scheme] === +s ? null : +s;
    return true;
  }

  function parse(input, base) {
    input = input.toWellFormed().replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, '').replace(/[\t\n\r]/g, '');
    const u = { scheme: '', user: '', pass: '', host: null, port: null, path: [], opaque: false, query: null, fragment: null };
    let rest = input;
    const hash = rest.indexOf('#');
    let fragment = null;
    if (hash >= 0) { fragment = encodeAll(rest.slice(hash + 1), FRAGMENT); rest = rest.slice(0, hash); }
    const takeQuery = (isSpecial) => {
      const q = rest.indexOf('?');
      if (q < 0) return null;
      const s = encodeAll(rest.slice(q + 1), isSpecial ? SPECIAL_QUERY : QUERY);
      rest = rest.slice(0, q);
      return s;
    };
    const m = /^([a-z][a-z0-9+.-]*):/i.exec(rest);
    const slashes = (s, sp) => (sp ? /^[/\\]{2}/ : /^\/\//).test(s);
    if (m) {
      u.scheme = `${m[1].toLowerCase()}:`;
      rest = rest.slice(m[0].length);
      const sp = special(u);
      if (u.scheme === 'file:') {
        u.query = takeQuery(true);
        u.fragment = fragment;
        if (base && base.scheme !== 'file:') base = null;
        return fileState(u, rest, base) ? u : null;
      }
      if (sp && base && base.scheme === u.scheme && !slashes(rest, false) && !/^[/\\]{2}/.test(rest)) {
        // "http:path" is relative to a base of the same scheme
        return relative(u, base);
      }
      u.query = takeQuery(sp);
      u.fragment = fragment;
      if (sp) {
        rest = rest.replace(/^[/\\]+/, '');
        return afterSlashes() ? u : null;
      }
      if (rest.startsWith('//')) {
        rest = rest.slice(2);
        return afterSlashes() ? u : null;
      }
      if (rest.startsWith('/')) {
        pathStart(u, rest);
        return u;
      }
      u.opaque = true;
      u.path = encodeAll(rest, C0);
      if (u.query !== null || u.fragment !== null) u.path = u.path.replace(/ $/, '%20');
      else u.path = u.path.replace(/ +$/, '');
      return u;
    }
    if (!base) return null;
    if (base.opaque) {
      if (rest !== '' || hash < 0) return null;
      return { ...u, scheme: base.scheme, path: base.path, opaque: true, query: base.query, fragment };
    }
    u.scheme = base.scheme;
    if (base.scheme === 'file:') {
      u.query = takeQuery(true);
      u.fragment = fragment;
      return fileState(u, rest, base) ? u : null;
    }
    return relative(u, base);

    function afterSlashes() {
      const end = rest.search(special(u) ? /[/\\]/ : /\//);
      const auth = end < 0 ? rest : rest.slice(0, end);
      if (!authority(u, auth)) return false;
      pathStart(u, end < 0 ? '' : rest.slice(end));
      return true;
    }
    function relative(v, b) {
      const sp = special(v);
      const noQuery = !rest.includes('?');
      v.query = takeQuery(sp);
      v.fragment = fragment;
      if (slashes(rest, sp)) {
        rest = sp ? rest.replace(/^[/\\]+/, '') : rest.slice(2);
        return afterSlashes() ? v : null;
      }
      copyAuthority(v, b);
      if (sp ? /^[/\\]/.test(rest) : rest[0] === '/') {
        pathStart(v, rest);
        return v;
      }
      v.path = [...b.path];
      if (rest === '') {
        if (noQuery) v.query = b.query;
        return v;
      }
      shorten(v);
      parsePath(v, rest);
      return v;
    }
    function fileState(v, s, b) {
      v.host = '';
      if (/^[/\\]{2}/.test(s)) {
        s = s.slice(2);
        const end = s.search(/[/\\]/);
        const h = end < 0 ? s : s.slice(0, end);
        if (isDrive(h)) {
          parsePath(v, s);
          return true;
        }
        if (h !== '') {
          const p = parseHost(h, true);
          if (p === null) return false;
          v.host = p === 'localhost' ? '' : p;
        }
        pathStart(v, end < 0 ? '' : s.slice(end));
        return true;
      }
      if (/^[/\\]/.test(s)) {
        if (b) {
          v.host = b.host;
          if (!startsDrive(s.slice(1)) && b.path.length && /^[a-z]:$/i.test(b.path[0])) v.path.push(b.path[0]);
        }
        parsePath(v, s.slice(1));
        return true;
      }
      if (!b) {
        parsePath(v, s);
        return true;
      }
      v.host = b.host;
      v.path = [...b.path];
      if (s === '') {
        if (v.query === null && !input.includes('?')) v.query = b.query;
        return true;
      }
      if (startsDrive(s)) v.path = [];
      else shorten(v);
      parsePath(v, s);
      return true;
    }
  }
  const pathText = (u) => (u.opaque ? u.path : u.path.map((p) => `/${p}`).join(''));
  function serialize(u, noFragment) {
    let s = u.scheme;
    if (u.host !== null) {
      s += '//';
      if (u.user || u.pass) s += `${u.user}${u.pass ? `:${u.pass}` : ''}@`;
      s += u.host + (u.port === null ? '' : `:${u.port}`);
    } else if (!u.opaque && u.path.length > 1 && u.path[0] === '') {
      s += '/.';
    }
    s += pathText(u);
    if (u.query !== null) s += `?${u.query}`;
    if (!noFragment && u.fragment !== null) s += `#${u.fragment}`;
    return s;
  }

  // ---- URLSearchParams -------------------------------------------------------------------------------
  const FORM = (c) => !((c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 42 || c === 45 || c === 46 || c === 95 || c === 32);
  const formEncode = (s) => encodeAll(s.toWellFormed(), FORM).replaceAll(' ', '+');
  const formDecode = (s) => host.decode(decodePercent(s.replaceAll('+', ' ')), false);
  const parseForm = (s) => s.split('&').filter(Boolean).map((p) => {
    const i = p.indexOf('=');
    return i < 0 ? [formDecode(p), ''] : [formDecode(p.slice(0, i)), formDecode(p.slice(i + 1))];
  });
  let bind; // gives a URL's own params their URL
  class URLSearchParams {
    #list = [];
    #url = null;
    static { bind = (p, url, query) => { p.#url = url; p.#list = parseForm(query ?? ''); }; }
    constructor(init = '') {
      if (init === null || (typeof init !== 'object' && typeof init !== 'function')) {
        const s = `${init}`.toWellFormed();
        this.#list = parseForm(s[0] === '?' ? s.slice(1) : s);
      } else if (typeof init[Symbol.iterator] === 'function') {
        for (const pair of init) {
          const p = [...pair];
          if (p.length !== 2) throw nodeError(TypeError, 'ERR_INVALID_TUPLE', 'Each query pair must be an iterable [name, value] tuple');
          this.#list.push([`${p[0]}`.toWellFormed(), `${p[1]}`.toWellFormed()]);
        }
      } else {
        for (const k of Object.keys(init)) this.#list.push([k.toWellFormed(), `${init[k]}`.toWellFormed()]);
      }
    }
    #changed() { if (this.#url) this.#url(this.toString()); }
    get size() { return this.#list.length; }
    append(k, v) { this.#list.push([`${k}`.toWellFormed(), `${v}`.toWellFormed()]); this.#changed(); }
    delete(k, v) {
      this.#list = this.#list.filter((p) => p[0] !== `${k}` || (v !== undefined && p[1] !== `${v}`));
      this.#changed();
    }
    get(k) { return this.#list.find((p) => p[0] === `${k}`)?.[1] ?? null; }
    getAll(k) { return this.#list.filter((p) => p[0] === `${k}`).map((p) => p[1]); }
    has(k, v) { return this.#list.some((p) => p[0] === `${k}` && (v === undefined || p[1] === `${v}`)); }
    set(k, v) {
      k = `${k}`.toWellFormed();
      v = `${v}`.toWellFormed();
      const i = this.#list.findIndex((p) => p[0] === k);
      if (i < 0) this.#list.push([k, v]);
      else this.#list = this.#list.filter((p, j) => j <= i || p[0] !== k).map((p, j) => (j === i ? [k, v] : p));
      this.#changed();
    }
    sort() { this.#list.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#changed(); }
    forEach(f, thisArg) { for (const [k, v] of this) f.call(thisArg, v, k, this); }
    * entries() { for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]]; }
    * keys() { for (let i = 0; i < this.#list.length; i++) yield this.#list[i][0]; }
    * values() { for (let i = 0; i < this.#list.length; i++) yield this.#list[i][1]; }
    toString() { return this.#list.map(([k, v]) => `${formEncode(k)}=${formEncode(v)}`).join('&'); }
    [host.inspect.custom](depth, opts, inspect) {
      if (!this.#list.length) return 'URLSearchParams {}';
      return `URLSearchParams { ${this.#list.map(([k, v]) => `${inspect(k, opts)} => ${inspect(v, opts)}`).join(', ')} }`;
    }
  }
  Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, { value: URLSearchParams.prototype.entries, writable: true, configurable: true });

  // ---- URL ---------------------------------------------------------------------------------------------
  class URL {
    #u;
    #params = null;
    constructor(input, base) {
      if (arguments.length === 0) throw nodeError(TypeError, 'ERR_MISSING_ARGS', 'The "url" argument must be specified');
      input = `${input}`;
      let b = null;
      if (base !== undefined) {
        b = parse(`${base}`, null);
        if (!b) throw nodeError(TypeError, 'ERR_INVALID_URL', 'Invalid URL', { input, base: `${base}` });
      }
      this.#u = parse(input, b);
      if (!this.#u) throw nodeError(TypeError, 'ERR_INVALID_URL', 'Invalid URL', base === undefined ? { input } : { input, base: `${base}` });
    }
    static canParse(input, base) { try { new URL(input, base); return true; } catch { return false; } }
    static parse(input, base) { try { return new URL(input, base); } catch { return null; } }
    #sync() { if (this.#params) bind(this.#params, this.#onParams, this.#u.query); }
    #onParams = (q) => { this.#u.query = q === '' ? null : q; };
    get href() { return serialize(this.#u); }
    set href(v) {
      const u = parse(`${v}`, null);
      if (!u) throw nodeError(TypeError, 'ERR_INVALID_URL', 'Invalid URL', { input: `${v}` });
      this.#u = u;
      this.#sync();
    }
    get origin() {
      const u = this.#u;
      if (u.scheme === 'blob:' && u.opaque) {
        const inner = parse(u.path, null);
        return inner && /^https?:$/.test(inner.scheme) ? new URL(u.path).origin : 'null';
      }
      return special(u) && u.scheme !== 'file:' ? `${u.scheme}//${this.host}` : 'null';
    }
    get protocol() { return this.#u.scheme; }
    set protocol(v) {
      const m = /^([a-z][a-z0-9+.-]*)(:|$)/i.exec(`${v}`);
      const u = this.#u;
      if (!m) return;
      const s = `${m[1].toLowerCase()}:`;
      if (Object.hasOwn(SPECIAL, s) !== special(u)) return;
      if (s === 'file:' && (u.user || u.pass || u.port !== null)) return;
      if (u.scheme === 'file:' && u.host === '') return;
      u.scheme = s;
      if (u.port === SPECIAL[s]) u.port = null;
    }
    #noCredentials() { const u = this.#u; return !u.host || u.scheme === 'file:'; }
    get username() { return this.#u.user; }
    set username(v) { if (!this.#noCredentials()) this.#u.user = encodeAll(`${v}`.toWellFormed(), USERINFO); }
    get password() { return this.#u.pass; }
    set password(v) { if (!this.#noCredentials()) this.#u.pass = encodeAll(`${v}`.toWellFormed(), USERINFO); }
    get host() { const u = this.#u; return u.host === null ? '' : u.host + (u.port === null ? '' : `:${u.port}`); }
    #setHost(v, withPort) {
      const u = this.#u;
      if (u.opaque) return;
      v = `${v}`.replace(/[\t\n\r]/g, '');
      const end = v.search(special(u) ? /[/\\?#]/ : /[/?#]/);
      if (end >= 0) v = v.slice(0, end);
      const m = /^(\[[^\]]*\]|[^:]*)(?::(\d*).*)?$/s.exec(v);
      if (!m || (m[1] === '' && (special(u) && u.scheme !== 'file:' || u.user || u.pass || u.port !== null))) return;
      const h = m[1] === '' ? '' : parseHost(m[1], special(u));
      if (h === null) return;
      u.host = u.scheme === 'file:' && h === 'localhost' ? '' : h;
      if (withPort && m[2]) setPort(u, m[2]);
    }
    set host(v) { this.#setHost(v, true); }
    get hostname() { return this.#u.host ?? ''; }
    set hostname(v) { if (!/^[^[]*:/.test(`${v}`)) this.#setHost(v, false); }
    get port() { return this.#u.port === null ? '' : `${this.#u.port}`; }
    set port(v) {
      if (this.#noCredentials()) return;
      const m = /^\d*/.exec(`${v}`.replace(/[\t\n\r]/g, ''))[0];
      if (`${v}` === '') this.#u.port = null;
      else if (m !== '') setPort(this.#u, m);
    }
    get pathname() { return pathText(this.#u); }
    set pathname(v) {
      const u = this.#u;
      if (u.opaque) return;
      u.path = [];
      pathStart(u, encodeAll(`${v}`.toWellFormed().replace(/[\t\n\r]/g, ''), (c) => c === 0x23 || c === 0x3F));
    }
    get search() { return this.#u.query ? `?${this.#u.query}` : ''; }
    set search(v) {
      const s = `${v}`.toWellFormed().replace(/[\t\n\r]/g, '');
      this.#u.query = s === '' ? null : encodeAll(s[0] === '?' ? s.slice(1) : s, special(this.#u) ? SPECIAL_QUERY : QUERY);
      this.#sync();
    }
    get searchParams() {
      if (!this.#params) { this.#params = new URLSearchParams(); this.#sync(); }
      return this.#params;
    }
    get hash() { return this.#u.fragment ? `#${this.#u.fragment}` : ''; }
    set hash(v) {
      const s = `${v}`.toWellFormed().replace(/[\t\n\r]/g, '');
      this.#u.fragment = s === '' ? null : encodeAll(s[0] === '#' ? s.slice(1) : s, FRAGMENT);
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
    [host.inspect.custom](depth, opts, inspect) {
      const o = {};
      for (const k of ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash']) o[k] = this[k];
      return `URL ${inspect(o, opts)}`;
    }
  }
  for (const C of [URL, URLSearchParams]) {
    Object.defineProperty(C.prototype, Symbol.toStringTag, { value: C.name, configurable: true });
    for (const k of Object.getOwnPropertyNames(C.prototype)) {
      if (k !== 'constructor') Object.defineProperty(C.prototype, k, { enumerable: true });
    }
  }
  host.classes({ URL, URLSearchParams });
  host.decodePercent = (s) => host.decode(decodePercent(s), false);
})
