#!/bin/bash
# Every C++ file is as clang-format leaves it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
format=$(command -v clang-format-14 || command -v clang-format)
mapfile -t files < <(find proxy rules config tests -name node_modules -prune -o \( -name '*.h' -o -name '*.cpp' \) -print)
"$format" --dry-run --Werror "${files[@]}"
echo "${#files[@]} files are formatted."
