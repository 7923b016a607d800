#!/usr/bin/env bash
# Brings a Debian or Ubuntu machine that has Swift to the point where `swift build` works in this
# checkout. Safe to run again: it does only what is missing, and says what it does.
#
#   recipes/setup.sh            system libraries and libtorch
#   recipes/setup.sh --cuda     libtorch's build for NVIDIA's GPUs, with the headers that NCCL needs (5 GB);
#                               later set-ups of this checkout keep it
#   recipes/setup.sh --cpu      back to the one without
#
# LIBTORCH=/path/to/libtorch    use this libtorch (a folder with include/ and lib/), download none
# XDG_CACHE_HOME                where the per-user cache lies (default: ~/.cache)
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
torch_version=2.13.0
packages=(libsndfile1-dev libfftw3-dev libsoxr-dev libpng-dev zlib1g-dev libgloo-dev pkg-config)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 69; }

link=$checkout/.libtorch
case "$(readlink "$link" 2>/dev/null)" in *-cuda/torch) device=cuda ;; *) device=cpu ;; esac
case "$*" in
    "") ;;
    --cuda | --cpu) device=${1#--} ;;
    *) printf 'setup: error: %s: the options are --cuda and --cpu\n' "$*" >&2; exit 64 ;;
esac

command -v swift >/dev/null 2>&1 ||
    fail "no 'swift' on PATH. Install Swift 6.3 or newer for this distribution, then run again."

# --- system packages --------------------------------------------------------------------------

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/apus
unpacked=$cache/libtorch-$torch_version
[ $device = cpu ] || unpacked+=-cuda
is_libtorch() { [ -e "$1/lib/libtorch_cpu.so" ] && [ -e "$1/include/ATen/ATen.h" ]; }

if [ -z "${LIBTORCH:-}" ] && ! is_libtorch "$unpacked/torch"; then
    if ! python3 -m pip --version >/dev/null 2>&1; then packages+=(python3 python3-pip); fi
fi

missing=()
for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null 2>&1 ||
        fail "apt-get is not here. Install the equivalents of: ${missing[*]}"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            fail "not root and no sudo. As root run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if ! { "${as_root[@]}" apt-get update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y \
            --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "apt-get could not install ${missing[*]} (its last lines are above)"
    fi
else
    say "system packages are there: ${packages[*]}"
fi

# --- libtorch ---------------------------------------------------------------------------------

if [ -n "${LIBTORCH:-}" ]; then
    is_libtorch "$LIBTORCH" ||
        fail "LIBTORCH=$LIBTORCH holds no lib/libtorch_cpu.so and include/ATen/ATen.h"
    say "using LIBTORCH=$LIBTORCH"
    say "ready: swift build -c release"
    exit 0
fi

# The build for CUDA with what it needs at run time, and the rest of the headers that its own include.
fetch_cuda_build() {
    say "downloading libtorch $torch_version for CUDA with its libraries (5 GB, once per user) into $cache"
    python3 -m pip install --quiet --disable-pip-version-check \
        --target "$1" "torch===$torch_version" >"$1/log" 2>&1 || return 1
    [ -e "$1/torch/lib/libtorch_cuda.so" ] || { say "pip has a build without CUDA only"; return 1; }
    local runtime=("$1"/nvidia_cuda_runtime-*.dist-info)
    local version=${runtime[0]##*runtime-}
    version=$(cut -d . -f 1,2 <<<"${version%.dist-info}")
    python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$1/headers" \
        "nvidia-cuda-crt==$version.*" "nvidia-cuda-cccl==$version.*" >"$1/log" 2>&1 || return 1
    cp -r "$1"/headers/nvidia/. "$1/nvidia/"
    rm -rf "$1/headers"
}

if ! is_libtorch "$unpacked/torch"; then
    mkdir -p "$cache" || fail "cannot write $cache"
    work=$(mktemp -d "$cache/unpacking.XXXXXX")
    trap 'rm -rf "$work"; rm -f "${log:-}"' EXIT
    if [ $device = cuda ]; then
        fetch_cuda_build "$work" || {
            tail -n 20 "$work/log" >&2
            fail "pip could not fetch torch $torch_version for CUDA with its headers"
        }
    else
        say "downloading libtorch $torch_version (about 190 MB, once per user) into $cache"
        if python3 -m pip download --quiet --disable-pip-version-check --no-deps \
            --dest "$work/wheel" "torch==$torch_version+cpu" >"$work/log" 2>&1; then
            # The wheel only carries include/ and lib/: nothing of Python is unpacked.
            python3 - "$work" <<'PYTHON'
import glob, sys, zipfile
work = sys.argv[1]
with zipfile.ZipFile(glob.glob(work + "/wheel/*.whl")[0]) as wheel:
    wheel.extractall(work, [name for name in wheel.namelist()
                            if name.startswith(("torch/include/", "torch/lib/"))])
PYTHON
            rm -rf "$work/wheel"
        else
            say "no CPU-only build was offered"
            fetch_cuda_build "$work" || {
                tail -n 20 "$work/log" >&2
                fail "pip could not fetch torch $torch_version. Fetch libtorch yourself and set LIBTORCH=FOLDER"
            }
        fi
    fi
    is_libtorch "$work/torch" || fail "the download holds no libtorch"
    rm -rf "$unpacked"
    mv "$work" "$unpacked"
    trap 'rm -f "${log:-}"' EXIT
fi
if [ "$(readlink "$link" 2>/dev/null)" != "$unpacked/torch" ]; then
    rm -rf "$link"
    ln -s "$unpacked/torch" "$link"
    say "linked .libtorch -> $unpacked/torch"
else
    say "libtorch $torch_version is there: $unpacked/torch"
fi
say "ready: swift build -c release"
