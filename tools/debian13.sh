#!/usr/bin/env bash
# Debian 13 with its PostgreSQL 17 and Python 3.13 in a folder, and a copy of this checkout in it. As root, on Debian or
# Ubuntu; the folder is kept (debian13 in the cache folder), so that a second run has everything in place.
#   tools/debian13.sh test [PYTEST ARGUMENTS…]   the tests that need no engine (or those named)
#   tools/debian13.sh demo                       `make demo`, and `make down`; models come from this machine's cache folder
#   tools/debian13.sh run COMMAND…               anything else, in the checkout there
#   tools/debian13.sh remove                     remove it
# Status 77: it can't be had on this machine.
set -euo pipefail
cd "$(dirname -- "$0")/.."
. tools/lib.sh
. tools/packages.sh
. tools/cache.sh

SUITE=trixie
HOME13=$CACHE/debian13
ROOT=$HOME13/root
HERE=/srv/nl2sql # the checkout, in there
# What README asks a user to have; the rest is for tools/bootstrap.sh to install.
PACKAGES="ca-certificates git make python3"
TESTS="tests/unit tests/contract tests/db tests/attacks"

impossible() {
    say "Debian 13 with PostgreSQL 17: skipped, since $1"
    exit 77
}

# The mirror that this machine uses, if any, of "main" or of "security".
mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian(-security)?/?$' |
        case $1 in main) grep -v -- -security ;; security) grep -- -security ;; esac | sort -u | head -n 1 || true
}

require() {
    [ "$(id -u)" -eq 0 ] || impossible "it needs root"
    command -v apt-get >/dev/null || impossible "this is neither Debian nor Ubuntu"
    unshare --mount --pid --fork true 2>/dev/null || impossible "nothing can be mounted here"
    [ ! -d "$ROOT" ] || return 0
    [ "$(free_mib "$(existing_parent "$CACHE")")" -ge 4000 ] || impossible "it needs 4 GB in $CACHE"
    # apt tells of its mirrors only once it has been there
    refresh_lists
    [ -n "$(mirror main)" ] || impossible "apt has no mirror of Debian configured"
    if ! command -v debootstrap >/dev/null; then
        [ -n "$(apt_candidate debootstrap)" ] || impossible "apt has no debootstrap"
        install_packages debootstrap none
    fi
    [ -e "/usr/share/debootstrap/scripts/$SUITE" ] || impossible "this debootstrap does not know $SUITE"
}

# inside ROOT COMMAND…: in the folder as the root of everything, with mounts and processes of its own, which end with it.
# A shell stays process 1: it takes in what others leave behind.
inside() {
    local root=$1
    shift
    unshare --mount --pid --fork --kill-child bash -c '
        set -e
        root=$1 cache=$2
        shift 2
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
        if [ -n "$cache" ]; then
            mkdir -p "$cache" "$root/root/.cache/nl2sql"
            mount --bind "$cache" "$root/root/.cache/nl2sql"
        fi
        env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
            TERM="${TERM:-dumb}" SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
            ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
            ${no_proxy:+no_proxy="$no_proxy"} ${NL2SQL_ENGINE:+NL2SQL_ENGINE="$NL2SQL_ENGINE"} \
            ${NL2SQL_MODEL:+NL2SQL_MODEL="$NL2SQL_MODEL"} chroot "$root" "$@" || exit $?
        exit 0' inside "$root" "${SHARED_CACHE:-}" "$@"
}

# in_checkout COMMAND: a line for the shell there.
in_checkout() { inside "$ROOT" sh -c "cd $HERE && $1" sh "${@:2}"; }

# As on this machine: mirrors, proxies, certificates, names of hosts.
write_settings() {
    local root=$1 main security
    main=$(mirror main)
    security=$(mirror security)
    [ -z "$main" ] || {
        echo "deb $main $SUITE main"
        echo "deb $main $SUITE-updates main"
        [ -z "$security" ] || echo "deb $security $SUITE-security main"
    } >"$root/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-|Retries)' >"$root/etc/apt/apt.conf.d/90-as-outside" || true
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    mkdir -p "$root/etc/ssl/certs"
    cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
    {
        echo "[global]"
        echo "cert = /etc/ssl/certs/ca-certificates.crt"
        python3 -m pip config list 2>/dev/null |
            sed -nE "s/^(global|user|site|:env:)\.(index-url|proxy|trusted-host|timeout|default-timeout)='(.*)'\$/\2 = \3/p" |
            sed 's/^default-timeout/timeout/' | sort -u -t = -k 1,1
    } >"$root/etc/pip.conf"
}

make_root() {
    local part=$HOME13/part
    [ ! -d "$ROOT" ] || return 0
    rm -rf -- "$part"
    mkdir -p "$HOME13"
    run_logged "Debian 13" "$LOGS/debootstrap.log" "see the log" \
        debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$part" "$(mirror main)"
    write_settings "$part"
    run_logged "its packages" "$LOGS/debian13-apt.log" "see the log" inside "$part" \
        sh -c "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends install $PACKAGES"
    mv "$part" "$ROOT"
}

# The files that git knows of or would take, as they are now; what was made in there (.nl2sql) stays.
copy_checkout() {
    mkdir -p "$ROOT$HERE"
    find "$ROOT$HERE" -mindepth 1 -maxdepth 1 -not -name .nl2sql -exec rm -rf -- {} +
    git -c safe.directory="$PWD" ls-files -co --exclude-standard -z |
        { while IFS= read -r -d '' name; do [ ! -e "$name" ] || printf '%s\0' "$name"; done; } |
        tar -c --null -T - | tar -x --no-same-owner -C "$ROOT$HERE"
    # so that tests can ask git what is ignored
    git -C "$ROOT$HERE" init -q
}

# One at a time: the folder belongs to all checkouts.
lock() {
    mkdir -p "$HOME13"
    exec 9>"$HOME13/lock"
    flock -n 9 || { say "waiting for another run in $HOME13"; flock 9; }
}

prepare() {
    require
    lock
    make_root
    write_settings "$ROOT"
    copy_checkout
    find "$ROOT/tmp" -mindepth 1 -maxdepth 1 -exec rm -rf -- {} +
    say "Debian $(cat "$ROOT/etc/debian_version") in $ROOT"
}

what=${1:-}
[ $# -eq 0 ] || shift
case $what in
    test)
        prepare
        [ $# -gt 0 ] || set -- -n 2 --dist loadfile $TESTS
        NL2SQL_ENGINE=none in_checkout 'tools/bootstrap.sh && tools/install_extension.sh &&
            exec .nl2sql/venv/bin/python -m pytest "$@"' "$@"
        ;;
    demo)
        prepare
        SHARED_CACHE=$CACHE in_checkout 'make demo; rc=$?; make down; exit $rc'
        ;;
    run)
        prepare
        SHARED_CACHE=$CACHE inside "$ROOT" sh -c "cd $HERE && exec \"\$@\"" sh "$@"
        ;;
    remove)
        lock
        rm -rf -- "$HOME13/root" "$HOME13/part"
        ;;
    *) die "unknown: ${what:-nothing}" "test, demo, run or remove" ;;
esac
