"""Writes the prelude as C: its files in the order of their names, each with its length."""
import pathlib
import sys

files = sorted(pathlib.Path(sys.argv[1]).glob("*.js"))
print("#include <stddef.h>")
for i, f in enumerate(files):
    data = f.read_bytes()
    print(f"static const unsigned char f{i}[] = {{")
    for at in range(0, len(data), 24):
        print("".join(f"{b}," for b in data[at : at + 24]))
    print("0};")  # JS_Eval() wants a terminator
print("const struct { const char *name, *source; size_t len; } guest_prelude[] = {")
for i, f in enumerate(files):
    print(f'{{ "bailiwick:{f.stem}", (const char *)f{i}, sizeof f{i} - 1 }},')
print("};")
print(f"const size_t guest_prelude_count = {len(files)};")
