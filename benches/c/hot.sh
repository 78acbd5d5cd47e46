#!/bin/sh
# What `make bench` runs of benches/c: hot.c against the staged library and a simulator, with a
# token of 1,000 bytes and one of 400.
set -eu

program="$BUILD/hot"
PKG_CONFIG_PATH="$STAGE/lib/pkgconfig"
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086 # several words are meant
$CC -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror benches/c/hot.c -o "$program" -pthread \
    $("$PKG_CONFIG" --cflags --libs emnify) -Wl,-rpath,"$STAGE/lib"

. tests/simulator/start.sh
start_simulator

for length in 1000 400; do
    token=$(printf "%${length}s" | tr ' ' x)
    curl --silent --show-error --fail "$url/_control/script" --output /dev/null \
        --data "{\"path\": \"/api/v1/authenticate\", \"token\": \"$token\"}"
    "$program" "$url" ${ROUNDS:+"$ROUNDS"}
done
