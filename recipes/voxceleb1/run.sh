#!/usr/bin/env bash
# VoxCeleb1: SUPERB's speaker identification (SID) and verification (ASV), with the lists of the corpus.
#
#   VOXCELEB1=/path/to/VoxCeleb1 LISTS=/path/to/lists recipes/voxceleb1/run.sh
#
# VOXCELEB1 holds dev/ and test/ (wav/idNNNNN/VIDEO/NNNNN.wav) or their contents in one folder; LISTS has
# iden_split.txt and veri_test.txt, as the corpus comes with them, or veri_test2.txt, its clean list.
#
#   recipes/voxceleb1/run.sh --models "NAME=PATH ..."   models that are there already; no pretraining
#   recipes/voxceleb1/run.sh --steps 10000      fewer steps than the configurations have
#   recipes/voxceleb1/run.sh --mini             the same on samples/audio, without VoxCeleb1
#   recipes/voxceleb1/run.sh --stage 3 --stop-stage 4
#   recipes/voxceleb1/run.sh --run DIR          where the runs go (default: runs/voxceleb1)
#
# Stages: 0 set-up  1 build  2 manifests and trials  3 pretraining  4 SID: weighted sum, linear
#         5 ASV: x-vectors with a margin, scored by the cosine  6 report
# What a stage has finished is used again; a training that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=voxceleb1
recipe=recipes/voxceleb1
. recipes/common.sh

steps=
models=
read_options 6 "models steps" "" "$@"
[[ -z $steps || $steps =~ ^[0-9]+$ ]] || fail 64 "'$steps' is no number of steps"

pretraining=()
if [ "$mini" = yes ]; then
    run=${run:-runs/voxceleb1-mini}
    corpus=$run/corpus
    lists=$run/lists
    pretraining=(--set training.steps=8 --set data.framesPerBatch=800 --set objective.cpc.negativeCount=16)
    probe=(--set weightedSum.steps=40 --set weightedSum.validateEvery=20 --set weightedSum.seedCount=1)
    head=(--set training.steps=10 --set training.validateEvery=5 --set head.width=32
        --set data.minimumFrames=20 --set data.framesPerBatch=800)
    verify=(--set resamples=20)
    kept=4
else
    run=${run:-runs/voxceleb1}
    corpus=${VOXCELEB1:-}
    lists=${LISTS:-}
    if [ -n "$steps" ]; then pretraining=(--set training.steps="$steps"); fi
    probe=()
    head=()
    verify=()
    kept=50
fi

set_up_and_build

