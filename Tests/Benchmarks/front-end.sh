#!/usr/bin/env bash
# The front end's speed: log-mels of audio in memory against FFTW alone, kaldi-native-fbank and
# librosa; files to features against decoding alone and soundfile + soxr + kaldi-native-fbank; two
# cores against one. One core unless said otherwise, all in one run, best of several rounds.
#
#   Tests/Benchmarks/front-end.sh [ROUNDS]
#
# PYTHON=/path/to/python   an interpreter with kaldi-native-fbank 1.23.0, librosa, soundfile, soxr
#                          (default: python3)
# AUDIO=FOLDER             a folder with FLAC files at 16 kHz (default: speech-like noise made here)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export ROUNDS=${1:-7}
# What apus sets for itself with mallopt at start, for every program here.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
python=${PYTHON:-python3}
"$python" -c 'import kaldi_native_fbank, librosa, soundfile, soxr' 2>/dev/null || {
    echo "error: $python lacks kaldi_native_fbank, librosa, soundfile or soxr. Name another as PYTHON." >&2
    exit 69
}
swift build -c release --product FrontEndSpeed >&2
speed=.build/release/FrontEndSpeed
peer=Tests/Benchmarks/FrontEndSpeed/peer.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
one() { taskset -c 0 "$@"; }
value() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }

echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs)," \
    "$("$python" -c '
from importlib.metadata import version
print(", ".join(f"{p} {version(p)}" for p in ("kaldi-native-fbank", "librosa", "soundfile", "soxr")))
'), best of $ROUNDS"

one $speed memory >"$work/ours"
one "$python" $peer memory >"$work/theirs"
ours=$(value kaldi "$work/ours")
floor=$(value floor "$work/ours")
printf '\n80 log-mels, 25/10 ms, 16 kHz, in memory: microseconds a frame\n'
printf '  %-48s %8s\n' "Apus, kaldi" "$ours"
row() { printf '  %-48s %8s   %5sx Apus\n' "$1" "$2" "$(ratio "$2" "$3")"; }
row "FFTW's real FFT of 512 points alone (the floor)" "$floor" "$ours"
row "kaldi-native-fbank, from a numpy array" "$(value knf-numpy "$work/theirs")" "$ours"
row "kaldi-native-fbank, from a list" "$(value knf-list "$work/theirs")" "$ours"
row "kaldi-native-fbank, handing over subtracted" "$(value knf-net "$work/theirs")" "$ours"
ours=$(value librosa-512-160 "$work/ours")
printf '  %-48s %8s\n' "Apus, librosa (n_fft 512, hop 160), dB" "$ours"
row "librosa melspectrogram" "$(value librosa-mel "$work/theirs")" "$ours"
row "librosa melspectrogram + power_to_db" "$(value librosa-log "$work/theirs")" "$ours"
for preset in torchaudio speechbrain whisper; do
    printf '  %-48s %8s\n' "Apus, $preset" "$(value $preset "$work/ours")"
done

"$python" - "$work" "${AUDIO:-}" <<'PYTHON'
import glob, sys
import numpy as np, soundfile
work, audio = sys.argv[1:3]
random = np.random.RandomState(1)
if audio:
    files = sorted(glob.glob(audio + "/**/*.flac", recursive=True))[:60]
    clips = [soundfile.read(f, dtype="float32")[0] for f in files]
else:
    # Coloured noise in syllables: compresses about as speech does.
    clips = []
    for _ in range(40):
        n = 16000 * 12
        noise = np.convolve(random.standard_normal(n), np.hanning(12), "same")
        clips.append((0.05 * noise * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * np.arange(n) / 16000)))
                     .astype(np.float32))
import soxr
for i, clip in enumerate(clips):
    soundfile.write(f"{work}/{i:03}.flac", clip, 16000)
    wide = soxr.resample(clip, 16000, 44100)
    stereo = np.stack([wide, 0.8 * wide], axis=1)
    soundfile.write(f"{work}/{i:03}.ogg", stereo, 44100, format="OGG", subtype="VORBIS")
    soundfile.write(f"{work}/{i:03}.mp3", stereo, 44100, format="MP3")
PYTHON
printf '\nfiles to 80 log-mels, one core: seconds for %s files\n' "$(ls "$work"/*.flac | wc -l)"
printf '  %-26s %9s %9s %9s %16s %16s %9s\n' "" decoding Apus "in blocks" "Apus / decoding" "peer" "peer / Apus"
for kind in flac ogg mp3; do
    one $speed files "$work"/*.$kind >"$work/ours"
    one "$python" $peer files "$work"/*.$kind >"$work/theirs"
    a=$(value features "$work/ours") d=$(value decoding "$work/ours") p=$(value peer "$work/theirs")
    case $kind in
    flac) name="FLAC, 16 kHz" ;; ogg) name="Vorbis, 44.1 kHz stereo" ;; mp3) name="MP3, 44.1 kHz stereo" ;;
    esac
    printf '  %-26s %9s %9s %9s %16s %16s %9s\n' "$name" "$d" "$a" "$(value blocks "$work/ours")" \
        "$(ratio "$a" "$d")" "$p" "$(ratio "$p" "$a")"
done

printf '\ntwo cores against one: seconds\n'
for kind in flac ogg; do
    $speed cores "$work"/*.$kind >"$work/ours"
    printf '  %-26s %9s %9s   %sx\n' $kind "$(value one "$work/ours")" "$(value two "$work/ours")" \
        "$(ratio "$(value one "$work/ours")" "$(value two "$work/ours")")"
done
