# What labels cost: networks that are trained by few labels of each class or by all. Sourced after common.sh; $run,
# $seeds and $threads are the recipe's, as are the arrays parts (--train, --dev, --test), heads (the head's options) and
# train (further options of every training).

# As many steps for few labels as for many would be hundreds of epochs; patience ends them early.
label_steps() {
    case $1 in
        1) echo "--set training.epochs=0 --set training.steps=300 --set training.validateEvery=25" ;;
        5) echo "--set training.epochs=0 --set training.steps=600 --set training.validateEvery=50" ;;
        *) echo "--set training.epochs=0 --set training.steps=1500 --set training.validateEvery=100" ;;
    esac
}

# network NAME MODEL LABELS SEED OPTION...: one training in $run/NAME-LABELS-SEED; 0 labels are all
network() {
    local name=$1 model=$2 count=$3 seed=$4 output
    shift 4
    output=$run/$name-$count-$seed
    if [ -e "$output/results.json" ]; then
        echo "already there: $output"
    else
        # The baselines that it would be shown beside are those of the recipe's probe.
        # shellcheck disable=SC2046
        "$apus" train "$model" "${parts[@]}" "${heads[@]}" --set seed="$seed" --set baselines=false \
            --set threads="$threads" --set data.labelledPerClass="$count" $(label_steps "$count") \
            ${train[@]+"${train[@]}"} "$@" -o "$output" >/dev/null
    fi
}

# The first row of a network's table is the accuracy on whole recordings.
accuracy() { awk -F: '/"value"/ { print 100 * $2; exit }' "$run/$1/results.json"; }

# label_table FILE LABELS NAME...: the networks' accuracies by labels, means of the seeds
label_table() {
    local file=$run/$1 labels=$2 system line count seed
    shift 2
    printf 'network\t%s\n' "${labels// /$'\t'}" | tee "$file"
    for system in "$@"; do
        line=$system
        for count in $labels; do
            line+=$'\t'$(for seed in $seeds; do accuracy "$system-$count-$seed"; done |
                awk '{ sum += $1 } END { printf "%.1f", sum / NR }')
        done
        echo "$line" | tee -a "$file"
    done
}
