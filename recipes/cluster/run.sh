#!/usr/bin/env bash
# A corpus on many machines: shards, a job array of embeddings or features, their merge with a summary of
# what is missing, and data-parallel pretraining.
#
#   recipes/cluster/run.sh --manifest train.jsonl --model model.safetensors --tasks 64   with Slurm
#   recipes/cluster/run.sh ... --what features            features in place of embeddings
#   recipes/cluster/run.sh ... --here                     the tasks one after another on this machine
#   recipes/cluster/run.sh --mini                         all of it on samples/audio, without Slurm
#   recipes/cluster/run.sh --stage 3 --stop-stage 4
#   recipes/cluster/run.sh --run DIR                      where everything goes (default: runs/cluster)
#
# Stages: 0 set-up  1 build  2 shards  3 job array  4 merge and summary  5 pretraining
# With Slurm, stage 3 waits for the array (sbatch --wait), and stage 5 submits the training and ends.
# What a stage has finished is used again; whatever was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=cluster
recipe=recipes/cluster
. recipes/common.sh

manifest= model= tasks=16 what=embed here=no ending=npz nodes=2
read_options 5 "manifest model tasks what ending nodes" "here" "$@"
[[ $tasks =~ ^[1-9][0-9]*$ ]] || fail 64 "'$tasks' is no number of tasks"
[[ $nodes =~ ^[1-9][0-9]*$ ]] || fail 64 "'$nodes' is no number of nodes"
[[ $what = embed || $what = features ]] || fail 64 "--what is embed or features, found '$what'"

options=
if [ "$mini" = yes ]; then
    run=${run:-runs/cluster-mini}
    here=yes tasks=3
    pack=(--shard-recordings 10)
    options="--set training.steps=6 --set data.framesPerBatch=1024 --set data.shardsTogether=2
        --set objective.cpc.encoderWidth=32 --set objective.cpc.contextWidth=32
        --set objective.cpc.predictionSteps=4 --set objective.cpc.strides=[2,2] --set threads=1"
else
    run=${run:-runs/cluster}
    pack=(--audio flac --shuffle 1)
fi
# A task's own log lies beside its part; Slurm's goes here.
logs=$run/logs parts=$run/parts
set_up_and_build

if wanted 2; then
    say "2 shards"
    mkdir -p "$run" "$logs"
    if [ "$mini" = yes ] && [ ! -e "$run/manifests/all.jsonl" ]; then
        "$apus" prepare folder samples/audio/voices --speaker-from-parent -o "$run/manifests"
    fi
    manifest=${manifest:-$run/manifests/all.jsonl}
    [ -e "$manifest" ] || fail 66 "--manifest names no file: '$manifest'"
    "$apus" pack "$manifest" -o "$run/shards" "${pack[@]}"
fi

if wanted 3; then
    say "3 job array: $what"
    mkdir -p "$logs" "$parts"
    if [ "$mini" = yes ] && [ -z "$model" ] && [ "$what" = embed ]; then
        model=$run/tiny/model.safetensors
        # shellcheck disable=SC2086
        [ -e "$model" ] || "$apus" pretrain "$recipe/conf/cpc.yaml" $options \
            --set data.manifest="$run/shards" -o "$run/tiny"
    fi
    [ "$what" = features ] || [ -e "$model" ] || fail 66 "--model names no file: '$model'"
    export APUS=$apus WHAT=$what INPUT=$run/shards MODEL=$model OUT=$parts ENDING=$ending
    if [ "$here" = yes ]; then
        for ((task = 1; task <= tasks; task++)); do
            SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$tasks bash "$recipe/array.sbatch" || true
        done
    else
        command -v sbatch >/dev/null || fail 69 "no sbatch: name --here, or run on a cluster with Slurm"
        # A failed task is the summary's matter.
        sbatch --wait --array="1-$tasks" --output="$logs/%x-%A-%a.log" --export=ALL \
            "$recipe/array.sbatch" || true
    fi
fi

if wanted 4; then
    say "4 merge and summary"
    finished=() unfinished=()
    for ((task = 1; task <= tasks; task++)); do
        part=$parts/part-$(printf %05d "$task")
        status=$(cat "$part.status" 2>/dev/null || echo none)
        if [ -e "$part.$ending" ] && { [ "$status" = 0 ] || [ "$status" = 65 ]; }; then
            finished+=("$part.$ending")
        else
            unfinished+=("$task")
            echo "task $task: exit code $status; its last words:"
            tail -n 3 "$part.log" 2>/dev/null | sed 's/^/    /' || true
        fi
    done
    [ ${#finished[@]} -gt 0 ] || fail 65 "no task has finished"
    status=0
    "$apus" merge "${finished[@]}" -o "$run/all.$ending" --manifest "$run/shards" \
        --missing "$run/missing.jsonl" || status=$?
    echo "tasks: ${#finished[@]} of $tasks finished; missing recordings: $run/missing.jsonl"
    if [ ${#unfinished[@]} -gt 0 ]; then
        echo "again: --stage 3 --stop-stage 4 does tasks ${unfinished[*]}, and nothing twice"
    fi
    [ "$status" = 0 ] || exit "$status"
fi

if wanted 5; then
    say "5 pretraining"
    export APUS=$apus CONFIG=$recipe/conf/cpc.yaml RUN=$run/pretrain
    OPTIONS="--set data.manifest=$run/shards $(echo $options)"
    export OPTIONS
    if [ "$here" = yes ]; then
        SRUN= bash "$recipe/pretrain.sbatch"
    else
        mkdir -p "$logs"
        sbatch --nodes="$nodes" --output="$logs/%x-%j.log" --export=ALL "$recipe/pretrain.sbatch"
    fi
fi
