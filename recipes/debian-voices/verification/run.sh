#!/usr/bin/env bash
# Is it the same speaker? Verification on 38 voices with an encoder trained without labels, against
# impostors of all languages and of the same one.
#
#   recipes/debian-voices/verification/run.sh                       trains CPC for ten minutes first
#   recipes/debian-voices/verification/run.sh --models "A=a.safetensors B=b.safetensors"    your own
#   recipes/debian-voices/verification/run.sh --supervised      Resemblyzer's GE2E, trained with labels, beside them
#   recipes/debian-voices/verification/run.sh --threads 1           threads of a training (default: all cores)
#   recipes/debian-voices/verification/run.sh --mini                the same on samples/audio, without a download
#   recipes/debian-voices/verification/run.sh --stage 4 --stop-stage 5
#   recipes/debian-voices/verification/run.sh --run DIR             where the runs go (default: runs/debian-verification)
#
# Stages: 0 set-up  1 build  2 voices  3 manifests and trials  4 encoder  5 verification  6 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian-verification
recipe=recipes/debian-voices/verification
. recipes/common.sh

models=
threads=0
supervised=no
read_options 6 "models threads" "supervised" "$@"
[[ $threads =~ ^[0-9]+$ ]] || fail 64 "'$threads' is no number of threads"

if [ "$mini" = yes ]; then
    run=${run:-runs/debian-verification-mini}
    short=(--set training.steps=12 --set data.framesPerBatch=800)
    # The samples are one voice a language.
    kinds="all"
    options=(--set resamples=20 --set cohortTop=20)
    # 32 recordings are too few for PLDA of whole vectors.
    directions=4
else
    run=${run:-runs/debian-verification}
    short=()
    kinds="sameLanguage all"
    options=()
    directions=0
fi

. recipes/debian-voices/voices.sh

set_up_and_build

if wanted 2 && [ "$mini" = no ]; then download_voices; fi

if wanted 3; then
    say "3 manifests and trials"
    prepare_voices
    mkdir -p "$run"
    for kind in $kinds; do
        for part in dev test; do
            [ -e "$run/$part-$kind.txt" ] || "$apus" trials "$manifests/$part.jsonl" \
                --impostors "$kind" --limit 100000 -o "$run/$part-$kind.txt"
        done
    done
fi

if wanted 4 && [ -z "$models" ]; then
    say "4 CPC, without labels"
    "$apus" pretrain recipes/debian-voices/pretrain/conf/cpc.yaml \
        --set data.manifest="$manifests/train.jsonl" --set threads="$threads" \
        ${short[@]+"${short[@]}"} -o "$run/cpc"
fi

models=${models:-CPC=$run/cpc/model.safetensors}
if wanted 5 && [ "$supervised" = yes ]; then
    recipes/resemblyzer.sh "$run/ge2e.safetensors"
    models+=" GE2E=$run/ge2e.safetensors"
fi

# verify OUTPUT IMPOSTORS OPTION...: one table in $run/OUTPUT
verify() {
    local output=$1 kind=$2
    shift 2
    # shellcheck disable=SC2086
    "$apus" verify $models \
        --trials "$run/test-$kind.txt" --manifest "$manifests/test.jsonl" \
        --dev-trials "$run/dev-$kind.txt" --manifest "$manifests/dev.jsonl" \
        --cohort "$manifests/train.jsonl" ${options[@]+"${options[@]}"} "$@" -o "$run/$output"
}

if wanted 5; then
    for kind in $kinds; do
        say "5 impostors: $kind; the cosine, no label used but in choosing on dev"
        verify "$kind" "$kind"
    done
    first=${kinds%% *}
    say "5 impostors: $first; scores normalised by their nearest recordings (AS-norm)"
    verify normalized "$first" --set normalization=adaptive --set baselines=false
    say "5 impostors: $first; PLDA, fitted to the labels of the training part"
    verify plda "$first" --set scoring=plda --set discriminantCount=$directions \
        --train "$manifests/train.jsonl"
fi

if wanted 6; then
    say "6 report"
    pages=()
    for output in $kinds normalized plda; do pages+=("$run/$output"); done
    "$apus" report "${pages[@]}" --title "Verification on 38 voices" -o "$run/report.html"
fi
