#!/usr/bin/env bash
# 38 speakers by their labels: probes with one label to all, within a package too, SUPERB's weighted sum, strangers
# among the enrolled, and what labels cost: a head on the frozen encoder, the encoder fine-tuned with it, fine-tuned
# with its own objective beside the labels, and the same network from scratch, at each number of labels.
#
#   recipes/debian-voices/speaker-id/run.sh                  about two hours of two cores
#   recipes/debian-voices/speaker-id/run.sh --model PATH     an encoder that is there already
#   recipes/debian-voices/speaker-id/run.sh --labels "1 5"   numbers of labels per speaker (0: all)
#   recipes/debian-voices/speaker-id/run.sh --head xVector   linear (default), xVector or ecapa: networks that
#                                                            take several times as long
#   recipes/debian-voices/speaker-id/run.sh --compare-heads  each head with each loss on the frozen encoder too, by
#                                                            five labels, 128 channels wide
#   recipes/debian-voices/speaker-id/run.sh --seeds "1 2 3"  trainings of each network
#   recipes/debian-voices/speaker-id/run.sh --threads 1      threads of a training (default: all cores)
#   recipes/debian-voices/speaker-id/run.sh --mini           the same on samples/audio, without a download
#   recipes/debian-voices/speaker-id/run.sh --stage 4 --stop-stage 5
#   recipes/debian-voices/speaker-id/run.sh --run DIR        where the runs go (default: runs/debian-speaker-id)
#
# Stages: 0 set-up  1 build  2 voices  3 manifests  4 pretraining  5 probes  6 heads and fine-tuning
#         7 enrolment  8 report
# What a stage has finished is used again; a training that was cut off continues.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian-speaker-id
recipe=recipes/debian-voices/speaker-id
. recipes/common.sh

model=
labels="1 5 20 0"
head=linear
seeds=1
threads=0
compare_heads=no
read_options 8 "model labels head seeds threads" "compare-heads" "$@"
for number in $labels $seeds $threads; do
    [[ $number =~ ^[0-9]+$ ]] || fail 64 "'$number' is no whole number"
done

case $head in
    linear) heads=(--set head.kind=linear --set head.pooling=meanAndStandardDeviation) ;;
    xVector | ecapa) heads=(--set head.kind="$head") ;;
    *) fail 64 "--head is linear, xVector or ecapa, found '$head'" ;;
esac

# What --compare-heads compares: a name and the head's options.
compared='mean --set head.kind=linear --set head.pooling=mean
mean-and-deviation --set head.kind=linear --set head.pooling=meanAndStandardDeviation
attentive --set head.kind=linear --set head.pooling=attentive
perceptron --set head.kind=perceptron --set head.pooling=mean
x-vector --set head.kind=xVector
ecapa --set head.kind=ecapa'

if [ "$mini" = yes ]; then
    run=${run:-runs/debian-speaker-id-mini}
    narrow=16
    short=(--set training.steps=12 --set data.framesPerBatch=800)
    probe=(--set utterances.seedCount=2 --set "utterances.labelledPerClass=[1]"
        --set weightedSum.steps=40 --set weightedSum.validateEvery=20 --set weightedSum.seedCount=1)
    labels="1 0"
    strangers=0.5
    train=(--set data.minimumFrames=30 --set training.steps=8 --set training.validateEvery=4 --set head.width=16
        --set training.resamples=20)
else
    run=${run:-runs/debian-speaker-id}
    narrow=128
    strangers=0.25
    short=()
    probe=(--set "utterances.labelledPerClass=[1, 5, 20]")
    train=(--set data.minimumFrames=30)
fi

. recipes/debian-voices/voices.sh
. recipes/labels.sh

set_up_and_build

if wanted 2 && [ "$mini" = no ]; then download_voices; fi

if wanted 3; then
    say "3 manifests and splits"
    prepare_voices
fi

