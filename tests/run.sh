#!/usr/bin/env bash
# Passes every test. Those that need Docker run on a daemon that answers; where none does, they are named as skipped.
# `--docker`: also sets up what they need (a daemon, a base image; see tests/docker/setup.sh), and fails where they cannot run.
set -euo pipefail
cd "$(dirname "$0")/.."

docker=if-there
for arg in "$@"; do
    case $arg in
    --docker) docker=must ;;
    *)
        echo "usage: bash tests/run.sh [--docker]" >&2
        exit 2
        ;;
    esac
done

if [ $docker = must ]; then
    # Before the long part, so that what is missing is known at once.
    settings=$(bash tests/docker/setup.sh start)
    trap 'bash tests/docker/setup.sh stop' EXIT
    eval "$settings"
fi

cargo test --locked --all-targets
cargo test --locked --doc
# Policy, limits and history stand without the backends, and the wasm backend without Docker.
cargo test --locked --no-default-features --lib
cargo check --locked --no-default-features --features wasm --lib --bins
if command -v python3 >/dev/null; then
    python3 tests/docker/workers.py
else
    echo "workers: skipped: no python3 here"
fi

docker_tests=(--test contract --test containers)
skip() {
    echo "docker: skipped: $1"
    cargo test --locked "${docker_tests[@]}" -- --ignored --list 2>/dev/null | sed -n 's/: test$//; t show; b; :show s/^/docker: skipped: /p'
    exit 0
}
bailiwick=target/debug/bailiwick
# The command that was just built knows whether a daemon answers, and which images there are.
images=$($bailiwick images list 2>&1) || {
    [ $docker = must ] || skip "$images"
    echo "$images" >&2
    exit 1
}
if grep -qE 'STALE|not there' <<<"$images"; then
    options=()
    if [ $docker = must ]; then
        # Nothing can be pulled where the tests must set up all themselves.
        read -ra options <<<"--base bailiwick-test-base --network host $BAILIWICK_TEST_BUILD_ARGS"
    fi
    $bailiwick images build --quiet "${options[@]}" || {
        [ $docker = must ] || skip "the images cannot be built here"
        exit 1
    }
fi
cargo test --locked "${docker_tests[@]}" -- --ignored --test-threads=4
