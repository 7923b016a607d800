#!/usr/bin/env bash
# An interpreter that checks our files with the packages that others open them with.
#
#   PYTHON=$(Tests/python.sh)     its path, on standard output; nothing where it can't be made
#
# PYTHON                        an interpreter of yours; it is used as it is
# XDG_CACHE_HOME                where the per-user cache lies (default: ~/.cache)
#
# Tests that want a package which the interpreter lacks are skipped and say so.
set -euo pipefail
packages="numpy==2.4.6 safetensors==0.8.0 onnx==1.23.2 onnxruntime==1.32.0 kaldiio==2.18.1 webdataset==1.0.2"

if [ -n "${PYTHON:-}" ]; then
    echo "$PYTHON"
    exit
fi
folder=${XDG_CACHE_HOME:-$HOME/.cache}/apus/test-python
say() { printf 'python: %s\n' "$*" >&2; }
if [ "$(cat "$folder/packages" 2>/dev/null)" != "$packages" ]; then
    rm -rf "$folder"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    say "making $folder with $packages"
    # shellcheck disable=SC2086
    if ! { python3 -m venv --without-pip "$folder" &&
        python3 -m pip --python "$folder/bin/python" install --disable-pip-version-check \
            $packages; } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        say "it can't be made (the last lines are above): the tests that need it are left out"
        rm -rf "$folder"
        exit
    fi
    echo "$packages" >"$folder/packages"
fi
say "using $folder"
echo "$folder/bin/python"
