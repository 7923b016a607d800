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

for sanitizer in ${SANITIZE:-address thread}; do
    printf '\n== %s sanitizer (%s s)\n' "$sanitizer" "$SECONDS"
    swift test --package-path "$package" --scratch-path "$package/.build-$sanitizer" \
        --sanitize="$sanitizer" --disable-xctest --parallel
done
