#!/usr/bin/env bash
# Downloads Debian packages and unpacks them into a folder. Nothing is installed.
#
#   recipes/debian-packages.sh FOLDER PACKAGE...
#
# A package that is there already is left as it is. Debian's licence texts come along under
# FOLDER/usr/share/doc.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 64; }
folder=$1
shift
mkdir -p "$folder"
for package in "$@"; do
    if [ -e "$folder/.$package" ]; then
        echo "$package: already there"
        continue
    fi
    scratch=$(mktemp -d "$folder/unpacking.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    # apt-get downloads as another user, who must be able to write here.
    chmod 777 "$scratch"
    download() { (cd "$scratch" && apt-get download -q "$package"); }
    if ! download; then
        echo "the package lists are old or missing: apt-get update"
        if [ "$(id -u)" -eq 0 ]; then apt-get update -q; else sudo apt-get update -q; fi
        download || {
            echo "error: $package can't be downloaded; --mini needs no network" >&2
            exit 69
        }
    fi
    dpkg-deb -x "$scratch/$package"_*.deb "$folder"
    touch "$folder/.$package"
    rm -rf "$scratch"
    trap - EXIT
done
