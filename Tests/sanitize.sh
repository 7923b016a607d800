#!/usr/bin/env bash
# Runs the tests of signals and corpora under the address sanitizer and the thread sanitizer.
#
#   Tests/sanitize.sh [FOLDER]             both; builds are kept in FOLDER, else in a temporary one
#   SANITIZE=thread Tests/sanitize.sh      one of them
#
# They build from a package of these two modules alone, made of links, which needs no libtorch.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    package=$(cd "$1" && pwd)
else
    package=$(mktemp -d)
    trap 'rm -rf "$package"' EXIT
fi

ln -sfn "$root/Sources" "$package/Sources"
ln -sfn "$root/Tests" "$package/Tests"
ln -sfn "$root/samples" "$package/samples"
# The package's own text up to its products, then the targets by the same rules.
{
    sed '/^let package/,$d' Package.swift
    cat <<'PACKAGE'
let package = Package(
    name: "Sanitized",
    targets: [
        .systemLibrary(name: "CSndfile", pkgConfig: "sndfile"),
        .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f"),
        .systemLibrary(name: "CSoxr", pkgConfig: "soxr"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .target(
            name: "ApusSignal", dependencies: ["CSndfile", "CFFTW", "CSoxr", "CZlib"],
            swiftSettings: arithmetic),
        .target(name: "ApusCorpus", dependencies: ["ApusSignal"], swiftSettings: arithmetic),
        tests("ApusSignal"),
        tests("ApusCorpus"),
    ]
)
PACKAGE
} >"$package/Package.swift"

# What is not ours and does no harm: the empty array, one for the whole process, whose count the
# standard library sets to 0 again when an array is made of no elements; what libsndfile forgets of
# encoders that refuse a rate and of Ogg Vorbis files that are cut within their headers, and
# Foundation of a file whose reading fails half-way.
cat >"$package/thread.suppressions" <<'SUPPRESSIONS'
race:_swiftEmptyArrayStorage
SUPPRESSIONS
cat >"$package/leak.suppressions" <<'SUPPRESSIONS'
leak:libmp3lame.so
leak:libvorbis.so
leak:readBytesFromFile
SUPPRESSIONS
export TSAN_OPTIONS="suppressions=$package/thread.suppressions"
export LSAN_OPTIONS="suppressions=$package/leak.suppressions:print_suppressions=0"

for sanitizer in ${SANITIZE:-address thread}; do
    printf '\n== %s sanitizer (%s s)\n' "$sanitizer" "$SECONDS"
    # The one test left out forbids its process the memory that the sanitizers' own books need.
    swift test --package-path "$package" --scratch-path "$package/.build-$sanitizer" \
        --sanitize="$sanitizer" --disable-xctest --parallel --skip aHeaderAsksForNoGigabytes
done
printf '\n== done (%s s)\n' "$SECONDS"
