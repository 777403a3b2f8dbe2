#!/usr/bin/env bash
# Installs the extension where the chosen PostgreSQL looks for it, if it differs from what is there.
# Built and staged as the invoking user; only files that changed are copied, with root's rights if the place needs them.
set -euo pipefail
cd "$(dirname -- "$0")/.."
. tools/lib.sh

PG_CONFIG=${PG_CONFIG:-$(cat "$STATE/pg_config")}
STAGE=$STATE/stage

changed_files() {
    local file
    (cd "$STAGE" && find . -type f -not -name '*.pyc' -print) | while IFS= read -r file; do
        cmp -s "$STAGE/$file" "/$file" || printf '%s\n' "${file#./}"
    done
}

copy_file() {
    local into=/$1
    if [ -w "$(existing_parent "$(dirname "$into")")" ] && { [ ! -e "$into" ] || [ -w "$into" ]; }; then
        install -D -m 0644 "$STAGE/$1" "$into"
    else
        as_root install -D -m 0644 "$STAGE/$1" "$into"
    fi
}

# Backends can't write beside the modules, so without this each session would compile them again.
# Debian's and Ubuntu's PL/Python links the library of /usr/bin/python3.
compile_modules() {
    local folder
    [ -x /usr/bin/python3 ] || return 0
    for folder in $(printf '%s\n' "$1" | grep '\.py$' | xargs -r -n 1 dirname | sort -u); do
        as_root /usr/bin/python3 -m compileall -q "/$folder" || warn "the modules in /$folder could not be compiled"
    done
}

main() {
    local changed file
    rm -rf -- "$STAGE"
    make -C extension install PG_CONFIG="$PG_CONFIG" PYTHON=../.nl2sql/venv/bin/python DESTDIR=../.nl2sql/stage \
        >"$LOGS/extension.log" 2>&1 </dev/null || { tail -n 20 "$LOGS/extension.log" >&2; die "the extension could not be built" "see $LOGS/extension.log"; }
    changed=$(changed_files)
    if [ -z "$changed" ]; then
        say "extension: as installed"
        return
    fi
    [ -w "$("$PG_CONFIG" --sharedir)/extension" ] || need_root_for "installing the extension below $("$PG_CONFIG" --sharedir)"
    while IFS= read -r file; do copy_file "$file"; done <<<"$changed"
    compile_modules "$changed"
    say "extension: $(printf '%s\n' "$changed" | wc -l) files installed below $("$PG_CONFIG" --sharedir)"
}

main
