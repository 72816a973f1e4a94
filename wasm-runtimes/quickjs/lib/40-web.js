// Events, abort signals, timers, structuredClone, crypto, performance.
(function (host) {
  'use strict';
  const { requireFunction, nodeError, classOf } = host;
  const DOMException = globalThis.DOMException;
  const domError = (m, name) => new DOMException(m, name);

  // ---- events ----------------------------------------------------------------------------------
  class Event {
    #type; #init; #stop = false; #prevented = false;
    _target = null;
    timeStamp = 0;
    constructor(type, init = {}) {
      if (arguments.length === 0) throw new TypeError('The "type" argument must be specified');
      this.#type = `${type}`;
      this.#init = init ?? {};
      this.timeStamp = performance.now();
      Object.defineProperty(this, '_target', { enumerable: false, writable: true, value: null });
    }
    get type() { return this.#type; }
    get target() { return this._target; }
    get currentTarget() { return this._target; }
    get srcElement() { return this._target; }
    get bubbles() { return !!this.#init.bubbles; }
    get cancelable() { return !!this.#init.cancelable; }
    get composed() { return !!this.#init.composed; }
    get defaultPrevented() { return this.#prevented; }
    get returnValue() { return !this.#prevented; }
    get eventPhase() { return this._target ? 2 : 0; }
    get isTrusted() { return false; }
    composedPath() { return this._target ? [this._target] : []; }
    preventDefault() { if (this.cancelable) this.#prevented = true; }
    stopPropagation() {}
    stopImmediatePropagation() { this.#stop = true; }
    static stopped(e) { return e.#stop; }
  }
  const stopped = Event.stopped;
  delete Event.stopped;
  class CustomEvent extends Event {
    #detail;
    constructor(type, init = {}) { super(type, init); this.#detail = init?.detail ?? null; }
    get detail() { return this.#detail; }
  }

  class EventTarget {
    #listeners = new Map();
    addEventListener(type, callback, options) {
      if (callback === null || callback === undefined) return;
      const o = typeof options === 'boolean' ? { capture: options } : options ?? {};
      if (o.signal?.aborted) return;
      type = `${type}`;
      let list = this.#listeners.get(type);
      if (!list) this.#listeners.set(type, list = []);
      if (list.some((l) => l.callback === callback && l.capture === !!o.capture)) return;
      list.push({ callback, capture: !!o.capture, once: !!o.once });
      o.signal?.addEventListener('abort', () => this.removeEventListener(type, callback, o), { once: true });
    }
    removeEventListener(type, callback, options) {
      const capture = typeof options === 'boolean' ? options : !!options?.capture;
      const list = this.#listeners.get(`${type}`);
      const i = list ? list.findIndex((l) => l.callback === callback && l.capture === capture) : -1;
      if (i >= 0) this.#listeners.set(`${type}`, list.toSpliced(i, 1));
    }
    dispatchEvent(event) {
      if (!(event instanceof Event)) throw nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', 'The "event" argument must be an instance of Event');
      event._target = this;
      for (const l of this.#listeners.get(event.type) ?? []) {
        if (l.once) this.removeEventListener(event.type, l.callback, l.capture);
        // What a listener throws is uncaught, and the next listener still runs.
        try {
          if (typeof l.callback === 'function') l.callback.call(this, event);
          else l.callback.handleEvent(event);
        } catch (e) {
          queueMicrotask(() => { throw e; });
        }
        if (stopped(event)) break;
      }
      return !event.defaultPrevented;
    }
  }
  // An "on..." attribute of a target.
  function handler(C, type) {
    const key = Symbol(type);
    Object.defineProperty(C.prototype, `on${type}`, {
      get() { return this[key] ?? null; },
      set(f) {
        if (!this[key]) this.addEventListener(type, function (e) { this[key]?.call(this, e); });
        Object.defineProperty(this, key, { value: typeof f === 'function' ? f : null, writable: true, configurable: true });
      },
      enumerable: true, configurable: true,
    });
  }

  const secret = {};
  class AbortSignal extends EventTarget {
    #aborted = false; #reason; #dependants = [];
    constructor(s) {
      if (s !== secret) throw nodeError(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor');
      super();
    }
    get aborted() { return this.#aborted; }
    get reason() { return this.#reason; }
    throwIfAborted() { if (this.#aborted) throw this.#reason; }
    static abort(reason) {
      const s = new AbortSignal(secret);
      AbortSignal.#abort(s, reason);
      return s;
    }
    static timeout(ms) {
      const s = new AbortSignal(secret);
      setTimeout(() => AbortSignal.#abort(s, domError('The operation was aborted due to timeout', 'TimeoutError')), ms).unref();
      return s;
    }
    static any(signals) {
      const s = new AbortSignal(secret);
      for (const from of signals) {
        if (from.aborted) { AbortSignal.#abort(s, from.reason); break; }
        from.#dependants.push(s);
      }
      return s;
    }
    static #abort(s, reason) {
      if (s.#aborted) return;
      s.#aborted = true;
      s.#reason = reason === undefined ? domError('This operation was aborted', 'AbortError') : reason;
      s.dispatchEvent(new Event('abort'));
      for (const d of s.#dependants) AbortSignal.#abort(d, s.#reason);
    }
    static controllerAbort(s, reason) { AbortSignal.#abort(s, reason); }
    [host.inspect.custom](depth, opts, inspect) { return `AbortSignal ${inspect({ aborted: this.#aborted }, opts)}`; }
  }
  const abort = AbortSignal.controllerAbort;
  delete AbortSignal.controllerAbort;
  handler(AbortSignal, 'abort');
  class AbortController {
    #signal = new AbortSignal(secret);
    get signal() { return this.#signal; }
    abort(reason) { abort(this.#signal, reason); }
    [host.inspect.custom](depth, opts, inspect) { return `AbortController ${inspect({ signal: this.#signal }, opts)}`; }
  }
  for (const C of [Event, CustomEvent, EventTarget, AbortSignal, AbortController]) {
    Object.defineProperty(C.prototype, Symbol.toStringTag, { value: C.name, configurable: true });
  }
  host.classes({ Event, CustomEvent, EventTarget, AbortSignal, AbortController });

  // ---- timers ----------------------------------------------------------------------------------
  // A binary heap by (due, order of creation). Cancelled timers are dropped when they surface.
  let heap = [];
  let order = 0;
  let live = 0; // timers and immediates that keep the run going
  let immediates = [];
  let byId = new Map();
  const before = (a, b) => a.due < b.due || (a.due === b.due && a.seq < b.seq);
  function push(t) {
    let i = heap.push(t) - 1;
    while (i > 0) {
      const p = (i - 1) >> 1;
      if (!before(t, heap[p])) break;
      heap[i] = heap[p];
      i = p;
    }
    heap[i] = t;
  }
  function pop() {
    const top = heap[0];
    const last = heap.pop();
    if (heap.length) {
      let i = 0;
      for (;;) {
        let k = 2 * i + 1;
        if (k >= heap.length) break;
        if (k + 1 < heap.length && before(heap[k + 1], heap[k])) k++;
        if (!before(heap[k], last)) break;
        heap[i] = heap[k];
        i = k;
      }
      heap[i] = last;
    }
    return top;
  }

  class Timeout {
    constructor(callback, ms, args, repeat) {
      const set = (k, value) => Object.defineProperty(this, k, { value, writable: true });
      this._idleTimeout = ms;
      this._repeat = repeat ? ms : null;
      set('_callback', callback);
      set('_args', args);
      set('_id', ++order);
      set('_ref', true);
      set('_entry', null);
      arm(this);
    }
    ref() { if (!this._ref) { this._ref = true; if (this._entry) live++; } return this; }
    unref() { if (this._ref) { this._ref = false; if (this._entry) live--; } return this; }
    hasRef() { return this._ref; }
    refresh() { disarm(this); arm(this); return this; }
    close() { disarm(this); return this; }
    [Symbol.toPrimitive]() { return this._id; }
    [Symbol.dispose]() { disarm(this); }
  }
  function arm(t) {
    t._entry = { due: host.mono() + t._idleTimeout, seq: ++order, timer: t };
    byId.set(t._id, t);
    if (t._ref) live++;
    push(t._entry);
  }
  function disarm(t) {
    if (!t._entry) return;
    t._entry.timer = null;
    t._entry = null;
    byId.delete(t._id);
    if (t._ref) live--;
  }
  const delay = (ms) => { ms = +ms; return ms >= 1 && ms <= 2147483647 ? Math.trunc(ms) : 1; };
  const setTimeout = (f, ms, ...args) => { requireFunction(f, 'callback'); return new Timeout(f, delay(ms), args, false); };
  const setInterval = (f, ms, ...args) => { requireFunction(f, 'callback'); return new Timeout(f, delay(ms), args, true); };
  const clearTimeout = (t) => {
    if (t instanceof Timeout) disarm(t);
    else if (typeof t === 'number' || typeof t === 'string') { const o = byId.get(+t); if (o) disarm(o); }
    else if (t instanceof Immediate) clearImmediate(t);
  };
  class Immediate {
    constructor(f, args) {
      Object.defineProperty(this, '_callback', { value: f, writable: true });
      Object.defineProperty(this, '_args', { value: args });
      live++;
      immediates.push(this);
    }
    ref() { return this; }
    unref() { return this; }
    hasRef() { return true; }
    [Symbol.dispose]() { clearImmediate(this); }
  }
  const setImmediate = (f, ...args) => { requireFunction(f, 'callback'); return new Immediate(f, args); };
  const clearImmediate = (t) => { if (t instanceof Immediate && t._callback) { t._callback = null; live--; } };
  host.timers = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval: clearTimeout, clearImmediate };
  host.classes(host.timers);
  host.isTimer = (v) => v instanceof Timeout || v instanceof Immediate;
  const nativeQueueMicrotask = globalThis.queueMicrotask;
  host.define('queueMicrotask', function queueMicrotask(f) { requireFunction(f, 'callback'); nativeQueueMicrotask(f); });

  // One step of the event loop: 0 when something ran, else how long to sleep, else -1 for the end.
  host.step = () => {
    while (immediates.length) {
      const t = immediates.shift();
      if (!t._callback) continue;
      const f = t._callback;
      t._callback = null;
      live--;
      // Due timers go between immediates only when the queue is empty; Node's order is no closer.
      f.apply(t, t._args);
      return 0;
    }
    while (heap.length && !heap[0].timer) pop();
    if (!heap.length || live <= 0) return -1;
    const wait = heap[0].due - host.mono();
    if (wait > 0) return wait;
    const t = pop().timer;
    t._entry = null;
    byId.delete(t._id);
    if (t._ref) live--;
    // An interval is armed again before its callback runs, so that the callback can clear it.
    if (t._repeat !== null) arm(t);
    t._callback.apply(t, t._args);
    return 0;
  };
  host.clearTimers = () => { heap = []; immediates = []; byId = new Map(); live = 0; };
  // Used by what waits for input or the like, which is always at hand here.
  host.later = (f) => { setImmediate(f); };

  // ---- structuredClone -------------------------------------------------------------------------
  const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const uncloneable = (v) => domError(`${typeof v === 'symbol' ? v.toString() : typeof v === 'function' ? `${v}` : '#<Object>'} could not be cloned.`, 'DataCloneError');
  function clone(v, seen) {
    if (typeof v === 'function' || typeof v === 'symbol') throw uncloneable(v);
    if (typeof v !== 'object' || v === null) return v;
    const had = seen.get(v);
    if (had) return had;
    const keep = (c) => { seen.set(v, c); return c; };
    const cls = classOf(v);
    switch (cls) {
      case 'Boolean': return keep(Object(Boolean.prototype.valueOf.call(v)));
      case 'Number': return keep(Object(Number.prototype.valueOf.call(v)));
      case 'String': return keep(Object(String.prototype.valueOf.call(v)));
      case 'BigInt': return keep(Object(BigInt.prototype.valueOf.call(v)));
      case 'Symbol': throw uncloneable(Symbol.prototype.valueOf.call(v));
      case 'Date': return keep(new Date(Date.prototype.getTime.call(v)));
      case 'RegExp': return keep(new RegExp(v.source, v.flags));
      case 'ArrayBuffer': return keep(v.resizable ? (() => { const b = new ArrayBuffer(v.byteLength, { maxByteLength: v.maxByteLength }); new Uint8Array(b).set(new Uint8Array(v)); return b; })() : v.slice(0));
      case 'Map': {
        const m = keep(new Map());
        for (const [k, x] of [...Map.prototype.entries.call(v)]) m.set(clone(k, seen), clone(x, seen));
        return m;
      }
      case 'Set': {
        const s = keep(new Set());
        for (const x of [...Set.prototype.values.call(v)]) s.add(clone(x, seen));
        return s;
      }
      case 'Error': {
        const C = ERRORS[v.name] ?? Error;
        const e = keep(Object.create(C.prototype) && new C());
        const m = Object.getOwnPropertyDescriptor(v, 'message');
        if (m && 'value' in m) Object.defineProperty(e, 'message', { value: `${m.value}`, writable: true, configurable: true });
        Object.defineProperty(e, 'stack', { value: `${v.stack}`, writable: true, configurable: true });
        if (Object.hasOwn(v, 'cause')) Object.defineProperty(e, 'cause', { value: clone(v.cause, seen), writable: true, configurable: true });
        return e;
      }
      case 'DOMException': return keep(new DOMException(v.message, v.name));
      case 'Promise': case 'WeakMap': case 'WeakSet': case 'WeakRef': case 'Generator': case 'Proxy':
        throw domError(`#<${cls}> could not be cloned.`, 'DataCloneError');
    }
    if (ArrayBuffer.isView(v)) {
      const b = clone(v.buffer, seen);
      if (cls === 'DataView') return keep(new DataView(b, v.byteOffset, v.byteLength));
      const name = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array).prototype, Symbol.toStringTag).get.call(v);
      return keep(new globalThis[name](b, v.byteOffset, v.length));
    }
    if (Array.isArray(v)) {
      const a = keep(new Array(v.length));
      for (const k of Object.keys(v)) a[k] = clone(v[k], seen);
      return a;
    }
    const o = keep({});
    for (const k of Object.keys(v)) {
      Object.defineProperty(o, k, { value: clone(v[k], seen), writable: true, enumerable: true, configurable: true });
    }
    return o;
  }
  host.define('structuredClone', function structuredClone(v, options) {
    if (arguments.length === 0) throw nodeError(TypeError, 'ERR_MISSING_ARGS', 'The "value" argument must be specified');
    const r = clone(v, new Map());
    for (const b of options?.transfer ?? []) if (b instanceof ArrayBuffer) b.transfer();
    return r;
  });

  // ---- crypto, performance -----------------------------------------------------------------------
  class Crypto {
    getRandomValues(a) {
      if (!ArrayBuffer.isView(a) || a instanceof DataView || a instanceof Float32Array || a instanceof Float64Array) {
        throw domError('The data argument must be an integer-type TypedArray', 'TypeMismatchError');
      }
      if (a.byteLength > 65536) throw domError(`The requested length exceeds 65,536 bytes`, 'QuotaExceededError');
      host.random(host.bytes(a));
      return a;
    }
    randomUUID() {
      const b = new Uint8Array(16);
      host.random(b);
      b[6] = (b[6] & 15) | 64;
      b[8] = (b[8] & 63) | 128;
      const h = b.toHex();
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
    }
  }
  Object.defineProperty(Crypto.prototype, Symbol.toStringTag, { value: 'Crypto', configurable: true });
  host.webcrypto = new Crypto();
  host.classes({ Crypto, crypto: host.webcrypto });

  let origin = 0;
  let originMono = 0;
  let marks = [];
  const markTime = (m) => {
    if (typeof m === 'number') return m;
    for (let i = marks.length - 1; i >= 0; i--) if (marks[i].name === m && marks[i].entryType === 'mark') return marks[i].startTime;
    throw domError(`The "${m}" performance mark has not been set`, 'SyntaxError');
  };
  const performance = {
    now: () => host.mono() - originMono,
    get timeOrigin() { return origin; },
    mark(name, o = {}) {
      const e = { name: `${name}`, entryType: 'mark', startTime: o.startTime ?? performance.now(), duration: 0, detail: o.detail ?? null };
      marks.push(e);
      return e;
    },
    measure(name, a, b) {
      const o = a !== null && typeof a === 'object' ? a : { start: a, end: b };
      const startTime = o.start === undefined ? 0 : markTime(o.start);
      const end = o.end === undefined ? performance.now() : markTime(o.end);
      const e = { name: `${name}`, entryType: 'measure', startTime, duration: end - startTime, detail: o.detail ?? null };
      marks.push(e);
      return e;
    },
    getEntries: () => [...marks],
    getEntriesByName: (n) => marks.filter((e) => e.name === n),
    getEntriesByType: (t) => marks.filter((e) => e.entryType === t),
    clearMarks(n) { marks = marks.filter((e) => e.entryType !== 'mark' || (n !== undefined && e.name !== n)); },
    clearMeasures(n) { marks = marks.filter((e) => e.entryType !== 'measure' || (n !== undefined && e.name !== n)); },
    toJSON: () => ({ timeOrigin: origin }),
  };
  Object.defineProperty(performance, Symbol.toStringTag, { value: 'Performance', configurable: true });
  host.define('performance', performance);
  host.renewClock = () => { origin = host.now(); originMono = host.mono(); marks = []; };
})
