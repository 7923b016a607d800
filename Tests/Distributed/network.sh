#!/usr/bin/env bash
# Three hosts in network namespaces train one model: one is killed, one is paused, one's link is cut, and
# each time the others stop in time, name it, and the run goes on from its last checkpoint.
#
#   Tests/Distributed/network.sh [FOLDER]
#
# FOLDER keeps the runs and logs (default: a temporary one, which goes). Needs root and iproute2's `ip`;
# where namespaces aren't permitted it says so and ends with exit code 77, as a skipped test.
#
# APUS=/path/to/apus   one that is built already (default: .build/release/apus)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
apus=$(realpath "${APUS:-.build/release/apus}")
timeout=8   # distributed.timeout, seconds
slack=20    # for noticing, naming and ending, on a busy machine
steps=400
skip() { echo "skipped: $*" >&2; exit 77; }
fail() { echo "FAILED: $*" >&2; status=1; }
say() { printf '== %s\n' "$*"; }

[ -x "$apus" ] || { echo "error: $apus isn't built" >&2; exit 66; }
[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
command -v ip >/dev/null || skip "no 'ip' here (apt-get install iproute2)"
tag=apus$$
bridge=br$$
ip netns add "$tag-0" 2>/dev/null || skip "this machine doesn't permit network namespaces"

kept=${1:-}
work=${kept:-$(mktemp -d)}
mkdir -p "$work"
work=$(realpath "$work")
status=0
pids=(0 0 0)
cleanUp() {
    for pid in "${pids[@]}"; do
        [ "$pid" -gt 0 ] && kill -CONT "$pid" 2>/dev/null && kill -KILL "$pid" 2>/dev/null
    done
    for host in 0 1 2; do ip netns del "$tag-$host" 2>/dev/null; done
    ip link del "$bridge" 2>/dev/null
    [ -n "$kept" ] || rm -rf "$work"
}
trap cleanUp EXIT

ip netns exec "$tag-0" unshare --uts hostname probe 2>/dev/null ||
    skip "this machine doesn't permit host names of their own"

# --- three hosts on a bridge --------------------------------------------------------------------

ip link add "$bridge" type bridge 2>/dev/null || skip "this machine doesn't permit bridges"
ip link set "$bridge" up
for host in 0 1 2; do
    [ "$host" -eq 0 ] || ip netns add "$tag-$host"
    ip link add "v$host-$$" type veth peer name eth0 netns "$tag-$host" ||
        skip "this machine doesn't permit veth pairs"
    ip link set "v$host-$$" master "$bridge" up
    ip -n "$tag-$host" addr add "10.77.0.$((host + 1))/24" dev eth0
    ip -n "$tag-$host" link set eth0 up
    ip -n "$tag-$host" link set lo up
done
for _ in $(seq 50); do
    ip netns exec "$tag-1" bash -c 'exec 3<>/dev/tcp/10.77.0.1/9' 2>&1 | grep -q refused && break
    sleep 0.1
done

"$apus" prepare folder samples/audio/voices --speaker-from-parent --train 0.8 --dev 0.1 --test 0.1 \
    -o "$work/manifests" >/dev/null || exit 1

# start RUN PORT: one process a host, each with a host name of its own.
start() {
    local run=$1 port=$2 host
    for host in 0 1 2; do
        RANK=$host WORLD_SIZE=3 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 MASTER_ADDR=10.77.0.1 \
            MASTER_PORT=$port ip netns exec "$tag-$host" unshare --uts sh -c \
            'hostname "$0"; exec "$@"' "host-$host" "$apus" pretrain -o "$run" \
            --set "data.manifest=$work/manifests/train.jsonl" --set "training.steps=$steps" \
            --set training.checkpointEvery=20 --set threads=1 --set precision=float32 \
            --set objective.kind=maskedReconstruction --set data.mode=padded \
            --set objective.maskedReconstruction.encoder.transformer.layerCount=2 \
            --set objective.maskedReconstruction.encoder.transformer.width=32 \
            --set objective.maskedReconstruction.encoder.transformer.feedForwardWidth=64 \
            --set data.framesPerBatch=1024 --set "distributed.timeout=$timeout" \
            >>"$run.out.$host" 2>>"$run.err.$host" &
        pids[host]=$!
    done
}
lines() { cat "$1/metrics.jsonl" 2>/dev/null | wc -l; }
waitForSteps() {
    local run=$1 wanted=$2
    for _ in $(seq 1200); do
        [ "$(lines "$run")" -ge "$wanted" ] && return
        kill -0 "${pids[0]}" 2>/dev/null || break
        sleep 0.1
    done
    fail "$run didn't come to step $wanted: $(tail -n 2 "$run.err.0")"
}
loss() { tail -n 1 "$1/metrics.jsonl" | sed 's/.*"loss":\([^,]*\),.*/\1/'; }

# expect RUN LOST NAMED HOST...: each of these hosts ends in time with 69, and names who is lost.
expectLost() {
    local run=$1 lost=$2 began=$SECONDS host code
    shift 2
    for host in "$@"; do
        while kill -0 "${pids[host]}" 2>/dev/null && [ $((SECONDS - began)) -le $((timeout + slack)) ]; do
            sleep 0.1
        done
        if kill -0 "${pids[host]}" 2>/dev/null; then
            fail "host-$host didn't stop within $((timeout + slack)) s"
            continue
        fi
        wait "${pids[host]}"
        code=$?
        pids[host]=0
        echo "host-$host: exit code $code after $((SECONDS - began)) s: $(tail -n 1 "$run.err.$host")"
        [ "$code" -eq 69 ] || fail "host-$host ended with exit code $code, expected 69"
        tail -n 1 "$run.err.$host" | grep -q "$lost" || fail "host-$host doesn't name $lost"
    done
}
# killNow HOST: and don't have the shell tell of it.
killNow() {
    kill -KILL "${pids[$1]}"
    { wait "${pids[$1]}"; } 2>/dev/null
    pids[$1]=0
}
end() {
    local host
    for host in 0 1 2; do
        [ "${pids[host]}" -gt 0 ] || continue
        kill -CONT "${pids[host]}" 2>/dev/null
        killNow "$host"
    done
}
# The run goes on, and ends where an undisturbed one does.
expectContinuation() {
    local run=$1 port=$2 host
    start "$run" "$port"
    for host in 0 1 2; do
        wait "${pids[host]}" || fail "host-$host didn't end well: $(tail -n 1 "$run.err.$host")"
        pids[host]=0
    done
    grep -q "continuing from .*/step-" "$run.err.0" || fail "$run didn't continue"
    [ "$(lines "$run")" -eq "$steps" ] || fail "$run has $(lines "$run") of $steps lines"
    awk "BEGIN { d = $(loss "$run") / $(loss "$work/whole") - 1; exit !(d < 1e-6 && d > -1e-6) }" ||
        fail "the last loss is $(loss "$run"), undisturbed $(loss "$work/whole")"
    echo "continued to step $steps, loss $(loss "$run"), undisturbed $(loss "$work/whole")"
}

say "undisturbed"
start "$work/whole" 29601
for host in 0 1 2; do
    wait "${pids[host]}" || fail "host-$host: $(tail -n 1 "$work/whole.err.$host")"
    pids[host]=0
done
echo "$(lines "$work/whole") steps, loss $(loss "$work/whole")"
[ "$status" -eq 0 ] || exit 1

say "host-2 is killed"
start "$work/killed" 29602
waitForSteps "$work/killed" 50
killNow 2
expectLost "$work/killed" "rank 2 on host-2" 0 1
end
expectContinuation "$work/killed" 29603

say "host-0, where they meet, is killed"
start "$work/first" 29604
waitForSteps "$work/first" 50
killNow 0
expectLost "$work/first" "rank 0 on host-0" 1 2
end
expectContinuation "$work/first" 29605

say "host-1 is paused"
start "$work/paused" 29606
waitForSteps "$work/paused" 50
kill -STOP "${pids[1]}"
expectLost "$work/paused" "rank 1 on host-1" 0 2
end
expectContinuation "$work/paused" 29607

say "the link of host-2 is cut"
start "$work/cut" 29608
waitForSteps "$work/cut" 50
ip link set "v2-$$" down
expectLost "$work/cut" "rank 2 on host-2" 0 1
# By its silence, or by the store that it keeps.
expectLost "$work/cut" "rank 0 on host-0" 2
end
ip link set "v2-$$" up
expectContinuation "$work/cut" 29609

[ "$status" -eq 0 ] && say "all held"
exit "$status"
