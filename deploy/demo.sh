#!/bin/bash
# Shows forestay in front of a real Flask-SocketIO app. On a bare Debian 12 this installs and builds what is missing.
#
#   deploy/demo.sh          starts both, prints where to look, runs until Ctrl-C
#   deploy/demo.sh --check  directly and through forestay: asks the question that never answers, kills the app, cuts the
#                           clients' network, and prints what each client noticed; exit 0 only if it was nothing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

check=no
case ${1:-} in
    "") ;;
    --check) check=yes ;;
    *) sed -n '2,6s/^# \{0,1\}//p' deploy/demo.sh >&2; exit 2 ;;
esac

step() { printf '\n== %s\n' "$*"; }

started=()
run=
cleanup() {
    trap - EXIT
    trap '' INT TERM  # a second Ctrl-C must not leave half of it running
    # The newest first: forestay says goodbye to its clients before the app goes.
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill "${started[i]}" 2>/dev/null || true
        wait "${started[i]}" 2>/dev/null || true
    done
    if [[ -n $run ]]; then rm -rf "$run"; fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step "Debian packages"
deploy/install-packages.sh build demo

step "The stock client (npm)"
if [[ deploy/demo/package-lock.json -nt deploy/demo/node_modules/.package-lock.json ]]; then
    npm ci --prefix deploy/demo --no-audit --no-fund
fi
echo "socket.io-client $(sed -n 's/.*"version": "\(.*\)".*/\1/p' deploy/demo/node_modules/socket.io-client/package.json)"

step "forestay, release build (a few minutes the first time)"
cmake --preset release
cmake --build --preset release --target forestay

# The wanted port when it is free, else any free one.
free_port() {
    python3 - "$1" <<'PYTHON'
import socket, sys
for port in (int(sys.argv[1]), 0):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(s.getsockname()[1])
        break
PYTHON
}

# Starts a command again whenever it ends, as a service manager would. SIGTERM stops both; a Ctrl-C, which reaches every
# process of the terminal, is for the script itself, which then sends that.
supervise() {
    local child=
    trap '' INT
    trap 'kill "$child" 2>/dev/null || true; exit 0' TERM
    while true; do
        "$@" &
        child=$!
        wait "$child" || true
        echo "app: gone, comes back in a second"
        sleep 1
    done
}

wait_for() {  # DESCRIPTION SECONDS PID COMMAND...
    local what=$1 seconds=$2 pid=$3
    shift 3
    for ((i = 0; i < seconds * 10; i++)); do
        if "$@" 2>/dev/null; then return; fi
        if ! kill -0 "$pid" 2>/dev/null; then break; fi
        sleep 0.1
    done
    echo "$what did not come up:" >&2
    tail -n 20 "$run"/*.log >&2
    return 1
}
accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

# Clients come through a network that can be cut: the ports that people use are its own, the app and forestay have others.
step "Starting the app, forestay, and a network in front of both"
run=$(mktemp -d "${TMPDIR:-/tmp}/forestay-demo.XXXXXX")
direct_port=$(free_port 5000)
port=$(free_port 8080)
admin_port=$(free_port 9901)
app_port=$(free_port 5001)
forestay_port=$(free_port 8081)
network_port=$(free_port 8090)

node deploy/demo/network.js "$network_port" "$direct_port:$app_port" "$port:$forestay_port" >"$run/network.log" 2>&1 &
network_pid=$!
started+=("$network_pid")
wait_for "The network" 10 "$network_pid" accepts "$network_port"

supervise /usr/bin/python3 deploy/demo/app.py --port "$app_port" --direct-port "$direct_port" --forestay-port "$port" \
    --network-port "$network_port" >"$run/app.log" 2>&1 &
app_pid=$!
started+=("$app_pid")
wait_for "The app" 30 "$app_pid" accepts "$app_port"

build/release/forestay run -c deploy/demo/forestay.yaml --listen "127.0.0.1:$forestay_port" \
    --upstream "http://127.0.0.1:$app_port" --set "admin.listen=127.0.0.1:$admin_port" \
    --ready-file "$run/ready.json" >"$run/forestay.log" 2>&1 &
forestay_pid=$!
started+=("$forestay_pid")
wait_for "forestay" 10 "$forestay_pid" test -s "$run/ready.json"

if [[ $check == yes ]]; then
    step "What clients notice"
    node deploy/demo/check.js "http://127.0.0.1:$direct_port" "http://127.0.0.1:$port" "http://127.0.0.1:$network_port" ||
        { code=$?; tail -n 20 "$run"/*.log; exit "$code"; }
    exit 0
fi

cat <<TEXT

  The page            http://127.0.0.1:$port/
  The app, directly   http://127.0.0.1:$direct_port/      (pid in $run/app.log)
  Metrics             http://127.0.0.1:$admin_port/metrics

  What to try
    Think Tank        the app never answers; through forestay the fallback comes after 5 seconds
    Report            the app computes for 15 seconds and hears nobody: the direct pane loses its connection, the
                      other one stays. Press Think Tank meanwhile: its fallback still comes after 5 seconds
    Slow question     6 seconds of work. Press Crash or Cut meanwhile: through forestay it is answered nevertheless
    Crash             the app is killed (SIGKILL) and started again a second later
    Cut my network    the connections of both panes break without the servers hearing of it; nobody gets through for 4 s
    curl -s http://127.0.0.1:$admin_port/metrics | grep ^forestay_

  Ctrl-C stops everything. forestay's log:

TEXT
tail -n +1 -f "$run/forestay.log" --pid="$forestay_pid" &
started+=("$!")
wait "$forestay_pid" || { echo "forestay ended" >&2; exit 1; }
