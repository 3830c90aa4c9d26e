// Whether a scalar fits its key: type, bounds, what is built yet.
#pragma once

#include <string>
#include <string_view>

#include "config/schema.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// What is wrong with it, as the end of a sentence that begins with the key; empty: nothing. Never shows a
// secret, nor what came from the environment.
[[nodiscard]] std::string check_scalar(const Key& key, const Node& scalar);

// The same for the name of a header alone.
[[nodiscard]] std::string check_header(std::string_view text);

}  // namespace forestay::config
