const log = `2026-01-02 ERROR [db] lost (code=17)
2026-01-03 INFO [web] ok
2026-01-04 ERROR [web] timeout (code=3)`;
for (const m of log.matchAll(/^(?<day>\d{4}-\d\d-\d\d) (?<level>[A-Z]+) \[(?<unit>\w+)\]/gm)) console.log({ ...m.groups }, m.index);
console.log(log.replace(/code=(\d+)/g, (_, n) => `code=${n * 2}`).split('\n')[0], 'a-b_c'.split(/[-_]/), 'aBc'.replace(/b/i, '[$&]'));
console.log(/(\d+)-(\d+)/.exec('tel 12-34'), 'x'.match(/y/), 'banana'.match(/an/g), 'x1y22'.replace(/(?<=[a-z])\d+/g, '#'));
console.log(/^\p{Lu}\p{L}+$/u.test('Ünder'), /a.c/s.test('a\nc'), /\bfoo\b/.test('a foo b'), /^[\w.+-]+@[\w-]+\.[\w.]+$/.test('me@x.org'));
const sticky = /\d/y; sticky.lastIndex = 1;
console.log(sticky.test('a1'), sticky.lastIndex, /(a)|(b)/.exec('b'), 'aaa'.lastIndexOf('a'), /[\u{1F600}-\u{1F64F}]/u.test('😀'));
console.log(/a(?!b)/.source, String(/x\/y/gi), new RegExp('a/b', 'g').flags, 'price: $5'.replace('$5', '$$6'), 'x'.replaceAll('x', 'yy'));
console.log('2026-01-02'.replace(/(?<y>\d+)-(?<m>\d+)-(?<d>\d+)/, '$<d>.$<m>.$<y>'), 'one  two'.split(/(\s+)/), 'abc'.search(/c/));
try { new RegExp('('); } catch (e) { console.log(e.name); }
log.match(/ERROR/g).length
