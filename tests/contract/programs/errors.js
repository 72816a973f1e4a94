class ValidationError extends Error {
  constructor(field, message, options) {
    super(message, options);
    this.name = 'ValidationError';
    this.field = field;
  }
}
function parse(text) {
  try { return JSON.parse(text); } catch (cause) { throw new ValidationError('body', 'not JSON', { cause }); }
}
const attempts = [() => parse('{'), () => undefinedName, () => null.x, () => [].reduce((a, b) => a), () => 'x'.repeat(-1), () => { throw 'a string'; }, () => { throw { code: 5 }; },
  () => decodeURIComponent('%'), () => new Array(-1), () => (1).toFixed(101), () => BigInt(1.5), () => { const c = 1; c = 2; }, () => (void 0)(), () => Symbol() + '', () => new (class { constructor() { throw new TypeError('inner'); } })()];
for (const f of attempts) {
  try { f(); } catch (e) { console.log(e instanceof Error, e?.name, e instanceof ValidationError ? [e.field, e.message, e.cause.name] : typeof e); }
}
const e = new ValidationError('x', 'shown');
console.log(String(e), Object.prototype.toString.call(e), e.toString(), Object.keys(e), JSON.stringify(e), e.stack.split('\n')[0]);
console.log(new AggregateError([new Error('1')], 'many').errors.length, (() => { try { return 'try'; } finally { console.log('finally'); } })());
label: for (const i of [1, 2]) { for (const j of [1, 2]) { if (j === 2) continue label; console.log(i, j); } }
({ name: e.name, field: e.field })
