// util.inspect and util.format, laid out as Node lays them out.
(function (host) {
  'use strict';
  const custom = Symbol.for('nodejs.util.inspect.custom');
  const { classOf, peek } = host;
  const hasOwn = Object.hasOwn;
  const TA = Object.getPrototypeOf(Uint8Array);
  const taTag = Object.getOwnPropertyDescriptor(TA.prototype, Symbol.toStringTag).get;
  const mapEntries = Map.prototype.entries;
  const mapSize = Object.getOwnPropertyDescriptor(Map.prototype, 'size').get;
  const setValues = Set.prototype.values;
  const setSize = Object.getOwnPropertyDescriptor(Set.prototype, 'size').get;
  const dateISO = Date.prototype.toISOString;
  const dateTime = Date.prototype.getTime;
  const regexpSource = RegExp.prototype.toString;
  const fnSource = Function.prototype.toString;
  const IDENT = /^[a-zA-Z_][a-zA-Z_0-9]*$/;

  const defaults = {
    depth: 2, colors: false, showHidden: false, customInspect: true, maxArrayLength: 100,
    maxStringLength: 10000, breakLength: 80, compact: 3, sorted: false, getters: false, numericSeparator: false,
  };

  const ESCAPES = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\' };
  const hex2 = (c) => `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  function quote(s) {
    let q = "'";
    if (s.includes("'")) {
      if (!s.includes('"')) q = '"';
      else if (!s.includes('`') && !s.includes('${')) q = '`';
    }
    s = s.replace(/[\x00-\x1F\\\x7F-\x9F]/g, (c) => ESCAPES[c] || hex2(c));
    if (q === "'") s = s.replaceAll("'", "\\'");
    if (!s.isWellFormed()) {
      s = s.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g, (c) => (c.length === 2 ? c : `\\u${c.charCodeAt(0).toString(16).toUpperCase()}`));
    }
    return q + s + q;
  }
  host.quote = quote;

  // SGR codes, when colours are asked for.
  const STYLE = {
    number: [33, 39], bigint: [33, 39], boolean: [33, 39], string: [32, 39], symbol: [32, 39],
    undefined: [90, 39], null: [1, 22], special: [36, 39], date: [35, 39], regexp: [31, 39], module: [4, 24],
  };
  const paint = (c, s, style) => (c.colors && STYLE[style] ? `\x1b[${STYLE[style][0]}m${s}\x1b[${STYLE[style][1]}m` : s);
  const plainLength = (c, s) => (c.colors ? s.replace(/\x1b\[\d+m/g, '').length : s.length);

  function number(n) { return Object.is(n, -0) ? '-0' : `${n}`; }

  function primitive(c, v, nested) {
    switch (typeof v) {
      case 'string': {
        let tail = '';
        if (v.length > c.maxStringLength) {
          const more = v.length - c.maxStringLength;
          v = v.slice(0, c.maxStringLength);
          tail = `... ${more} more character${more > 1 ? 's' : ''}`;
        }
        // Long text in a structure is broken at its line ends.
        if (nested && v.length > 16 && v.length > c.breakLength - c.indent - 4 && v.includes('\n')) {
          return v.split(/(?<=\n)/).map((l) => paint(c, quote(l), 'string')).join(` +\n${' '.repeat(c.indent + 2)}`) + tail;
        }
        return paint(c, quote(v), 'string') + tail;
      }
      case 'number': return paint(c, number(v), 'number');
      case 'bigint': return paint(c, `${v}n`, 'bigint');
      case 'symbol': return paint(c, Symbol.prototype.toString.call(v), 'symbol');
      case 'undefined': return paint(c, 'undefined', 'undefined');
      case 'boolean': return paint(c, `${v}`, 'boolean');
      default: return paint(c, 'null', 'null');
    }
  }

  // The name of what made the object: null for one without a prototype.
  function constructorName(obj) {
    for (let o = obj, i = 0; o && i < 1000; i++) {
      const d = Object.getOwnPropertyDescriptor(o, 'constructor');
      if (d && typeof d.value === 'function' && d.value.name !== '') return `${d.value.name}`;
      o = Object.getPrototypeOf(o);
    }
    return null;
  }

  function prefix(name, tag, fallback, size = '') {
    if (name === null) {
      return tag && tag !== fallback ? `[${fallback}${size}: null prototype] [${tag}] ` : `[${fallback}${size}: null prototype] `;
    }
    return tag && tag !== name ? `${name}${size} [${tag}] ` : `${name}${size} `;
  }

  function tagOf(v) {
    let t;
    try { t = v[Symbol.toStringTag]; } catch { return ''; }
    return typeof t === 'string' && t !== '' ? t : '';
  }

  function keysOf(v, showHidden) {
    const keys = showHidden ? Object.getOwnPropertyNames(v) : Object.keys(v);
    for (const s of Object.getOwnPropertySymbols(v)) {
      if (showHidden || Object.prototype.propertyIsEnumerable.call(v, s)) keys.push(s);
    }
    return keys;
  }

  const isIndex = (k) => typeof k === 'string' && /^(0|[1-9]\d{0,9})$/.test(k) && +k < 4294967295;

  function property(c, v, key, depth, inArray) {
    let text;
    const d = Object.getOwnPropertyDescriptor(v, key) || { value: v[key], enumerable: true };
    if ('value' in d) {
      c.indent += 2;
      text = value(c, d.value, depth, true);
      c.indent -= 2;
    } else if (d.get && c.getters) {
      c.indent += 2;
      try {
        text = `[${d.set ? 'Getter/Setter' : 'Getter'}: ${value(c, d.get.call(v), depth, true)}]`;
      } catch (e) {
        text = `[Getter: <Inspection threw (${e?.message})>]`;
      }
      c.indent -= 2;
    } else {
      text = paint(c, d.get ? (d.set ? '[Getter/Setter]' : '[Getter]') : d.set ? '[Setter]' : 'undefined', d.get || d.set ? 'special' : 'undefined');
    }
    if (inArray) return text;
    let name;
    if (typeof key === 'symbol') name = `[${paint(c, Symbol.prototype.toString.call(key), 'symbol')}]`;
    else if (key === '__proto__') name = "['__proto__']";
    else if (IDENT.test(key)) name = key;
    else name = paint(c, quote(key), 'string');
    if (d.enumerable === false) name = `[${typeof key === 'symbol' ? name.slice(1, -1) : key}]`;
    return `${name}: ${text}`;
  }

  const more = (n, what = 'item') => `... ${n} more ${what}${n > 1 ? 's' : ''}`;

  function arrayItems(c, v, depth) {
    const out = [];
    const len = v.length;
    const max = Math.min(Math.max(0, c.maxArrayLength), len);
    let i = 0;
    while (i < len && out.length < max) {
      if (hasOwn(v, i)) {
        out.push(property(c, v, i++, depth, true));
        continue;
      }
      // A hole: as long as it goes, found by the next index that exists.
      let next = len;
      if (len - i > 1000) {
        for (const k of Object.keys(v)) if (isIndex(k) && +k >= i) { next = Math.min(next, +k); break; }
      } else {
        for (next = i + 1; next < len && !hasOwn(v, next);) next++;
      }
      out.push(paint(c, `<${next - i} empty item${next - i > 1 ? 's' : ''}>`, 'undefined'));
      i = next;
    }
    if (i < len) out.push(more(len - i));
    return out;
  }

  function typedItems(c, v) {
    const max = Math.min(Math.max(0, c.maxArrayLength), v.length);
    const out = [];
    for (let i = 0; i < max; i++) out.push(paint(c, typeof v[i] === 'bigint' ? `${v[i]}n` : number(v[i]), 'number'));
    if (v.length > max) out.push(more(v.length - max));
    return out;
  }

  function setItems(c, iterable, size, depth) {
    const out = [];
    c.indent += 2;
    for (const x of iterable) {
      if (out.length >= c.maxArrayLength) { out.push(more(size - out.length)); break; }
      out.push(value(c, x, depth));
    }
    c.indent -= 2;
    return out;
  }

  function mapItems(c, iterable, size, depth) {
    const out = [];
    c.indent += 2;
    for (const [k, x] of iterable) {
      if (out.length >= c.maxArrayLength) { out.push(more(size - out.length)); break; }
      out.push(`${value(c, k, depth)} => ${value(c, x, depth)}`);
    }
    c.indent -= 2;
    return out;
  }

  function functionBase(v, name, tag) {
    if (tag === 'AsyncFunction' || tag === 'GeneratorFunction' || tag === 'AsyncGeneratorFunction') name = tag;
    const src = fnSource.call(v);
    if (src.startsWith('class') && src.endsWith('}')) {
      const own = hasOwn(v, 'name') && v.name;
      let b = `[class ${own ? v.name : '(anonymous)'}`;
      if (name !== 'Function' && name !== null) b += ` [${name}]`;
      if (tag && name !== tag) b += ` [${tag}]`;
      const sup = Object.getPrototypeOf(v);
      if (sup && sup !== Function.prototype && sup.name) b += ` extends ${sup.name}`;
      else if (sup === null) b += ' extends [null prototype]';
      return `${b}]`;
    }
    const kind = { AsyncFunction: 'AsyncFunction', GeneratorFunction: 'GeneratorFunction', AsyncGeneratorFunction: 'AsyncGeneratorFunction' }[tag] || 'Function';
    let b = `[${kind}`;
    if (name === null) b += ' (null prototype)';
    b += typeof v.name === 'string' && v.name ? `: ${v.name}]` : ' (anonymous)]';
    if (name !== null && name !== kind && name !== 'Function') b += ` ${name}`;
    return b;
  }

  // The stack, or the message in brackets; with the class's own name and never without the message.
  function errorBase(c, e, name, keys) {
    const own = (k) => { try { return e[k]; } catch { return undefined; } };
    const en = own('name');
    const msg = own('message');
    let stack = own('stack');
    if (typeof stack !== 'string' || !stack) stack = host.errorToString(e);
    const shown = typeof en === 'string' && en ? en : 'Error';
    if (classOf(e) === 'DOMException') {
      // Its message is no plain property, and so not in the stack's first line.
      const frames = stack.indexOf('\n    at ');
      stack = `DOMException [${en}]: ${msg}${frames < 0 ? '' : stack.slice(frames)}`;
    }
    const first = stack.split('\n', 1)[0];
    // A name that was set, or a class that was made, after the stack was written.
    if (name && first.startsWith('Error') && shown === 'Error' && name !== 'Error' && /^Error(:|$)/.test(first)) {
      stack = name + stack.slice(5);
    } else if (shown !== 'Error' && /^Error(:|\n|$)/.test(stack) && !first.includes(shown)) {
      stack = (shown === name || name === 'Error' || !name || name.includes(shown) ? shown : `${name} [${shown}]`.replace(/^(.*) \[\1\]$/, '$1')) + stack.slice(5);
    }
    const code = hasOwn(e, 'code') && typeof e.code === 'string' ? e.code : '';
    if (code && /^ERR_/.test(code) && !first.includes(code)) {
      const m = /^[\w$]+/.exec(stack);
      if (m) stack = `${m[0]} [${code}]${stack.slice(m[0].length)}`;
    }
    for (const k of ['name', 'message', 'stack']) {
      const i = keys.indexOf(k);
      if (i !== -1 && (k === 'stack' || stack.includes(String(own(k))))) keys.splice(i, 1);
    }
    for (const k of ['cause', 'errors']) {
      if (hasOwn(e, k) && !keys.includes(k) && (k !== 'errors' || Array.isArray(own(k)))) keys.push(k);
    }
    const at = stack.indexOf('\n    at ');
    if (at === -1) stack = `[${stack}]`;
    if (c.indent) stack = stack.replaceAll('\n', `\n${' '.repeat(c.indent)}`);
    return stack;
  }

  host.errorToString = (e) => { try { return Error.prototype.toString.call(e); } catch { return 'Error'; } };

  function layout(c, out, base, braces, isArray, depth, v) {
    const entries = out.length;
    if (isArray && entries > 6) out = columns(c, out, v);
    if (c.currentDepth - depth < c.compact && entries === out.length) {
      const start = out.length + c.indent + braces[0].length + base.length + 10;
      let total = out.length + start + base.length;
      let fits = !base.includes('\n');
      for (let i = 0; fits && i < out.length; i++) {
        total += plainLength(c, out[i]);
        if (total > c.breakLength || out[i].includes('\n')) fits = false;
      }
      if (fits && total <= c.breakLength) return `${base ? `${base} ` : ''}${braces[0]} ${out.join(', ')} ${braces[1]}`;
    }
    const nl = `\n${' '.repeat(c.indent)}`;
    return `${base ? `${base} ` : ''}${braces[0]}${nl}  ${out.join(`,${nl}  `)}${nl}${braces[1]}`;
  }

  // More than six short items stand in columns, about as wide as they are high.
  function columns(c, out, v) {
    const n = c.maxArrayLength < out.length || (v && v.length > c.maxArrayLength) ? out.length - 1 : out.length;
    const lens = [];
    let sum = 0;
    let longest = 0;
    for (let i = 0; i < n; i++) {
      const l = plainLength(c, out[i]);
      lens.push(l);
      sum += l + 2;
      if (l > longest) longest = l;
    }
    const cell = longest + 2;
    if (!(cell * 3 + c.indent < c.breakLength && (sum / cell > 5 || longest <= 6))) return out;
    const biased = Math.max(cell - 3 - Math.sqrt(cell - sum / out.length), 1);
    const cols = Math.min(
      Math.round(Math.sqrt(2.5 * biased * n) / biased),
      Math.floor((c.breakLength - c.indent) / cell), c.compact * 4, 15,
    );
    if (cols <= 1) return out;
    const widths = [];
    for (let i = 0; i < cols; i++) {
      let w = 0;
      for (let j = i; j < n; j += cols) if (lens[j] > w) w = lens[j];
      widths.push(w + 2);
    }
    let left = false;
    if (v !== undefined) {
      for (let i = 0; i < out.length; i++) {
        if (typeof v[i] !== 'number' && typeof v[i] !== 'bigint') { left = true; break; }
      }
    }
    const rows = [];
    for (let i = 0; i < n; i += cols) {
      const end = Math.min(i + cols, n);
      let row = '';
      for (let j = i; j < end; j++) {
        const last = j === end - 1;
        const cellText = last ? out[j] : `${out[j]}, `;
        const pad = ' '.repeat(Math.max(0, widths[j - i] - lens[j] - 2));
        row += left ? cellText + (last ? '' : pad) : pad + cellText;
      }
      rows.push(row);
    }
    if (n < out.length) rows.push(out[n]);
    return rows;
  }

  function raw(c, v, depth) {
    const cls = classOf(v);
    const name = constructorName(v);
    let tag = tagOf(v);
    if (tag && name && tag === name) tag = '';
    let keys = keysOf(v, c.showHidden);
    let base = '';
    let braces = ['{', '}'];
    let items = null;
    let listLike = false;

    if (Array.isArray(v)) {
      keys = keys.filter((k) => !isIndex(k));
      const p = name !== 'Array' || tag ? prefix(name, tag, 'Array', `(${v.length})`) : '';
      braces = [`${p}[`, ']'];
      if (v.length === 0 && !keys.length) return `${braces[0]}]`;
      listLike = true;
      items = () => arrayItems(c, v, depth);
    } else if (cls === 'Map' || cls === 'Set') {
      const size = (cls === 'Map' ? mapSize : setSize).call(v);
      braces[0] = `${prefix(name, tag, cls, `(${size})`)}{`;
      if (size === 0 && !keys.length) return `${braces[0]}}`;
      items = cls === 'Map' ? () => mapItems(c, mapEntries.call(v), size, depth) : () => setItems(c, setValues.call(v), size, depth);
    } else if (ArrayBuffer.isView(v) && cls !== 'DataView') {
      const t = taTag.call(v);
      keys = keys.filter((k) => !isIndex(k));
      braces = [`${prefix(name, tag === t ? '' : tag, t, `(${v.length})`)}[`, ']'];
      if (v.length === 0 && !keys.length) return `${braces[0]}]`;
      listLike = true;
      items = () => typedItems(c, v);
    } else if (cls === 'Map Iterator' || cls === 'Set Iterator') {
      braces[0] = `[${tag || cls}] {`;
      items = () => [];
    } else if (cls === 'Arguments' || (cls && cls.includes('Arguments'))) {
      braces[0] = '[Arguments] {';
    } else if (typeof v === 'function') {
      base = functionBase(v, name, tagOf(v));
      if (!keys.length) return paint(c, base, 'special');
    } else if (cls === 'RegExp') {
      base = regexpSource.call(v);
      if (name !== 'RegExp') base = `${prefix(name, tag, 'RegExp')}${base}`;
      if (!keys.length || depth > c.depth) return paint(c, base, 'regexp');
    } else if (cls === 'Date') {
      base = Number.isNaN(dateTime.call(v)) ? 'Invalid Date' : dateISO.call(v);
      if (name !== 'Date') base = `${prefix(name, tag, 'Date')}${base}`;
      if (!keys.length) return paint(c, base, 'date');
    } else if (cls === 'Error' || cls === 'DOMException' || v instanceof Error) {
      base = errorBase(c, v, name, keys);
      if (!keys.length) return base;
    } else if (cls === 'ArrayBuffer') {
      const b = new Uint8Array(v);
      const n = Math.min(50, b.length);
      let s = '';
      for (let i = 0; i < n; i++) s += (i ? ' ' : '') + b[i].toString(16).padStart(2, '0');
      if (b.length > n) s += ` ${more(b.length - n, 'byte')}`;
      braces[0] = `${prefix(name, tag, 'ArrayBuffer')}{`;
      items = () => [`[Uint8Contents]: <${s}>`, `byteLength: ${paint(c, `${b.length}`, 'number')}`];
    } else if (cls === 'DataView') {
      braces[0] = `${prefix(name, tag, 'DataView')}{`;
      items = () => [`byteLength: ${v.byteLength}`, `byteOffset: ${v.byteOffset}`, `buffer: ${value(c, v.buffer, depth)}`];
    } else if (cls === 'Promise') {
      braces[0] = `${prefix(name, tag, 'Promise')}{`;
      items = () => {
        const [state, x] = peek(v);
        if (state === 0) return [paint(c, '<pending>', 'special')];
        c.indent += 2;
        const s = value(c, x, depth);
        c.indent -= 2;
        return [state === 2 ? `${paint(c, '<rejected>', 'special')} ${s}` : s];
      };
    } else if (cls === 'WeakSet' || cls === 'WeakMap') {
      braces[0] = `${prefix(name, tag, cls)}{`;
      items = () => [paint(c, '<items unknown>', 'special')];
    } else if (cls === 'WeakRef') {
      braces[0] = `${prefix(name, tag, cls)}{`;
      items = () => [value(c, v.deref(), depth)];
    } else if (cls === 'Number' || cls === 'String' || cls === 'Boolean' || cls === 'BigInt' || cls === 'Symbol') {
      let inner;
      try { inner = globalThis[cls].prototype.valueOf.call(v); } catch { inner = undefined; }
      if (cls === 'String') keys = keys.filter((k) => !isIndex(k));
      base = `[${cls}${name !== cls && name !== null ? ` (${name})` : ''}: ${primitive({ ...c, colors: false }, inner)}]`;
      if (!keys.length) return paint(c, base, cls.toLowerCase());
    } else if (cls === 'Module' || tag === 'Module') {
      braces[0] = '[Module: null prototype] {';
    } else {
      const p = name === 'Object' && !tag ? '' : prefix(name, tag, 'Object');
      braces[0] = `${p}{`;
      if (!keys.length) return `${braces[0]}}`;
    }

    if (depth > c.depth && c.depth !== null) {
      const t = prefix(name, tag, Array.isArray(v) ? 'Array' : 'Object').trim();
      return paint(c, `[${t.startsWith('[') ? t.slice(1, -1) : t}]`, 'special');
    }
    c.currentDepth = depth;
    c.seen.push(v);
    let out;
    try {
      out = items ? items() : [];
      if (c.sorted) keys = keys.sort(typeof c.sorted === 'function' ? c.sorted : undefined);
      for (const k of keys) out.push(property(c, v, k, depth, false));
    } finally {
      c.seen.pop();
    }
    const ref = c.circular?.get(v);
    if (ref !== undefined) {
      const mark = paint(c, `<ref *${ref}>`, 'special');
      if (base) base = `${mark} ${base}`;
      else braces[0] = `${mark} ${braces[0]}`;
    }
    if (base && !out.length) return base;
    if (out.length === 0) return `${braces[0]}${braces[1]}`;
    const text = layout(c, out, base, braces, listLike, depth, listLike ? v : undefined);
    c.budget -= text.length;
    // Text this long, and growing with each level, helps nobody: show only the top from here on.
    if (c.budget < 0) c.depth = -1;
    return text;
  }

  // depth: of the object that holds this value, plus one.
  function value(c, v, parentDepth, nested) {
    if ((typeof v !== 'object' && typeof v !== 'function') || v === null) return primitive(c, v, nested);
    const depth = parentDepth + 1;
    let target = v;
    if (classOf(v) === 'Proxy') {
      for (let i = 0; classOf(target) === 'Proxy' && i < 100; i++) target = peek(target)[0];
      if (target === null || target === undefined) return '<Revoked Proxy>';
      v = target;
    }
    if (c.customInspect) {
      const f = v[custom];
      if (typeof f === 'function' && f !== inspect && !(v.constructor && v.constructor.prototype === v)) {
        const left = c.depth === null ? null : c.depth - depth;
        const r = f.call(v, left, { ...c.user, ...pick(c), depth: left, stylize: (s, style) => paint(c, String(s), style) }, inspect);
        if (r !== v) {
          if (typeof r !== 'object' || r === null) return `${r}`.replaceAll('\n', `\n${' '.repeat(c.indent)}`);
          return value(c, r, parentDepth);
        }
      }
    }
    if (c.seen.includes(v)) {
      c.circular ??= new Map();
      let n = c.circular.get(v);
      if (n === undefined) c.circular.set(v, n = c.circular.size + 1);
      return paint(c, `[Circular *${n}]`, 'special');
    }
    return raw(c, v, depth);
  }

  const pick = (c) => { const o = {}; for (const k of Object.keys(defaults)) o[k] = c[k]; return o; };

  function inspect(v, opts, ...legacy) {
    const c = { ...defaults, seen: [], circular: undefined, indent: 0, currentDepth: 0, budget: 1 << 27, user: undefined };
    if (typeof opts === 'boolean') {
      c.showHidden = opts;
      if (legacy[0] !== undefined) c.depth = legacy[0];
      if (legacy[1] !== undefined) c.colors = legacy[1];
    } else if (opts) {
      c.user = opts;
      for (const k of Object.keys(defaults)) if (opts[k] !== undefined) c[k] = opts[k];
    }
    if (c.depth === null) c.depth = Infinity;
    if (c.maxArrayLength === null) c.maxArrayLength = Infinity;
    if (c.maxStringLength === null) c.maxStringLength = Infinity;
    if (c.compact === true) c.compact = 3;
    if (c.compact === false) c.compact = 0;
    try {
      return value(c, v, -1);
    } catch (e) {
      if (e instanceof RangeError) return `[${constructorName(v) ?? 'Object'}: Inspection interrupted prematurely. Maximum call stack size exceeded.]`;
      throw e;
    }
  }
  inspect.custom = custom;
  inspect.defaultOptions = defaults;

  // What needs no inspecting, which is most of what is printed.
  const PLAIN = { ...defaults, indent: 0 };
  function shown(opts, v) {
    if (typeof v === 'string') return v;
    if (opts === undefined && (v === null || (typeof v !== 'object' && typeof v !== 'function'))) return primitive(PLAIN, v, false);
    return inspect(v, opts);
  }

  function formatWith(opts, args) {
    let i = 0;
    let s = '';
    let join = '';
    if (typeof args[0] === 'string') {
      if (args.length === 1) return args[0];
      i = 1;
      s = !args[0].includes('%') ? args[0] : args[0].replace(/%[sdifjoOc%]/g, (m) => {
        if (m === '%%') return '%';
        if (i >= args.length) return m;
        const a = args[i++];
        switch (m[1]) {
          case 's':
            if (typeof a === 'string') return a;
            if (typeof a === 'number') return number(a);
            if (typeof a === 'bigint') return `${a}n`;
            if (typeof a !== 'object' || a === null) return typeof a === 'function' && !hasOwn(a, 'toString') ? `${a}` : String(a);
            if (typeof a.toString === 'function' && a.toString !== Object.prototype.toString && a.toString !== Array.prototype.toString) return String(a);
            return inspect(a, { ...opts, depth: 0, colors: false, compact: 3 });
          case 'd':
            return typeof a === 'bigint' ? `${a}n` : typeof a === 'symbol' || typeof a === 'object' ? (a instanceof Date ? `${+a}` : 'NaN') : number(Number(a));
          case 'i':
            return typeof a === 'bigint' ? `${a}n` : typeof a === 'symbol' || typeof a === 'object' ? 'NaN' : number(parseInt(a, 10));
          case 'f': return typeof a === 'symbol' ? 'NaN' : number(parseFloat(a));
          case 'j':
            try { return JSON.stringify(a); } catch (e) { if (/circular/i.test(e.message)) return '[Circular]'; throw e; }
          case 'o': return inspect(a, { ...opts, showHidden: true, depth: 4 });
          case 'O': return inspect(a, opts);
          default: return '';
        }
      });
      join = ' ';
    }
    for (; i < args.length; i++) {
      s += join + shown(opts, args[i]);
      join = ' ';
    }
    return s;
  }

  host.inspect = inspect;
  host.format = (...args) => formatWith(undefined, args);
  host.formatWithOptions = (opts, ...args) => formatWith(opts, args);
})
