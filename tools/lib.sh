# Shared by the shell tools; sourced, never run. Expects the checkout as working directory.
# shellcheck shell=bash
# No `| grep -q` here: it ends at the first match, and with pipefail the broken pipe counts as "not found".

STATE=.nl2sql
LOGS=$STATE/log
mkdir -p "$LOGS"

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# die WHAT HAPPENED [WHAT TO DO]
die() {
    printf '\nerror: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

used_kib() { df -Pk "$STATE" | awk 'NR == 2 { print $3 }'; }
free_mib() { df -Pm "$1" | awk 'NR == 2 { print $4 }'; }

# The nearest folder that exists, for asking how much room there is.
existing_parent() {
    local path=$1
    while [ ! -d "$path" ]; do path=$(dirname -- "$path"); done
    printf '%s\n' "$path"
}

# What the job is doing now: the last line of its log, cut to fit a terminal.
last_line() { tail -c 400 "$1" 2>/dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c 1-70; }

# run_logged LABEL LOG HINT COMMAND…: the command's output goes to the log; a line every few seconds says that it lives.
run_logged() {
    local label=$1 log=$2 hint=$3 began=$SECONDS before job rc=0
    shift 3
    before=$(used_kib)
    printf '%s …\n' "$label"
    : >"$log"
    # A process group of its own, so that Ctrl-C ends the whole job and not only the shell that waits for it.
    set -m
    "$@" </dev/null >>"$log" 2>&1 &
    job=$!
    set +m
    trap 'kill -- "-$job" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        if [ $(((SECONDS - began) % 5)) -eq 0 ] && kill -0 "$job" 2>/dev/null; then
            printf '  %s: %d s, %d MB written; %s\n' "$label" $((SECONDS - began)) \
                $((($(used_kib) - before) / 1024)) "$(last_line "$log")"
        fi
    done
    wait "$job" || rc=$?
    trap - INT TERM
    if [ "$rc" -ne 0 ]; then
        printf '\nthe last lines of %s:\n' "$log" >&2
        tail -n 20 "$log" >&2
        die "$label failed with status $rc" "$hint"
    fi
    printf '  %s: done in %d s\n' "$label" $((SECONDS - began))
}

# as_root COMMAND…: only the package manager and the installation of an extension need it.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

# Asks for the password once, in the foreground: the jobs themselves run with standard input closed.
need_root_for() {
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null || die "this needs root: $1" "run it as root, or install sudo"
    sudo -n true 2>/dev/null && return 0
    [ -t 0 ] || die "sudo asks for a password, and there is no terminal: $1" "run it as root, or allow sudo without a password"
    say "sudo is needed for: $1"
    sudo -v || die "sudo was refused: $1"
}
