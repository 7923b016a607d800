#!/usr/bin/env bash
# One training step of Apus against the same model in PyTorch 2.13, in turn, in one run.
#
#   Tests/Benchmarks/training-step.sh [ROUNDS] [STEPS]
#
# PYTHON=/path/to/python   an interpreter that has torch 2.13.0 (default: python3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rounds=${1:-3}
steps=${2:-10}
python=${PYTHON:-python3}
threads=$(nproc)
"$python" -c 'import torch' 2>/dev/null || {
    echo "error: $python has no torch. Make an environment with torch 2.13.0, and name its PYTHON." >&2
    exit 69
}
swift build -c release --product TrainingStep >&2
# What Apus sets for itself with mallopt at start.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $threads threads," \
    "torch $("$python" -c 'import torch; print(torch.__version__)'), $rounds rounds of $steps steps, median ms"
printf '%-22s %-9s %9s %9s %7s\n' objective precision Apus PyTorch ratio
for objective in cpc maskedReconstruction; do
    for precision in float32 bfloat16; do
        ours=() theirs=()
        for ((round = 0; round < rounds; round++)); do
            ours+=("$(.build/release/TrainingStep $objective $precision "$steps" "$threads")")
            theirs+=("$("$python" Tests/Benchmarks/TrainingStep/peer.py $objective $precision "$steps" "$threads")")
        done
        a=$(printf '%s\n' "${ours[@]}" | median)
        b=$(printf '%s\n' "${theirs[@]}" | median)
        printf '%-22s %-9s %9s %9s %7s\n' $objective $precision "$a" "$b" "$(awk "BEGIN { printf \"%.2f\", $a / $b }")"
    done
done
