#!/usr/bin/env bash
# An encoder of one corpus trained on, without labels, on your own recordings: what it is worth on them
# before and after, and beside one that is trained on them alone; then what labels cost: a head on the encoder before
# and after, the encoder fine-tuned with it, and the same network from scratch, by each number of labels.
#
#   recipes/adapt/run.sh --model PATH --folder recordings/     your own: recordings/CLASS/*.wav
#   recipes/adapt/run.sh --model PATH                          Debian's klettres-data, 18 voices
#   recipes/adapt/run.sh --model PATH --label soundClass --folder sounds/
#   ESC=/path/to/ESC-50 recipes/adapt/run.sh --model PATH      environmental sounds, five folds
#   LIBRISPEECH=/path/to/train-clean-100 recipes/adapt/run.sh  trains the first encoder too
#   recipes/adapt/run.sh --steps 1000           steps of each training on your recordings (default: 2000)
#   recipes/adapt/run.sh --negatives sameRecording     what CPC's negatives are on your recordings
#   recipes/adapt/run.sh --labels "1 5"         numbers of labels of each class for the curve (default: 1 5 and 0, all)
#   recipes/adapt/run.sh --threads 1            threads of a training (default: all cores)
#   recipes/adapt/run.sh --mini                 sounds to voices of samples/audio, without a download
#   recipes/adapt/run.sh --stage 4 --stop-stage 5
#   recipes/adapt/run.sh --run DIR              where the runs go (default: runs/adapt)
#
# Stages: 0 set-up  1 build  2 recordings and manifests  3 the first encoder  4 trained on, and alone
#         5 probe  6 what labels cost  7 report
# What a stage has finished is used again; a training that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=adapt
recipe=recipes/adapt
. recipes/common.sh

model=
folder=
label=speaker
steps=2000
negatives=
threads=0
labels="1 5 0"
seeds=1
read_options 7 "model folder label steps negatives labels threads" "" "$@"
for number in $labels; do [[ $number =~ ^[0-9]+$ ]] || fail 64 "'$number' is no whole number"; done
[[ $steps =~ ^[0-9]+$ ]] || fail 64 "'$steps' is no number of steps"
[[ $threads =~ ^[0-9]+$ ]] || fail 64 "'$threads' is no number of threads"
[ "$label" = speaker ] || [ "$label" = soundClass ] || fail 64 "--label is speaker or soundClass"

data=recipes/debian-voices/data
first=(--set threads="$threads")
probe=(--set "utterances.labelledPerClass=[1, 5]")
heads=(--set head.kind=linear --set head.pooling=meanAndStandardDeviation)
train=(--set data.minimumFrames=30)
if [ "$mini" = yes ]; then
    run=${run:-runs/adapt-mini}
    folder=samples/audio/voices
    steps=8
    first+=(--set training.steps=8 --set objective.cpc.negativeCount=16 --set data.minimumFrames=40
        --set data.cropFrames=64)
    probe=(--set utterances.seedCount=2 --set "utterances.labelledPerClass=[1]")
    labels="1 0"
    train+=(--set training.steps=8 --set training.validateEvery=4 --set head.width=16 --set training.resamples=20)
else
    run=${run:-runs/adapt}
fi

. recipes/labels.sh

set_up_and_build

if wanted 2; then
    say "2 recordings and manifests"
    if [ -e "$run/manifests/all.jsonl" ]; then
        echo "already there: $run/manifests"
    elif [ -n "$folder" ]; then
        from=--speaker-from-parent
        if [ "$label" = soundClass ]; then from=--label-from-parent; fi
        "$apus" prepare folder "$folder" $from -o "$run/manifests"
    elif [ -n "${ESC:-}" ]; then
        "$apus" prepare esc50 "$ESC" --train 1 --dev 0 --test 0 -o "$run/manifests"
    else
        recipes/debian-packages.sh $data klettres-data
        "$apus" prepare klettres $data -o "$run/manifests"
    fi
fi
# Corpora with folds are probed by them; label is what they have.
folds=no
if [ "$mini" = no ] && [ -z "$folder" ] && [ -n "${ESC:-}" ]; then
    folds=yes
    label=soundClass
