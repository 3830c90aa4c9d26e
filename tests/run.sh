#!/bin/bash
# Installs what the tests need, builds, and runs every test. The last lines are ctest's summary over all of them.
#
#   tests/run.sh          fuzz targets run 5 seconds each
#   tests/run.sh --full   fuzz targets run 60 seconds each; 15 when CI=true
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fuzz_seconds=5
precompile=OFF
if [[ ${CI:-} == true ]]; then precompile=ON; fi
case ${1:-} in
    "") if [[ ${CI:-} == true ]]; then fuzz_seconds=15; fi ;;
    --full) fuzz_seconds=60 ;;
    *) sed -n '2,5s/^# \{0,1\}//p' tests/run.sh >&2; exit 2 ;;
esac

# What has threads of its own is tried under ThreadSanitizer too.
threaded='telemetry_tests|net_tests|scenario_tests'

step() { printf '\n== %s (%d min %02d s)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }

step "Debian packages"
deploy/install-packages.sh build fuzz demo test

step "Stock clients (npm)"
for folder in deploy/demo tests/real; do
    if [[ $folder/package-lock.json -nt $folder/node_modules/.package-lock.json ]]; then
        npm ci --prefix "$folder" --no-audit --no-fund
    fi
done

step "Build: release, warnings are errors"
cmake --preset release -DFORESTAY_WERROR=ON -DFORESTAY_PRECOMPILE=$precompile
cmake --build --preset release

step "Build: asan-ubsan"
cmake --preset asan-ubsan -DFORESTAY_WERROR=ON -DFORESTAY_PRECOMPILE=$precompile
cmake --build --preset asan-ubsan

step "Build: tsan, what has threads"
cmake --preset tsan -DFORESTAY_PRECOMPILE=$precompile
mapfile -t targets < <(cmake --build build/tsan --target help | grep -oE "^($threaded)\b" | sort -u)
if ((${#targets[@]})); then cmake --build build/tsan --target "${targets[@]}"; fi

step "Build: fuzz"
cmake --preset fuzz -DFORESTAY_FUZZ_SECONDS="$fuzz_seconds"
cmake --build --preset fuzz

step "All tests; fuzz targets run $fuzz_seconds s each"
python3 tests/collect.py build/all release asan-ubsan "tsan:^($threaded)" "fuzz:^fuzz_"
ctest --test-dir build/all -j "$(nproc)" --timeout 300 --output-on-failure
