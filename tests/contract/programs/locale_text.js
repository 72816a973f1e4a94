const n = 1234567.891, day = new Date(Date.UTC(2026, 0, 2, 15, 4, 5));
console.log(n.toLocaleString());
console.log(n.toLocaleString('en-US', { style: 'currency', currency: 'USD' }));
console.log(day.toLocaleDateString('en-US'));
console.log(day.toLocaleTimeString('en-US'));
console.log(['b', 'a', 'C'].sort((x, y) => x.localeCompare(y)));
console.log(n.toFixed(1), day.toISOString(), ['b', 'a', 'C'].sort());
