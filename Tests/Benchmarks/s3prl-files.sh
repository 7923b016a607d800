#!/usr/bin/env bash
# TERA's base model with random weights from files to vectors, against s3prl, in one run.
#
#   Tests/Benchmarks/s3prl-files.sh [--seconds 600] [--rounds 2] [--threads 2]
#
# FLAC files of mixed lengths to a .npy of each file's mean of the last layer: `apus embed` as a whole
# process, and s3prl's UpstreamExpert with one file at a time and with batches of 8, which is counted from
# the first file on: its imports and its loading of the model are left out, and told beside it. Each
# engine's best round. `apart` is the largest difference of the vectors as a part of the largest number.
#
# PYTHON=/path/to/python   an interpreter that has torch 2.13.0, torchaudio, s3prl and soundfile
# WORK=FOLDER              where model and files are made and kept (default: a temporary folder)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=600 rounds=2 threads=2
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
"$python" -c 'import s3prl.upstream.mockingjay.expert, soundfile' 2>/dev/null || {
    echo "error: $python lacks s3prl, torchaudio or soundfile. Name another as PYTHON." >&2
    exit 69
}
work=${WORK:-$(mktemp -d)}
mkdir -p "$work"
[[ -n ${WORK:-} ]] || trap 'rm -rf "$work"' EXIT
swift build -c release --product apus >&2
# What Apus sets for itself with mallopt at start.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
peer() { "$python" Tests/Benchmarks/S3PRLFiles/peer.py "$@" 2>/dev/null | tail -n 1; }
version() { "$python" -c "from importlib.metadata import version; print(version('$1'))"; }
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $threads threads," \
    "torch $(version torch), s3prl $(version s3prl), best of $rounds rounds;" \
    "$(peer make "$work" "$seconds")"
.build/release/apus import "$work/tera.ckpt" -o "$work/tera.safetensors" >/dev/null
best=inf
for _ in $(seq "$rounds"); do
    began=$(date +%s.%N)
    .build/release/apus embed "$work/tera.safetensors" "$work/*.flac" --pooling mean --no-cache \
        --overwrite --threads "$threads" -o "$work/apus.npy" 2>/dev/null >/dev/null
    best=$(awk "BEGIN { t = $(date +%s.%N) - $began; print (\"$best\" == \"inf\" || t < $best) ? t : $best }")
done
printf 'Apus, the whole process         %8.2f s\n' "$best"
for size in 1 8; do
    fastest=inf
    for _ in $(seq "$rounds"); do
        read -r alone whole < <(peer run "$work" "$size" "$threads" "$work/s3prl-$size.npy")
        fastest=$(awk "BEGIN { print (\"$fastest\" == \"inf\" || $alone < $fastest) ? $alone : $fastest }")
    done
    printf 's3prl, %d at a time              %8.2f s, %.2f times as long (with its start %.2f s)\n' \
        "$size" "$fastest" "$(awk "BEGIN { print $fastest / $best }")" "$whole"
done
"$python" - "$work" <<'PYTHON'
import sys, numpy as np
ours, theirs = (np.load(f"{sys.argv[1]}/{name}.npy") for name in ("apus", "s3prl-1"))
print(f"apart {np.abs(ours - theirs).max() / np.abs(theirs).max():.1e}")
PYTHON
