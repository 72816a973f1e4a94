# Runs once, while the snapshot is made, in a namespace that is thrown away. Whatever it leaves in sys.modules is there at once
# in every run.
import sys

import site

site.setquit()
site.setcopyright()
site.sethelper()
sys.stdout.reconfigure(line_buffering=True)

for name in '''
    abc argparse array ast asyncio atexit base64 binascii bisect builtins bz2 calendar cmath codecs collections.abc
    concurrent.futures concurrent.futures.thread configparser contextlib contextvars copy copyreg csv dataclasses datetime
    decimal difflib dis doctest email email.message email.parser email.policy encodings.ascii encodings.idna encodings.latin_1
    encodings.utf_8_sig enum errno fnmatch fractions functools gc getpass glob graphlib gzip hashlib heapq hmac html html.entities
    html.parser http http.client http.cookies importlib.metadata importlib.resources importlib.util inspect io ipaddress
    itertools json keyword linecache locale logging lzma math mimetypes multiprocessing numbers opcode operator os pathlib
    pickle pkgutil platform pprint queue quopri random re reprlib runpy sched secrets select selectors shlex shutil signal
    socket sqlite3 stat statistics string stringprep struct subprocess sysconfig tarfile tempfile textwrap threading time
    timeit token tokenize tomllib traceback types typing unicodedata unittest unittest.mock urllib.error urllib.parse
    urllib.request uuid warnings weakref xml.dom.minidom xml.etree.ElementTree zipfile zlib zoneinfo _strptime _pydatetime_absent
    _sha1 _sha2 _sha3 _md5 _blake2 _elementtree pyexpat _queue _statistics
'''.split():
    try:
        __import__(name)
    except ImportError as error:
        if not name.endswith('_absent'):
            print('init: not imported:', error, file=sys.stderr)

# What this leaves behind is only caches: specialised bytecode, interned strings, the parser's keyword tables, free lists.
import atexit, datetime, decimal, json, random, re, time, traceback, zoneinfo

json.loads(json.dumps({'a': [1, 2.5, None, True, 'x']}, indent=1))
re.compile(r'(\w+)\s*=\s*(?P<v>\d+|"[^"]*")').match('a = 1')
re.purge()
'{:>10.2f} {!r} {:,}'.format(1.5, 'x', 1234567)
datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc).isoformat()
time.strptime('2025-01-01', '%Y-%m-%d')
str(decimal.Decimal('1.1') * 3)
random.Random(1).sample(range(100), 5)
print('', end='', flush=True)
try:
    exec(compile('''
import os, sys
class A:
    x: int = 1
    def __init__(self, a, *b, c=None, **d):
        self.a = [i for i in range(3) if i]
    @property
    def p(self): return f"{self.a!r:>10} {self.x:.2f}"
def g():
    yield from (x for x in {1: 2, **{3: 4}})
async def h():
    async with None as q: await q
with open(os.devnull) if False else __import__("contextlib").nullcontext():
    A(1).p; list(g()); sorted({3, 1}, key=lambda v: -v)
match {"k": 1}:
    case {"k": int(v)}: pass
    case _: pass
while True:
    break
else:
    del v
try:
    raise ValueError("x") from None
except* (ValueError, TypeError) as e:
    assert e
1/0
''', '<string>', 'exec'), {'__name__': '__main__'})
except ZeroDivisionError:
    traceback.format_exc()

# Callbacks that belong to the modules themselves must not run, and so run out, at the end of the first request.
atexit._clear()
# Only now, so that nothing is known of the /workspace that is there while the snapshot is made.
sys.path.insert(0, '/workspace')
sys.modules.pop('__mp_main__', None)
