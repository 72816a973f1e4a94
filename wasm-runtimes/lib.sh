# Shared by the guests' build scripts: reading manifest.toml, fetching pinned inputs. Sourced, not run.

runtimes=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
manifest=$runtimes/manifest.toml
build=${BAILIWICK_BUILD:-$runtimes/../target/wasm-runtimes}
mkdir -p "$build"
build=$(cd "$build" && pwd)
downloads=$build/downloads
mkdir -p "$downloads"

# Nothing of when, where or by whom may reach the output.
export SOURCE_DATE_EPOCH=1735689600 LC_ALL=C TZ=UTC PYTHONHASHSEED=0
umask 022

die() { echo "build: $*" >&2; exit 1; }
say() { echo "build: $*" >&2; }

# need TOOL PACKAGE...: the native tools, which a person installs, not this script.
need() {
    local missing=()
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null || missing+=("$1 (Debian package $2)")
        shift 2
    done
    [ ${#missing[@]} -eq 0 ] || die "missing: $(printf '%s; ' "${missing[@]}")"
}

# pin TABLE KEY: a value of the manifest, such as `pin source.zlib sha256`.
pin() {
    local value
    value=$(awk -v table="[$1]" -v key="$2" '
        /^\[/ { inside = index($0, table) == 1; next }
        inside && $1 == key && $2 == "=" { sub(/^[^"]*"/, ""); sub(/".*/, ""); print; exit }' "$manifest")
    [ -n "$value" ] || die "manifest.toml has no $2 in [$1]"
    printf '%s' "$value"
}

check() { # FILE TABLE
    [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$(pin "$2" sha256)" ] || die "${1##*/} is not what manifest.toml pins"
}

# fetch_pypi NAME TABLE: prints the wheel's path.
fetch_pypi() {
    local dir=$downloads/pypi-$1 file
    if ! compgen -G "$dir/*.whl" >/dev/null; then
        python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
            -d "$dir" "$1==$(pin "$2" version)" >&2
    fi
    file=$(compgen -G "$dir/*.whl")
    check "$file" "$2"
    printf '%s' "$file"
}

# fetch_npm NAME TABLE: prints the tarball's path.
fetch_npm() {
    local dir=$downloads/npm-$1 file
    mkdir -p "$dir"
    if ! compgen -G "$dir/*.tgz" >/dev/null; then
        (cd "$dir" && npm pack --silent "$1@$(pin "$2" version)" >/dev/null)
    fi
    file=$(compgen -G "$dir/*.tgz")
    check "$file" "$2"
    printf '%s' "$file"
}

# A private apt state that knows the source packages of the suite $1, from the mirror that this machine's own apt uses.
apt_sources() {
    local state=$build/apt-$1 mirror keyring
    apt_options=(-o "Dir::Etc::SourceList=$state/sources.list" -o "Dir::Etc::SourceParts=$state/parts"
        -o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache" -o APT::Sandbox::User=root)
    [ -e "$state/ready" ] && return
    mkdir -p "$state/parts" "$state/lists/partial" "$state/cache/archives/partial"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep '/debian/$' | head -n 1)
    [ -n "$mirror" ] || die "apt knows no Debian mirror"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] || die "missing: $keyring (Debian package debian-archive-keyring)"
    echo "deb-src [signed-by=$keyring] $mirror $1 main" >"$state/sources.list"
    apt-get "${apt_options[@]}" -q update >&2
    touch "$state/ready"
}

# fetch_debian PACKAGE TABLE SUITE: prints the path of the upstream tarball of a Debian source package. Debian's own
# patches are not used, and a mirror may have dropped the revision that its index lists; so only this file is asked for.
fetch_debian() {
    local name file uri
    name=$(pin "$2" file)
    file=$downloads/$name
    if [ ! -e "$file" ]; then
        apt_sources "$3"
        uri=$(apt-get "${apt_options[@]}" --print-uris --only-source source "$1" |
            awk -v want="$name" '$2 == want { gsub(/\047/, "", $1); print $1 }')
        [ -n "$uri" ] || die "the mirror lists no $name in $3"
        /usr/lib/apt/apt-helper "${apt_options[@]}" download-file "$uri" "$file" "SHA256:$(pin "$2" sha256)" >&2
    fi
    check "$file" "$2"
    printf '%s' "$file"
}

# toolchain: unpacks zig and binaryen; sets $zig and $wasm_opt, and writes $wrap/{cc,ar,ranlib} for configure scripts.
toolchain() {
    local tools=$build/toolchain wheel tarball
    zig=$tools/zig/ziglang/zig
    wasm_opt=$tools/binaryen/bin/wasm-opt
    wrap=$tools/wrap
    # Where zig keeps the libraries that it builds must not depend on the caller's home.
    export ZIG_GLOBAL_CACHE_DIR=$build/zig-cache ZIG_LOCAL_CACHE_DIR=$build/zig-cache
    [ -e "$tools/ready" ] && return
    wheel=$(fetch_pypi ziglang toolchain.ziglang)
    tarball=$(fetch_npm binaryen toolchain.binaryen)
    rm -rf "$tools"
    mkdir -p "$tools/zig" "$tools/binaryen" "$wrap"
    python3 -m zipfile -e "$wheel" "$tools/zig"
    chmod +x "$zig"
    tar -xzf "$tarball" -C "$tools/binaryen" --strip-components 1
    chmod +x "$wasm_opt"
    # -fno-sanitize: zig turns UBSan on by default. The prefix map keeps __FILE__ and debug names free of this machine.
    cat >"$wrap/cc" <<WRAP
#!/bin/sh
exec "$zig" cc -target wasm32-wasi -fno-sanitize=undefined -g0 -ffile-prefix-map="$build"=/build "\$@"
WRAP
    printf '#!/bin/sh\nexec "%s" ar "$@"\n' "$zig" >"$wrap/ar"
    printf '#!/bin/sh\nexec "%s" ranlib "$@"\n' "$zig" >"$wrap/ranlib"
    chmod +x "$wrap"/*
    touch "$tools/ready"
}

# finish_artifact NAME RAW.wasm USR.tar|- VERSION: takes the snapshot, compresses it into dist/ and notes it in the manifest.
# BAILIWICK_SNAPSHOT may name a built guest-snapshot program; otherwise cargo builds it.
finish_artifact() {
    local name=$1 raw=$2 usr=$3 version=$4 wasm=$build/$1.wasm out=$runtimes/dist/$1.wasm.zst
    mkdir -p "$runtimes/dist"
    if [ -n "${BAILIWICK_SNAPSHOT:-}" ]; then
        "$BAILIWICK_SNAPSHOT" "$raw" "$usr" "$wasm"
    else
        (cd "$runtimes/.." && cargo run -q --release --features snapshot --bin guest-snapshot -- "$raw" "$usr" "$wasm")
    fi
    # One thread: the output of several depends on their number.
    zstd -q -f -19 --long=27 --single-thread "$wasm" -o "$out"
    awk -v table="[artifact.$name]" '/^\[/ { skip = index($0, table) == 1 } !skip' "$manifest" |
        sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$build/manifest.new"
    cat >>"$build/manifest.new" <<TABLE

[artifact.$name]
file = "$name.wasm.zst"
sha256 = "$(sha256sum "$out" | cut -d' ' -f1)"
wasm_sha256 = "$(sha256sum "$wasm" | cut -d' ' -f1)"
wasm_bytes = $(stat -c %s "$wasm")
version = "$version"
TABLE
    cp "$build/manifest.new" "$manifest"
}
