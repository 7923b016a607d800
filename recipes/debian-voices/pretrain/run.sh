#!/usr/bin/env bash
# Six ways to train an encoder without labels, on the same 38 voices for the same time, and what
# each is worth afterwards: speaker probes, verification, transfer to other corpora.
#
#   recipes/debian-voices/pretrain/run.sh                       one seed: about an hour and a half
#   recipes/debian-voices/pretrain/run.sh --seeds "1 2 3"       means and intervals over seeds
#   recipes/debian-voices/pretrain/run.sh --systems "cpc apc"   some of cpc apc tera bestrq units combined, and npc
#   recipes/debian-voices/pretrain/run.sh --minutes 10          by the clock in place of the number of steps
#   recipes/debian-voices/pretrain/run.sh --threads 1           threads of a training (default: all cores)
#   recipes/debian-voices/pretrain/run.sh --supervised          Resemblyzer's GE2E, trained with labels, beside them
#   recipes/debian-voices/pretrain/run.sh --ablations           CPC's negatives and the mask's share too
#   recipes/debian-voices/pretrain/run.sh --mini                the same on samples/audio, without a download
#   recipes/debian-voices/pretrain/run.sh --stage 4 --stop-stage 5
#   recipes/debian-voices/pretrain/run.sh --run DIR             where the runs go (default: runs/debian-voices)
#
# LIBRISPEECH=/path/to/test-other   also probe on LibriSpeech's unseen speakers
# ESC=/path/to/ESC-50               also probe on the sounds of ESC-50 or ESC-10
#
# Stages: 0 set-up  1 build  2 voices  3 manifests  4 pretraining  5 probes  6 transfer  7 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian-voices
recipe=recipes/debian-voices/pretrain
. recipes/common.sh
. recipes/units.sh

ablations=no
supervised=no
minutes=
threads=0
seeds=1
systems="cpc apc tera bestrq units combined"
sources=(otherRecordings sameRecording sameSpeaker mixed batch)
shares=(0.2 0.35 0.5 0.65 0.8)
read_options 7 "seeds systems minutes threads" "ablations supervised" "$@"
for seed in $seeds; do
    [[ $seed =~ ^[0-9]+$ ]] || fail 64 "'$seed' is no seed"
done
[[ $threads =~ ^[0-9]+$ ]] || fail 64 "'$threads' is no number of threads"
[[ -z $minutes || $minutes =~ ^[0-9.]+$ ]] || fail 64 "'$minutes' are no minutes"

# shellcheck disable=SC2086
systems_exist $systems
if [ "$mini" = yes ]; then
    run=${run:-runs/debian-voices-mini}
    # Small enough for two minutes in all, on two cores.
    short=(--set training.steps=12 --set data.framesPerBatch=800)
    clusters=16
    probe=(--set utterances.seedCount=2 --set "utterances.labelledPerClass=[1]"
        --set verification.impostors=all)
else
    run=${run:-runs/debian-voices}
    short=()
    clusters=200
    probe=(--set verification.impostors=sameLanguage)
fi
# A run ended by the clock has no number of steps.
clock() { if [ -n "$minutes" ]; then echo "--set training.steps=0 --set training.maximumMinutes=$1"; fi; }

. recipes/debian-voices/voices.sh

set_up_and_build

if wanted 2 && [ "$mini" = no ]; then download_voices; fi

if wanted 3; then
    say "3 manifests and splits"
    prepare_voices
fi

# What each system is called in tables.
title() {
    case $1 in
        cpc) echo "CPC" ;;
        apc) echo "APC" ;;
        tera) echo "TERA" ;;
        npc) echo "NPC" ;;
        bestrq) echo "BEST-RQ" ;;
        units) echo "units" ;;
        combined) echo "contrast and BEST-RQ" ;;
        cpc-*) echo "CPC, negatives from ${1#cpc-}" ;;
        bestrq-*) echo "BEST-RQ, mask share ${1#bestrq-}" ;;
    esac
}

# The systems' models of all seeds, as apus probe takes them: the lines NAME=PATH.
models() {
    for system in "$@"; do
        for model in "$run/$system"-[0-9]*/model.safetensors; do
            if [[ $model =~ /$system-[0-9]+/ ]]; then echo "$(title "$system")=$model"; fi
        done
    done
}

