const b = Buffer.from('héllo ✓');
console.log(b, b.length, b.toString('hex'), b.toString('base64'), b.toString('latin1').length, b.subarray(0, 3).toString(), Buffer.byteLength('✓'));
console.log(Buffer.concat([Buffer.from([1, 2]), Buffer.alloc(2, 9)]), Buffer.from('ff00zz', 'hex'), Buffer.from('aGk=', 'base64').toString(), b.equals(Buffer.from(b)), Buffer.compare(Buffer.from('a'), Buffer.from('b')));
const w = Buffer.alloc(16);
w.writeUInt32LE(0xdeadbeef, 0); w.writeInt16BE(-2, 4); w.writeDoubleLE(1.5, 8);
console.log(w, w.readUInt32LE(0).toString(16), w.readInt16BE(4), w.readDoubleLE(8), w.indexOf(0xde), [...w.subarray(0, 2)], w.slice(4, 6).toJSON());
const view = new DataView(new ArrayBuffer(8));
view.setFloat32(0, Math.PI); view.setUint16(4, 513, true);
console.log(view.getUint8(0), view.getUint8(4), new Uint8Array(view.buffer), Float32Array.of(0.1)[0], Uint8ClampedArray.from([300, -5, 1.5]));
const typed = Int16Array.from([3, -1, 2]);
console.log(typed.sort(), typed.map((x) => x * 2), typed.byteLength, new BigInt64Array([5n]), Array.from(typed.entries()), typed.toReversed?.());
console.log(new TextEncoder().encode('€'), new TextDecoder().decode(new Uint8Array([0xe2, 0x82, 0xac, 0xff])), btoa('hi'), atob('aGk='), Buffer.isBuffer(b));
console.log(b.toString('utf8', 1, 3), b.includes('llo'), Buffer.from([256, -1, 1.9]), b.write('HEY'), b.toString(), b.swap16 !== undefined, Buffer.from('x').toString('ascii'));
b.toString('base64')
