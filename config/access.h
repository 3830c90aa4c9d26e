// Values of a tree that conform() has made: types and bounds hold, so reading cannot fail. What is not there
// reads as zero, false or empty: then either it has no default, or its problem was told.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/values.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// Dotted path from `map`; null: not there.
[[nodiscard]] const Node* find_node(const Node& map, std::string_view path);
// Elements of a list; none when it is not there.
[[nodiscard]] const std::vector<Node>& items(const Node& map, std::string_view path);

[[nodiscard]] std::string text(const Node& map, std::string_view path);
[[nodiscard]] std::vector<std::string> texts(const Node& map, std::string_view path);
[[nodiscard]] bool boolean(const Node& map, std::string_view path);
[[nodiscard]] std::uint64_t integer(const Node& map, std::string_view path);
[[nodiscard]] std::uint64_t percent(const Node& map, std::string_view path);
[[nodiscard]] Rate rate(const Node& map, std::string_view path);  // none: a count of 0
[[nodiscard]] std::uint64_t size(const Node& map, std::string_view path);
[[nodiscard]] std::chrono::milliseconds duration(const Node& map, std::string_view path);

}  // namespace forestay::config
