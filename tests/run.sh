#!/usr/bin/env bash
# Passes every test. `--docker`: also sets up what the Docker tests need, and fails where they cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."

docker=no
for arg in "$@"; do
    case $arg in
    --docker) docker=yes ;;
    *)
        echo "usage: bash tests/run.sh [--docker]" >&2
        exit 2
        ;;
    esac
done

cargo test --locked --all-targets
cargo test --locked --doc
# Policy, limits and history stand without the wasm backend.
cargo test --locked --no-default-features --lib

if [ "$docker" = yes ]; then
    echo "docker: this version has no Docker backend, so there is nothing of it to test"
else
    echo "docker: skipped: this version has no Docker backend"
fi