if wanted 4 && [ -z "$model" ]; then
    say "4 CPC, without labels"
    "$apus" pretrain recipes/debian-voices/pretrain/conf/cpc.yaml \
        --set data.manifest="$manifests/train.jsonl" --set threads="$threads" \
        ${short[@]+"${short[@]}"} -o "$run/cpc"
fi
model=${model:-$run/cpc/model.safetensors}
parts=(--train "$manifests/train.jsonl" --dev "$manifests/dev.jsonl" --test "$manifests/test.jsonl")

if wanted 5; then
    say "5 probes: few labels, all, SUPERB's weighted sum, a quarter of the speakers strangers"
    "$apus" probe encoder="$model" "${parts[@]}" --set weightedSum.isOn=true \
        --set openSet.strangerShare="$strangers" "${probe[@]}" -o "$run/probe"
    # Within a package the recording conditions are much the same.
    while read -r package; do
        say "5 probes of the voices of $package alone"
        mkdir -p "$run/$package"
        for part in train dev test; do
            grep -F "\"package\":\"$package\"" "$manifests/$part.jsonl" >"$run/$package/$part.jsonl"
        done
        "$apus" probe encoder="$model" --train "$run/$package/train.jsonl" --dev "$run/$package/dev.jsonl" \
            --test "$run/$package/test.jsonl" --no-frames --set "utterances.labelledPerClass=[1, 5]" \
            -o "$run/$package/probe"
    done < <(grep -o '"package":"[^"]*"' "$manifests/test.jsonl" | cut -d'"' -f4 | sort -u)
fi

if wanted 6; then
    for count in $labels; do
        for seed in $seeds; do
            say "6 $count labels per speaker (0: all), seed $seed"
            network frozen "$model" "$count" "$seed"
            network fine-tuned "$model" "$count" "$seed" --set encoder.rate=1e-4
            network multitask "$model" "$count" "$seed" --set encoder.rate=1e-4 --set selfSupervised.weight=0.1
            network scratch "$model" "$count" "$seed" --set encoder.rate=1e-3 --set encoder.fromScratch=true
        done
    done
    say "6 accuracy (%) by labels per speaker (0: all), means of the seeds"
    label_table labels.tsv "$labels" frozen fine-tuned multitask scratch
    if [ "$compare_heads" = yes ]; then
        losses=(softmax amSoftmax aamSoftmax)
        while read -r -u 3 title head_options; do
            for loss in "${losses[@]}"; do
                say "6 head: $title, $loss"
                # shellcheck disable=SC2086
                network "$title-$loss" "$model" 5 1 --set head.width="$narrow" $head_options --set loss.kind="$loss"
            done
        done 3<<<"$compared"
        say "6 accuracy (%) by head and loss, 5 labels per speaker"
        printf 'head\t%s\t%s\t%s\n' "${losses[@]}" | tee "$run/heads.tsv"
        while read -r title _; do
            line=$title
            for loss in "${losses[@]}"; do line+=$(printf '\t%.1f' "$(accuracy "$title-$loss-5-1")"); done
            echo "$line" | tee -a "$run/heads.tsv"
        done <<<"$compared"
    fi
fi

if wanted 7; then
    say "7 enrolment without training"
    "$apus" enroll "$model" "$manifests/train.jsonl" --dev "$manifests/dev.jsonl" \
        -o "$run/speakers.safetensors"
    "$apus" identify "$run/speakers.safetensors" "$manifests/test.jsonl" >"$run/identified.txt"
fi

if wanted 8; then
    say "8 report"
    pages=("$run/probe")
    for found in "$run"/*/probe; do
        if [ -e "$found/probe.json" ]; then pages+=("$found"); fi
    done
    if [ -e "$run/cpc/metrics.jsonl" ]; then pages+=("$run/cpc"); fi
    "$apus" report "${pages[@]}" --title "Identification of 38 voices" -o "$run/report.html"
fi
