#include "config/settings.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "config/values.h"

namespace forestay::config {
namespace {

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> out;
    for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
        out.emplace_back(path.substr(0, dot));
        path.remove_prefix(dot + 1);
    }
    out.emplace_back(path);
    return out;
}

// What a path may go on from: a map for names, a list for numbers. A value that is not there yet becomes what
// is needed.
Node* step(Node& at, const std::string& part, const Place& place, std::string& problem) {
    if (at.is_list()) {
        const auto index = parse_integer(part, problem);
        if (!index) return nullptr;
        if (*index > at.items.size()) {
            problem = "there are only " + std::to_string(at.items.size()) + " elements";
            return nullptr;
        }
        if (*index == at.items.size()) at.items.emplace_back();
        return &at.items[*index];
    }
    if (at.is_scalar()) {
        problem = "what stands there is a single value";
        return nullptr;
    }
    if (at.kind == Node::Kind::null) {
        at.kind = part == "0" ? Node::Kind::list : Node::Kind::map;
        at.at = place;
        if (at.is_list()) return step(at, part, place, problem);
    }
    if (Node* known = at.find(part)) return known;
    at.entries.push_back({part, place, {}});
    return &at.entries.back().value;
}

// Appends to the list `over` what `under` has besides.
void append_websockets(Node& over, Node& under) {
    const auto path = [](const Node& one) {
        const Node* at = one.find("path");
        return at ? at->text : std::string{};
    };
    for (Node& one : under.items) {
        const std::string wanted = path(one);
        const bool there =
            !wanted.empty() && std::any_of(over.items.begin(), over.items.end(),
                                           [&](const Node& own) { return path(own) == wanted; });
        if (!there) over.items.push_back(std::move(one));
    }
}

}  // namespace

void write_out_shorthand(Node& root) {
    Node* upstream = root.find("upstream");
    if (!upstream || upstream->is_map() || upstream->kind == Node::Kind::null) return;
    Node map;
    map.kind = Node::Kind::map;
    map.at = upstream->at;
    map.entries.push_back({"url", upstream->at, std::move(*upstream)});
    *upstream = std::move(map);
}

Node merge(Node under, Node over) {
    for (Node::Entry& entry : over.entries) {
        Node* below = under.find(entry.key);
        if (!below) {
            under.entries.push_back(std::move(entry));
        } else if (entry.value.kind == Node::Kind::null && (below->is_list() || below->is_map())) {
            // A section whose every line is commented out: nothing goes over what is there.
        } else if (entry.key == "requests" && below->is_list() && entry.value.is_list()) {
            std::move(below->items.begin(), below->items.end(), std::back_inserter(entry.value.items));
            *below = std::move(entry.value);
        } else if (entry.key == "websockets" && below->is_list() && entry.value.is_list()) {
            append_websockets(entry.value, *below);
            *below = std::move(entry.value);
        } else if (below->is_map() && entry.value.is_map()) {
            *below = merge(std::move(*below), std::move(entry.value));
        } else {
            *below = std::move(entry.value);
        }
    }
    under.at = over.at;
    return under;
}

void set_value(Node& root, std::string_view path, Node value, Problems& problems) {
    const Place place = value.at;
    const std::vector<std::string> parts = split(path);
    std::string problem;
    if (parts.size() > yaml_depth_max) problem = "nested too deeply";
    if (std::count(parts.begin(), parts.end(), "") > 0) {
        problem = "a key is a dotted path such as heartbeat.ping_interval";
    }
    Node* at = &root;
    for (const std::string& part : parts) {
        if (problem.empty()) at = step(*at, part, place, problem);
    }
    if (!problem.empty()) return problems.error(place, problem);
    *at = std::move(value);
    write_out_shorthand(root);
}

}  // namespace forestay::config
