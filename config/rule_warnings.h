// Rules that are allowed, but do not do what they seem to: those that can never match, those whose bounds
// take the effect from each other.
#pragma once

#include "config/config.h"
#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// `root` as conform() made it; `config` is filled.
void warn_of_rules(const Config& config, const Node& root, Problems& problems);

}  // namespace forestay::config
