#!/usr/bin/env bash
# Nine drum strokes told in a kit that no label is from: encoders trained on the kits' sounds without labels,
# beside statistics of log-mels and their own untrained encoders, leave-one-kit-out.
#
#   recipes/debian-percussion/run.sh                      half an hour on two cores
#   recipes/debian-percussion/run.sh --systems cpc        some of: cpc, combined, units
#   recipes/debian-percussion/run.sh --steps 1000         fewer steps than the configurations have
#   recipes/debian-percussion/run.sh --threads 1          threads of a training (default: all cores)
#   recipes/debian-percussion/run.sh --models "NAME=PATH" models that are there already, probed beside them
#   recipes/debian-percussion/run.sh --mini               the same on samples/audio, without a download
#   recipes/debian-percussion/run.sh --stage 4 --stop-stage 5
#   recipes/debian-percussion/run.sh --run DIR            where the run goes (default: runs/debian-percussion)
#
# Stages: 0 set-up  1 build  2 kits  3 manifests  4 pretraining  5 probe  6 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=debian-percussion
recipe=recipes/debian-percussion
. recipes/common.sh
. recipes/units.sh

steps=
threads=0
models=
systems="cpc combined units"
read_options 6 "systems steps threads models" "" "$@"
[[ -z $steps || $steps =~ ^[0-9]+$ ]] || fail 64 "'$steps' is no number of steps"
[[ $threads =~ ^[0-9]+$ ]] || fail 64 "'$threads' is no number of threads"
# shellcheck disable=SC2086
systems_exist $systems

data=$recipe/data
# Most strokes of a closed hi-hat are shorter than a quarter of a second.
shortest=(--minimum-duration 0.05)
if [ "$mini" = yes ]; then
    run=${run:-runs/debian-percussion-mini}
    kits=$run/kits
    steps=8
    clusters=16
    options=(--set data.framesPerBatch=800)
else
    run=${run:-runs/debian-percussion}
    kits=$data
    clusters=100
    options=()
fi
options+=(--set threads="$threads")

set_up_and_build

if wanted 2 && [ "$mini" = no ]; then
    say "2 kits: one package of Debian's, 143 MB, into $data"
    recipes/debian-packages.sh $data hydrogen-drumkits
fi

if wanted 3; then
    say "3 manifests"
    if [ "$mini" = yes ] && [ ! -e "$kits" ]; then
        # Voices stand for strokes, and their clips for kits.
        for take in 01 02 03 04; do
            mkdir -p "$kits/kit-$take"
            ln -s "$PWD/samples/audio/voices/en-gb/$take.ogg" "$kits/kit-$take/kick.ogg"
            ln -s "$PWD/samples/audio/voices/en-us-f3/$take.ogg" "$kits/kit-$take/snare.ogg"
            ln -s "$PWD/samples/audio/voices/de-m3/$take.ogg" "$kits/kit-$take/hihat.ogg"
        done
    fi
    for corpus in debian-percussion debian-percussion-all; do
        if [ -e "$run/$corpus/all.jsonl" ]; then
            echo "already there: $run/$corpus"
        else
            "$apus" prepare $corpus "$kits" "${shortest[@]}" --train 1 --dev 0 --test 0 \
                -o "$run/$corpus"
        fi
    done
fi

if wanted 4; then
    for system in $systems; do
        say "4 $system, on all sounds of all kits, without labels"
        pretrain_system "$system" "$run/debian-percussion-all/all.jsonl" $clusters "$steps" "${options[@]}"
    done
fi

if wanted 5; then
    say "5 leave-one-kit-out"
    probed=()
    for system in $systems; do probed+=("$system=$run/$system/model.safetensors"); done
    # shellcheck disable=SC2086
    probe_once probe "${probed[@]}" $models -- --label soundClass \
        --folds "$run/debian-percussion/all.jsonl" --group kit \
        --set "utterances.labelledPerClass=[]" --set utterances.refits=true --set pooling=dynamics
fi

if wanted 6; then
    say "6 report"
    pages=("$run/probe")
    for system in $systems; do pages+=("$run/$system"); done
    "$apus" report "${pages[@]}" --title "Drum strokes, leave-one-kit-out" -o "$run/report.html"
fi
