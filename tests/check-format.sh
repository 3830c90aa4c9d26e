#!/bin/bash
# Every C++ file is as clang-format leaves it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
format=$(command -v clang-format-14 || command -v clang-format)
git ls-files -z '*.h' '*.cpp' | xargs -0 "$format" --dry-run --Werror
echo "$(git ls-files '*.h' '*.cpp' | wc -l) files are formatted."
