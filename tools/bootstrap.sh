#!/usr/bin/env bash
# Everything that `make demo` and `make test` need on a bare Debian or Ubuntu; a second run finds nothing to do.
#   PG_CONFIG       the PostgreSQL to use (default: the newest one with PL/Python)
#   NL2SQL_ENGINE   cpu, gpu or none (default: gpu where nvidia-smi shows one; none: another server is the engine)
# Parts: system (packages, pgvector), python (the environment in .nl2sql/venv), runtime (that without the tools of
# the tests), all (system and python, the default).
set -euo pipefail
cd "$(dirname -- "$0")/.."
[ -e /proc/self/fd/0 ] || exec </dev/null
. tools/lib.sh
. tools/packages.sh
. tools/pgvector.sh
. tools/cache.sh
. tools/python_env.sh

system_part() {
    command -v apt-get >/dev/null || [ -n "${PG_CONFIG:-}" ] ||
        die "this is neither Debian nor Ubuntu" "install PostgreSQL with PL/Python and pgvector, and set PG_CONFIG"
    ensure_postgresql
    ensure_pgvector
    printf '%s\n' "$PG_CONFIG" >"$STATE/pg_config"
    say "PostgreSQL $("$PG_CONFIG" --version | cut -d ' ' -f 2) with PL/Python and pgvector: $PG_CONFIG"
}

case ${1:-all} in
    system) system_part ;;
    python) ensure_python_env test ;;
    runtime) ensure_python_env ;;
    all)
        system_part
        ensure_python_env test
        ;;
    *) die "unknown part: $1" "system, python, runtime or all" ;;
esac
