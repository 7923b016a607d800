#!/usr/bin/env bash
# Trials of a detector sorted and measured (EER, ROCCH-EER, minDCF and actual DCF at three priors,
# Cllr, min Cllr, DET, AUC) against numpy, scipy and scikit-learn, on the same scores in one run.
#
#   Tests/Benchmarks/detection-metrics.sh [TRIALS]     default: 10000000
#
# PYTHON=/path/to/python   an interpreter with numpy and scikit-learn (default: python3)
# BINARY=/path/to/DetectionMetrics   one that is built already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
count=${1:-10000000}
python=${PYTHON:-python3}
"$python" -c 'import sklearn' 2>/dev/null || {
    echo "error: $python lacks scikit-learn. Name another as PYTHON." >&2
    exit 69
}
binary=${BINARY:-.build/release/DetectionMetrics}
[[ -n ${BINARY:-} ]] || swift build -c release --product DetectionMetrics >&2
peer() { "$python" Tests/Benchmarks/DetectionMetrics/peer.py "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
peer make "$count" "$work/scores" "$work/kinds"
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $("$python" -c '
from importlib.metadata import version
print(", ".join(f"{p} {version(p)}" for p in ("numpy", "scikit-learn")))'), $count trials"
"$binary" "$work/scores" "$work/kinds" >"$work/ours"
peer sort "$work/scores" "$work/kinds" >"$work/sorted"
peer "$work/scores" "$work/kinds" >"$work/theirs"
value() { awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print "-" }' "$2"; }
format='%-22s %14s %14s\n'
# shellcheck disable=SC2059
printf "$format" "" Apus peer
# shellcheck disable=SC2059
printf "$format" "sort alone, seconds" "$(value seconds-sort "$work/ours")" \
    "$(value seconds-sort "$work/sorted")"
while read -r name value; do
    [[ $name == trials || $name == seconds-sort ]] && continue
    # shellcheck disable=SC2059
    printf "$format" "$name" "$value" "$(value "$name" "$work/theirs")"
done <"$work/ours"
