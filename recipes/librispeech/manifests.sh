# LibriSpeech's manifests, or those of the samples that stand for it with --mini: $run/pretrain to train an
# encoder on without labels, $run/evaluate to ask it about. Sourced after recipes/common.sh.

# prepare_manifests [OPTION...]: stage 2; the options split the recordings of EVALUATE.
prepare_manifests() {
    local lists=()
    if [ -e "$run/evaluate/test.jsonl" ]; then
        echo "already there: $run/evaluate"
    elif [ "$mini" = yes ]; then
        "$apus" prepare folder samples/audio/voices --speaker-from-parent \
            --train 0.5 --dev 0.25 --test 0.25 -o "$run/evaluate"
        cp -r "$run/evaluate" "$run/pretrain"
    else
        [ -n "${LIBRISPEECH:-}" ] || fail 66 "LIBRISPEECH names no folder; --mini needs none"
        if [ -n "${EVALUATE:-}" ]; then
            # All of the training's recordings, and a probe on others.
            "$apus" prepare librispeech "$LIBRISPEECH" --train 1 --dev 0 --test 0 -o "$run/pretrain"
            "$apus" prepare librispeech "$EVALUATE" "$@" -o "$run/evaluate"
        else
            if [ -n "${LISTS:-}" ]; then
                lists=(--train-list "$LISTS/train_split.txt" --test-list "$LISTS/test_split.txt"
                    --dev 0.1)
            fi
            "$apus" prepare librispeech "$LIBRISPEECH" ${lists[@]+"${lists[@]}"} -o "$run/evaluate"
            cp -r "$run/evaluate" "$run/pretrain"
        fi
    fi
}
