#!/usr/bin/env bash
# The ten nearest of stored embeddings for 1, 32 and 256 queries against numpy, on the same vectors in
# one run and with as many threads.
#
#   Tests/Benchmarks/neighbour-search.sh [COUNT [WIDTH]]     default: 1000000 256
#
# THREADS=2                a number of threads for both
# PYTHON=/path/to/python   an interpreter with numpy (default: python3)
# BINARY=/path/to/NeighbourSearch   one that is built already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
count=${1:-1000000}
width=${2:-256}
threads=${THREADS:-2}
python=${PYTHON:-python3}
"$python" -c 'import numpy' 2>/dev/null || {
    echo "error: $python lacks numpy. Name another as PYTHON." >&2
    exit 69
}
binary=${BINARY:-.build/release/NeighbourSearch}
[[ -n ${BINARY:-} ]] || swift build -c release --product NeighbourSearch >&2
export OPENBLAS_NUM_THREADS=$threads OMP_NUM_THREADS=$threads MKL_NUM_THREADS=$threads
peer() { "$python" Tests/Benchmarks/NeighbourSearch/peer.py "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
peer make "$count" "$width" "$work/index.npy" "$work/queries.npy"
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), numpy $("$python" -c '
import numpy; print(numpy.__version__)'), $threads threads, $count x $width"
"$binary" "$work/index.npy" "$work/queries.npy" "$threads" >"$work/ours"
peer "$work/index.npy" "$work/queries.npy" >"$work/theirs"
value() { awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print "-" }' "$2"; }
format='%-22s %14s %14s\n'
# shellcheck disable=SC2059
printf "$format" "" Apus numpy
while read -r name value; do
    # shellcheck disable=SC2059
    printf "$format" "$name" "$value" "$(value "$name" "$work/theirs")"
done <"$work/ours"
