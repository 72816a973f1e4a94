const path = require('path');
const { URL: NodeURL } = require('url');
const u = new URL('../b/./c?q=1&q=%C3%A9&z=a+b#frag', 'https://user:pw@Example.org:8443/x/y');
console.log(u.href, u.origin, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, u.username, u.protocol);
console.log([...u.searchParams], u.searchParams.getAll('q'), u.searchParams.get('none'), u.searchParams.has('z'), NodeURL === URL);
u.searchParams.append('new', 'ä ö&='); u.searchParams.delete('q'); u.pathname = '/a b'; u.hash = '';
console.log(String(u), JSON.stringify({ u }), new URLSearchParams({ a: 1, b: 'x y' }).toString());
console.log(encodeURIComponent('a b&ü/?'), encodeURI('a b&ü/?'), decodeURIComponent('%F0%9F%8E%89'), escape('ü'), new URL('HTTP://EX.org:80/%7Efoo/../bar').href);
for (const bad of ['no scheme', 'http://', 'http://a b/']) { try { new URL(bad); } catch (e) { console.log(e.name, e.code); } }
console.log(path.join('/a', '..', 'b', './c.txt'), path.resolve('/x', 'y', '../z'), path.basename('/p/f.tar.gz', '.gz'), path.extname('a.b.js'), path.dirname('/p/q/r'), path.relative('/a/b', '/a/c/d'));
console.log(path.parse('/home/u/file.txt'), path.format({ dir: '/d', base: 'f.x' }), path.isAbsolute('a'), path.normalize('/a//b/../c/'), path.sep, path.posix === path);
console.log(require('querystring').stringify({ a: [1, 2], b: 'c d' }), require('util').inspect({ a: { b: {} } }, { depth: 0 }), require('util').format('%s=%d', 'x', 5));
u.href
