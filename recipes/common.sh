# What the recipes' scripts share: options, stages, set-up and build. Sourced from the top of the
# checkout, after $name (what messages begin with) and $recipe (the folder) are set.
#
# Every recipe has --stage N, --stop-stage N, --run DIR, --mini and --help, and its own options beside
# them. --help prints the comment that the recipe's script begins with.

apus=${APUS:-.build/release/apus}

say() { printf '\n== %s\n' "$*"; }
wanted() { [ "$stage" -le "$1" ] && [ "$stop_stage" -ge "$1" ]; }

# fail STATUS MESSAGE
fail() {
    echo "$name: error: $2" >&2
    exit "$1"
}

# read_options LAST-STAGE VALUES FLAGS ARGUMENT...: sets $stage, $stop_stage, $run, $mini, and a variable
# for each option in VALUES (--seeds 3 sets $seeds) and FLAGS (--ablations sets ablations=yes).
read_options() {
    local last=$1 values=" stage stop-stage run $2 " flags=" mini $3 " option number
    shift 3
    stage=0 stop_stage=$last run= mini=no
    while [ $# -gt 0 ]; do
        option=${1#--}
        if [ "$1" = -h ] || [ "$1" = --help ]; then
            sed -n '2,${/^#/!q; s/^# \{0,1\}//p}' "$recipe/run.sh"
            exit 0
        elif [ "$1" != "$option" ] && [[ $values == *" $option "* ]]; then
            [ $# -ge 2 ] || fail 64 "$1 wants a value"
            printf -v "${option//-/_}" %s "$2"
            shift
        elif [ "$1" != "$option" ] && [[ $flags == *" $option "* ]]; then
            printf -v "${option//-/_}" yes
        else
            fail 64 "no option '$1'; see --help"
        fi
        shift
    done
    for number in "$stage" "$stop_stage"; do
        [[ $number =~ ^[0-9]+$ && $number -le $last ]] ||
            fail 64 "'$number' is no stage, 0 to $last"
    done
}

# Stages 0 and 1, which every recipe has.
set_up_and_build() {
    if wanted 0; then
        say "0 set-up"
        recipes/setup.sh
    fi
    if wanted 1; then
        say "1 build (release)"
        swift build -c release --product apus
    fi
}

# systems_exist SYSTEM...: ends the script unless each has a configuration.
systems_exist() {
    local system
    for system in "$@"; do
        [ -e "$recipe/conf/$system.yaml" ] ||
            fail 64 "no system '$system'; there are $(cd "$recipe/conf" && echo *.yaml | sed 's/\.yaml//g')"
    done
}

# probe_once OUTPUT MODEL... -- OPTION...: a probe in $run/OUTPUT, unless one of the same is there that is newer than all
# models. MODEL is NAME=PATH.
probe_once() {
    local folder=$run/$1 stale=no models=()
    shift
    while [ "$1" != -- ]; do
        [ "$folder/probe.json" -nt "${1#*=}" ] || stale=yes
        models+=("$1")
        shift
    done
    shift
    if [ "$stale" = no ] && cmp -s "$folder/arguments.txt" <(printf '%s\n' "${models[@]}" "$@"); then
        cat "$folder/results.txt"
    else
        "$apus" probe "${models[@]}" "$@" -o "$folder"
        printf '%s\n' "${models[@]}" "$@" >"$folder/arguments.txt"
    fi
}
