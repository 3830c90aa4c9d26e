#!/bin/bash
# The one list of the Debian 12 packages that forestay needs, by purpose. Installs those that are missing and asks apt
# nothing when none is.
#
#   deploy/install-packages.sh PURPOSE...        build, fuzz, demo, test
#   deploy/install-packages.sh --list PURPOSE... only print them
set -euo pipefail

packages_for() {
    case $1 in
        build) echo g++ cmake ninja-build ccache mold pkg-config python3 libboost1.81-dev libboost-test1.81-dev \
                    libssl-dev libyaml-cpp-dev prometheus-cpp-dev libsimdjson-dev libre2-dev libspdlog-dev libfmt-dev \
                    libcli11-dev zlib1g-dev ;;
        fuzz)  echo clang-14 libclang-rt-14-dev clang-format-14 ;;
        demo)  echo python3-flask-socketio python3-gevent python3-gevent-websocket nodejs npm curl ;;
        test)  echo python3-flask-socketio python3-eventlet python3-gevent python3-gevent-websocket python3-websocket \
                    python3-requests python3-fastapi python3-uvicorn python3-websockets nginx haproxy prometheus \
                    nodejs npm openssl git chromium-headless-shell systemd python3-seccomp ;;
        *)     echo "install-packages.sh: no such purpose: $1" >&2; return 2 ;;
    esac
}

# A node from elsewhere (nodesource, nvm) does as well, and Debian's would clash with it.
is_there() {
    case $1 in
        nodejs) command -v node >/dev/null ;;
        npm)    command -v npm >/dev/null ;;
        *)      dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed ;;
    esac
}

list_only=no
if [[ ${1:-} == --list ]]; then list_only=yes; shift; fi
if (($# == 0)); then sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; fi

wanted=()
for purpose in "$@"; do
    names=$(packages_for "$purpose")
    read -ra names <<<"$names"
    wanted+=("${names[@]}")
done
if [[ $list_only == yes ]]; then printf '%s\n' "${wanted[@]}" | sort -u; exit; fi

missing=()
for name in "${wanted[@]}"; do
    if ! is_there "$name" && [[ " ${missing[*]} " != *" $name "* ]]; then missing+=("$name"); fi
done
if ((${#missing[@]} == 0)); then exit 0; fi

if ! command -v apt-get >/dev/null; then
    echo "This is not a Debian. These packages, or what they are called here, are missing: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || { echo "Neither root nor sudo: please install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi

# nginx, haproxy and prometheus are started by the tests that want them, on free ports; never as services.
policy=/usr/sbin/policy-rc.d
made_policy=no
remove_policy() { if [[ $made_policy == yes ]]; then "${as_root[@]}" rm -f "$policy"; fi; }
trap remove_policy EXIT
if [[ ! -e $policy ]]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -q
# --no-remove: better to stop than to take something else (another Boost, say) away from this machine.
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends --no-remove "${missing[@]}"
if [[ -d /run/systemd/system ]]; then
    for service in nginx haproxy prometheus; do
        if [[ " ${missing[*]} " == *" $service "* ]]; then "${as_root[@]}" systemctl disable --now "$service" || true; fi
    done
fi
