#!/usr/bin/env bash
# Fuzzes the readers of sound, arrays, archives and weights and the front end with the libFuzzer of the Swift toolchain.
#
#   Tests/Fuzzing/run.sh FOLDER [OPTION...]     builds in FOLDER and fuzzes until something fails
#   Tests/Fuzzing/run.sh FOLDER -runs=2000000   ... or until so many executions are done
#   FUZZING_WEIGHTS=1 Tests/Fuzzing/run.sh ... the readers of weights alone
#   SANITIZE=address Tests/Fuzzing/run.sh ...   with the address sanitizer in our code
#   Tests/Fuzzing/run.sh FOLDER FILE...         runs inputs that failed again
#
# An input is a file and four bytes that say how to read it (FuzzOptions.swift). The seeds in
# FOLDER/seeds are made by the project itself; what finds new code is added to FOLDER/corpus. An input
# fails where it traps, takes over 1 s, or needs more than 256 MB; it is then kept in FOLDER.
#
# To make a test of an input: head -c -4 INPUT > Tests/ApusSignalTests/Fuzzed/NAME.
#
# Our code is instrumented; libsndfile and its codecs are the system's, so they are reached by changes
# to headers, chunks and checksums (FormatMutator.swift), not by their coverage.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 64; }
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

sanitizers=fuzzer${SANITIZE:+,$SANITIZE}
build=$work/build-$sanitizers
mkdir -p "$build" "$work/corpus" "$work/seeds"
modules=(-I "$build")
for library in CSndfile CFFTW CSoxr CZlib; do modules+=(-I "Sources/$library"); done
flags=(-O -swift-version 6 -enable-upcoming-feature ExistentialAny -parse-as-library -wmo
    -package-name apus)

mapfile -t sources < <(find Sources/ApusSignal -name '*.swift' | sort)
swiftc "${flags[@]}" -sanitize="$sanitizers" "${modules[@]}" -module-name ApusSignal \
    -emit-module -emit-module-path "$build/ApusSignal.swiftmodule" \
    -c -o "$build/ApusSignal.o" "${sources[@]}"
# What reads weights, without the layers that have them and libtorch under these.
weights=(Sources/ApusNN/{NNError,Safetensors,SafetensorsHeader,StoredNumbers,TensorValues}.swift
    Sources/ApusNN/TorchCheckpoint/*.swift)
swiftc "${flags[@]}" -sanitize="$sanitizers" "${modules[@]}" -module-name ApusNN \
    -emit-module -emit-module-path "$build/ApusNN.swiftmodule" \
    -c -o "$build/ApusNN.o" "${weights[@]}"
swiftc "${flags[@]}" -sanitize="$sanitizers" "${modules[@]}" -module-name Fuzzing \
    -o "$build/fuzz" Tests/Fuzzing/*.swift "$build/ApusSignal.o" "$build/ApusNN.o"

if [ -z "$(ls "$work/seeds")" ]; then
    FUZZING_SEEDS=$work/seeds "$build/fuzz"
    for checkpoint in Tests/ApusNNTests/References/checkpoint*.pt; do
        { cat "$checkpoint" && printf '\374\0\0\0'; } >"$work/seeds/$(basename "$checkpoint")"
    done
fi

# The shadow memory of the address sanitizer is not the program's.
memory=256
if [ -n "${SANITIZE:-}" ]; then memory=1024; fi
# libFuzzer, not Swift, says what failed and keeps the input.
export SWIFT_BACKTRACE=enable=no
cd "$work"
if [ $# -gt 0 ] && [ -f "$1" ]; then exec "$build/fuzz" "$@"; fi
exec "$build/fuzz" -timeout=1 -rss_limit_mb=$memory -malloc_limit_mb=256 -max_len=8192 \
    -print_final_stats=1 "$@" corpus seeds
