#!/usr/bin/env bash
# The Free Spoken Digit Dataset: who speaks and which digit, from an encoder trained on its recordings
# without labels.
#
#   FSDD=/path/to/free-spoken-digit-dataset recipes/fsdd/run.sh
#   recipes/fsdd/run.sh --systems voices        some of: voices and digits (CPC, negatives from others or the same
#                                               recording), combined, units
#   recipes/fsdd/run.sh --steps 1000            fewer steps than the configurations have
#   recipes/fsdd/run.sh --threads 1             threads of a training (default: all cores)
#   recipes/fsdd/run.sh --models "NAME=PATH"   models that are there already, probed beside them
#   recipes/fsdd/run.sh --mini                  the same on samples/audio, without the dataset
#   recipes/fsdd/run.sh --stage 3 --stop-stage 4
#   recipes/fsdd/run.sh --run DIR               where the runs go (default: runs/fsdd)
#
# Stages: 0 set-up  1 build  2 manifests  3 pretraining  4 speakers  5 digits  6 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=fsdd
recipe=recipes/fsdd
. recipes/common.sh
. recipes/units.sh

steps=
threads=0
models=
systems="voices digits combined units"
read_options 6 "systems steps threads models" "" "$@"
[[ -z $steps || $steps =~ ^[0-9]+$ ]] || fail 64 "'$steps' is no number of steps"
[[ $threads =~ ^[0-9]+$ ]] || fail 64 "'$threads' is no number of threads"
# shellcheck disable=SC2086
systems_exist $systems

options=(--set threads="$threads")
if [ "$mini" = yes ]; then
    run=${run:-runs/fsdd-mini}
    corpus=$run/corpus
    steps=8
    clusters=16
    options+=(--set data.framesPerBatch=800)
    probe=(--set utterances.seedCount=2)
    tested="0 1"
else
    run=${run:-runs/fsdd}
    corpus=${FSDD:-}
    clusters=100
    probe=()
    # The dataset's own split: recordings 0 to 4 of each digit and speaker are measured on.
    tested="0 1 2 3 4"
fi

set_up_and_build

if wanted 2; then
    say "2 manifests with the dataset's own split"
    if [ -e "$run/manifests/test.jsonl" ]; then
        echo "already there: $run/manifests"
    else
        if [ "$mini" = yes ] && [ ! -e "$corpus" ]; then
            # Eight clips of a voice are two digits, four times each.
            mkdir -p "$corpus.part"
            for path in samples/audio/voices/*/*.ogg; do
                voice=$(basename "$(dirname "$path")") take=$((10#$(basename "$path" .ogg) - 1))
                # Sounds are known by their content, not by their names.
                ln -s "$PWD/$path" "$corpus.part/$((take % 2))_${voice//-/_}_$((take / 2)).wav"
            done
            mv "$corpus.part" "$corpus"
        fi
        [ -n "$corpus" ] || fail 66 "FSDD names no folder; --mini needs none"
        recordings=$corpus
        if [ -d "$corpus/recordings" ]; then recordings=$corpus/recordings; fi
        mkdir -p "$run"
        : >"$run/train.txt"
        : >"$run/test.txt"
        for path in "$recordings"/*.wav; do
            id=$(basename "$path" .wav)
            list=train
            if [[ " $tested " == *" ${id##*_} "* ]]; then list=test; fi
            echo "$id" >>"$run/$list.txt"
        done
        "$apus" prepare fsdd "$corpus" --minimum-duration 0.1 --train-list "$run/train.txt" \
            --test-list "$run/test.txt" --dev 0.2 -o "$run/manifests"
    fi
fi

if wanted 3; then
    units_front_end=(--set sampleRate=8000 --set melBandCount=40)
    for system in $systems; do
        say "3 $system, without labels"
        pretrain_system "$system" "$run/manifests/train.jsonl" $clusters "$steps" "${options[@]}"
    done
fi

# probe_label LABEL OUTPUT
probe_label() {
    local probed=()
    for system in $systems; do probed+=("$system=$run/$system/model.safetensors"); done
    # shellcheck disable=SC2086
    probe_once "$2" "${probed[@]}" $models -- --label "$1" --train "$run/manifests/train.jsonl" \
        --dev "$run/manifests/dev.jsonl" --test "$run/manifests/test.jsonl" ${probe[@]+"${probe[@]}"}
}

if wanted 4; then
    say "4 who speaks"
    probe_label speaker speakers
fi

if wanted 5; then
    say "5 which digit"
    probe_label soundClass digits-probe
fi

if wanted 6; then
    say "6 report"
    pages=("$run/speakers" "$run/digits-probe")
    for system in $systems; do pages+=("$run/$system"); done
    "$apus" report "${pages[@]}" --title "Free Spoken Digit Dataset" -o "$run/report.html"
fi
