const people = [{ n: 'Zoë', a: 31 }, { n: 'adam', a: 25 }, { n: 'Bob', a: 31 }];
console.log([...people].sort((x, y) => y.a - x.a || (x.n < y.n ? -1 : 1)), [10, 9, 1].sort(), [3, 1, 2].toSorted(), ['b', undefined, 'a'].sort());
console.log([1, [2, [3, [4]]]].flat(Infinity), [1, 2].flatMap((x) => [x, x * 10]), [1, 2, 3, 4].findLast((x) => x % 2), [1, 2, 3].at(-1), [1, 2, 3].with(1, 9), Array.of(7).concat([8], 9));
console.log([1, 2, 3, 4, 5].slice(-3, -1), [5, 1, 4].indexOf(4), [NaN].includes(NaN), [1, 2, 3].join('-'), [1, 2, 3].reduceRight((a, b) => `${a}${b}`), Array.from('abc', (c) => c.toUpperCase()), [1, 2, 3].fill(0, 1));
const list = [1, 2, 3, 4, 5];
console.log(list.splice(1, 2, 'x'), list, list.copyWithin(0, 2), list.reverse(), list.some(isNaN), list.every(Boolean), delete list[0], list, list.length);
const matrix = Array.from({ length: 3 }, (_, i) => Array.from({ length: 3 }, (_, j) => i * 3 + j));
console.log(matrix, matrix[0].map((_, c) => matrix.map((r) => r[c])), matrix.map((r) => r.join(' ')).join('\n'));
const { a: { b = 5, ...others } = {}, ...top } = { a: { c: 1, d: 2 }, e: 3 };
console.log(b, others, top, [...'ab'].entries().next(), Object.entries({ x: 1, y: 2 }).map(([k, v]) => k + v), { ...[1, 2], z: 1 });
const memo = (f, cache = {}) => (n) => (cache[n] ??= f(n)), fib = memo((n) => (n < 2 ? n : fib(n - 1) + fib(n - 2)));
const compose = (...fs) => (x) => fs.reduceRight((v, f) => f(v), x), curry = (f) => (a) => (b) => f(a, b);
console.log(fib(70), compose((x) => x + 1, (x) => x * 2)(5), curry(Math.max)(3)(8), [1, 2, 3, 4].filter((x, i, all) => all.indexOf(x) === i).length);
const tag = (strings, ...values) => strings.raw.join('|') + values;
console.log(tag`a${1}\n${2}b`, ((...args) => args.length)(...[1, 2], 3), (function () { return arguments.length; })(1, 2), [..."😀"].length, [3, 2, 1].keys().next());
people.map(({ n, a }) => [n, a])
