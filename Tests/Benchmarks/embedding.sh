#!/usr/bin/env bash
# apus embed as a user starts it: from the command to the first vector, how busy the cores are on
# compressed recordings, and the memory that three hours need.
#
#   Tests/Benchmarks/embedding.sh MODEL.safetensors [FOLDER]
#
# FOLDER holds recordings, by default those of samples/audio/voices, each many times under other names.
# PYTHON=/path/to/python   an interpreter; with torch, its import is timed beside the first vector
# APUS=/path/to/apus       one that is built already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
model=${1:?"name a model"}
apus=${APUS:-.build/release/apus}
python=${PYTHON:-python3}
[[ -n ${APUS:-} ]] || swift build -c release --product apus >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${2:-$work/voices}
if [[ -z ${2:-} ]]; then
    for copy in $(seq 1 40); do
        mkdir -p "$folder/$copy"
        cp -r samples/audio/voices/. "$folder/$copy"
    done
fi
clip=$(find "$folder" -type f | sort | sed -n 1p)
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores, $model"
"$python" - "$apus" "$model" "$clip" "$folder" "$work" <<'PROGRAM'
import array, os, resource, statistics, subprocess, sys, time, wave

apus, model, clip, folder, work = sys.argv[1:]


def run(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    assert status == 0, command
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def embed(source, *options):
    return run(apus, "embed", model, source, "--no-cache", "--overwrite", *options)


first = [embed(clip, "-o", f"{work}/one.npy")[0] for _ in range(11)]
print(f"first vector             {statistics.median(first):.2f} s (median of 11)")
if subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0:
    own = [run(sys.executable, "-c", "import torch")[0] for _ in range(5)]
    print(f"import torch alone       {statistics.median(own):.2f} s (median of 5)")
seconds, busy, megabytes = embed(folder, "-o", f"{work}/all.npy")
count = sum(len(files) for _, _, files in os.walk(folder))
print(f"{count} recordings          {seconds:.2f} s, {busy / seconds / os.cpu_count():.0%} of "
      f"{os.cpu_count()} cores busy, {megabytes:.0f} MB")
with wave.open(f"{work}/short.wav", "wb") as file:
    file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
    file.writeframes(array.array("h", [(i * i) % 3001 - 1500 for i in range(160000)]).tobytes())
with wave.open(f"{work}/long.wav", "wb") as file:
    file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
    block = array.array("h", [(i * i * 7 + i) % 6007 - 3000 for i in range(960000)]).tobytes()
    for _ in range(180):
        file.writeframes(block)
_, _, base = embed(f"{work}/short.wav", "-o", f"{work}/short.npy")
seconds, _, megabytes = embed(f"{work}/long.wav", "-o", f"{work}/long.npy")
print(f"three hours              {seconds:.1f} s, {megabytes:.0f} MB (10 s: {base:.0f} MB)")
PROGRAM
