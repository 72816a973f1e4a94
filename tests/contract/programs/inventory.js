const sales = [
  { sku: 'pen', qty: 10, price: 1.5, tags: ['office', 'small'], at: '2026-01-02' },
  { sku: 'desk', qty: 1, price: 250, tags: ['office'], at: '2026-01-03' },
  { sku: 'pen', qty: 5, price: 1.4, tags: ['small'], at: '2026-02-01' },
  { sku: 'lamp', qty: 2, price: 35.25, tags: [], at: '2026-02-11' },
];
const groupBy = (list, key) => list.reduce((groups, item) => ({ ...groups, [key(item)]: [...(groups[key(item)] ?? []), item] }), {});
const total = (list) => list.reduce((sum, { qty, price }) => sum + qty * price, 0);
const bySku = groupBy(sales, (s) => s.sku);
console.log(bySku);
for (const [sku, list] of Object.entries(bySku)) console.log(`${sku.padEnd(6)} ${String(list.length).padStart(2)} ${total(list).toFixed(2).padStart(8)}`);
console.log('total', total(sales), Math.max(...sales.map((s) => s.price)), sales.flatMap((s) => s.tags), new Set(sales.flatMap((s) => s.tags)));
const months = new Map();
for (const { at, qty } of sales) { const month = at.slice(0, 7); months.set(month, (months.get(month) ?? 0) + qty); }
console.log(months, [...months].map(([m, n]) => `${m}: ${'*'.repeat(n)}`).join('\n'));
const csv = [Object.keys(sales[0]).join(','), ...sales.map((s) => Object.values(s).map((v) => (Array.isArray(v) ? `"${v.join(';')}"` : v)).join(','))].join('\n');
console.log(csv);
const [header, ...lines] = csv.split('\n').map((line) => line.split(','));
console.log(lines.map((line) => Object.fromEntries(header.map((h, i) => [h, /^\d/.test(line[i]) && !line[i].includes('-') ? Number(line[i]) : line[i]])))[1]);
const sorted = sales.map((s, i) => ({ ...s, i })).sort((a, b) => b.qty * b.price - a.qty * a.price);
console.log(sorted.map(({ sku, i }) => `${i}:${sku}`), sales.findIndex((s) => s.sku === 'lamp'), sales.some((s) => s.qty > 9), sales.every((s) => s.price < 100));
({ total: total(sales), skus: Object.keys(bySku), months: Object.fromEntries(months) })
