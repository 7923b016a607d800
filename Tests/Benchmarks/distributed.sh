#!/usr/bin/env bash
# Several processes of one thread each against one at the same global batch, in turn in one run.
#
#   Tests/Benchmarks/distributed.sh [--steps 30] [--rounds 3] [--processes 2,4] [--frames 6400]
#       [--bandwidth 12] [--latency 50]       Gbit/s and microseconds of Gloo on this machine
#
# A TERA-like model, 4 layers of 256, on crops of 400 frames of made-up recordings. `efficiency` is the
# time of one process's step over N times that of N processes; N above the number of cores says that
# exchanges are right, and nothing of speed. `ceiling` is what efficiency would be if the N processes, each
# with its part of the batch, ran at once and exchanged nothing: cores share memory, caches and heat.
# `predicted` is what `apus cost` says of N processes' step over what it took, from the step of one of them
# without an exchange (at once with the others) and a network as --bandwidth and --latency have it. `CPU` is the processor time of one process's run over that of
# all N, start included: what efficiency would be without waiting. `exchange` is the share of the time in which rank 0 waited
# for exchanges, those of gradients that the backward pass didn't hide and for slower processes among
# them; `difference` is the largest between the losses and those of one process.
#
# PYTHON=/path/to/python   an interpreter, for the recordings and the figures (default: python3)
# APUS=/path/to/apus       one that is built already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
steps=30 rounds=3 processes=2,4 frames=6400 bandwidth=12 latency=50
while (($# > 1)); do
    case $1 in
        --steps) steps=$2 ;;
        --rounds) rounds=$2 ;;
        --processes) processes=$2 ;;
        --frames) frames=$2 ;;
        --bandwidth) bandwidth=$2 ;;
        --latency) latency=$2 ;;
        *) break ;;
    esac
    shift 2
done
(($# == 0)) || { echo "error: unexpected argument $1" >&2; exit 64; }
apus=${APUS:-.build/release/apus}
[[ -n ${APUS:-} ]] || swift build -c release --product apus >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)," \
    "$rounds rounds of $steps steps, $frames frames a batch, one thread a process"
"${PYTHON:-python3}" - "$apus" "$work" "$steps" "$rounds" "$processes" "$frames" \
    "$bandwidth" "$latency" <<'PROGRAM'
import array, json, math, os, random, resource, shutil, statistics, subprocess, sys, wave

apus, work, steps, rounds, processes, frames, bandwidth, latency = sys.argv[1:]
steps, rounds, frames = int(steps), int(rounds), int(frames)
random.seed(1)
with open(f"{work}/train.jsonl", "w") as manifest:
    for number in range(64):
        with wave.open(f"{work}/{number}.wav", "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
            level = random.randrange(500, 5000)
            file.writeframes(array.array("h", [
                random.randrange(-level, level) for _ in range(5 * 16000)]).tobytes())
        manifest.write(json.dumps({"audio_filepath": f"{number}.wav", "id": str(number)}) + "\n")

encoder = "objective.maskedReconstruction.encoder.transformer."
options = ["objective.kind=maskedReconstruction", encoder + "layerCount=4", encoder + "width=256",
           encoder + "headCount=4", encoder + "feedForwardWidth=1024", encoder + "dropout=0.1",
           f"data.manifest={work}/train.jsonl", "data.cropFrames=400", "data.mode=padded",
           "training.healthEvery=0", "training.logEvery=1",
           f"training.steps={steps}", f"training.checkpointEvery={steps}", "threads=1", "precision=float32",
           "data.workers=1"]


def start(run, count=1, share=1):
    """`count` processes that train together, on a part of the batch."""
    shutil.rmtree(run, ignore_errors=True)
    command = ["pretrain", "-o", run]
    for option in options + [f"data.framesPerBatch={frames // share}"]:
        command += ["--set", option]
    if count > 1:
        command = ["launch", "--processes", str(count), "--"] + command
    return subprocess.Popen([apus] + command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def end(process, run):
    """The run's lines, and the median time of a step."""
    _, error = process.communicate()
    assert process.returncode == 0, error
    lines = [json.loads(line) for line in open(f"{run}/metrics.jsonl")]
    times = [b["trainingSeconds"] - a["trainingSeconds"] for a, b in zip(lines[3:], lines[4:])]
    return lines, statistics.median(times)


def train(count):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines, time = end(start(f"{work}/run", count), f"{work}/run")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time, lines[-1].get("exchangeShare", 0), [line["loss"] for line in lines], busy


def apart(count):
    """The time of a step of `count` runs at once, which know nothing of each other."""
    runs = [f"{work}/apart-{number}" for number in range(count)]
    processes = [start(run, share=count) for run in runs]
    return max(end(process, run)[1] for process, run in zip(processes, runs))


def predicted(count, time, parameters):
    """What `apus cost` says of a step of `count` processes."""
    said = subprocess.run(
        [apus, "cost", "--step", str(time), "--audio", str(frames / 100 / count), "--parameters",
         str(parameters), "--hours", "1", "--nodes", str(count), "--bandwidth", bandwidth,
         "--latency", latency, "--json"], check=True, capture_output=True, text=True)
    return json.loads(said.stdout)[0]["estimate"]["stepSeconds"]


def parameter_count():
    """The numbers in the model's file, by its header."""
    with open(f"{work}/run/model.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


counts = [1] + [int(count) for count in processes.split(",")]
found = {count: [] for count in counts}
alone = {count: [] for count in counts if 1 < count <= os.cpu_count()}
for _ in range(rounds):
    for count in counts:
        found[count].append(train(count))
        if count in alone:
            alone[count].append(apart(count))


def median(count, index):
    return statistics.median(each[index] for each in found[count])


print(f"{'processes':>9} {'ms a step':>10} {'efficiency':>10} {'ceiling':>8} {'predicted':>9} {'CPU':>6} "
      f"{'exchange':>9} {'difference':>11}")
for count in counts:
    time, exchange = median(count, 0), median(count, 1)
    difference = max(abs(a - b) / abs(b) for a, b in zip(found[count][0][2], found[1][0][2]))
    ceiling, ratio, crowded = "", "", ""
    if count in alone:
        single = statistics.median(alone[count])
        ceiling = f"{median(1, 0) / (count * single):.3f}"
        ratio = f"{predicted(count, single, parameter_count()) / time:.3f}"
    elif count > 1:
        crowded = "  more processes than cores"
    print(f"{count:9} {1000 * time:10.0f} {median(1, 0) / (count * time):10.3f} {ceiling:>8} {ratio:>9} "
          f"{median(1, 3) / median(count, 3):6.3f} {exchange:9.3f} {difference:11.1e}{crowded}")
PROGRAM
