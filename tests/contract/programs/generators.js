function* fibonacci() { let [a, b] = [0, 1]; for (;;) { yield a; [a, b] = [b, a + b]; } }
function* take(n, it) { for (const x of it) { if (n-- <= 0) return 'cut'; yield x; } }
function* both() { const result = yield* take(2, fibonacci()); console.log('inner gave', result); try { const sent = yield 'question'; console.log('sent', sent); } finally { console.log('cleanup'); } }
console.log([...take(10, fibonacci())], Math.max(...take(5, fibonacci())));
const g = both();
console.log(g.next(), g.next(), g.next(), g.next('answer'), g.next(), g.return(9));
class Tree {
  constructor(value, ...children) { Object.assign(this, { value, children }); }
  *[Symbol.iterator]() { yield this.value; for (const c of this.children) yield* c; }
}
const tree = new Tree(1, new Tree(2, new Tree(3)), new Tree(4));
console.log([...tree], tree);
const range = { from: 1, to: 4, [Symbol.iterator]() { let n = this.from; return { next: () => (n <= this.to ? { value: n++, done: false } : { value: undefined, done: true }), return() { console.log('stopped'); return {}; } }; } };
for (const n of range) { if (n === 3) break; console.log(n); }
const [first, , third = 'default', ...rest] = range;
console.log(first, third, rest, Array.from(range, (x) => x * x), Object.fromEntries([...range].map((n) => [`k${n}`, n])));
console.log(fibonacci(), g[Symbol.toStringTag], [...'héy🎉'], Object.entries({ a: 1 })[Symbol.iterator]().next());
[...range]
