// `requests:` -> compiled rules, every problem of theirs at its place in the file.
#pragma once

#include "config/problem.h"
#include "config/yaml_tree.h"
#include "rules/rule_set.h"

namespace forestay::config {

// `root` as conform() made it.
[[nodiscard]] rules::RuleSet read_rules(const Node& root, Problems& problems);

}  // namespace forestay::config
