# shellcheck shell=sh
# For scripts that read it with `.`: start_simulator OPTIONS starts $SIMULATOR, waits until it listens,
# and sets $state, a folder for files that live as long as it, and $url. It ends with the script.

state=$(mktemp -d)
simulator=
trap 'kill $simulator 2>/dev/null || true; rm -rf "$state"' EXIT

start_simulator() {
    "$SIMULATOR" --url-out "$state/url" "$@" >/dev/null &
    simulator=$!
    tries=0
    while [ ! -s "$state/url" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            echo "$0: the simulator does not start" >&2
            exit 1
        fi
        sleep 0.1
    done
    url=$(cat "$state/url")
}
