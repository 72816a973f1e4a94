// assert, and the deep comparison that util shares.
(function (host) {
  'use strict';
  const { nodeError, inspect, classOf } = host;

  function keys(o) { return [...Object.keys(o), ...Object.getOwnPropertySymbols(o).filter((s) => Object.prototype.propertyIsEnumerable.call(o, s))]; }
  function deepEqual(a, b, strict, seen = new Map()) {
    if (strict ? Object.is(a, b) : a == b || (Number.isNaN(a) && Number.isNaN(b))) return true; // eslint-disable-line eqeqeq
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
    if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    const cls = classOf(a);
    if (cls !== classOf(b) && (strict || Array.isArray(a) !== Array.isArray(b) || cls !== 'Object')) return false;
    if (seen.get(a) === b) return true;
    seen.set(a, b);
    switch (cls) {
      case 'Date': if (a.getTime() !== b.getTime() && !(Number.isNaN(+a) && Number.isNaN(+b))) return false; break;
      case 'RegExp': if (`${a}` !== `${b}` || a.lastIndex !== b.lastIndex) return false; break;
      case 'Number': case 'String': case 'Boolean': case 'BigInt': case 'Symbol': if (!Object.is(a.valueOf(), b.valueOf())) return false; break;
      case 'Error': case 'DOMException': if (a.message !== b.message || a.name !== b.name || !deepEqual(a.cause, b.cause, strict, seen)) return false; break;
      case 'Map': {
        if (a.size !== b.size) return false;
        const left = new Set(b.keys());
        for (const [k, v] of a) {
          if (b.has(k)) { if (!deepEqual(v, b.get(k), strict, seen)) return false; left.delete(k); continue; }
          const k2 = [...left].find((x) => !a.has(x) && deepEqual(k, x, strict, new Map(seen)) && deepEqual(v, b.get(x), strict, new Map(seen)));
          if (k2 === undefined) return false;
          left.delete(k2);
        }
        break;
      }
      case 'Set': {
        if (a.size !== b.size) return false;
        const left = new Set([...b].filter((x) => !a.has(x)));
        for (const x of a) {
          if (b.has(x)) continue;
          const y = [...left].find((z) => deepEqual(x, z, strict, new Map(seen)));
          if (y === undefined) return false;
          left.delete(y);
        }
        break;
      }
      case 'Promise': case 'WeakMap': case 'WeakSet': case 'WeakRef': return false;
    }
    if (a instanceof ArrayBuffer) return deepEqual(new Uint8Array(a), new Uint8Array(b), strict, seen);
    if (ArrayBuffer.isView(a)) {
      const x = host.bytes(a);
      const y = host.bytes(b);
      if (x.length !== y.length) return false;
      if (a instanceof Float32Array || a instanceof Float64Array) { for (let i = 0; i < a.length; i++) if (!(strict ? Object.is(a[i], b[i]) : a[i] === b[i] || (a[i] !== a[i] && b[i] !== b[i]))) return false; } else { for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false; }
      return true;
    }
    if (Array.isArray(a) && a.length !== b.length) return false;
    const ka = keys(a);
    if (ka.length !== keys(b).length) return false;
    for (const k of ka) {
      if (!Object.prototype.propertyIsEnumerable.call(b, k) || !deepEqual(a[k], b[k], strict, seen)) return false;
    }
    return true;
  }
  host.deepEqual = deepEqual;

  class AssertionError extends Error {
    constructor(o) {
      super(o.message);
      this.generatedMessage = !!o.generated;
      this.code = 'ERR_ASSERTION';
      this.actual = o.actual;
      this.expected = o.expected;
      this.operator = o.operator;
      if (o.stackStartFn) {
        const at = { name: 'AssertionError', message: o.message };
        Error.captureStackTrace(at, o.stackStartFn);
        Object.defineProperty(this, 'stack', { value: at.stack, writable: true, configurable: true });
      }
    }
    get name() { return 'AssertionError'; }
  }
  const show = (v) => inspect(v, { depth: 100, maxArrayLength: 1000, sorted: true, breakLength: 80 });
  function fail(actual, expected, message, operator, text, fn) {
    if (message instanceof Error) throw message;
    throw new AssertionError({ message: message ?? text(), generated: message === undefined, actual, expected, operator, stackStartFn: fn });
  }
  // The lines of both that differ, as a reader wants them.
  function diff(head, a, b) {
    const x = show(a).split('\n');
    const y = show(b).split('\n');
    if (x.length === 1 && y.length === 1 && x[0].length + y[0].length < 70) return `${head}\n\n${x[0]} !== ${y[0]}\n`;
    const rows = x.length + 1;
    const cols = y.length + 1;
    if (rows * cols > 250000) return `${head}\n+ actual - expected\n\n+ ${x.slice(0, 25).join('\n+ ')}\n- ${y.slice(0, 25).join('\n- ')}\n`;
    const t = new Uint32Array(rows * cols);
    for (let i = x.length - 1; i >= 0; i--) for (let j = y.length - 1; j >= 0; j--) t[i * cols + j] = x[i] === y[j] ? t[(i + 1) * cols + j + 1] + 1 : Math.max(t[(i + 1) * cols + j], t[i * cols + j + 1]);
    const out = [];
    for (let i = 0, j = 0; i < x.length || j < y.length;) {
      if (i < x.length && j < y.length && x[i] === y[j]) { out.push(`  ${x[i++]}`); j++; } else if (j >= y.length || (i < x.length && t[(i + 1) * cols + j] >= t[i * cols + j + 1])) out.push(`+ ${x[i++]}`); else out.push(`- ${y[j++]}`);
    }
    return `${head}\n+ actual - expected\n\n${out.join('\n')}\n`;
  }
  const assert = (v, m) => { if (!v) fail(v, true, m, '==', () => (v === undefined ? 'The expression evaluated to a falsy value' : `The expression evaluated to a falsy value: ${show(v)}`), assert); };
  const checks = {
    ok(v, m) { if (!v) fail(v, true, m, '==', () => `The expression evaluated to a falsy value: ${show(v)}`, checks.ok); },
    equal(a, b, m) { if (!(a == b || (a !== a && b !== b))) fail(a, b, m, '==', () => `${show(a)} == ${show(b)}`, checks.equal); }, // eslint-disable-line eqeqeq
    notEqual(a, b, m) { if (a == b) fail(a, b, m, '!=', () => `${show(a)} != ${show(b)}`, checks.notEqual); }, // eslint-disable-line eqeqeq
    strictEqual(a, b, m) { if (!Object.is(a, b)) fail(a, b, m, 'strictEqual', () => diff('Expected values to be strictly equal:', a, b), checks.strictEqual); },
    notStrictEqual(a, b, m) { if (Object.is(a, b)) fail(a, b, m, 'notStrictEqual', () => `Expected "actual" to be strictly unequal to: ${show(b)}`, checks.notStrictEqual); },
    deepEqual(a, b, m) { if (!deepEqual(a, b, false)) fail(a, b, m, 'deepEqual', () => diff('Expected values to be loosely deep-equal:', a, b), checks.deepEqual); },
    deepStrictEqual(a, b, m) { if (!deepEqual(a, b, true)) fail(a, b, m, 'deepStrictEqual', () => diff('Expected values to be strictly deep-equal:', a, b), checks.deepStrictEqual); },
    notDeepEqual(a, b, m) { if (deepEqual(a, b, false)) fail(a, b, m, 'notDeepEqual', () => `Expected "actual" not to be loosely deep-equal to: ${show(b)}`, checks.notDeepEqual); },
    notDeepStrictEqual(a, b, m) { if (deepEqual(a, b, true)) fail(a, b, m, 'notDeepStrictEqual', () => `Expected "actual" not to be strictly deep-equal to: ${show(b)}`, checks.notDeepStrictEqual); },
    fail(m = 'Failed') { if (m instanceof Error) throw m; throw new AssertionError({ message: m, operator: 'fail', stackStartFn: checks.fail }); },
    ifError(e) { if (e !== null && e !== undefined) { if (e instanceof Error) throw e; fail(e, null, undefined, 'ifError', () => `ifError got unwanted exception: ${show(e)}`, checks.ifError); } },
    match(s, re, m) { if (!re.test(s)) fail(s, re, m, 'match', () => `The input did not match the regular expression ${inspect(re)}. Input:\n\n${show(s)}\n`, checks.match); },
    doesNotMatch(s, re, m) { if (re.test(s)) fail(s, re, m, 'doesNotMatch', () => `The input was expected to not match the regular expression ${inspect(re)}. Input:\n\n${show(s)}\n`, checks.doesNotMatch); },
    throws(f, expected, m) {
      if (typeof expected === 'string') { m = expected; expected = undefined; }
      let e;
      try { f(); } catch (x) { e = { x }; }
      if (!e) fail(undefined, expected, m, 'throws', () => `Missing expected exception${typeof expected === 'function' && expected.name ? ` (${expected.name}).` : '.'}`, checks.throws);
      matches(e.x, expected, m, checks.throws);
    },
    doesNotThrow(f, m) { try { f(); } catch (e) { fail(e, undefined, typeof m === 'string' ? m : undefined, 'doesNotThrow', () => `Got unwanted exception.\nActual message: "${e?.message}"`, checks.doesNotThrow); } },
    async rejects(p, expected, m) {
      if (typeof expected === 'string') { m = expected; expected = undefined; }
      let e;
      try { await (typeof p === 'function' ? p() : p); } catch (x) { e = { x }; }
      if (!e) fail(undefined, expected, m, 'rejects', () => 'Missing expected rejection.', checks.rejects);
      matches(e.x, expected, m, checks.rejects);
    },
    async doesNotReject(p, m) { try { await (typeof p === 'function' ? p() : p); } catch (e) { fail(e, undefined, typeof m === 'string' ? m : undefined, 'doesNotReject', () => `Got unwanted rejection.\nActual message: "${e?.message}"`, checks.doesNotReject); } },
  };
  function matches(e, expected, m, fn) {
    if (expected === undefined) return;
    if (expected instanceof RegExp) {
      if (!expected.test(String(e))) fail(e, expected, m, fn.name, () => `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${show(String(e))}\n`, fn);
    } else if (typeof expected === 'function') {
      if (expected.prototype !== undefined && e instanceof expected) return;
      if (Object.prototype.isPrototypeOf.call(Error, expected)|| expected === Error) throw e;
      if (expected.call({}, e) !== true) fail(e, expected, m, fn.name, () => 'The validation function is expected to return "true".', fn);
    } else {
      for (const k of [...Object.keys(expected), ...(expected instanceof Error ? ['name', 'message'] : [])]) {
        const ok = expected[k] instanceof RegExp && typeof e[k] === 'string' ? expected[k].test(e[k]) : deepEqual(e[k], expected[k], true);
        if (!ok) fail(e, expected, m, fn.name, () => diff('Expected values to be strictly deep-equal:', e[k], expected[k]), fn);
      }
    }
  }
  Object.assign(assert, checks, { AssertionError });
  const strict = (v, m) => assert(v, m);
  Object.assign(strict, assert, { equal: checks.strictEqual, notEqual: checks.notStrictEqual, deepEqual: checks.deepStrictEqual, notDeepEqual: checks.notDeepStrictEqual });
  assert.strict = strict.strict = strict;
  host.builtins.assert = assert;
  host.builtins['assert/strict'] = strict;
})
