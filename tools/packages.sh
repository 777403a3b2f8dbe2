# Which PostgreSQL to use, and the system packages it needs; sourced by bootstrap.sh after lib.sh.
# A system cluster is never started, stopped or changed here.
# shellcheck shell=bash

OLDEST_MAJOR=14
NEWEST_MAJOR=18

apt_candidate() { apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }
apt_has_version() { apt-cache madison "$1" 2>/dev/null | awk -v v="$2" '$3 == v { found = 1 } END { exit !found }'; }
installed_version() { dpkg-query -W -f '${Status} ${Version}\n' "$1" 2>/dev/null | awk '/^install ok installed/ { print $4 }'; }
has_plpython() { [ -e "$("$1" --pkglibdir)/plpython3.so" ]; }
major_of() { "$1" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'; }

installed_majors() {
    local server
    for server in /usr/lib/postgresql/*/bin/postgres; do
        [ -x "$server" ] || continue
        server=${server#/usr/lib/postgresql/}
        printf '%s\n' "${server%%/*}"
    done | awk -v lo=$OLDEST_MAJOR -v hi=$NEWEST_MAJOR '$1 >= lo && $1 <= hi' | sort -rn
}

# The newest installed major that has PL/Python, else one that apt can give it to, else the newest that apt has.
choose_major() {
    local major
    for major in $(installed_majors); do
        [ ! -e "/usr/lib/postgresql/$major/lib/plpython3.so" ] || { echo "$major"; return; }
    done
    for major in $(installed_majors) $(seq $NEWEST_MAJOR -1 $OLDEST_MAJOR); do
        [ -z "$(apt_candidate "postgresql-plpython3-$major")" ] || { echo "$major"; return; }
    done
}

# NAME[=VERSION]: parts of an installed server are taken in the server's own version, because another one
# would upgrade the server, and with it restart the clusters that run on it.
matching_package() {
    local server
    server=$(installed_version "postgresql-$2")
    if [ -n "$server" ] && apt_has_version "$1" "$server"; then
        echo "$1=$server"
    else
        echo "$1"
    fi
}

# The packages that are missing for a PostgreSQL of Debian or Ubuntu, one a line.
missing_server_packages() {
    local major=$1 home=/usr/lib/postgresql/$1
    [ -x "$home/bin/postgres" ] || echo "postgresql-$major"
    [ -e "$home/lib/plpython3.so" ] || matching_package "postgresql-plpython3-$major" "$major"
    [ -e "/usr/include/postgresql/$major/server/postgres.h" ] || matching_package "postgresql-server-dev-$major" "$major"
    [ -e "/usr/share/postgresql/$major/extension/vector.control" ] ||
        [ -z "$(apt_candidate "postgresql-$major-pgvector")" ] || echo "postgresql-$major-pgvector"
}

missing_tool_packages() {
    command -v make >/dev/null && command -v cc >/dev/null && command -v c++ >/dev/null || echo build-essential
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    # vLLM's CPU kernels link to it.
    PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep 'libnuma\.so\.1' >/dev/null || echo libnuma1
}

# An installation of ours must not leave a cluster running that nobody asked for.
forbid_system_cluster() {
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    printf '# Written by nl2sql, which keeps a cluster of its own. Remove this file to get one with the next package.\n%s\n' \
        'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.d/nl2sql.conf >/dev/null
    say "no system cluster will be created (/etc/postgresql-common/createcluster.d/nl2sql.conf)"
}

refuse_server_upgrade() {
    local major=$1 packages=$2
    command -v pg_lsclusters >/dev/null || return 0
    pg_lsclusters -h | awk -v m="$major" '$1 == m && $4 ~ /^online/ { found = 1 } END { exit !found }' || return 0
    # shellcheck disable=SC2086
    apt-get -s --no-install-recommends install $packages 2>/dev/null | grep "^Inst postgresql-$major \[" >/dev/null || return 0
    die "these packages would upgrade PostgreSQL $major, and clusters of the system are running on it" \
        "at a quiet time: apt-get install $packages"
}

install_packages() {
    local packages=$1 major=$2
    need_root_for "apt-get install $packages"
    case " $packages " in *" postgresql-$major "*) forbid_system_cluster ;; esac
    refuse_server_upgrade "$major" "$packages"
    say "missing on this system: $packages"
    # shellcheck disable=SC2086
    run_logged "system packages" "$LOGS/apt.log" "see the log; then run the same command again" \
        as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install $packages
}

refresh_lists() {
    [ -z "${LISTS_FRESH:-}" ] || return 0
    need_root_for "apt-get update"
    # A broken third-party list must not stop the set-up: what is needed either comes or fails by name below.
    run_logged "package lists" "$LOGS/apt-update.log" "check the network and /etc/apt" \
        as_root sh -c 'apt-get -q update || echo "some lists could not be read; going on with the others"'
    LISTS_FRESH=1
}

# Sets PG_CONFIG, installing what is missing.
ensure_postgresql() {
    local major packages
    if [ -n "${PG_CONFIG:-}" ]; then
        major=$(major_of "$PG_CONFIG")
        case $PG_CONFIG in /usr/lib/postgresql/*) ;; *) ensure_foreign_postgresql; return ;; esac
    else
        major=$(choose_major)
        [ -n "$major" ] || { refresh_lists; major=$(choose_major); }
        [ -n "$major" ] || die "apt knows no PostgreSQL $OLDEST_MAJOR to $NEWEST_MAJOR with PL/Python" \
            "enable the distribution's main (Ubuntu: universe) component, or set PG_CONFIG"
    fi
    packages=$({ missing_server_packages "$major"; missing_tool_packages; } | xargs)
    if [ -n "$packages" ]; then
        # Asked again after the update: versions may have moved, and pgvector may have become known.
        refresh_lists
        packages=$({ missing_server_packages "$major"; missing_tool_packages; } | xargs)
        [ -z "$packages" ] || install_packages "$packages" "$major"
    fi
    PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
    has_plpython "$PG_CONFIG" || die "PostgreSQL $major still has no PL/Python" "apt-get install postgresql-plpython3-$major"
}

# A PostgreSQL that was not installed by apt is used as it is.
ensure_foreign_postgresql() {
    local packages
    has_plpython "$PG_CONFIG" || die "$PG_CONFIG belongs to a PostgreSQL without PL/Python" "build it with --with-python"
    packages=$(missing_tool_packages | xargs)
    [ -z "$packages" ] || { refresh_lists; install_packages "$packages" none; }
}
