#!/usr/bin/env bash
# Resemblyzer's GE2E with its own weights as a model of Apus: a speaker encoder that was trained WITH
# labels, on some thousand hours of VoxCeleb and LibriSpeech, as the reference beside encoders without.
#
#   recipes/resemblyzer.sh OUT.safetensors
#
# Its package is downloaded (17 MB, once per user) and only unpacked: nothing of Python is run.
#
# APUS=/path/to/apus    one that is built already (default: .build/release/apus)
# XDG_CACHE_HOME        where the per-user cache lies (default: ~/.cache)
set -euo pipefail
out=${1:?"name the model to write, OUT.safetensors"}
apus=${APUS:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.build/release/apus}
[ -e "$out" ] && { echo "already there: $out"; exit; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/apus
weights=$cache/resemblyzer-0.1.4.pt
if [ ! -e "$weights" ]; then
    mkdir -p "$cache"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "downloading Resemblyzer 0.1.4 (17 MB)"
    if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" \
        resemblyzer==0.1.4 >"$work/log" 2>&1; then
        tail -n 3 "$work/log" >&2
        echo "error: Resemblyzer can't be downloaded (the last lines are above)" >&2
        exit 69
    fi
    python3 - "$work" "$weights" <<'PYTHON'
import glob, os, sys, zipfile
wheel, = glob.glob(sys.argv[1] + "/*.whl")
with zipfile.ZipFile(wheel) as archive, open(sys.argv[2] + ".new", "wb") as file:
    file.write(archive.read("resemblyzer/pretrained.pt"))
os.replace(sys.argv[2] + ".new", sys.argv[2])
PYTHON
fi
mkdir -p "$(dirname "$out")"
"$apus" import "$weights" -o "$out"
