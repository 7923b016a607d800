#!/usr/bin/env bash
# One training step of Apus against the same model in PyTorch 2.13, in turn, in one run.
#
#   Tests/Benchmarks/training-step.sh [--cases i,ii,ii-dropout,iii,iv] [--precisions float32,bfloat16]
#                                     [--rounds 3] [--steps 5] [--threads 2]
#
# The cases are described in TrainingStep/main.swift. `floor` is the step's matrix products at the
# speed of a product of 1024 x 1024 matrices, the faster engine's of this run, in 32 bits; `share` is
# the floor's part of Apus's time.
#
# PYTHON=/path/to/python   an interpreter that has torch 2.13.0 (default: python3)
# BINARY=/path/to/TrainingStep   one that is built already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cases=i,ii,ii-dropout,iii,iv precisions=float32,bfloat16 rounds=3 steps=5 threads=2
while (($# > 1)); do
    case $1 in
        --cases) cases=$2 ;;
        --precisions) precisions=$2 ;;
        --rounds) rounds=$2 ;;
        --steps) steps=$2 ;;
        --threads) threads=$2 ;;
        *) break ;;
    esac
    shift 2
done
(($# == 0)) || { echo "error: unexpected argument $1" >&2; exit 64; }
python=${PYTHON:-python3}
"$python" -c 'import torch' 2>/dev/null || {
    echo "error: $python has no torch. Make an environment with torch 2.13.0, and name its PYTHON." >&2
    exit 69
}
binary=${BINARY:-.build/release/TrainingStep}
[[ -n ${BINARY:-} ]] || swift build -c release --product TrainingStep >&2
peer() { "$python" Tests/Benchmarks/TrainingStep/peer.py "$@"; }
# What Apus sets for itself with mallopt at start.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
most() { sort -n | tail -1; }
speed=$({ "$binary" gemm float32 10 "$threads"; peer gemm float32 10 "$threads"; } | most)
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $threads threads," \
    "torch $("$python" -c 'import torch; print(torch.__version__)'), $rounds rounds of $steps steps, median ms;" \
    "1024^3 products at $speed GFLOP/s"
format='%-11s %-9s %8s %8s %14s %8s %6s %8s %8s\n'
# shellcheck disable=SC2059
printf "$format" case precision Apus PyTorch PyTorch/Apus floor share 'Apus MB' 'peer MB'
for name in ${cases//,/ }; do
    for precision in ${precisions//,/ }; do
        ours=() theirs=()
        for ((round = 0; round < rounds; round++)); do
            ours+=("$("$binary" "$name" "$precision" "$steps" "$threads")")
            theirs+=("$(peer "$name" "$precision" "$steps" "$threads")")
        done
        a=$(printf '%s\n' "${ours[@]}" | median)
        b=$(printf '%s\n' "${theirs[@]}" | median)
        floor=- share=-
        if [[ $precision == float32 ]]; then
            floor=$(awk "BEGIN { printf \"%.0f\", $(peer flops "$name") / $speed * 1000 }")
            share=$(awk "BEGIN { printf \"%.2f\", $floor / $a }")
        fi
        # shellcheck disable=SC2059
        printf "$format" "$name" "$precision" "$a" "$b" "$(awk "BEGIN { printf \"%.2f\", $b / $a }")" \
            "$floor" "$share" "$(printf '%s\n' "${ours[@]}" | cut -d' ' -f2 | most)" \
            "$(printf '%s\n' "${theirs[@]}" | cut -d' ' -f2 | most)"
    done
done
