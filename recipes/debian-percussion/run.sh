#!/usr/bin/env bash
# Nine drum strokes told in a kit that no label is from: CPC trained on the kits' sounds without labels,
# beside statistics of log-mels and its own untrained encoder, leave-one-kit-out.
#
#   recipes/debian-percussion/run.sh                      half an hour of training on one core
#   recipes/debian-percussion/run.sh --minutes 10         a shorter training
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

minutes=28
read_options 6 "minutes" "" "$@"
[[ $minutes =~ ^[0-9.]+$ ]] || fail 64 "'$minutes' are no minutes"

data=$recipe/data
# Most strokes of a closed hi-hat are shorter than a quarter of a second.
shortest=(--minimum-duration 0.05)
if [ "$mini" = yes ]; then
    run=${run:-runs/debian-percussion-mini}
    kits=$run/kits
    length=(--set training.steps=8 --set data.framesPerBatch=800)
else
    run=${run:-runs/debian-percussion}
    kits=$data
    length=(--set training.steps=0 --set training.maximumMinutes="$minutes")
fi

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
    say "4 CPC on all sounds of all kits, without labels"
    "$apus" pretrain $recipe/conf/cpc.yaml "${length[@]}" --set threads=1 \
        --set data.manifest="$run/debian-percussion-all/all.jsonl" -o "$run/cpc"
fi

if wanted 5; then
    say "5 leave-one-kit-out"
    if [ "$run/probe/probe.json" -nt "$run/cpc/model.safetensors" ]; then
        cat "$run/probe/results.txt"
    else
        "$apus" probe CPC="$run/cpc/model.safetensors" --label soundClass \
            --folds "$run/debian-percussion/all.jsonl" --group kit \
            --set "utterances.labelledPerClass=[]" --set utterances.refits=true --set pooling=dynamics -o "$run/probe"
    fi
fi

if wanted 6; then
    say "6 report"
    "$apus" report "$run/probe" "$run/cpc" --title "Drum strokes, leave-one-kit-out" \
        -o "$run/report.html"
fi
