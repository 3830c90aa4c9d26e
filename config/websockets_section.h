// `websockets:` -> the paths that the net ring looks for, and what their sessions are told.
#pragma once

#include "config/config.h"
#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// `root` as conform() made it. Fills net.websockets and session.json_websockets.
void read_websockets(Config& config, const Node& root, Problems& problems);

// Two paths are the same to this when they differ in the names of their {segments} only.
[[nodiscard]] std::string without_names(std::string_view path);

}  // namespace forestay::config
