#!/usr/bin/env bash
# The CPC paper's protocol on LibriSpeech: 100 hours without labels, then a linear classifier of single
# frames that names one of 251 speakers.
#
#   LIBRISPEECH=/path/to/train-clean-100 recipes/librispeech/cpc/run.sh
#   LISTS=/path/to/lists ...             the public split: train_split.txt and test_split.txt in it
#   EVALUATE=/path/to/test-other ...     probe on other recordings than the training's
#
#   recipes/librispeech/cpc/run.sh --systems log-mel    one of: cpc (on samples), log-mel
#   recipes/librispeech/cpc/run.sh --steps 3000         fewer steps than the configurations have
#   recipes/librispeech/cpc/run.sh --mini               the same on samples/audio, without LibriSpeech
#   recipes/librispeech/cpc/run.sh --stage 3 --stop-stage 4
#   recipes/librispeech/cpc/run.sh --run DIR            where the runs go (default: runs/librispeech-cpc)
#
# Stages: 0 set-up  1 build  2 manifests and splits  3 pretraining  4 probe  5 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=librispeech-cpc
recipe=recipes/librispeech/cpc
. recipes/common.sh
. recipes/librispeech/manifests.sh

steps=
systems="cpc log-mel"
read_options 5 "systems steps" "" "$@"
[[ -z $steps || $steps =~ ^[0-9]+$ ]] || fail 64 "'$steps' is no number of steps"

# shellcheck disable=SC2086
systems_exist $systems
if [ "$mini" = yes ]; then
    run=${run:-runs/librispeech-cpc-mini}
    short=(--set training.steps=8 --set data.minimumFrames=40 --set data.cropFrames=64)
    # A sample has one voice for all its recordings, as a folder of its own.
    short+=(--set objective.cpc.negativeCount=16)
    probe=(--set utterances.seedCount=2 --set "utterances.labelledPerClass=[1]")
else
    run=${run:-runs/librispeech-cpc}
    short=()
    if [ -n "$steps" ]; then short=(--set training.steps="$steps"); fi
    # The paper's figure is of single frames; utterances show what their means are worth.
    probe=(--set "utterances.labelledPerClass=[1, 5]")
fi

set_up_and_build

if wanted 2; then
    say "2 manifests and splits"
    prepare_manifests
fi

if wanted 3; then
    for system in $systems; do
        say "3 $system, without labels"
        "$apus" pretrain "$recipe/conf/$system.yaml" \
            --set data.manifest="$run/pretrain/train.jsonl" ${short[@]+"${short[@]}"} \
            -o "$run/$system"
    done
fi

if wanted 4; then
    say "4 speakers of single frames and of recordings"
    models=()
    for system in $systems; do models+=("$system=$run/$system/model.safetensors"); done
    "$apus" probe "${models[@]}" --train "$run/evaluate/train.jsonl" \
        --dev "$run/evaluate/dev.jsonl" --test "$run/evaluate/test.jsonl" "${probe[@]}" \
        -o "$run/probe"
fi

if wanted 5; then
    say "5 report"
    pages=("$run/probe")
    for system in $systems; do pages+=("$run/$system"); done
    "$apus" report "${pages[@]}" --title "CPC on LibriSpeech" -o "$run/report.html"
fi
