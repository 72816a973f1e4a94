import json

data = {"name": "Ünïcode ✓", "n": [1, 2.5, -0.0, 1e100, 1e-7], "t": True, "none": None, "nested": {"b": 1, "a": [[], {}]}}
print(json.dumps(data))
print(json.dumps(data, ensure_ascii=False, sort_keys=True, indent=2))
print(json.loads(json.dumps(data)) == data)
print(json.dumps([float("inf"), float("nan")]), json.dumps({1: "a", None: "b", True: "c"}))
for bad in ("{", "[1,]", "nul", '{"a": 1} x', '"\t"'):
    try:
        json.loads(bad)
    except json.JSONDecodeError as error:
        print(type(error).__name__, error, error.lineno, error.colno)
try:
    json.dumps({"x": {1, 2}})
except TypeError as error:
    print(error)
print(json.loads('{"a": 1, "a": 2}', object_pairs_hook=list))
data
