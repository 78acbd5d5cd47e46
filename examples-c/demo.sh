#!/bin/sh
# What `make demo` runs: examples-c/get_token.c, built as a user builds it, against the simulator,
# or against the real service where EMNIFY_APPLICATION_TOKEN is set.
set -eu

program="$BUILD/get_token"
PKG_CONFIG_PATH="$STAGE/lib/pkgconfig"
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086 # several words are meant
$CC examples-c/get_token.c -o "$program" $("$PKG_CONFIG" --cflags --libs emnify) \
    -Wl,-rpath,"$STAGE/lib"

if [ -n "${EMNIFY_APPLICATION_TOKEN:-}" ]; then
    echo "EMNIFY_APPLICATION_TOKEN is set: using ${EMNIFY_BASE_URL:-the real service}."
    exec "$program"
fi

# Nothing of the caller's own may lead to the real service with made-up credentials.
unset EMNIFY_USERNAME EMNIFY_PASSWORD EMNIFY_TOKEN_FILE

. tests/simulator/start.sh
EMNIFY_APPLICATION_TOKEN="made-up-application-token-for-the-demonstration-that-opens-nothing-anywhere"
start_simulator --tls --ca-out "$state/ca.pem" --log "$state/log" \
    --application-token "$EMNIFY_APPLICATION_TOKEN"

EMNIFY_BASE_URL=$url
EMNIFY_CA_FILE="$state/ca.pem"
export EMNIFY_APPLICATION_TOKEN EMNIFY_BASE_URL EMNIFY_CA_FILE
echo "No EMNIFY_APPLICATION_TOKEN: using a simulator of the service at $EMNIFY_BASE_URL."
"$program"

count() {
    grep -c "$1" "$state/log" || true
}
echo "The service saw $(count 'POST /api/v1/authenticate') sign-in for two calls for the token," \
    "and $(count 'GET /api/v1/sim') request with it."
