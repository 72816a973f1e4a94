#!/usr/bin/env bash
# The set-up of the Docker tests: a daemon and the image bailiwick-test-base, from which the tests build theirs.
#
#   eval "$(bash tests/docker/setup.sh start)"    prints `export NAME=VALUE` lines and nothing else; progress is on stderr
#   bash tests/docker/setup.sh stop               ends the daemon that `start` started; any other is left alone
#
# DOCKER_HOST                   where the daemon listens
# BAILIWICK_TEST_BUILD_ARGS     what `docker build` needs on this machine, to be split at blanks:
#                               docker build --network host $BAILIWICK_TEST_BUILD_ARGS ...
#
# A daemon that answers, at DOCKER_HOST or at the usual socket, is used as it is. Otherwise one is started that shares nothing
# with the machine's: own state, own socket, no rule in iptables. `start --private` always takes that one.
# What is missing (docker.io, debootstrap) is installed, which takes root and a Debian system. BAILIWICK_TEST_DOCKER_DIR names
# another directory for the state than target/docker-test; BAILIWICK_TEST_NO_BASE, if set, leaves the image out.
set -Eeuo pipefail
trap 'echo "docker: line $LINENO of setup.sh failed" >&2' ERR
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

image=bailiwick-test-base
label=bailiwick.test.recipe
bundle=/etc/ssl/certs/ca-certificates.crt
default_host=unix:///var/run/docker.sock
# Where Debian has dockerd and debootstrap; it is not in everyone's PATH.
export PATH=$PATH:/usr/sbin:/sbin

say() { echo "docker: $*" >&2; }
die() {
    say "$*"
    exit 1
}
usage() {
    echo "usage: bash tests/docker/setup.sh [start [--private] | stop]" >&2
    exit 2
}

command=${1:-start} private=no
[ $# -eq 0 ] || shift
case $command/$# in
start/0 | stop/0) ;;
start/1)
    [ "$1" = --private ] || usage
    private=yes
    ;;
*) usage ;;
esac

state=${BAILIWICK_TEST_DOCKER_DIR:-$here/../../target/docker-test}
mkdir -p "$state"
# Without links on the way: runc takes no root file system behind one.
state=$(cd "$state" && pwd -P)
# Sockets are here and not in the state: the path of one has 107 bytes at most.
run=/run/bailiwick-test-$(printf %s "$state" | sha256sum | cut -c 1-8)
own_host=unix://$run/docker.sock
bridge=bwt-${run##*-}

# Only what is meant for the caller may reach stdout.
exec 3>&1 1>&2
# One at a time: another one may be building the image.
{ [ -w "$state" ] && { [ ! -e "$state/lock" ] || [ -w "$state/lock" ]; }; } || die "$state is someone else's: run this as its owner"
exec 9>"$state/lock"
flock 9

is_root() { [ "$(id -u)" = 0 ]; }
answers() { timeout 10 docker --host "$1" version --format '{{.Server.Version}}' >/dev/null 2>&1; }
have() { command -v "$1" >/dev/null; }

# get COMMAND PACKAGE: has the Debian package give us the command.
get() {
    local log=$state/apt.log
    is_root || die "missing: $1. Install it (apt-get install $2), or run this as root"
    { [ -e /etc/debian_version ] && have apt-get; } || die "missing: $1. This is no Debian system: install it by hand"
    local apt=(env DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -q -y -o DPkg::Lock::Timeout=120)
    # --no-remove: what is here already stays.
    local install=("${apt[@]}" install --no-install-recommends --no-remove "$2")
    say "installing $2 (log: $log)"
    if ! "${install[@]}" >"$log" 2>&1; then
        # The lists may be missing or old. That one list of several cannot be had need not matter.
        "${apt[@]}" update >>"$log" 2>&1 || true
        # Nor does a failure, as long as the command is there: the service that comes with it may be kept from starting.
        "${install[@]}" >>"$log" 2>&1 || true
    fi
    hash -r
    have "$1" && return
    tail -n 5 "$log"
    die "missing: $1, and apt-get could not install $2. Is there a network? Otherwise install it by hand: apt-get install $2"
}

# own_pid: the pid of the daemon that we started, if it runs. A pid file can be older than the process that has that number now.
own_pid() {
    local pid
    pid=$(cat "$run/dockerd.pid" 2>/dev/null) || return 1
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "--pidfile=$run/dockerd.pid" || return 1
    echo "$pid"
}

# dockerd and runc need the cgroups mounted, which nobody may have done on a machine without systemd.
mount_cgroups() {
    local dir=/sys/fs/cgroup name
    if grep -qE ' - cgroup2? ' /proc/self/mountinfo; then
        return
    fi
    say "mounting $dir"
    mount -t cgroup2 none "$dir" 2>/dev/null && grep -qw memory "$dir/cgroup.controllers" && return
    umount "$dir" 2>/dev/null || true
    # This kernel keeps them apart, as the first version had it.
    mount -t tmpfs -o mode=755 none "$dir"
    for name in $(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups); do
        mkdir "$dir/$name"
        mount -t cgroup -o "$name" none "$dir/$name" 2>/dev/null || rmdir "$dir/$name"
    done
    grep -qE ' - cgroup ' /proc/self/mountinfo || die "no cgroups can be mounted here, so no container can run"
}

start_own() {
    local log=$state/dockerd.log network=none launched i
    if own_pid >/dev/null && answers "$own_host"; then
        say "the daemon of an earlier start still runs"
        return
    fi
    is_root || die "no Docker daemon answers, and only root can start one. Start one and set DOCKER_HOST, or run this as root"
    end_own
    mount_cgroups
    mkdir -p "$run"
    chmod 700 "$run"
    # What the machine's own /etc/docker/daemon.json says is not for this one.
    echo '{}' >"$run/daemon.json"
    say "starting dockerd (log: $log)"
    # Builds use the host's network and containers none, so no bridge is needed. But a dockerd without one deletes docker0, even
    # if that is another daemon's: beside such a daemon it gets a bridge of its own, which nothing is attached to.
    if [ -e /sys/class/net/docker0 ]; then
        have ip || get ip iproute2
        network=$bridge
        # From a range that is for documentation, so that it hides nobody's network.
        ip link add "$bridge" type bridge
        ip address add 198.51.100.1/30 dev "$bridge"
    fi
    # The namespaces keep it apart from another dockerd where both talk to the containerd of the machine. It must inherit
    # neither the caller's pipe nor the lock.
    setsid dockerd --config-file="$run/daemon.json" --data-root="$state/data" --exec-root="$run/exec" \
        --pidfile="$run/dockerd.pid" --host="$own_host" --group=root \
        --containerd-namespace=bailiwick-test --containerd-plugins-namespace=bailiwick-test-plugins \
        --bridge="$network" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --userland-proxy=false \
        </dev/null >"$log" 2>&1 3>&- 9>&- &
    launched=$!
    for ((i = 0; i < 300; i++)); do
        [ -S "$run/docker.sock" ] && answers "$own_host" && break
        kill -0 "$launched" 2>/dev/null || break
        sleep 0.2
    done
    if ! answers "$own_host"; then
        tail -n 20 "$log"
        end_own
        die "dockerd does not answer (log: $log)"
    fi
    case $(docker --host "$own_host" info --format '{{.Driver}}') in
    overlay2) ;;
    *) say "the file system of $state does not allow for overlay2: this will be slow" ;;
    esac
}

