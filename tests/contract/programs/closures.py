import functools

def counter(start=0):
    n = start
    def step(by=1):
        nonlocal n
        n += by
        return n
    return step

def logged(label):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            result = f(*args, **kwargs)
            print(f"{label}: {f.__name__}{args}{kwargs or ''} -> {result!r}")
            return result
        return wrapper
    return decorate

@logged("call")
def add(a, b=2, *rest, key=None, **more):
    """Adds."""
    return a + b + sum(rest)

@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

c, d = counter(), counter(10)
print(c(), c(5), d(), c.__closure__[0].cell_contents)
add(1); add(1, 2, 3, key="x", z=1)
print(add.__doc__, add.__name__, fib(80), fib.cache_info())
print([f() for f in [lambda: i for i in range(3)]], [f() for f in [lambda i=i: i for i in range(3)]])
double = functools.partial(add, 5)
double(key=1)
try:
    add()
except TypeError as error:
    print(error)
try:
    add(1, a=2)
except TypeError as error:
    print(error)
(lambda *a, **k: (a, k))(1, x=2)
