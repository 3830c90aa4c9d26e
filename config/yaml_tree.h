// YAML text -> our own tree, with the place of every key and value.
//
// yaml-cpp is used for its events only. Its own loader keeps duplicate keys, drops what follows the first
// node, takes a missing closing quote for the rest of the file, and never returns for a lone comma; here each
// of these is a problem. What a configuration does not need is refused: aliases, anchors, tags, quoted text
// over more than one line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace forestay::config {

constexpr std::size_t yaml_bytes_max = 1 << 20;
constexpr std::size_t yaml_nodes_max = 50'000;
constexpr std::size_t yaml_depth_max = 32;

struct Node {
    enum class Kind : std::uint8_t { null, scalar, list, map };
    struct Entry;

    Kind kind = Kind::null;
    Place at;
    std::string text;       // of a scalar
    bool quoted = false;    // text, even if it looks like a number
    bool expanded = false;  // something of it came from the environment
    bool broken = false;    // something of it has a problem that was told already
    std::vector<std::string>
        lost;                    // of a map: keys whose value is not here, because of a problem that was told
    std::vector<Node> items;     // of a list
    std::vector<Entry> entries;  // of a map, in the order of the file

    [[nodiscard]] bool is_scalar() const { return kind == Kind::scalar; }
    [[nodiscard]] bool is_list() const { return kind == Kind::list; }
    [[nodiscard]] bool is_map() const { return kind == Kind::map; }
    [[nodiscard]] const Node* find(std::string_view key) const;
    [[nodiscard]] Node* find(std::string_view key);
};

struct Node::Entry {
    std::string key;
    Place at;
    Node value;
};

// Reads one document. Empty text is an empty map. Empty optional: there is a problem that leaves no tree to
// look at.
[[nodiscard]] std::optional<Node> read_yaml(std::string_view text, std::shared_ptr<const Source> source,
                                            Problems& problems);

// Reads the value of a flag or of a default: like read_yaml, but empty text is null.
[[nodiscard]] std::optional<Node> read_yaml_value(std::string_view text, std::shared_ptr<const Source> source,
                                                  Problems& problems);

}  // namespace forestay::config
