// What guest.c calls, and how a run's end is told to the user and to the host.
(function (host) {
  'use strict';
  const { inspect, process } = host;
  // No value that goes to the host is longer: the rest is cut.
  const VALUE_MAX = 1 << 20;
  const DOOR = { json: 1, text: 2, errorName: 3, errorMessage: 4 };

  // True for what JSON gives back as it was: null, booleans, finite numbers, strings, and plain
  // arrays and objects of these. Runs no getter.
  function isJSON(v, depth, seen) {
    switch (typeof v) {
      case 'boolean': return true;
      case 'number': return Number.isFinite(v) && !Object.is(v, -0);
      case 'string': return v.isWellFormed();
      case 'object': break;
      default: return false;
    }
    if (v === null) return true;
    if (depth > 100 || seen.has(v) || host.classOf(v) === 'Proxy') return false;
    const isArray = Array.isArray(v);
    const proto = Object.getPrototypeOf(v);
    if (isArray ? proto !== Array.prototype : (proto !== Object.prototype && proto !== null) || host.classOf(v) !== 'Object') return false;
    const keys = Reflect.ownKeys(v);
    if (isArray && keys.length !== v.length + 1) return false;
    seen.add(v);
    for (const k of keys) {
      if (isArray && k === 'length') continue;
      const d = Object.getOwnPropertyDescriptor(v, k);
      if (typeof k === 'symbol' || !('value' in d) || !d.enumerable || !isJSON(k, 0, seen) || !isJSON(d.value, depth + 1, seen)) return false;
    }
    seen.delete(v);
    return true;
  }
  const cut = (s) => (s.length > VALUE_MAX / 4 && host.encode(s).length > VALUE_MAX ? `${s.slice(0, VALUE_MAX / 4)}... (cut)` : s);
  const { stringify } = JSON;

  function report(value) {
    if (host.classOf(value) === 'Promise') {
      const [state, v] = host.peek(value);
      if (state === 1) value = v;
    }
    // What setTimeout() and process.on() give back is not meant as a result.
    if (value === undefined || value === process || host.isTimer(value)) return;
    let json = null;
    try {
      if (isJSON(value, 0, new Set())) json = stringify(value);
    } catch { /* too deep, or too large: as text */ }
    if (json !== null && json !== undefined && (json.length <= VALUE_MAX / 3 || host.encode(json).length <= VALUE_MAX)) host.door(DOOR.json, json);
    else host.door(DOOR.text, cut(inspect(value, { depth: 4, maxStringLength: 100000, maxArrayLength: 1000 })));
  }

  const safely = (f, otherwise) => { try { return f(); } catch { return otherwise; } };
  function fatal(error, inPromise) {
    if (inPromise && process.listenerCount('unhandledRejection')) {
      process.emit('unhandledRejection', error, Promise.resolve());
      return true;
    }
    if (process.listenerCount('uncaughtException')) {
      process.emit('uncaughtException', error, inPromise ? 'unhandledRejection' : 'uncaughtException');
      return true;
    }
    const isError = typeof error === 'object' && error !== null && (error instanceof Error || host.classOf(error) === 'Error' || host.classOf(error) === 'DOMException');
    const text = safely(() => inspect(error), null) ?? safely(() => `${error.stack}`, null) ?? '(an error that cannot be shown)';
    host.clearConsole();
    host.write(2, `Uncaught ${inPromise ? '(in promise) ' : ''}${cut(text)}\n`);
    const name = isError ? safely(() => (typeof error.name === 'string' && error.name !== 'Error' && error.name) || error.constructor?.name || 'Error', 'Error')
      : error === null ? 'null' : typeof error === 'object' ? safely(() => error.constructor?.name, '') || 'object' : typeof error;
    const message = isError ? safely(() => `${error.message}`, '') : safely(() => (typeof error === 'string' ? error : inspect(error)), '');
    host.door(DOOR.errorName, cut(`${name}`));
    host.door(DOOR.errorMessage, cut(message));
    return false;
  }

  return {
    begin(first, filename, argv, env) {
      if (first) host.renewClock();
      host.beginProcess(first, argv.length ? argv : [filename], env);
      host.beginModules(first, filename);
    },
    tick: host.tickAll,
    step: host.step,
    fatal,
    report,
    end: host.endProcess,
    clear() { host.clearTimers(); host.clearTicks(); host.clearConsole(); },
    resolve: host.resolve,
    load: host.load,
  };
})