fi
# Without labels every recording may be trained on but those that figures are measured on; folds have
# each recording once as a test, so that there all are.
unlabelled=$run/manifests/train.jsonl
[ $folds = no ] || unlabelled=$run/manifests/all.jsonl

if wanted 3 && [ -z "$model" ]; then
    say "3 the first encoder: CPC, without labels"
    manifest=$run/first-manifests/train.jsonl
    if [ ! -e "$manifest" ]; then
        if [ "$mini" = yes ]; then
            "$apus" prepare folder samples/audio/events --train 1 --dev 0 --test 0 -o "$run/first-manifests"
        else
            [ -n "${LIBRISPEECH:-}" ] || fail 66 "--model names no encoder, and LIBRISPEECH no folder"
            "$apus" prepare librispeech "$LIBRISPEECH" --train 1 --dev 0 --test 0 -o "$run/first-manifests"
        fi
    fi
    "$apus" pretrain recipes/librispeech/cpc/conf/log-mel.yaml "${first[@]}" \
        --set data.manifest="$manifest" -o "$run/first"
fi
model=${model:-$run/first/model.safetensors}

if wanted 4; then
    own=(--set data.manifest="$unlabelled" --set training.steps="$steps" --set threads="$threads")
    if [ "$mini" = yes ]; then own+=(--set data.framesPerBatch=800); fi
    if [ -n "$negatives" ]; then own+=(--set objective.cpc.negatives="$negatives"); fi
    say "4 trained on, at a lower rate"
    "$apus" pretrain $recipe/conf/adapt.yaml --from "$model" "${own[@]}" -o "$run/adapted"
    say "4 the same number of steps on your recordings alone"
    "$apus" pretrain $recipe/conf/alone.yaml "${own[@]}" -o "$run/alone"
fi

if wanted 5; then
    say "5 before and after"
    models=(before="$model" after="$run/adapted/model.safetensors" alone="$run/alone/model.safetensors")
    if [ $folds = yes ]; then
        "$apus" probe "${models[@]}" --folds "$run/manifests/all.jsonl" --label $label \
            --set "utterances.labelledPerClass=[]" -o "$run/probe"
    else
        "$apus" probe "${models[@]}" --label "$label" --train "$run/manifests/train.jsonl" \
            --dev "$run/manifests/dev.jsonl" --test "$run/manifests/test.jsonl" "${probe[@]}" -o "$run/probe"
    fi
fi

if wanted 6; then
    train+=(--label "$label")
    parts=()
    for part in train dev test; do parts+=("--$part" "$run/manifests/$part.jsonl"); done
    if [ $folds = yes ]; then
        # Of the five folds the first is measured on, the second chosen on.
        mkdir -p "$run/labels"
        grep -F '"fold":"1"' "$run/manifests/all.jsonl" >"$run/labels/test.jsonl"
        grep -F '"fold":"2"' "$run/manifests/all.jsonl" >"$run/labels/dev.jsonl"
        grep -v -e '"fold":"1"' -e '"fold":"2"' "$run/manifests/all.jsonl" >"$run/labels/train.jsonl"
        parts=(--train "$run/labels/train.jsonl" --dev "$run/labels/dev.jsonl" --test "$run/labels/test.jsonl")
    fi
    for count in $labels; do
        say "6 $count labels of each class (0: all)"
        network before "$model" "$count" 1
        network after "$run/adapted/model.safetensors" "$count" 1
        network fine-tuned "$run/adapted/model.safetensors" "$count" 1 --set encoder.rate=1e-4
        network scratch "$model" "$count" 1 --set encoder.rate=1e-3 --set encoder.fromScratch=true
    done
    say "6 accuracy (%) by labels of each class (0: all)"
    label_table labels.tsv "$labels" before after fine-tuned scratch
fi

if wanted 7; then
    say "7 report"
    "$apus" report "$run/probe" "$run/adapted" "$run/alone" --title "Before and after" -o "$run/report.html"
fi