if wanted 2; then
    say "2 manifests by the corpus's lists"
    if [ "$mini" = yes ] && [ ! -e "$corpus" ]; then
        # Voices stand for celebrities, pairs of clips for videos.
        mkdir -p "$corpus.part" "$lists"
        : >"$lists/iden_split.txt"
        : >"$lists/veri_test.txt"
        number=10000
        for folder in samples/audio/voices/*/; do
            number=$((number + 1))
            for path in "$folder"*.ogg; do
                take=$((10#$(basename "$path" .ogg) - 1))
                clip=id$number/video-$((take / 2))/0000$((take % 2 + 1)).wav
                mkdir -p "$corpus.part/$(dirname "$clip")"
                # Sounds are known by their content, not by their names.
                ln -s "$PWD/$path" "$corpus.part/$clip"
                case $take in [0-3]) part=1 ;; [45]) part=2 ;; *) part=3 ;; esac
                echo "$part $clip" >>"$lists/iden_split.txt"
                if [ $number -gt 10006 ]; then
                    echo "1 id$number/video-0/00001.wav $clip" >>"$lists/veri_test.txt"
                    echo "0 id$((20015 - number))/video-0/00001.wav $clip" >>"$lists/veri_test.txt"
                fi
            done
        done
        mv "$corpus.part" "$corpus"
    fi
    if [ -e "$run/sid/test.jsonl" ] && [ -e "$run/asv/train.jsonl" ]; then
        echo "already there: $run/sid, $run/asv"
    else
        [ -n "$corpus" ] || fail 66 "VOXCELEB1 names no folder; --mini needs none"
        [ -e "$lists/iden_split.txt" ] || fail 66 "LISTS: no iden_split.txt in '$lists'"
        "$apus" prepare voxceleb1 "$corpus" --split-list "$lists/iden_split.txt" -o "$run/sid"
        # Verification is trained on the speakers whom its list doesn't name and measured on the others;
        # one in $kept of the former's recordings is kept to choose on.
        trials=$lists/veri_test2.txt
        [ -e "$trials" ] || trials=$lists/veri_test.txt
        [ -e "$trials" ] || fail 66 "LISTS: neither veri_test2.txt nor veri_test.txt in '$lists'"
        cp "$trials" "$run/trials.txt"
        awk '{ for (i = 2; i <= 3; i++) { split($i, parts, "/"); print parts[1] } }' "$run/trials.txt" |
            sort -u >"$run/test-speakers.txt"
        mkdir -p "$run/asv"
        awk -v kept=$kept -v folder="$run/asv" '
            FNR == NR { tested["\"speaker\":\"" $1 "\""] = 1; next }
            match($0, /"speaker":"[^"]*"/) {
                if (substr($0, RSTART, RLENGTH) in tested) part = "test"
                else part = ++count[substr($0, RSTART, RLENGTH)] % kept ? "train" : "dev"
                print > (folder "/" part ".jsonl")
            }' "$run/test-speakers.txt" "$run/sid/all.jsonl"
        wc -l "$run/asv"/*.jsonl
    fi
fi

if wanted 3 && [ -z "$models" ]; then
    say "3 CPC on log-mels, without labels, on the speakers whom the trials don't name"
    "$apus" pretrain recipes/librispeech/cpc/conf/log-mel.yaml \
        ${pretraining[@]+"${pretraining[@]}"} --set data.manifest="$run/asv/train.jsonl" -o "$run/cpc"
fi
models=${models:-CPC=$run/cpc/model.safetensors}

if wanted 4; then
    say "4 SID"
    # shellcheck disable=SC2086
    "$apus" probe $models --train "$run/sid/train.jsonl" --dev "$run/sid/dev.jsonl" \
        --test "$run/sid/test.jsonl" --set weightedSum.isOn=true \
        --set "utterances.labelledPerClass=[]" ${probe[@]+"${probe[@]}"} -o "$run/sid-probe"
fi

if wanted 5; then
    verified=()
    for model in $models; do
        say "5 ASV: ${model%%=*}"
        "$apus" train "${model#*=}" --train "$run/asv/train.jsonl" --dev "$run/asv/dev.jsonl" \
            --test "$run/asv/dev.jsonl" --set head.kind=xVector --set loss.kind=amSoftmax \
            --set baselines=false \
            ${head[@]+"${head[@]}"} -o "$run/x-vector-${model%%=*}"
        verified+=("${model%%=*}=$run/x-vector-${model%%=*}/classifier.safetensors")
    done
    [ -e "$run/dev-trials.txt" ] || "$apus" trials "$run/asv/dev.jsonl" --impostors all \
        --limit 100000 -o "$run/dev-trials.txt"
    "$apus" verify "${verified[@]}" --trials "$run/trials.txt" --manifest "$run/asv/test.jsonl" \
        --dev-trials "$run/dev-trials.txt" --manifest "$run/asv/dev.jsonl" \
        --cohort "$run/asv/train.jsonl" ${verify[@]+"${verify[@]}"} -o "$run/asv-verify"
fi

if wanted 6; then
    say "6 report"
    pages=("$run/sid-probe" "$run/asv-verify")
    if [ -e "$run/cpc/metrics.jsonl" ]; then pages+=("$run/cpc"); fi
    "$apus" report "${pages[@]}" --title "VoxCeleb1" -o "$run/report.html"
fi
