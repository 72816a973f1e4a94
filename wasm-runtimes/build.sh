#!/bin/bash
# Builds the WebAssembly guests into dist/: build.sh [python|javascript|all]
#
# Inputs are pinned by manifest.toml and fetched through apt-get, pip and npm as this machine has them set up.
# BAILIWICK_BUILD names the scratch directory (default: target/wasm-runtimes of the repository).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case "${1:-all}" in
    python) exec bash "$here/python/build.sh" ;;
    javascript) exec bash "$here/quickjs/build.sh" ;;
    all)
        bash "$here/python/build.sh"
        bash "$here/quickjs/build.sh"
        ;;
    *)
        echo "usage: $0 [python|javascript|all]" >&2
        exit 2
        ;;
esac
