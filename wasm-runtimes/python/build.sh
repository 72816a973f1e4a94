#!/bin/bash
# Builds CPython for wasm32-wasi, the guest around it (guest.c) and the archive of /usr. See ../ABI.md.
#
# Each step leaves a stamp in the scratch directory and is skipped while the stamp stands; remove the directory to start anew.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"

need gcc gcc make make patch patch tar tar xz xz-utils tclsh tcl node nodejs npm npm zstd zstd python3 python3
python3 -m pip --version >/dev/null 2>&1 || die "missing: pip (Debian package python3-pip)"

jobs=${BAILIWICK_JOBS:-2}
version=$(pin source.cpython version)
work=$build/python
src=$work/Python-$version
deps=$work/deps
mkdir -p "$work" "$deps/include" "$deps/lib"
toolchain

# step NAME COMMAND...: runs a step once, its output in a log.
step() {
    local name=$1
    shift
    [ -e "$work/done-$name" ] && return
    say "python: $name"
    # In the background, because bash ignores `set -e` inside the condition of an `if`.
    (cd "$work"; "$@") >"$work/$name.log" 2>&1 &
    if ! wait $!; then
        tail -n 30 "$work/$name.log" >&2
        die "python: $name failed; the whole log is $work/$name.log"
    fi
    touch "$work/done-$name"
}

optimise=(-O3 -fno-strict-aliasing)

