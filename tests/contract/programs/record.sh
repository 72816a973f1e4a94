#!/usr/bin/env bash
# Records what CPython 3.13 and Node 20 themselves print for the programs here: NAME.out, and NAME.err where CPython writes to standard
# error. Takes the interpreters from the images, past runner and worker. Run it after a program has been changed or added.
set -euo pipefail
cd "$(dirname "$0")"

interpret() {
    docker run --rm --interactive --network none --read-only --tmpfs /tmp --tmpfs /workspace:uid=1000,gid=1000 --workdir /workspace \
        --env HOME=/workspace --env LANG=C.UTF-8 --env TZ=UTC --env PYTHONDONTWRITEBYTECODE=1 --entrypoint sh "$1" -c "$2" <"$3"
}

for program in *.py; do
    # The name that code without a file name has. The interpreter makes the path absolute.
    interpret bailiwick/python:0.1.0 'cat >"/tmp/<string>"; python3 "/tmp/<string>"' "$program" >"$program.out" 2>"$program.err" || true
    sed -i 's|/tmp/<string>|<string>|' "$program.out" "$program.err"
done
for program in *.js; do
    interpret bailiwick/javascript:0.1.0 'node -e "$(cat)"' "$program" >"$program.out" 2>/dev/null || true
done
find . -name '*.err' -empty -delete
