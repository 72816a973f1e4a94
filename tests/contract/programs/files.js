const fs = require('fs'), os = require('os'), { EventEmitter } = require('events'), assert = require('assert');
fs.mkdirSync('out/deep', { recursive: true });
fs.writeFileSync('out/a.txt', 'one\ntwo\n');
fs.appendFileSync('out/a.txt', 'three ✓\n');
const lines = fs.readFileSync('out/a.txt', 'utf8').trim().split('\n');
console.log(lines, fs.existsSync('nothing'), fs.statSync('out/a.txt').size, fs.statSync('out').isDirectory(), fs.readdirSync('out').sort());
fs.renameSync('out/a.txt', 'out/deep/b.txt'); fs.copyFileSync('out/deep/b.txt', 'c.txt'); fs.unlinkSync('out/deep/b.txt');
console.log(fs.readdirSync('.').sort(), fs.readFileSync('c.txt').length, fs.readdirSync('.', { withFileTypes: true }).map((d) => [d.name, d.isFile()]).sort());
try { fs.readFileSync('missing.txt'); } catch (e) { console.log(e.code, e.message, e.errno, e.syscall, e.path); }
fs.writeFileSync('data.json', JSON.stringify({ k: [1, 2] })); fs.rmSync('out', { recursive: true });
console.log(JSON.parse(fs.readFileSync('data.json')).k, require('./data.json'), fs.readdirSync('.').sort());
const bus = new EventEmitter();
bus.on('x', (n) => console.log('on', n)); bus.once('x', (n) => console.log('once', n));
console.log(bus.emit('x', 1), bus.emit('x', 2), bus.emit('y'), bus.listenerCount('x'), os.EOL === '\n', typeof process.pid, process.platform.length > 0);
try { assert.strictEqual(1, 2); } catch (e) { console.log(e.name, e.code); }
fs.promises.readFile('c.txt', 'utf8').then((t) => console.log('async', t.length));
