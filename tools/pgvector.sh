# pgvector for the chosen PostgreSQL; sourced by bootstrap.sh after lib.sh and packages.sh.
# The distribution's package was tried with the other packages; here it is built from a later release's source package.
# shellcheck shell=bash disable=SC2153

# "URI SUITE KEYRING" of a suite that has pgvector's source, on the mirror that this machine already uses.
pgvector_source() {
    local id mirror
    # shellcheck disable=SC1091
    id=$(. /etc/os-release && echo "$ID")
    case $id in
        debian) set -- trixie /usr/share/keyrings/debian-archive-keyring.gpg '/debian/?$' ;;
        ubuntu) set -- noble /usr/share/keyrings/ubuntu-archive-keyring.gpg '/ubuntu(-ports)?/?$' ;;
        *) die "there is no pgvector package for this system ($id)" "install pgvector for $PG_CONFIG by hand and run this again" ;;
    esac
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E "$3" | sort | uniq -c | sort -rn |
        awk 'NR == 1 { print $2 }')
    [ -n "$mirror" ] || die "apt has no mirror of $id configured" "install pgvector for $PG_CONFIG by hand and run this again"
    echo "$mirror $1 $2"
}

# An apt of its own: the system's lists and sources stay as they are.
write_private_apt() {
    local dir=$1 uri=$2 suite=$3 keyring=$4 component=main
    case $uri in */ubuntu* ) component=universe ;; esac
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/parts"
    printf 'deb-src [signed-by=%s] %s %s %s\n' "$keyring" "$uri" "$suite" "$component" >"$dir/sources.list"
    : >"$dir/status"
    cat >"$dir/apt.conf" <<CONF
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "$dir/parts";
Dir::State::Lists "$dir/lists";
Dir::State::Status "$dir/status";
Dir::Cache "$dir/cache";
APT::Sandbox::User "";
CONF
}

# fetch_and_build WORK VERSION: newest version of the suite when VERSION is empty.
fetch_and_build() {
    (
        set -e
        cd "$1"
        export APT_CONFIG=$1/apt/apt.conf
        apt-get -q update
        apt-get -q source --download-only --tar-only "pgvector${2:+=$2}"
        mkdir source
        # The upstream archive as it is: Debian's patches only touch its test set-up, and dpkg-source need not be installed.
        tar -xf pgvector_*.orig.tar.* -C source --strip-components=1
        # OPTFLAGS: no code for this very processor, so that a copied image runs elsewhere too.
        make -C source OPTFLAGS="" PG_CONFIG="$PG_CONFIG"
    )
}

ensure_pgvector() {
    local work uri suite keyring version=
    [ ! -e "$("$PG_CONFIG" --sharedir)/extension/vector.control" ] || return 0
    read -r uri suite keyring <<<"$(pgvector_source)"
    [ -n "$uri" ] || exit 1
    [ "$suite" != trixie ] || version=0.8.0-1
    need_root_for "make install of pgvector"
    # A plain path, because neither apt's configuration nor pgvector's Makefile quotes its own.
    work=$(mktemp -d /tmp/nl2sql-pgvector.XXXXXX)
    # shellcheck disable=SC2064
    trap "rm -rf -- '$work'" EXIT
    write_private_apt "$work/apt" "$uri" "$suite" "$keyring"
    run_logged "pgvector from source ($suite)" "$LOGS/pgvector.log" "see the log; or install pgvector by hand" \
        fetch_and_build "$work" "$version"
    run_logged "pgvector: install" "$LOGS/pgvector-install.log" "see the log" \
        as_root make -C "$work/source" install OPTFLAGS="" PG_CONFIG="$PG_CONFIG"
}
