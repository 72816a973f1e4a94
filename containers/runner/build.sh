#!/usr/bin/env bash
# Builds process 1 of every container, for each processor, into ../dist/. Pinned like the wasm guests: the same sources make
# the same bytes.
set -euo pipefail
cd "$(dirname "$0")"
source ../../wasm-runtimes/lib.sh

need python3 python3
toolchain
mkdir -p ../dist
for arch in x86_64 aarch64; do
    "$zig" cc -target "$arch-linux-musl" -static -Os -s -std=gnu11 -Wall -Wextra -Werror \
        -fno-sanitize=undefined -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map="$PWD"=. \
        -Wl,--build-id=none -o "../dist/runner-$arch" runner.c
done
# The source too: a test sees when it was changed and not built.
(cd ../dist && sha256sum runner-* ../runner/runner.c >SHA256SUMS)
cat ../dist/SHA256SUMS
