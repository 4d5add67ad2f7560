#!/usr/bin/env bash
# Makes the Python environment .venv/KIND of this checkout.
#
#   bash tools/setup_env.sh quick      the maintained forks, nothing compiled,
#                                      and the test tools
#   bash tools/setup_env.sh full       those with mmcv's compiled ops, mmdet,
#                                      mmseg, timm, what analyses need, the test tools
#                                      and what builds the docs
#   bash tools/setup_env.sh official   the OpenMMLab packages of 2024
#
# Versions come from requirements/pins.txt. A finished environment is kept:
# the next call starts at once, unless the pins or this script have changed.
# PYTHON=/path/to/python names the interpreter instead of searching for one.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1
exec 3>&1 # where a step says how far it is

kind=${1:-}
case $kind in
    quick) versions='3.11 3.12' stack=onedl gigabytes=8 ;;
    full) versions=3.11 stack=onedl gigabytes=10 ;;
    official) versions=3.10 stack=official gigabytes=8 ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' tools/setup_env.sh >&2; exit 2 ;;
esac
env=.venv/$kind
log=$env.log

fail() {
    printf 'setup_env: %s\n' "$@" >&2
    exit 1
}

# step TITLE REMEDY COMMAND...: one line, or the end of the log and the remedy.
step() {
    local title=$1 remedy=$2
    shift 2
    printf 'setup_env %s: %s\n' "$kind" "$title"
    printf '\n== %s\n' "$title" >>"$log"
    if ! "$@" >>"$log" 2>&1; then
        awk '/^== /{text = ""} !/^WARNING: Location/{text = text $0 "\n"}
             END{printf "%s", text}' "$log" | tail -n 20 >&2
        fail "this step failed: $title" "what to do: $remedy" "all of it: $log"
    fi
}

# The pins of some sections, one a line.
pins() {
    local section
    for section in "$@"; do
        sed -n "/^\[$section\]/,/^\[/{/^[^#[]/p;}" requirements/pins.txt
    done
}

find_python() {
    local candidate version
    for version in $versions; do
        for candidate in ${PYTHON:-"python$version" python3 \
            "$(pyenv root 2>/dev/null)/versions/$version".*/bin/python}; do
            if [ "$("$candidate" -c 'import ensurepip, sys, venv
print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$version" ]; then
                echo "$candidate"
                return
            fi
        done
    done
    fail "no Python ${versions/ / or } with the venv module${PYTHON:+ at $PYTHON}" \
        "install one, or name it: PYTHON=/path/to/python"
}

check_disk() {
    local free
    free=$(df -Pk .venv | awk 'NR == 2 {print int($4 / 1048576)}')
    echo "$free GiB are free on the disk of .venv, $gigabytes GiB are needed"
    [ "$free" -ge "$gigabytes" ]
}

pip_install() {
    "$env/bin/python" -m pip install --no-input "$@"
}

# mmcv comes first and apart: pip caches one wheel for both of its forms, with
# and without compiled ops. Its build isolation hides torch, hence no ops.
install_plain_mmcv() {
    pip_install --no-cache-dir --no-deps "$(pins onedl | grep mmcv)"
}

check_compiler() {
    local headers
    headers=$("$env/bin/python" -c \
        'import sysconfig; print(sysconfig.get_path("include"))')
    command -v "${CXX:-c++}" && ls "$headers/Python.h"
}

# A line for every tenth of the files that ninja compiles.
show_progress() {
    awk 'match($0, /\[[0-9]+\/[0-9]+\]/) {
             split(substr($0, RSTART + 1, RLENGTH - 2), n, "/")
             if (int(10 * n[1] / n[2]) > int(10 * (n[1] - 1) / n[2]))
                 print "    " n[1] " of " n[2] " files"
             fflush()
         }'
}

# For the CPU alone: the GPU is hidden, as mmcv would want a CUDA compiler.
# Torch's headers are C++20 since 2.14, where mmcv asks for C++17. Debugging
# information would take half of the time.
compile_mmcv() (
    export CUDA_VISIBLE_DEVICES='' FORCE_CUDA=0 CFLAGS='-g0 -O2'
    export MAX_JOBS=${MAX_JOBS:-$(getconf _NPROCESSORS_ONLN)}
    local source=$env/mmcv
    local options=(--no-input --no-cache-dir --no-build-isolation --no-deps)
    mkdir -p "$source" "$wheels" &&
        "$env/bin/python" -m pip download "${options[@]}" \
            --no-binary :all: -d "$source" "$(pins onedl | grep mmcv)" &&
        tar -xzf "$source"/*.tar.gz -C "$source" --strip-components 1 &&
        sed -i 's/-std=c++17/-std=c++20/' "$source/setup.py" &&
        "$env/bin/python" -m pip wheel -v "${options[@]}" \
            -w "$env/wheel" "$source" 2>&1 | tee >(show_progress >&3) &&
        mv "$env"/wheel/*.whl "$wheels" &&
        rm -rf "$source" "$env/wheel"
)

mkdir -p .venv
stamp="$PWD ${PYTHON:-} $(
    cat requirements/pins.txt tools/setup_env.sh setup.py | cksum)"
if [ "$(cat "$env/stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

: >"$log"
python=$(find_python)
step "check the disk" "free some space" check_disk
step "create $env with $python" "see the message above" \
    "$python" -m venv --clear "$env"
network="check the network and pip's configuration, then repeat"
step "install the build tools" "$network" \
    pip_install $(pins build) "$(pins $stack | grep setuptools)"
step "install PyTorch" "$network" \
    pip_install $(pins $stack | grep -E 'torch|numpy')
case $kind in
    quick)
        step "install mmcv without compiled ops" "$network" install_plain_mmcv
        sections='onedl mincut tests'
        ;;
    full)
        key=$("$env/bin/python" -c 'import platform, sys, torch
print("torch", torch.__version__, sys.implementation.cache_tag,
      platform.machine(), sep="-")')
        wheels=${XDG_CACHE_HOME:-$HOME/.cache}/mmmix/wheels/$(
            pins onedl | sed -n '/mmcv/s/==/-/p')-$key
        if ! ls "$wheels"/*.whl >/dev/null 2>&1; then
            step "look for a C++ compiler and Python's headers" \
                "install g++ (or set CXX) and python3-dev" check_compiler
            step "compile mmcv's ops, once: about 13 minutes on 2 cores (see $log)" \
                "read the compiler's first error in the log" compile_mmcv
        fi
        step "install mmcv with compiled ops" "read the error above" \
            pip_install --no-deps "$wheels"/*.whl
        sections='onedl timm mincut pretrained downstream analysis playground
            browser tests release docs'
        ;;
    official) sections='official timm mincut pretrained tests' ;;
esac
step "install the $stack stack" "$network" pip_install $(pins $sections)
if [ "$kind" = full ]; then
    step "import mmcv's compiled ops" \
        "delete $wheels and repeat: mmcv is then compiled again" \
        "$env/bin/python" -c 'import mmcv.ops'
fi
# the official stack's setuptools is too old to build it
isolation=--no-build-isolation
[ "$kind" = official ] && isolation=
step "install mmmix" "read the error above" pip_install --no-deps $isolation -e .
step "import mmmix" "read the error above" "$env/bin/python" -c 'import mmmix'
echo "$stamp" >"$env/stamp"
printf 'setup_env %s: ready after %d s\n' "$kind" "$SECONDS"
