#!/usr/bin/env bash
# How long it takes to the second step of a training on a manifest of many lines, and in how much memory.
#
#   Tests/Benchmarks/large-manifest.sh [--lines 10000000] [--folder DIR]
#
# The manifest is generated: 133 bytes a line over 64 recordings of 2 to 15 s, 20000 speakers. The training is
# as small as one can be, so that what is measured is its beginning: the manifest's pass and hash, the sample of
# the statistics (4096 recordings), the epoch's order. data.cacheMegabytes is 128. Each figure is one run's:
# wall seconds, processor seconds, and the largest resident memory.
#
# APUS=/path/to/apus   one that is built already     PYTHON=/path/to/python   (default: python3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
lines=10000000 folder=
while (($# > 1)); do
    case $1 in
        --lines) lines=$2 ;;
        --folder) folder=$2 ;;
        *) break ;;
    esac
    shift 2
done
(($# == 0)) || { echo "error: unexpected argument $1" >&2; exit 64; }
apus=${APUS:-.build/release/apus}
[[ -n ${APUS:-} ]] || swift build -c release --product apus >&2
if [[ -z $folder ]]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
corpus=$folder/$lines
[[ -e $corpus/manifest.jsonl ]] || "${PYTHON:-python3}" Tests/Benchmarks/LargeManifest/generate.py "$lines" "$corpus"
measure() {
    local name=$1 status=0 log=$folder/time
    shift
    /usr/bin/env time -f '%e %U %S %M' -o "$log" "$@" >"$folder/out" 2>&1 || status=$?
    # check exits with 65: the recordings are there many times.
    [[ $status = 0 || $status = 65 ]] || { tail -5 "$folder/out" >&2; exit "$status"; }
    tail -1 "$log" | awk -v name="$name" -v lines="$lines" '{
        printf "%-34s %10d lines %8.1f s %8.1f s of processor %7.0f MB\n", name, lines, $1, $2 + $3, $4 / 1024 }'
}
small=(--set objective.cpc.encoderWidth=32 --set objective.cpc.contextWidth=32
    --set objective.cpc.predictionSteps=4 --set "objective.cpc.strides=[2, 2]" --set training.logEvery=1
    --set data.cacheMegabytes=128 --set precision=float32)
rm -rf "$folder/run" "$folder/tiny"
measure "pretrain, to the second step" "$apus" pretrain -o "$folder/run" "${small[@]}" \
    --set data.manifest="$corpus/manifest.jsonl" --set training.steps=2
measure "the same, continued" "$apus" pretrain -o "$folder/run" "${small[@]}" \
    --set data.manifest="$corpus/manifest.jsonl" --set training.steps=2
rm -f "$folder"/part.*
measure "features --shard 1/100000" "$apus" features "$corpus/manifest.jsonl" -o "$folder/part.ark" --shard 1/100000
rm -f "$folder"/part.*
measure "embed --shard 1/100000" "$apus" embed "$folder/run/model.safetensors" "$corpus/manifest.jsonl" \
    -o "$folder/part.npz" --shard 1/100000
