// `resume:` -> what sessions and the upstream side are told of legs that may be gone, and what in it
// contradicts itself or is risky.
#pragma once

#include "config/config.h"
#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// `root` as conform() made it. The rest of `config` is filled.
void read_resume(Config& config, const Node& root, Problems& problems);

}  // namespace forestay::config
