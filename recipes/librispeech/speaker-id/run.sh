#!/usr/bin/env bash
# Speakers of LibriSpeech by few labels: identification by one and five recordings each, enrolment without
# training, and verification, of speakers that no encoder was trained on where EVALUATE names others.
#
#   LIBRISPEECH=/path/to/train-clean-100 EVALUATE=/path/to/test-other recipes/librispeech/speaker-id/run.sh
#   LIBRISPEECH=/path/to/train-clean-100 ...      without EVALUATE: the training's own speakers
#   recipes/librispeech/speaker-id/run.sh --models "NAME=PATH ..."   models that are there already
#   recipes/librispeech/speaker-id/run.sh --supervised    Resemblyzer's GE2E, trained with labels, beside it
#   recipes/librispeech/speaker-id/run.sh --steps 5000    fewer steps than ../cpc/conf/log-mel.yaml has
#   recipes/librispeech/speaker-id/run.sh --threads 1     threads of the training (default: all cores)
#   recipes/librispeech/speaker-id/run.sh --mini          the same on samples/audio, without LibriSpeech
#   recipes/librispeech/speaker-id/run.sh --stage 3 --stop-stage 4
#   recipes/librispeech/speaker-id/run.sh --run DIR       where the runs go (default: runs/librispeech-speaker-id)
#
# Stages: 0 set-up  1 build  2 manifests and trials  3 pretraining  4 identification  5 enrolment
#         6 verification  7 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=librispeech-speaker-id
recipe=recipes/librispeech/speaker-id
. recipes/common.sh
. recipes/librispeech/manifests.sh

steps=
threads=0
models=
supervised=no
read_options 7 "models steps threads" "supervised" "$@"
[[ -z $steps || $steps =~ ^[0-9]+$ ]] || fail 64 "'$steps' is no number of steps"
[[ $threads =~ ^[0-9]+$ ]] || fail 64 "'$threads' is no number of threads"

options=(--set threads="$threads")
if [ "$mini" = yes ]; then
    run=${run:-runs/librispeech-speaker-id-mini}
    options+=(--set training.steps=8 --set data.minimumFrames=40 --set data.cropFrames=64)
    options+=(--set objective.cpc.negativeCount=16)
    probe=(--set utterances.seedCount=2 --set "utterances.labelledPerClass=[1]" --set weightedSum.steps=40
        --set weightedSum.validateEvery=20)
    verify=(--set resamples=20)
else
    run=${run:-runs/librispeech-speaker-id}
    if [ -n "$steps" ]; then options+=(--set training.steps="$steps"); fi
    probe=(--set "utterances.labelledPerClass=[1, 5]" --set utterances.seedCount=20)
    verify=()
fi

set_up_and_build

if wanted 2; then
    say "2 manifests and trials"
    prepare_manifests --train 0.4 --dev 0.2 --test 0.4
    for part in dev test; do
        [ -e "$run/$part-trials.txt" ] || "$apus" trials "$run/evaluate/$part.jsonl" \
            --impostors all --limit 100000 -o "$run/$part-trials.txt"
    done
fi

if wanted 3 && [ -z "$models" ]; then
    say "3 CPC on log-mels, without labels"
    "$apus" pretrain recipes/librispeech/cpc/conf/log-mel.yaml "${options[@]}" \
        --set data.manifest="$run/pretrain/train.jsonl" -o "$run/cpc"
fi
models=${models:-CPC=$run/cpc/model.safetensors}
if [ "$stop_stage" -ge 4 ] && [ "$supervised" = yes ]; then
    recipes/resemblyzer.sh "$run/ge2e.safetensors"
    models+=" GE2E=$run/ge2e.safetensors"
fi

if wanted 4; then
    say "4 identification: few labels, SUPERB's weighted sum, single frames"
    # shellcheck disable=SC2086
    "$apus" probe $models --train "$run/evaluate/train.jsonl" --dev "$run/evaluate/dev.jsonl" \
        --test "$run/evaluate/test.jsonl" --set weightedSum.isOn=true "${probe[@]}" -o "$run/probe"
fi

if wanted 5; then
    for model in $models; do
        say "5 enrolment without training: ${model%%=*}"
        "$apus" enroll "${model#*=}" "$run/evaluate/train.jsonl" --dev "$run/evaluate/dev.jsonl" \
            -o "$run/speakers-${model%%=*}.safetensors"
        "$apus" identify "$run/speakers-${model%%=*}.safetensors" "$run/evaluate/test.jsonl" \
            >"$run/identified-${model%%=*}.txt"
    done
fi

if wanted 6; then
    say "6 verification: the cosine, layer and calibration chosen on dev"
    # shellcheck disable=SC2086
    "$apus" verify $models --trials "$run/test-trials.txt" --manifest "$run/evaluate/test.jsonl" \
        --dev-trials "$run/dev-trials.txt" --manifest "$run/evaluate/dev.jsonl" \
        --cohort "$run/pretrain/train.jsonl" ${verify[@]+"${verify[@]}"} -o "$run/verify"
fi

if wanted 7; then
    say "7 report"
    pages=("$run/probe" "$run/verify")
    if [ -e "$run/cpc/metrics.jsonl" ]; then pages+=("$run/cpc"); fi
    "$apus" report "${pages[@]}" --title "LibriSpeech's speakers" -o "$run/report.html"
fi
