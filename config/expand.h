// ${NAME} and ${NAME:-default} inside values, from the environment.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// The value of an environment variable; empty optional: it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment process_environment();

// Replaces in every scalar below `root`; keys stay as they are. A variable that is not set and has no default
// is a problem; the default also stands in for an empty one. "$${" is a plain "${". What a variable holds is
// text: it is not looked through again, and cannot add keys.
void expand(Node& root, const Environment& environment, Problems& problems);

}  // namespace forestay::config
