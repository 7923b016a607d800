#!/usr/bin/env bash
# From recordings to a speaker-identification table: real voices, two encoders trained without
# labels, linear probes beside honest baselines, a report.
#
#   recipes/quickstart/run.sh                    all of it (about ten minutes after the first build)
#   recipes/quickstart/run.sh --mini             the same on samples/audio, without a download
#   recipes/quickstart/run.sh --stage 4 --stop-stage 5
#   recipes/quickstart/run.sh --run DIR          where the runs go (default: runs/quickstart)
#
# Stages: 0 set-up  1 build  2 voices  3 manifests  4 CPC  5 masked prediction  6 probes  7 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=quickstart
recipe=recipes/quickstart
. recipes/common.sh

read_options 7 "" "" "$@"

if [ "$mini" = yes ]; then
    run=${run:-runs/quickstart-mini}
    manifests=$run/manifests
    # Small enough for a minute in all, on two cores.
    cpc=(--set training.steps=120 --set data.framesPerBatch=2048)
    masked=(--set training.steps=40 --set data.framesPerBatch=2048)
    probe=(--set utterances.seedCount=3)
else
    run=${run:-runs/quickstart}
    manifests=$recipe/data/manifests
    cpc=()
    masked=()
    probe=(--set utterances.seedCount=20)
fi

set_up_and_build

if wanted 2 && [ "$mini" = no ]; then
    say "2 voices: Debian's klettres-data, 40 MB, into $recipe/data"
    recipes/debian-packages.sh $recipe/data klettres-data
fi

if wanted 3; then
    say "3 manifests and splits"
    if [ -e "$manifests/test.jsonl" ]; then
        echo "already there: $manifests"
    elif [ "$mini" = yes ]; then
        "$apus" prepare folder samples/audio/voices --speaker-from-parent \
            --train 0.5 --dev 0.25 --test 0.25 -o "$manifests"
    else
        "$apus" prepare klettres $recipe/data -o "$manifests"
    fi
fi

if wanted 4; then
    say "4 CPC, without labels"
    "$apus" pretrain $recipe/conf/cpc.yaml --set data.manifest="$manifests/train.jsonl" \
        ${cpc[@]+"${cpc[@]}"} -o "$run/cpc"
fi

if wanted 5; then
    say "5 masked prediction, without labels"
    "$apus" pretrain $recipe/conf/masked.yaml --set data.manifest="$manifests/train.jsonl" \
        ${masked[@]+"${masked[@]}"} -o "$run/masked"
fi

if wanted 6; then
    say "6 speaker identification"
    newer() { [ "$run/probe/probe.json" -nt "$1" ]; }
    if newer "$run/cpc/model.safetensors" && newer "$run/masked/model.safetensors"; then
        cat "$run/probe/results.txt"
    else
        "$apus" probe "CPC=$run/cpc/model.safetensors" \
            "masked prediction=$run/masked/model.safetensors" \
            --train "$manifests/train.jsonl" --dev "$manifests/dev.jsonl" \
            --test "$manifests/test.jsonl" ${probe[@]+"${probe[@]}"} -o "$run/probe"
    fi
    cp "$run/probe/results.json" "$run/results.json"
fi

if wanted 7; then
    say "7 report"
    "$apus" report "$run/probe" "$run/cpc" "$run/masked" --title "Apus quickstart" \
        -o "$run/report.html"
fi
