const attempts = {
  property: () => null.name,
  method: () => undefined.trim(),
  call: () => { const o = {}; o.run(); },
  name: () => missing,
  json: () => JSON.parse('{bad'),
  constant: () => { const c = 1; c = 2; },
  reduce: () => [].reduce((a, b) => a + b),
  length: () => new Array(-1),
  repeat: () => 'x'.repeat(-1),
  destructure: () => { const { a } = null; },
  iterate: () => { for (const x of 5); },
  mix: () => 1n + 1,
  early: () => { early; let early; },
  circular: () => { const o = {}; o.self = o; JSON.stringify(o); },
  own: () => { throw new Error('own message'); },
};
for (const [what, f] of Object.entries(attempts)) {
  try { f(); } catch (e) { console.log(what, '-', e.name, '-', e.message.split('\n')[0]); }
}
