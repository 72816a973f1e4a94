const data = { name: 'Ünï ✓', n: [1, -0, 1e21, 1.5e-7, NaN, Infinity], u: undefined, f() {}, d: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)), nested: { a: [], b: {} }, s: Symbol('x') };
console.log(JSON.stringify(data));
console.log(JSON.stringify(data, null, 2));
console.log(JSON.stringify({ b: 1, a: [1, { c: 2 }] }, ['a', 'c'], '--'), JSON.stringify('\u2028"\\\ud800'), JSON.stringify([undefined, () => 1]));
console.log(JSON.parse('{"a":[1,2,{"b":null}],"__proto__":1}', (k, v) => (typeof v === 'number' ? v * 10 : v)));
console.log(JSON.stringify({ toJSON() { return { replaced: true }; } }), JSON.stringify({ big: 9007199254740993 }), JSON.stringify(Object.create({ inherited: 1 })));
for (const bad of ['{', '[1,]', '{"a" 1}', 'undefined', '']) {
  try { JSON.parse(bad); } catch (e) { console.log(e.name, e instanceof SyntaxError); }
}
const loop = {}; loop.self = loop;
try { JSON.stringify(loop); } catch (e) { console.log(e.name); }
try { JSON.stringify(1n); } catch (e) { console.log(e.name); }
console.log(structuredClone({ d: new Date(0), m: new Map([[1, 2]]) }));
JSON.parse(JSON.stringify({ ok: [true, null, 'x'] }))
