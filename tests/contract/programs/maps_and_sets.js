const words = 'the cat and the dog and the bird'.split(' ');
const counts = new Map();
for (const w of words) counts.set(w, (counts.get(w) ?? 0) + 1);
console.log(counts, counts.size, [...counts].sort((x, y) => y[1] - x[1] || x[0].localeCompare(y[0])));
const a = new Set([1, 2, 3]), b = new Set([2, 3, 4]);
console.log(a, new Set([...a].filter((x) => b.has(x))), [...new Set([...a, ...b])]);
console.log(new Map([[{ k: 1 }, 'object'], [NaN, 'nan'], ['m', new Map([['in', new Set()]])]]), new Map(), new WeakMap());
const nested = new Map(Object.entries({ x: 1, y: { z: [1, 2, { deep: { deeper: { deepest: 1 } } }] } }));
console.log(nested, Object.fromEntries(nested));
counts.delete('the');
counts.forEach((n, w) => console.log(w, n));
console.log(counts.keys(), [...counts.entries()], counts.values().next(), [...a].includes(2));
[...a.values()]
