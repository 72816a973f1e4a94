const rows = [{ name: 'pen', price: 1.5, tags: ['a'] }, { name: 'book', price: 12 }, { price: 3, extra: null }];
console.table(rows);
console.table(rows, ['name']);
console.table([[1, 2], [3, 4]]);
console.table({ first: { a: 1 }, second: { b: 'x' } });
console.table(['x', 'y']);
console.table(new Map([['k', 1]]));
console.table(5);
const pad = (s, n) => String(s).padEnd(n);
for (const { name = '-', price } of rows) console.log(`${pad(name, 6)}|${price.toFixed(2).padStart(8)}|`);
rows.length
