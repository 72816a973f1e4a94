#!/bin/bash
# Builds dist/javascript.wasm.zst from pinned sources with a pinned toolchain, and writes its entry in
# manifest.toml. The same inputs give the same bytes. Installs nothing outside the build directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../lib.sh
. "$here/../lib.sh"
need cargo cargo npm npm patch patch python3 python3-pip tar tar zstd zstd awk gawk

# fetch_crate NAME TABLE: prints the crate's path. A package that depends on it is what cargo fetches for.
fetch_crate() {
    local dir=$downloads/crate-$1 file version
    version=$(pin "$2" version)
    file=$downloads/$(pin "$2" file)
    if [ ! -e "$file" ]; then
        mkdir -p "$dir/src"
        : >"$dir/src/lib.rs"
        printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n[workspace]\n' "$1" "$version" >"$dir/Cargo.toml"
        cargo fetch -q --manifest-path "$dir/Cargo.toml" >&2
        cp "$(find "${CARGO_HOME:-$HOME/.cargo}/registry/cache" -name "${file##*/}" | head -n 1)" "$file"
    fi
    check "$file" "$2"
    printf '%s' "$file"
}

toolchain
crate=$(fetch_crate rquickjs-sys source.quickjs)
work=$build/quickjs
rm -rf "$work"
mkdir -p "$work/obj"
tar -xzf "$crate" -C "$work" --strip-components 1
patch -s -d "$work/quickjs" -p1 <"$here/quickjs.patch"
cp "$here"/*.c "$here"/*.h "$work/quickjs/"
python3 "$here/embed.py" "$here/lib" >"$work/quickjs/prelude.c"

# Compiled from inside the source directory, so that assert() writes down no path of this machine.
# EMSCRIPTEN: a switch in place of computed gotos, which WebAssembly does not have (a third faster), and no atomics.
cd "$work/quickjs"
for f in quickjs libregexp libunicode dtoa guest host modules alloc prelude; do
    "$wrap/cc" -O3 -funsigned-char -DEMSCRIPTEN -D_GNU_SOURCE -c "$f.c" -o "../obj/$f.o"
done
# zig puts the C stack first in memory by itself; guest.h bounds JavaScript's share of it.
cd "$work/obj"
"$wrap/cc" -mexec-model=reactor -O3 -Wl,-z,stack-size=$((2 * 1024 * 1024 + 512 * 1024)) -Wl,--strip-debug \
    quickjs.o libregexp.o libunicode.o dtoa.o guest.o host.o modules.o alloc.o prelude.o -o ../linked.wasm
cd "$work"
"$wasm_opt" -O3 --enable-bulk-memory --enable-sign-ext --enable-mutable-globals --enable-nontrapping-float-to-int \
    --enable-reference-types --enable-multivalue --strip-debug --strip-producers linked.wasm -o raw.wasm

version=$(awk '/^#define QJS_VERSION_(MAJOR|MINOR|PATCH)/ { v = v (v == "" ? "" : ".") $3 } END { print v }' quickjs/quickjs.h)
finish_artifact javascript "$work/raw.wasm" - "$version"
say "dist/javascript.wasm.zst"
