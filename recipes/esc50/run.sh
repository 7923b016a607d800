#!/usr/bin/env bash
# ESC-50's environmental sounds, or ESC-10's: encoders trained on the clips without labels, and five-fold
# classification on them frozen, beside statistics of log-mels.
#
#   ESC=/path/to/ESC-50 recipes/esc50/run.sh
#   recipes/esc50/run.sh --systems cpc          some of: cpc, combined, units
#   recipes/esc50/run.sh --steps 1000           fewer steps than the configurations have
#   recipes/esc50/run.sh --threads 1            threads of a training (default: all cores)
#   recipes/esc50/run.sh --models "NAME=PATH"   models that are there already, probed beside them
#   recipes/esc50/run.sh --mini                 the same on samples/audio, without ESC-50
#   recipes/esc50/run.sh --stage 3 --stop-stage 4
#   recipes/esc50/run.sh --run DIR              where the runs go (default: runs/esc50)
#
# Stages: 0 set-up  1 build  2 manifest  3 pretraining  4 probe  5 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=esc50
recipe=recipes/esc50
. recipes/common.sh
. recipes/units.sh

steps=
threads=0
models=
systems="cpc combined units"
read_options 5 "systems steps threads models" "" "$@"
[[ -z $steps || $steps =~ ^[0-9]+$ ]] || fail 64 "'$steps' is no number of steps"
[[ $threads =~ ^[0-9]+$ ]] || fail 64 "'$threads' is no number of threads"
# shellcheck disable=SC2086
systems_exist $systems

options=(--set threads="$threads")
if [ "$mini" = yes ]; then
    run=${run:-runs/esc50-mini}
    corpus=$run/corpus
    steps=8
    clusters=16
    options+=(--set data.framesPerBatch=800 --set data.minimumFrames=30)
else
    run=${run:-runs/esc50}
    corpus=${ESC:-}
    clusters=200
fi

set_up_and_build

if wanted 2; then
    say "2 manifest with the official folds"
    if [ "$mini" = yes ] && [ ! -e "$corpus/meta/esc50.csv" ]; then
        # A take of each sound is a fold.
        mkdir -p "$corpus/audio" "$corpus/meta"
        echo "filename,fold,target,category,esc10,src_file,take" >"$corpus/esc50.csv"
        for path in samples/audio/events/*/*.flac; do
            class=$(basename "$(dirname "$path")") take=$(basename "$path" .flac)
            ln -s "$PWD/$path" "$corpus/audio/$class-$take.flac"
            echo "$class-$take.wav,$((10#$take)),0,$class,True,$class-$take,A" >>"$corpus/esc50.csv"
        done
        mv "$corpus/esc50.csv" "$corpus/meta/esc50.csv"
    fi
    if [ -e "$run/manifests/all.jsonl" ]; then
        echo "already there: $run/manifests"
    else
        [ -n "$corpus" ] || fail 66 "ESC names no folder; --mini needs none"
        "$apus" prepare esc50 "$corpus" --train 1 --dev 0 --test 0 -o "$run/manifests"
    fi
fi

if wanted 3; then
    for system in $systems; do
        say "3 $system, on all clips, without labels"
        pretrain_system "$system" "$run/manifests/all.jsonl" $clusters "$steps" "${options[@]}"
    done
fi

if wanted 4; then
    say "4 five folds"
    probed=()
    for system in $systems; do probed+=("$system=$run/$system/model.safetensors"); done
    # shellcheck disable=SC2086
    probe_once probe "${probed[@]}" $models -- --folds "$run/manifests/all.jsonl" --label soundClass \
        --set "utterances.labelledPerClass=[]" --set utterances.refits=true --set pooling=dynamics
fi

if wanted 5; then
    say "5 report"
    pages=("$run/probe")
    for system in $systems; do pages+=("$run/$system"); done
    "$apus" report "${pages[@]}" --title "Environmental sounds, five folds" -o "$run/report.html"
fi
