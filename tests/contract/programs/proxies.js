const log = [];
const guarded = new Proxy({ a: 1 }, {
  get: (t, k, r) => { if (typeof k === 'string') log.push(`get ${k}`); return k in t ? Reflect.get(t, k, r) : `no ${String(k)}`; },
  set(t, k, v) { if (typeof v !== 'number') throw new TypeError(`${k} must be a number`); log.push(`set ${k}`); return Reflect.set(t, k, v); },
  has: (t, k) => k.startsWith('_') ? false : k in t,
  deleteProperty() { return false; },
  ownKeys: () => ['a', 'b'],
});
guarded.b = 2; guarded._c = 3;
console.log(guarded.a, guarded.zzz, 'b' in guarded, '_c' in guarded, Object.keys(guarded), delete guarded.a, log);
try { guarded.b = 'x'; } catch (e) { console.log(e.message); }
const frozen = Object.freeze({ deep: { x: 1 } }); frozen.deep.x = 2; frozen.y = 1;
console.log(frozen, Object.isFrozen(frozen), Object.getOwnPropertyDescriptor({ get p() { return 1; } }, 'p').set, Object.entries(Object.getOwnPropertyDescriptors({ q: 1 })));
(() => { 'use strict'; try { frozen.y = 1; } catch (e) { console.log(e.name); } })();
const key = Symbol('key'), o = { [key]: 1, ['c' + 1]: 2, __proto__: { inherited: 3 } };
console.log(o, o.inherited, Object.getOwnPropertySymbols(o), key.description, key.toString(), Symbol.for('a') === Symbol.for('a'), [..."ab"].map((c) => ({ c })), o.hasOwnProperty('c1'), Object.hasOwn(o, 'inherited'));
const counter = (() => { let n = 0; return { inc: () => ++n, get value() { return n; } }; })();
counter.inc(); counter.inc();
console.log(counter.value, counter, typeof globalThis, this === globalThis, (function () { return typeof this; })(), (() => typeof this)());
var hoisted = typeof later; function later() {} let x = 1; { let x = 2; } switch (x) { case 1: console.log('one', hoisted); default: console.log('falls'); }
new WeakRef(o).deref() === o
