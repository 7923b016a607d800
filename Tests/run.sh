#!/usr/bin/env bash
# Every test of Apus: set-up, format, build with warnings as errors, documentation, and the tests,
# the quickstart on the clips of samples/audio among them.
#
#   Tests/run.sh                  all of it
#   Tests/run.sh --filter NAME    set-up, build, and the tests whose name matches
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

filter=()
if [ "${1:-}" = --filter ]; then
    [ $# -eq 2 ] || { echo "usage: Tests/run.sh [--filter NAME]" >&2; exit 64; }
    filter=(--filter "$2")
elif [ $# -gt 0 ]; then
    echo "usage: Tests/run.sh [--filter NAME]" >&2
    exit 64
fi
say() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

say "set-up"
recipes/setup.sh

say "format"
swift format lint --strict --recursive Sources Tests samples Package.swift

say "build"
# By name: a build of everything would also compile the protobuf compiler, which nothing here runs.
for product in apus Features Augmentations Similarity TrainingStep FrontEndSpeed ApusPackageTests; do
    swift build -c release --product $product
done

if [ ${#filter[@]} -eq 0 ]; then
    say "documentation"
    for module in ApusSignal ApusCorpus ApusTensor ApusNN ApusPretraining ApusProbing ApusMetrics ApusReport; do
        swift package -c release generate-documentation --target "$module" \
            --warnings-as-errors >/dev/null
    done
fi

# RecipeTests run every recipe with --mini.
say "tests"
PYTHON=$(Tests/python.sh)
if [ -n "$PYTHON" ]; then export PYTHON; else unset PYTHON; fi
# Release mode: the tests use public API only, so they share the command's build.
swift test -c release --skip-build --disable-xctest ${filter[@]+"${filter[@]}"}

if [ ${#filter[@]} -eq 0 ]; then
    say "three hosts in network namespaces"
    Tests/Distributed/network.sh || [ $? -eq 77 ]
fi
say "done"