# train SYSTEM CONFIGURATION SEED MINUTES [OPTION...]: a run in $run/SYSTEM-SEED
train() {
    local system=$1 configuration=$2 seed=$3 limit=$4
    shift 4
    # shellcheck disable=SC2046
    "$apus" pretrain "$recipe/conf/$configuration.yaml" --set data.manifest="$manifests/train.jsonl" \
        --set seed="$seed" --set threads="$threads" $(clock "$limit") "$@" ${short[@]+"${short[@]}"} -o "$run/$system-$seed"
}

if wanted 4; then
    for seed in $seeds; do
        for system in $systems; do
            say "4 $system, seed $seed"
            if [ "$system" = units ]; then
                # Each step has half of the time.
                # shellcheck disable=SC2046
                train_units "$recipe/conf/units.yaml" "$manifests/train.jsonl" $clusters "$seed" "-$seed" \
                    --set threads="$threads" $(clock "${minutes:+$(awk "BEGIN { print $minutes / 2 }")}") \
                    ${short[@]+"${short[@]}"}
            else
                train "$system" "$system" "$seed" "$minutes"
            fi
        done
    done
    if [ "$ablations" = yes ]; then
        # All of one length, the systems' own choices (other recordings, a share of 0.5) among them.
        for source in "${sources[@]}"; do
            say "4 ablation: CPC with negatives from $source"
            train "cpc-$source" cpc 1 "$minutes" --set objective.cpc.negatives=$source \
                --set training.steps=1200
        done
        for share in "${shares[@]}"; do
            say "4 ablation: BEST-RQ with a mask share of $share"
            train "bestrq-$share" bestrq 1 "$minutes" \
                --set objective.maskedPrediction.maskShare=$share --set training.steps=1200
        done
    fi
fi

# The trained models, and the reference that was trained with labels, where it is asked for.
trained_models() {
    # shellcheck disable=SC2086
    mapfile -t trained < <(models $systems)
    if [ "$supervised" = yes ]; then
        recipes/resemblyzer.sh "$run/ge2e.safetensors"
        trained+=("GE2E=$run/ge2e.safetensors")
    fi
}

if wanted 5; then
    trained_models
    say "5 speaker identification and verification: ${#trained[@]} models"
    probe_once probe "${trained[@]}" -- --train "$manifests/train.jsonl" --dev "$manifests/dev.jsonl" \
        --test "$manifests/test.jsonl" "${probe[@]}"
    if [ "$ablations" = yes ]; then
        mapfile -t ablated < <(models "${sources[@]/#/cpc-}" "${shares[@]/#/bestrq-}")
        say "5 ablations"
        probe_once ablations "${ablated[@]}" -- --train "$manifests/train.jsonl" \
            --dev "$manifests/dev.jsonl" --test "$manifests/test.jsonl" "${probe[@]}"
    fi
fi

if wanted 6; then
    trained_models
    if [ -n "${LIBRISPEECH:-}" ]; then
        say "6 transfer: LibriSpeech's speakers, which no encoder has heard"
        [ -e "$run/librispeech/test.jsonl" ] || "$apus" prepare librispeech "$LIBRISPEECH" \
            --train 0.3 --dev 0.3 --test 0.4 -o "$run/librispeech"
        probe_once librispeech-probe "${trained[@]}" -- --train "$run/librispeech/train.jsonl" \
            --dev "$run/librispeech/dev.jsonl" --test "$run/librispeech/test.jsonl" \
            --set "utterances.labelledPerClass=[1]" --set utterances.seedCount=20 \
            --set verification.impostors=all
    fi
    if [ -n "${ESC:-}" ]; then
        say "6 transfer: sounds"
        [ -e "$run/esc/all.jsonl" ] || "$apus" prepare esc50 "$ESC" -o "$run/esc"
        probe_once esc-probe "${trained[@]}" -- --folds "$run/esc/all.jsonl" --label soundClass \
            --set "utterances.labelledPerClass=[]"
    fi
    if [ -z "${LIBRISPEECH:-}${ESC:-}" ]; then
        say "6 transfer: left out, as neither LIBRISPEECH nor ESC names a corpus"
    fi
fi

if wanted 7; then
    say "7 report"
    pages=()
    for folder in probe librispeech-probe esc-probe ablations; do
        if [ -e "$run/$folder/probe.json" ]; then pages+=("$run/$folder"); fi
    done
    # One training of each system: the curves of all would hide each other.
    for system in $systems; do
        for model in "$run/$system"-[0-9]*/model.safetensors; do
            if [ -e "$model" ]; then pages+=("${model%/model.safetensors}"); break; fi
        done
    done
    "$apus" report "${pages[@]}" --title "Pretraining on 38 voices" -o "$run/report.html"
fi
