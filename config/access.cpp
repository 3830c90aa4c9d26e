#include "config/access.h"

#include <algorithm>

namespace forestay::config {

const Node* find_node(const Node& map, std::string_view path) {
    const Node* at = &map;
    while (at && !path.empty()) {
        const std::string_view key = path.substr(0, path.find('.'));
        path.remove_prefix(std::min(key.size() + 1, path.size()));
        at = at->find(key);
    }
    return at;
}

const std::vector<Node>& items(const Node& map, std::string_view path) {
    static const std::vector<Node> none;
    const Node* node = find_node(map, path);
    return node ? node->items : none;
}

std::string text(const Node& map, std::string_view path) {
    const Node* node = find_node(map, path);
    return node ? node->text : std::string{};
}

std::vector<std::string> texts(const Node& map, std::string_view path) {
    std::vector<std::string> out;
    for (const Node& item : items(map, path)) {
        if (item.is_scalar()) out.push_back(item.text);
    }
    return out;
}

bool boolean(const Node& map, std::string_view path) {
    return text(map, path) == "true";
}

std::uint64_t integer(const Node& map, std::string_view path) {
    std::string problem;
    return parse_integer(text(map, path), problem).value_or(0);
}

std::uint64_t percent(const Node& map, std::string_view path) {
    std::string problem;
    return parse_percent(text(map, path), problem).value_or(0);
}

Rate rate(const Node& map, std::string_view path) {
    std::string problem;
    return parse_rate(text(map, path), problem).value_or(Rate{});
}

std::uint64_t size(const Node& map, std::string_view path) {
    std::string problem;
    return parse_size(text(map, path), problem).value_or(0);
}

std::chrono::milliseconds duration(const Node& map, std::string_view path) {
    std::string problem;
    return parse_duration(text(map, path), problem).value_or(std::chrono::milliseconds{0});
}

}  // namespace forestay::config