unpack() {
    local p
    tar -xf "$(fetch_debian python3.13 source.cpython trixie)"
    tar -xf "$(fetch_debian zlib source.zlib trixie)"
    tar -xf "$(fetch_debian bzip2 source.bzip2 trixie)"
    tar -xf "$(fetch_debian xz-utils source.xz-utils trixie)"
    tar -xf "$(fetch_debian sqlite3 source.sqlite3 trixie)"
    python3 -m zipfile -e "$(fetch_pypi tzdata source.tzdata)" tzdata
    for p in "$here"/patches/*.patch; do
        patch -p1 -d "$src" <"$p"
    done
}

# library NAME SOURCE...: compiles C files into lib/libNAME.a. Flags come from the array cflags.
library() {
    local name=$1 objects=() c o
    shift
    for c in "$@"; do
        o=obj-$name-$(basename "$c" .c).o
        "$wrap/cc" "${optimise[@]}" "${cflags[@]}" -c "$c" -o "$o"
        objects+=("$o")
    done
    rm -f "$deps/lib/lib$name.a"
    "$wrap/ar" rcsD "$deps/lib/lib$name.a" "${objects[@]}"
    rm -f "${objects[@]}"
}

zlib() {
    local d=zlib-$(pin source.zlib version) cflags
    cflags=(-DHAVE_UNISTD_H -D_LARGEFILE64_SOURCE=0)
    library z "$d"/{adler32,compress,crc32,deflate,infback,inffast,inflate,inftrees,trees,uncompr,zutil}.c
    cp "$d/zlib.h" "$d/zconf.h" "$deps/include/"
}

bzip2() {
    local d=bzip2-$(pin source.bzip2 version) cflags
    cflags=()
    library bz2 "$d"/{blocksort,huffman,crctable,randtable,compress,decompress,bzlib}.c
    cp "$d/bzlib.h" "$deps/include/"
}

xz_lib() {
    local d=xz-utils-$(pin source.xz-utils version)
    [ -d "$d" ] || d=xz-$(pin source.xz-utils version)
    rm -rf xz-build
    mkdir xz-build
    cd xz-build
    "../$d/configure" --host=wasm32-wasi --prefix=/usr --disable-shared --disable-threads --disable-nls --disable-xz --disable-xzdec \
        --disable-lzmadec --disable-lzmainfo --disable-lzma-links --disable-scripts --disable-doc \
        CC="$wrap/cc" AR="$wrap/ar" RANLIB="$wrap/ranlib" CFLAGS="${optimise[*]}"
    make -j"$jobs" -C src/liblzma
    cp src/liblzma/.libs/liblzma.a "$deps/lib/"
    cp -r "../$d/src/liblzma/api/lzma.h" "../$d/src/liblzma/api/lzma" "$deps/include/"
}

# The amalgamation is made by SQLite's own scripts, natively. Files have no locks here (one process, one thread) and cannot be
# mapped: the VFS without locks is the default.
sqlite() {
    local d=sqlite3-$(pin source.sqlite3 version) cflags
    rm -rf sqlite-build
    mkdir sqlite-build
    (cd sqlite-build && "../$d/configure" --disable-tcl --disable-readline && make sqlite3.c)
    cflags=(-DSQLITE_THREADSAFE=0 -DSQLITE_DEFAULT_UNIX_VFS='"unix-none"' -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL=1
        -DSQLITE_MAX_MMAP_SIZE=0 -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_TEMP_STORE=2
        -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_DQS=3)
    library sqlite3 sqlite-build/sqlite3.c
    cp sqlite-build/sqlite3.h "$deps/include/"
}

# A native interpreter of the same version: it freezes the start-up modules and compiles the library. It is used for nothing
# else, so its speed does not matter.
native() {
    rm -rf native
    mkdir native
    cd native
    PKG_CONFIG_LIBDIR=/nonexistent "../Python-$version/configure" --without-ensurepip --disable-test-modules CFLAGS=-O1
    make -j"$jobs" python
}

configure() {
    rm -rf wasm
    mkdir wasm
    cd wasm
    # Without computed gotos: in wasm both forms of dispatch become one br_table, and the switch saves a load.
    CONFIG_SITE="$src/Tools/wasm/config.site-wasm32-wasi $here/config.site" PKG_CONFIG_LIBDIR=/nonexistent \
        "../Python-$version/configure" --host=wasm32-wasi --build="$("../Python-$version/config.guess")" \
        --with-build-python="$work/native/python" --prefix=/usr --disable-test-modules --without-ensurepip --with-pymalloc \
        --without-computed-gotos --without-mimalloc --disable-ipv6 \
        CC="$wrap/cc" CXX="$wrap/cc" CPP="$wrap/cc -E" AR="$wrap/ar" RANLIB="$wrap/ranlib" READELF=true LDSHARED=false \
        OPT="-DNDEBUG ${optimise[*]}" CFLAGS="-Wno-date-time -Wno-int-conversion" \
        ZLIB_CFLAGS="-I$deps/include" ZLIB_LIBS="-L$deps/lib -lz" BZIP2_CFLAGS="-I$deps/include" BZIP2_LIBS="-L$deps/lib -lbz2" \
        LIBLZMA_CFLAGS="-I$deps/include" LIBLZMA_LIBS="-L$deps/lib -llzma" \
        LIBSQLITE3_CFLAGS="-I$deps/include" LIBSQLITE3_LIBS="-L$deps/lib -lsqlite3"
}

compile() {
    cd wasm
    make -j"$jobs" libpython3.13.a Modules/_hacl/libHacl_Hash_SHA2.a Modules/expat/libexpat.a \
        Modules/_decimal/libmpdec/libmpdec.a
}

step unpack unpack
step zlib zlib
step bzip2 bzip2
step xz xz_lib
step sqlite sqlite
step native native
step configure configure
step compile compile

usr() {
    rm -rf usr-tree usr.tar
    mkdir usr-tree
    native/python -S -I "$here/make_usr.py" "$src/Lib" usr-tree tzdata
    tar -C usr-tree --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        --mode=a=rX,u+w -cf usr.tar usr
}

# The C stack: zig's linker puts it first in memory, so that overflowing it traps. Its size goes with Py_C_RECURSION_LIMIT.
stack_bytes=$((8 * 1024 * 1024))

guest() {
    rm -rf guest
    mkdir guest
    # As a C string, piece by piece; python3 only because sed would need a page of escapes.
    python3 - "$here/init.py" >guest/init_py.h <<'PY'
import json, sys
print('static const char init_py[] =')
for line in open(sys.argv[1], encoding='ascii'):
    print(json.dumps(line))
print(';')
PY
    "$wrap/cc" "${optimise[@]}" -std=c11 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -D_WASI_EMULATED_SIGNAL \
        -I guest -I wasm -I "$src/Include" -I "$src/Include/internal" -c "$here/guest.c" -o guest/guest.o
    "$wrap/cc" -mexec-model=reactor -O3 -s -Wl,-z,stack-size=$stack_bytes \
        guest/guest.o wasm/libpython3.13.a wasm/Modules/_hacl/libHacl_Hash_SHA2.a wasm/Modules/expat/libexpat.a \
        wasm/Modules/_decimal/libmpdec/libmpdec.a -L"$deps/lib" -lz -lbz2 -llzma -lsqlite3 \
        -lwasi-emulated-signal -lwasi-emulated-getpid -lwasi-emulated-process-clocks -lm -o guest/linked.wasm
    node "$wasm_opt" -O3 --strip-debug --strip-producers --enable-bulk-memory --enable-sign-ext --enable-nontrapping-float-to-int \
        --enable-mutable-globals --enable-multivalue --enable-reference-types guest/linked.wasm -o python-raw.wasm
    # A name or path of this machine must not be in what is given away.
    if grep -qaF -e "$build" -e "$HOME/" python-raw.wasm usr.tar; then
        echo "a path of this machine is in the output" >&2
        return 1
    fi
}

# These two are quick and follow files that change, so they run whenever one of them is newer.
renewed() { # STEP FILE...
    local stamp=$work/done-$1 file
    shift
    for file in "$@"; do
        [ "$file" -nt "$stamp" ] && rm -f "$stamp"
    done
    return 0
}

renewed usr "$here/make_usr.py"
step usr usr
renewed guest "$here/guest.c" "$here/init.py" "$here/build.sh" "$work/done-usr" "$work/done-compile"
step guest guest

finish_artifact python "$work/python-raw.wasm" "$work/usr.tar" "$version"
