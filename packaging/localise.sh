#!/bin/sh
# localise.sh ARCHIVE OUT PREFIX
#
# Makes of a static library of Rust one that keeps all to itself but the functions that start with
# PREFIX. As rustc leaves it, it exports Rust's own functions as well, rust_eh_personality among them,
# and a program that links two such libraries has those twice.
#
# One object is made of what those functions need (ld -r), then its other symbols become local. Sections
# stay apart, so that the linker's --gc-sections goes on working. Groups, in which a linker keeps
# one of several same sections, have to go: a local symbol in a group that was dropped in favour of
# another library's would point nowhere. The names stay, for backtraces; debugging information goes,
# as does the bitcode that only the same release of rustc could read and on which ar of a machine
# with an older LLVM fails.
#
# Only GNU ld is known to do this. Without it the library is taken as it is, with a warning.
set -eu

archive=$1
out=$2
prefix=$3
: "${LD:=ld}" "${AR:=ar}" "${NM:=nm}" "${OBJCOPY:=objcopy}"

new=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$new"' EXIT

defined() {
    "$NM" -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u
}

as_it_is() {
    echo "localise.sh: warning: $1: $out exports Rust's own symbols, and cannot be linked beside another Rust library" >&2
    cp "$archive" "$out"
    exit 0
}

defined "$archive" | grep "^$prefix" >"$new/exported" || as_it_is "$NM finds no $prefix*"
sed 's/^/-u /' "$new/exported" >"$new/wanted"
"$LD" -r --force-group-allocation "@$new/wanted" -o "$new/whole.o" "$archive" >"$new/log" 2>&1 ||
    as_it_is "$LD -r --force-group-allocation failed"
# The object's name shows in link maps.
"$OBJCOPY" --strip-debug --remove-section=.llvmbc --remove-section=.llvmcmd \
    "--keep-global-symbols=$new/exported" "$new/whole.o" "$new/emnify.o" >"$new/log" 2>&1 ||
    as_it_is "$OBJCOPY failed"
# Without time and owner: the same sources make the same file.
"$AR" rcsD "$new/out.a" "$new/emnify.o" >"$new/log" 2>&1 || as_it_is "$AR failed"
defined "$new/out.a" | cmp -s - "$new/exported" || as_it_is "the symbols did not come out as they should"
mv "$new/out.a" "$out"
