#!/usr/bin/env bash
# HuBERT's base model with random weights on speech of mixed lengths, against transformers, in one run.
#
#   Tests/Benchmarks/published-model.sh [--seconds 60] [--rounds 2] [--threads 2]
#
# All layers of every recording from samples in memory, each engine's best round. transformers is given
# one recording at a time, and padded batches of 8 in the recordings' order. `batched` is how far Apus's
# vectors of a batch of 4 are from those of each recording alone.
#
# PYTHON=/path/to/python   an interpreter that has torch 2.13.0 and transformers (default: python3)
# WORK=FOLDER              where the model is made and kept (default: a temporary folder)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=60 rounds=2 threads=2
while (($# > 1)); do
    case $1 in
        --seconds) seconds=$2 ;;
        --rounds) rounds=$2 ;;
        --threads) threads=$2 ;;
        *) break ;;
    esac
    shift 2
done
(($# == 0)) || { echo "error: unexpected argument $1" >&2; exit 64; }
python=${PYTHON:-python3}
"$python" -c 'import torch, transformers' 2>/dev/null || {
    echo "error: $python has no torch or no transformers. Name one that has as PYTHON." >&2
    exit 69
}
work=${WORK:-$(mktemp -d)}
mkdir -p "$work"
[[ -n ${WORK:-} ]] || trap 'rm -rf "$work"' EXIT
swift build -c release --product PublishedModel >&2
swift build -c release --product apus >&2
peer() { "$python" Tests/Benchmarks/PublishedModel/peer.py "$@" 2>/dev/null; }
# What Apus sets for itself with mallopt at start.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $threads threads," \
    "torch $("$python" -c 'import torch; print(torch.__version__)')," \
    "transformers $("$python" -c 'import transformers; print(transformers.__version__)')," \
    "best of $rounds rounds; $(peer make "$work" "$seconds")"
.build/release/apus import "$work" -o "$work/hubert.safetensors" >/dev/null
format='%-9s %8s %10s %12s %10s %12s %8s %8s %8s %9s\n'
# shellcheck disable=SC2059
printf "$format" precision Apus 'one by one' '/ Apus' batches '/ Apus' 'Apus MB' 'one MB' 'batch MB' batched
for precision in float32 bfloat16; do
    read -r ours memory far < <(.build/release/PublishedModel "$work/hubert.safetensors" \
        "$work/samples.npz" "$precision" "$rounds" "$threads")
    read -r one oneMemory < <(peer one "$work" "$precision" "$rounds" "$threads")
    read -r batch batchMemory < <(peer batch "$work" "$precision" "$rounds" "$threads")
    # shellcheck disable=SC2059
    printf "$format" "$precision" "$ours" "$one" "$(awk "BEGIN { printf \"%.2f\", $one / $ours }")" \
        "$batch" "$(awk "BEGIN { printf \"%.2f\", $batch / $ours }")" "$memory" "$oneMemory" \
        "$batchMemory" "$far"
    [[ $precision != float32 ]] || plain=$ours
done
echo "bfloat16 is $(awk "BEGIN { printf \"%.2f\", $plain / $ours }") times as fast as float32"
