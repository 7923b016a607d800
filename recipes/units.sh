# HuBERT's two steps, for recipes: a model on units of MFCCs for half of the time, and one on units of that
# model's second layer for the other half. Sourced, after recipes/common.sh.

# train_units CONFIGURATION MANIFEST CLUSTERS SEED SUFFIX OPTION...: the models of both steps, in
# $run/units-firstSUFFIX and $run/unitsSUFFIX. OPTION... are of the trainings. $units_front_end, an array,
# holds what the configuration's front end has that is not apus units' own.
train_units() {
    local configuration=$1 manifest=$2 clusters=$3 seed=$4 suffix=$5
    shift 5
    local first=$run/units-of-mfccs$suffix.safetensors second=$run/units-of-layers$suffix.safetensors
    local own=(--set data.manifest="$manifest" --set seed="$seed"
        --set objective.maskedPrediction.units.count="$clusters")
    mkdir -p "$run"
    [ -e "$first" ] || "$apus" units "$manifest" --clusters "$clusters" --seed "$seed" \
        ${units_front_end[@]+"${units_front_end[@]}"} -o "$first"
    "$apus" pretrain "$configuration" "${own[@]}" "$@" \
        --set objective.maskedPrediction.units.file="$first" -o "$run/units-first$suffix"
    [ -e "$second" ] || "$apus" units "$manifest" --clusters "$clusters" --seed "$seed" \
        --model "$run/units-first$suffix/model.safetensors" --layer layer-2 -o "$second"
    "$apus" pretrain "$configuration" "${own[@]}" "$@" \
        --set objective.maskedPrediction.units.file="$second" \
        --set objective.maskedPrediction.units.source=layer \
        --set objective.maskedPrediction.units.layerWidth=256 -o "$run/units$suffix"
}

# pretrain_system SYSTEM MANIFEST CLUSTERS STEPS OPTION...: the model $run/SYSTEM, by the recipe's
# configuration of that name. STEPS, where there are any, are in place of the configuration's; units take half
# of them on each of their steps.
pretrain_system() {
    local system=$1 manifest=$2 clusters=$3 steps=$4
    shift 4
    if [ "$system" = units ]; then
        train_units "$recipe/conf/units.yaml" "$manifest" "$clusters" 1 "" "$@" \
            ${steps:+--set training.steps=$((steps / 2))}
    else
        "$apus" pretrain "$recipe/conf/$system.yaml" "$@" ${steps:+--set training.steps="$steps"} \
            --set data.manifest="$manifest" -o "$run/$system"
    fi
}
