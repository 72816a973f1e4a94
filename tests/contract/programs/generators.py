def fibonacci():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b

def averager():
    total, n, mean = 0, 0, None
    try:
        while True:
            total += yield mean
            n += 1
            mean = total / n
    finally:
        print("closed after", n)

def flatten(tree):
    for node in tree:
        if isinstance(node, list):
            yield from flatten(node)
        else:
            yield node

def limited(gen, n):
    got = []
    for value in gen:
        if len(got) == n:
            return got
        got.append(value)

print(limited(fibonacci(), 12))
avg = averager()
next(avg)
print([avg.send(x) for x in (10, 20, 60)])
avg.close()
print(list(flatten([1, [2, [3, [4]], []], 5])))
g = (x * x for x in range(3))
print(next(g), list(g), next(g, "empty"))
try:
    next(g)
except StopIteration as stop:
    print("stopped", stop.value)
squares = {x: x**2 for x in range(4) if x % 2 == 0}
print(squares, {c for c in "a"}, [(i, j) for i in range(2) for j in range(i, 2)])
limited(fibonacci(), 3)
