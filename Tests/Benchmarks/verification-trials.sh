#!/usr/bin/env bash
# apus verify on a list of ten million trials as a user starts it: the list read, vectors scored, every figure
# measured and written, without the bootstrap over speakers and with ten resamples of it. Peer: numpy's inner products and scikit-learn's
# ROC curve on the same files, whose list numpy reads.
#
#   PYTHON=/path/to/python Tests/Benchmarks/verification-trials.sh [--trials N]
#
# PYTHON                   an interpreter with numpy and scikit-learn
# APUS=/path/to/apus       one that is built already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
trials=10000000
if [ "${1:-}" = --trials ]; then trials=${2:?"a number of trials"}; fi
apus=${APUS:-.build/release/apus}
python=${PYTHON:-python3}
[[ -n ${APUS:-} ]] || swift build -c release --product apus >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores, $trials trials"
"$python" Tests/Benchmarks/VerificationTrials/inputs.py "$work" "$trials"
"$python" - "$apus" "$work" "$python" <<'PROGRAM'
import json, os, subprocess, sys, time

apus, work, python = sys.argv[1:]


def run(name, *command):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    assert status == 0, command
    print(f"{name:28} {seconds:6.1f} s, {usage.ru_utime + usage.ru_stime:6.1f} s of cores, "
          f"{usage.ru_maxrss / 1024:5.0f} MB")
    return seconds, output


def verify(name, *options):
    seconds, _ = run(name, apus, "verify", f"vectors={work}/vectors.npy", "--trials", f"{work}/trials.txt",
                     "--manifest", f"{work}/all.jsonl", "--cohort", f"{work}/all.jsonl", "--no-cache",
                     *options, "-o", f"{work}/run")
    with open(f"{work}/run/results.json") as file:
        rows = json.load(file)["rows"]
    return seconds, next(row["value"] for row in rows if row.get("metric", "equal error rate") == "equal error rate")


own, rate = verify("apus verify", "--set", "resamples=0")
resampled, _ = verify("with 10 resamples", "--set", "resamples=10")
print(f"a resample                   {(resampled - own) / 10:6.1f} s")
peer, output = run("numpy, scikit-learn", python, "Tests/Benchmarks/VerificationTrials/peer.py", work)
print(f"equal error rate: apus {rate:.6f}, scikit-learn {float(output):.6f}; "
      f"apus verify takes {own / peer:.2f} of the peer's time")
assert abs(rate - float(output)) < 1e-5
PROGRAM
