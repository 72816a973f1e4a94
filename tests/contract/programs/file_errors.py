import os
from pathlib import Path

Path("notes").mkdir()
Path("notes/a.txt").write_text("alpha\nbeta\n", encoding="utf-8")
for action in (
    lambda: open("missing.txt"),
    lambda: open("notes"),
    lambda: os.rmdir("notes"),
    lambda: os.mkdir("notes"),
    lambda: os.listdir("notes/a.txt"),
    lambda: os.rename("none", "x"),
    lambda: Path("notes/a.txt/b").read_text(),
):
    try:
        action()
    except OSError as error:
        print(type(error).__name__, error.strerror, error.filename)
for action in (lambda: open("missing.txt"), lambda: os.mkdir("notes")):
    try:
        action()
    except OSError as error:
        print(error)
print(Path("notes/a.txt").stat().st_size, [p.name for p in Path(".").rglob("*.txt")], Path("notes/a.txt").suffix)
print(os.path.join("a", "/b"), os.path.splitext("x.tar.gz"), Path("/a/b/../c").resolve(), Path("a") / "b", os.sep)
with open("notes/a.txt") as file:
    print(file.readline(), file.tell(), file.read(), sep="|")
    try:
        file.write("x")
    except OSError as error:
        print(type(error).__name__, error)
