// console: each call is one write, so that nothing is lost when a limit ends the run.
(function (host) {
  'use strict';
  const { write, inspect, format } = host;
  let groupIndent = '';
  const counts = new Map();
  const timers = new Map();

  function out(fd, text) {
    if (groupIndent) text = groupIndent + text.replaceAll('\n', `\n${groupIndent}`);
    write(fd, `${text}\n`);
  }
  const log = (...args) => out(1, format(...args));
  const warn = (...args) => out(2, format(...args));

  const width = (s) => {
    // Wide characters take two columns.
    let n = 0;
    for (const ch of s) {
      const c = ch.codePointAt(0);
      n += c >= 0x1100 && (c <= 0x115F || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) || c >= 0x1F300) ? 2 : 1;
    }
    return n;
  };
  function drawTable(head, columns) {
    const rows = columns.length ? Math.max(...columns.map((c) => c.length)) : 0;
    const widths = head.map((h, i) => Math.max(width(h), ...columns[i].map(width)) + 2);
    const line = (l, m, r) => l + widths.map((w) => '─'.repeat(w)).join(m) + r;
    const row = (cells) => `│${cells.map((c, i) => ` ${c}${' '.repeat(Math.max(0, widths[i] - width(c) - 1))}`).join('│')}│`;
    const lines = [line('┌', '┬', '┐'), row(head), line('├', '┼', '┤')];
    for (let i = 0; i < rows; i++) lines.push(row(columns.map((c) => c[i] ?? '')));
    lines.push(line('└', '┴', '┘'));
    return lines.join('\n');
  }
  function table(data, only) {
    if (data === null || typeof data !== 'object') return log(data);
    const show = (v) => inspect(v, { depth: v !== null && typeof v === 'object' && !Array.isArray(v) && Object.keys(v).length > 2 ? -1 : 0, maxArrayLength: 3, breakLength: Infinity });
    const isMap = data instanceof Map;
    const entries = isMap ? [...data].map(([k, v], i) => [i, v, k])
      : data instanceof Set ? [...data].map((v, i) => [i, v]) : Object.keys(data).map((k) => [k, data[k]]);
    const head = [isMap || data instanceof Set ? '(iteration index)' : '(index)'];
    const columns = [[]];
    const at = new Map();
    const column = (name) => {
      if (!at.has(name)) { at.set(name, columns.length); head.push(name); columns.push([]); }
      return columns[at.get(name)];
    };
    if (isMap) { head.push('Key'); columns.push([]); }
    if (only) for (const k of only) column(`${k}`);
    const values = [];
    entries.forEach(([k, v, key], i) => {
      columns[0][i] = `${k}`;
      if (isMap) columns[1][i] = show(key);
      if (v !== null && typeof v === 'object' && !isMap) {
        for (const p of Object.keys(v)) if (!only || only.includes(p)) column(p)[i] = show(v[p]);
      } else {
        values[i] = show(v);
      }
    });
    if (values.length) { head.push('Values'); columns.push(values); }
    for (const c of columns) for (let i = 0; i < entries.length; i++) c[i] ??= '';
    log(drawTable(head, columns));
  }

  function elapsed(ms) {
    if (ms >= 3600000) return `${(ms / 3600000).toFixed(3)}h`;
    if (ms >= 60000) return `${(ms / 60000).toFixed(3)}m`;
    if (ms >= 1000) return `${(ms / 1000).toFixed(3)}s`;
    return `${+ms.toFixed(3)}ms`;
  }
  function timePoint(label, args, end) {
    label = `${label}`;
    const t = timers.get(label);
    if (t === undefined) return warn(`Warning: No such label '${label}' for console.time${end ? 'End' : 'Log'}()`);
    if (end) timers.delete(label);
    log(`${label}: ${elapsed(host.mono() - t)}`, ...args);
  }

  const console = {
    log,
    warn,
    dir: (v, opts) => out(1, inspect(v, { customInspect: false, ...opts })),
    time(label = 'default') {
      if (timers.has(`${label}`)) return warn(`Warning: Label '${label}' already exists for console.time()`);
      timers.set(`${label}`, host.mono());
    },
    timeEnd: (label = 'default') => timePoint(label, [], true),
    timeLog: (label = 'default', ...args) => timePoint(label, args, false),
    trace(...args) {
      const e = { name: 'Trace', message: format(...args) };
      Error.captureStackTrace(e, console.trace);
      const at = e.stack.indexOf('\n');
      out(2, `Trace${e.message ? `: ${e.message}` : ''}${at < 0 ? '' : e.stack.slice(at)}`);
    },
    assert(ok, ...args) {
      if (ok) return;
      if (typeof args[0] === 'string') warn(`Assertion failed: ${args[0]}`, ...args.slice(1));
      else warn(args.length ? 'Assertion failed:' : 'Assertion failed', ...args);
    },
    clear() {},
    count(label = 'default') {
      label = `${label}`;
      counts.set(label, (counts.get(label) || 0) + 1);
      log(`${label}: ${counts.get(label)}`);
    },
    countReset(label = 'default') { counts.delete(`${label}`); },
    group(...args) { if (args.length) log(...args); groupIndent += '  '; },
    groupEnd() { groupIndent = groupIndent.slice(2); },
    table,
    debug: log,
    info: log,
    dirxml: log,
    error: warn,
    groupCollapsed(...args) { console.group(...args); },
  };
  Object.defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
  host.define('console', console);
  host.clearConsole = () => { groupIndent = ''; };
})
