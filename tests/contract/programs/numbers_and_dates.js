console.log(0.1 + 0.2, 1 / 3, 1e21, 123456789012345680000, 1e-7, -0, 5e-324, 2 ** 53, 0xff, 0b101, 1_000, (255).toString(16), (0.5).toString(2), parseInt('12px'), parseFloat('1.5e3x'), Number(''), Number('0x1f'), +[], +{});
console.log((1234.5678).toFixed(2), (0.000001234).toPrecision(2), (123456).toExponential(2), (1.005).toFixed(2), (25).toString(36), Number.MAX_SAFE_INTEGER, Number.EPSILON > 0, Math.round(-0.5), Math.round(2.5), Math.sign(-3), Math.trunc(-4.7), Math.hypot(3, 4), Math.clz32(1), Math.fround(5.5), Math.cbrt(27));
console.log(2n ** 100n, -7n / 2n, BigInt('0xff'), BigInt.asUintN(8, 257n), typeof 1n, 5 % -3, -5 % 3, 7 >>> 1, -1 >>> 0, 1 << 31, ~5, 6 & 3, 5 ^ 1);
console.log([1, '1', null, undefined, NaN].map((x) => x == 1), typeof null, [] + {}, [] + [], '5' * '2', '5' + 2, true + 1, null ?? 'd', 0 || 'x', !!'0', [2] > 1);
const d = new Date('2024-02-29T23:30:15.123Z');
console.log(d, d.toISOString(), d.getTime(), d.toJSON(), d.getUTCDay(), d.toString(), d.toUTCString(), d.toDateString(), d.getTimezoneOffset(), Date.UTC(2026, 0));
const e = new Date(d); e.setUTCFullYear(2025); e.setUTCHours(-1);
console.log(e.toISOString(), (e - d) / 864e5, new Date(2026, 0, 31, 12).toISOString(), new Date('2026-01-02').getTime(), Date.parse('Thu, 01 Jan 1970 00:00:00 GMT'), `${new Date(NaN)}`, new Date(0) < new Date(1), new Date('x').getTime());
console.log('abc'.padStart(5, '*'), 'x'.codePointAt(0), String.fromCodePoint(128512), '😀'.length, 'ß'.toUpperCase(), 'İ'.toLowerCase().length, 'a\u0301'.normalize('NFC').length, ' trim '.trim(), 'a,b'.split(','), 'abc'.at(-1), 'abc'.substring(2, 0), 'é' < 'f', 'b'.localeCompare('a'));
try { console.log(1n + 1); } catch (err) { console.log(err.name); }
[Math.max(), Math.min(1, 2), Number.isInteger(5.0)]
