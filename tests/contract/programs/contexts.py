import contextlib
import io
import os
import tempfile

class Timer:
    def __enter__(self):
        print("enter")
        return self
    def __exit__(self, kind, value, tb):
        print("exit", kind and kind.__name__, value)
        return kind is KeyError

@contextlib.contextmanager
def tag(name):
    print(f"<{name}>")
    try:
        yield name.upper()
    finally:
        print(f"</{name}>")

with Timer(), tag("p") as name:
    print(name)
    {}["missing"]
try:
    with Timer():
        raise ValueError("bad")
except ValueError as error:
    print("passed on", error)
with contextlib.ExitStack() as stack:
    print([stack.enter_context(tag(t)) for t in "ab"])
    stack.callback(print, "callback")
with contextlib.redirect_stdout(io.StringIO()) as captured:
    print("hidden")
with contextlib.suppress(ZeroDivisionError):
    1 / 0
print(repr(captured.getvalue()))
with tempfile.TemporaryDirectory() as place:
    path = os.path.join(place, "f.txt")
    with open(path, "w") as file:
        print("one", "two", file=file, sep="\n")
    with open(path) as file:
        print([line.rstrip() for line in file], file.name == path, file.closed, os.path.basename(path))
print(os.path.exists(place), file.closed)
