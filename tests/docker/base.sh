#!/usr/bin/env bash
# Makes the root file system of the image bailiwick-test-base: Debian with python3, node and npm. setup.sh calls it.
# Whatever changes here changes the recipe: setup.sh builds the image anew.
# usage: base.sh MIRROR KEYRING CERTIFICATES CACHE OUT.tar
set -euo pipefail

suite=trixie
packages=python3,python3-venv,nodejs,ca-certificates
npm=npm@10

# In a mount and pid namespace of its own, so that neither a mount nor a process of debootstrap's can be left over, however
# this ends.
if [ "${1:-}" != --inside ]; then
    exec unshare --mount --pid --fork --kill-child --mount-proc bash "$0" --inside "$@"
fi
shift
mirror=$1 keyring=$2 certificates=$3 cache=$4 out=$5
root=$cache/root log=$cache/base.log

say() { echo "docker: $*" >&2; }
die() {
    say "$*"
    exit 1
}

# --one-file-system: a mount inside would be this machine's /proc.
clean() { rm -rf --one-file-system "$root"; }
clean
mkdir -p "$root" "$cache/debs" "$cache/npm"
# dpkg syncs every file that it unpacks: in memory, where there is enough, this takes half as long.
if [ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -gt 2000000 ]; then
    mount -t tmpfs -o mode=755,size=1500m none "$root"
fi

say "debootstrap of $suite (log: $log)"
if ! debootstrap --variant=minbase --include="$packages" --cache-dir="$cache/debs" --keyring="$keyring" \
    "$suite" "$root" "$mirror" >"$log" 2>&1; then
    tail -n 20 "$log" "$root/debootstrap/debootstrap.log" >&2 2>/dev/null || true
    die "debootstrap failed. It needs the network, the mirror of this machine's apt, and a debian-archive-keyring that knows $suite"
fi

# This machine's list of certificates: it may have to trust a proxy that the packages come through.
[ ! -s "$certificates" ] || install -m 644 "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"

# Debian's npm depends on hundreds of packages; the package of npm itself has all that it needs inside.
modules=$root/usr/lib/node_modules
mkdir -p "$modules/npm"
find_tarball() { find "$cache/npm" -name 'npm-*.tgz' | sort | tail -n 1; }
if [ -z "$(find_tarball)" ] && command -v npm >/dev/null; then
    say "fetching $npm"
    (cd "$cache/npm" && npm pack --silent "$npm" >/dev/null) || say "npm pack failed"
fi
tarball=$(find_tarball)
if [ -n "$tarball" ]; then
    tar -xzf "$tarball" -C "$modules/npm" --strip-components 1 --no-same-owner
else
    # Without an npm here: Debian's node comes with corepack, which knows where to get one.
    say "fetching $npm through corepack"
    # shellcheck disable=SC2016
    chroot "$root" env HOME=/tmp/corepack COREPACK_NPM_REGISTRY="${NPM_CONFIG_REGISTRY:-${npm_config_registry:-}}" \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt sh -c '
            [ -n "$COREPACK_NPM_REGISTRY" ] || unset COREPACK_NPM_REGISTRY
            exec node /usr/share/nodejs/corepack/dist/corepack.js pack "$1" -o /tmp/npm.tgz' sh "$npm" >>"$log" 2>&1 ||
        die "no $npm: neither an npm on this machine nor corepack could fetch it (log: $log)"
    tar -xzf "$root/tmp/npm.tgz" -C "$modules/npm" --strip-components 2 --no-same-owner
fi
chmod +x "$modules"/npm/bin/np[mx]-cli.js
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/bin/npx"
chroot "$root" npm --version >>"$log" 2>&1 || die "npm does not run in the new root (log: $log)"

# What no test reads.
(
    cd "$root"
    rm -rf debootstrap var/lib/apt/lists/* var/cache/apt/* var/cache/debconf/*-old var/log/*.log tmp/* tmp/.[!.]* root/.npm \
        etc/resolv.conf etc/hostname usr/share/man/* usr/share/info/* usr/share/locale/* usr/share/lintian \
        usr/lib/node_modules/npm/man usr/lib/node_modules/npm/docs
    find usr/share/doc -type f ! -name copyright -delete
)

say "packing"
tar -C "$root" --numeric-owner --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$out.part" .
mv "$out.part" "$out"
umount --lazy "$root" 2>/dev/null || true
clean
