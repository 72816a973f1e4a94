from collections import ChainMap, OrderedDict, UserDict, defaultdict, deque, namedtuple
from pprint import pprint
from types import MappingProxyType, SimpleNamespace

class LRU(OrderedDict):
    def __init__(self, size): super().__init__(); self.size = size
    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > self.size:
            self.popitem(last=False)

cache = LRU(2)
for n in (1, 2, 1, 3):
    cache[n] = n * n
print(cache, list(cache), OrderedDict(a=1))
Point = namedtuple("Point", "x y", defaults=[0])
p = Point(1)
print(p, p._asdict(), p._replace(y=9), Point._fields, p + (3,))
d = deque(range(5), maxlen=3)
d.rotate(1)
d.appendleft(9)
print(d, d[0], defaultdict(list, a=[1]), ChainMap({"a": 1}, {"a": 2, "b": 3})["b"], SimpleNamespace(x=1, y="z"))
tree = lambda: defaultdict(tree)
t = tree()
t["a"]["b"]["c"] = 1
print(dict(t["a"]["b"]), {**{"x": 1}, "y": 2} | {"x": 3}, {1, 2} ^ {2, 3}, {3, 1} <= {1, 2, 3})
pprint({"matrix": [[i * j for j in range(12)] for i in range(4)], "name": "x" * 60, "nested": {"k": list(range(5)), "a": None}})
try:
    MappingProxyType({})["a"] = 1
except TypeError as error:
    print(error)
a, *b, c = range(5)
print(a, b, c, [1, 2, 3][::-1], [0] * 3 + [1], (1, 2) < (1, 3), "ab" * 2, [1, 2, 3].index(2), list("abc")[1:])
[p, {"inner": (1, 2)}]
