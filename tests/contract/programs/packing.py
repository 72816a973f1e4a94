import base64
import binascii
import hashlib
import hmac
import struct
import zlib

packet = struct.pack("<IhB5s?d", 0xDEADBEEF, -2, 7, b"hi", True, 1.5)
print(packet.hex(" "), struct.unpack("<IhB5s?d", packet), struct.calcsize("<IhB5s?d"), struct.calcsize(">qi"))
print(base64.b64encode(b"bytes \x00\xff"), base64.urlsafe_b64decode("_-8="), base64.b32encode(b"a"), base64.b85encode(b"hello"), binascii.crc32(b"abc"))
for name in ("md5", "sha1", "sha256", "sha3_256", "blake2s"):
    print(name, hashlib.new(name, b"bailiwick").hexdigest()[:32])
print(hmac.new(b"key", b"msg", "sha256").hexdigest(), zlib.adler32(b"abc"), zlib.decompress(zlib.compress(b"z" * 1000)) == b"z" * 1000)
data = bytearray(b"hello world")
data[0:5] = b"HOWDY"
view = memoryview(data)[6:]
view[0] = ord("W")
print(data, bytes(view), data.find(b"W"), data.split(), b"a,b".partition(b","), list(b"\x01\x02"), bytes(3), bytes.fromhex("00ff10"))
print(b"\x00text\n\xe9", b"abc"[1], b"abc"[1:2], b"%d %s" % (5, b"x"), int.from_bytes(b"\xff\xfe", "big", signed=True))
try:
    struct.unpack("<I", b"abc")
except struct.error as error:
    print(type(error), error)
print(hashlib.pbkdf2_hmac("sha256", b"pw", b"salt", 1000).hex()[:16], hashlib.sha256(b"").name, zlib.crc32(b"abc") & 0xFFFFFFFF)
packet
