// What the single keys cannot tell: settings that contradict each other, and those that are allowed but
// risky.
#pragma once

#include "config/config.h"
#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// `root` as conform() made it, for the places.
void check(const Config& config, const Node& root, std::uint64_t open_files, Problems& problems);

}  // namespace forestay::config
