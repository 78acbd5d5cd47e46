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

state=$(mktemp -d)
trap 'kill "$simulator" 2>/dev/null || true; rm -rf "$state"' EXIT
"$SIMULATOR" --url-out "$state/url" >/dev/null &
simulator=$!
tries=0
while [ ! -s "$state/url" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        echo "hot: the simulator does not start" >&2
        exit 1
    fi
    sleep 0.1
done

url=$(cat "$state/url")
for length in 1000 400; do
    token=$(printf "%${length}s" | tr ' ' x)
    curl --silent --show-error --fail "$url/_control/script" --output /dev/null \
        --data "{\"path\": \"/api/v1/authenticate\", \"token\": \"$token\"}"
    "$program" "$url" ${ROUNDS:+"$ROUNDS"}
done
