#!/usr/bin/env bash
# From recordings to a speaker-identification table: real voices, two encoders trained without
# labels, linear probes beside honest baselines, a report.
#
#   recipes/quickstart/run.sh                    all of it (about ten minutes after the first build)
#   recipes/quickstart/run.sh --mini             the same on samples/audio, without a download
#   recipes/quickstart/run.sh --stage 4 --stop-stage 5
#   recipes/quickstart/run.sh --run DIR          where the runs go (default: runs/quickstart)
#
# Stages: 0 set-up  1 build  2 voices  3 manifests  4 CPC  5 masked reconstruction  6 probes  7 report
# What a stage has finished is used again; a pretraining run that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

stage=0
stop_stage=7
mini=no
run=
while [ $# -gt 0 ]; do
    case $1 in
        --stage | --stop-stage | --run)
            [ $# -ge 2 ] || { echo "quickstart: error: $1 wants a value" >&2; exit 64; }
            case $1 in
                --stage) stage=$2 ;;
                --stop-stage) stop_stage=$2 ;;
                --run) run=$2 ;;
            esac
            shift ;;
        --mini) mini=yes ;;
        -h | --help) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "quickstart: error: no option '$1'; see --help" >&2; exit 64 ;;
    esac
    shift
done
for number in "$stage" "$stop_stage"; do
    [[ $number =~ ^[0-7]$ ]] || { echo "quickstart: error: '$number' is no stage, 0 to 7" >&2; exit 64; }
done

recipe=recipes/quickstart
apus=${APUS:-.build/release/apus}
if [ "$mini" = yes ]; then
    run=${run:-runs/quickstart-mini}
    manifests=$run/manifests
    # Small enough for a minute in all, on two cores.
    cpc=(--set training.steps=120 --set data.framesPerBatch=2048)
    masked=(--set training.steps=40 --set data.framesPerBatch=2048)
    probe=(--set utterances.seedCount=3)
else
    run=${run:-runs/quickstart}
    manifests=$recipe/data/manifests
    cpc=()
    masked=()
    probe=(--set utterances.seedCount=20)
fi

say() { printf '\n== %s\n' "$*"; }
wanted() { [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ]; }

if wanted 0; then
    say "0 set-up"
    recipes/setup.sh
fi

if wanted 1; then
    say "1 build (release)"
    swift build -c release --product apus
fi

if wanted 2 && [ "$mini" = no ]; then
    say "2 voices: Debian's klettres-data, 40 MB, into $recipe/data"
    recipes/debian-packages.sh $recipe/data klettres-data
fi

if wanted 3; then
    say "3 manifests and splits"
    if [ -e "$manifests/test.jsonl" ]; then
        echo "already there: $manifests"
    elif [ "$mini" = yes ]; then
        "$apus" prepare folder samples/audio/voices --speaker-from-parent \
            --train 0.5 --dev 0.25 --test 0.25 -o "$manifests"
    else
        "$apus" prepare klettres $recipe/data -o "$manifests"
    fi
fi

if wanted 4; then
    say "4 CPC, without labels"
    "$apus" pretrain $recipe/conf/cpc.yaml --set data.manifest="$manifests/train.jsonl" \
        ${cpc[@]+"${cpc[@]}"} -o "$run/cpc"
fi

if wanted 5; then
    say "5 masked reconstruction, without labels"
    "$apus" pretrain $recipe/conf/masked.yaml --set data.manifest="$manifests/train.jsonl" \
        ${masked[@]+"${masked[@]}"} -o "$run/masked"
fi

if wanted 6; then
    say "6 speaker identification"
    newer() { [ "$run/probe/probe.json" -nt "$1" ]; }
    if newer "$run/cpc/model.safetensors" && newer "$run/masked/model.safetensors"; then
        cat "$run/probe/results.txt"
    else
        "$apus" probe "CPC=$run/cpc/model.safetensors" \
            "masked reconstruction=$run/masked/model.safetensors" \
            --train "$manifests/train.jsonl" --dev "$manifests/dev.jsonl" \
            --test "$manifests/test.jsonl" ${probe[@]+"${probe[@]}"} -o "$run/probe"
    fi
    cp "$run/probe/results.json" "$run/results.json"
fi

if wanted 7; then
    say "7 report"
    "$apus" report "$run/probe" "$run/cpc" "$run/masked" --title "Apus quickstart" \
        -o "$run/report.html"
fi
