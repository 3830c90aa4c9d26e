// A YAML value as JSON text: what the fallback of a rule says, what its conditions compare with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// Quoted scalars are strings; plain ones are numbers, true, false or null where they look like it, else
// strings. What YAML readers disagree on (010, 0x1f, 1_000, .5) is a problem, not a guess. Empty optional: a
// problem was added.
[[nodiscard]] std::optional<std::string> to_json(const Node& node, Problems& problems);

// A text as a JSON string.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace forestay::config
