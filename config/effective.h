// A configuration as YAML again: what is in force, defaults included, secrets masked.
#pragma once

#include <string>

#include "config/yaml_tree.h"

namespace forestay::config {

// `root` as conform() made it. The text is a configuration itself; but for the masks it means the same.
[[nodiscard]] std::string effective_yaml(const Node& root);
// Every default, with its description as a comment; what has no default is commented out.
[[nodiscard]] std::string defaults_yaml();

}  // namespace forestay::config