# end PID: asks it to end, and waits.
end() {
    local i
    kill -TERM "$1" 2>/dev/null || return 0
    for ((i = 0; i < 300; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    say "$1 does not end: killing it"
    kill -KILL "$1" 2>/dev/null || true
    sleep 1
}

# end_own: no process, mount, socket or bridge of ours is left, also after a daemon that was killed.
end_own() {
    local pid point
    if pid=$(own_pid); then
        if answers "$own_host"; then
            docker --host "$own_host" ps --all --quiet | xargs -r docker --host "$own_host" rm --force --volumes >/dev/null || true
        fi
        end "$pid"
    fi
    is_root || return 0
    # A dockerd that was killed leaves containerd and a shim for each container, whose first process is the shim's child. They
    # all have our directory in their arguments.
    for pid in $(grep -lsF -- "$run/exec" /proc/[0-9]*/cmdline | cut -d / -f 3 || true); do
        case $(cat "/proc/$pid/comm" 2>/dev/null || true) in
        containerd-shim*)
            # shellcheck disable=SC2046
            kill -KILL $(cat "/proc/$pid/task/"*/children) "$pid" 2>/dev/null || true
            ;;
        dockerd | containerd) end "$pid" ;;
        esac
    done
    # The last mounted comes first; mountinfo has blanks as \040.
    tac /proc/self/mountinfo | cut -d ' ' -f 5 | while read -r point; do
        point=$(printf %b "$point")
        case $point in
        "$run"/* | "$state"/data | "$state"/data/*) umount "$point" 2>/dev/null || umount --lazy "$point" || true ;;
        esac
    done
    [ ! -e "/sys/class/net/$bridge" ] || ip link delete "$bridge"
    rm -rf --one-file-system "$run"
}

# pip_setting KEY VARIABLE...: what pip is told, by a variable or else by its configuration.
pip_setting() {
    local key=$1 name
    shift
    for name in "$@"; do
        [ -z "${!name:-}" ] || { echo "${!name}" && return; }
    done
    python3 -m pip config get "global.$key" 2>/dev/null || true
}

# npm_setting KEY VARIABLE...: the same of npm.
npm_setting() {
    local key=$1 name
    shift
    for name in "$@"; do
        [ -z "${!name:-}" ] || { echo "${!name}" && return; }
    done
    # Says only what is not npm's own default.
    { npm config list 2>/dev/null || true; } | sed -n "s/^$key = \"\(.*\)\"\$/\1/p" | tail -n 1
}

look_up_settings() {
    pip_index=$(pip_setting index-url PIP_INDEX_URL)
    pip_cert=$(pip_setting cert PIP_CERT)
    pip_timeout=$(pip_setting timeout PIP_DEFAULT_TIMEOUT PIP_TIMEOUT)
    npm_registry=$(npm_setting registry NPM_CONFIG_REGISTRY npm_config_registry)
    npm_cert=${NODE_EXTRA_CA_CERTS:-$(npm_setting cafile NPM_CONFIG_CAFILE npm_config_cafile)}
}

# build_args: the image has all certificates in one place, whatever file they come from here.
build_args() {
    local args='' item
    for item in "PIP_INDEX_URL=$pip_index" "PIP_CERT=${pip_cert:+$bundle}" "PIP_DEFAULT_TIMEOUT=$pip_timeout" \
        "NPM_CONFIG_REGISTRY=$npm_registry" "NODE_EXTRA_CA_CERTS=${npm_cert:+$bundle}" \
        "HTTP_PROXY=${HTTP_PROXY:-${http_proxy:-}}" "HTTPS_PROXY=${HTTPS_PROXY:-${https_proxy:-}}" \
        "NO_PROXY=${NO_PROXY:-${no_proxy:-}}"; do
        case $item in
        *=) ;;
        *[[:space:]]*) say "left out, for it has blanks: ${item%%=*}" ;;
        *) args+=" --build-arg $item" ;;
        esac
    done
    printf %s "${args# }"
}

# certificates: this machine's, and those that pip or npm are told to trust besides.
certificates() {
    local file seen=$bundle
    cat "$bundle" 2>/dev/null || true
    for file in "$pip_cert" "$npm_cert" "${SSL_CERT_FILE:-}"; do
        [ -f "$file" ] || continue
        file=$(realpath "$file")
        case :$seen:$(realpath "$bundle"): in *":$file:"*) continue ;; esac
        seen+=:$file
        cat "$file"
    done
}

# prepare_image HOST
prepare_image() {
    local host=$1 mirror='' keyring=/usr/share/keyrings/debian-archive-keyring.gpg recipe tarball=$state/base.tar proxy
    certificates >"$state/certificates.crt"
    if have apt-get; then
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
            awk '/\/debian\/$/ && !found { found = 1; print }')
    fi
    recipe=$({ cat "$here/base.sh" "$state/certificates.crt" && echo "$mirror" && uname -m; } | sha256sum | cut -d ' ' -f 1)
    if [ "$(docker --host "$host" image inspect --format "{{index .Config.Labels \"$label\"}}" "$image" 2>/dev/null)" = "$recipe" ]; then
        say "$image is there already"
        return
    fi
    if [ ! -e "$tarball" ] || [ "$(cat "$tarball.recipe" 2>/dev/null)" != "$recipe" ]; then
        is_root || die "only root can make $image (debootstrap). Run this once as root"
        have debootstrap || get debootstrap debootstrap
        [ -n "$mirror" ] || die "apt knows no Debian mirror, which $image would be made from"
        [ -e "$keyring" ] || die "missing: $keyring (Debian package debian-archive-keyring)"
        # apt may have a proxy that nothing else knows of.
        proxy=$(apt-config shell proxy Acquire::http::Proxy | sed -n "s/^proxy='\(.*\)'\$/\1/p")
        [ -z "$proxy" ] || [ "$proxy" = DIRECT ] || export http_proxy="${http_proxy:-$proxy}"
        rm -f "$tarball.recipe"
        bash "$here/base.sh" "$mirror" "$keyring" "$state/certificates.crt" "$state" "$tarball"
        echo "$recipe" >"$tarball.recipe"
    fi
    say "importing $image"
    docker --host "$host" import --change "LABEL $label=$recipe" --change 'CMD ["/bin/bash"]' "$tarball" "$image" >/dev/null ||
        die "$image could not be imported"
}

begin() {
    local host='' candidate args
    have docker || get docker docker.io
    if [ "$private" = no ]; then
        for candidate in ${DOCKER_HOST:+"$DOCKER_HOST"} "$default_host"; do
            if answers "$candidate"; then
                host=$candidate
                say "a daemon answers at $host"
                break
            fi
            [ "$candidate" != "${DOCKER_HOST:-}" ] || say "nothing answers at DOCKER_HOST, $candidate"
            { [ ! -S "${candidate#unix://}" ] || [ -w "${candidate#unix://}" ]; } || say "not for this user: $candidate"
        done
    fi
    if [ -z "$host" ] && ! have dockerd && is_root; then
        get dockerd docker.io
        # Nothing may have kept the service that comes with it from starting.
        [ "$private" = yes ] || ! answers "$default_host" || host=$default_host
    fi
    if [ -z "$host" ]; then
        start_own
        host=$own_host
    fi
    look_up_settings
    [ -n "${BAILIWICK_TEST_NO_BASE:-}" ] || prepare_image "$host"
    args=$(build_args)
    printf 'export %s\n' "DOCKER_HOST=${host@Q}" "BAILIWICK_TEST_BUILD_ARGS=${args@Q}" >&3
}

case $command in
start) begin ;;
stop) end_own ;;
esac
