#!/bin/sh
# licences.sh [options for cargo]
#
# Prints the licences of the crates that are linked into the library, for those who pass the
# binaries on: most of them ask that their text goes along.
set -eu

: "${CARGO:=cargo}"
texts=$(mktemp -d)
trap 'rm -rf "$texts"' EXIT

"$CARGO" tree "$@" --package emnify-capi --edges normal,no-proc-macro --prefix none \
    --format '{p}|{l}' >"$texts/tree"
grep -v ' (/' "$texts/tree" | sed 's/ (\*)$//; s/ v\([0-9]\)/ \1/' | sort -u >"$texts/crates"

# Name, version and folder of each package. A vendored one need not be in a folder of its name.
locked=
for option in "$@"; do
    case $option in --locked | --offline | --frozen) locked="$locked $option" ;; esac
done
# shellcheck disable=SC2086 # several words are meant
"$CARGO" metadata $locked --format-version 1 | sed 's/,"/\n"/g' | awk -F'"' '
    $2 == "id" { id = $4 }
    $2 == "manifest_path" {
        sub(/.*#/, "", id); sub(/@/, " ", id); sub(/\/Cargo\.toml$/, "", $4)
        print id "|" $4
    }' >"$texts/folders"

echo "libemnify is built from these crates, and from the Rust standard library (MIT OR Apache-2.0),"
echo "under these licences. Their texts follow, each once. The licence of libemnify itself is beside this file."
echo
sed 's/|/: /; s/^/  /' "$texts/crates"

while IFS='|' read -r crate licence; do
    folder=$(sed -n "s/^$crate|//p" "$texts/folders")
    found=
    for file in "$folder"/LICEN[CS]E* "$folder"/COPYING* "$folder"/COPYRIGHT* "$folder"/NOTICE* "$folder"/UNLICENSE*; do
        [ -f "$file" ] || continue
        found=yes
        sum=$(cksum <"$file" | tr -d ' ')
        printf '  %s (%s)\n' "$crate" "${file##*/}" >>"$texts/$sum.names"
        cp "$file" "$texts/$sum.text"
    done
    # Some are published without the text, and the words of the licence are then all there is.
    [ -n "$found" ] || printf '  %s: %s\n' "$crate" "$licence" >>"$texts/without"
done <"$texts/crates"

if [ -f "$texts/without" ]; then
    printf '\nPublished without a text:\n\n'
    cat "$texts/without"
fi
for names in "$texts"/*.names; do
    printf '\n%s\n\n' "------------------------------------------------------------------------------"
    cat "$names"
    echo
    tr -d '\r' <"${names%.names}.text"
done
