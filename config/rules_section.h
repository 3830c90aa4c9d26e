// `requests:` -> compiled rules, every problem of theirs at its place in the file.
#pragma once

#include <vector>

#include "config/problem.h"
#include "config/yaml_tree.h"
#include "rules/rule_set.h"

namespace forestay::config {

// `root` as conform() made it. The rules as written, whatever may be wrong with them: one for each element of
// `requests`.
[[nodiscard]] std::vector<rules::RuleSpec> read_specs(const Node& root);
[[nodiscard]] rules::RuleSet read_rules(const Node& root, Problems& problems);

}  // namespace forestay::config
