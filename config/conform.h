// Holds what was written to the table: every key known, every value of its type and within its bounds. The
// result is complete and clean: defaults filled in, keys in the order of the table, nothing in it that has a
// problem.
#pragma once

#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// `given` is the root map. Where a value is refused, its default stands in the result, or nothing.
[[nodiscard]] Node conform(const Node& given, Problems& problems);

}  // namespace forestay::config
