# The 38 voices of Debian's packages, and the samples that stand for them with --mini. Sourced after
# recipes/common.sh, once $run is set.

data=recipes/debian-voices/data
if [ "$mini" = yes ]; then manifests=$run/manifests; else manifests=$data/manifests; fi

# Stage 2.
download_voices() {
    say "2 voices: three packages of Debian's, 250 MB, into $data"
    recipes/debian-packages.sh $data klettres-data ktuberling-data tuxpaint-stamps-default
}

# Part of stage 3.
prepare_voices() {
    if [ -e "$manifests/test.jsonl" ]; then
        echo "already there: $manifests"
    elif [ "$mini" = yes ]; then
        "$apus" prepare folder samples/audio/voices --speaker-from-parent \
            --train 0.5 --dev 0.25 --test 0.25 -o "$manifests"
    else
        "$apus" prepare debian-voices $data -o "$manifests"
    fi
}
