#include "config/conform.h"

#include <optional>
#include <string>
#include <utility>

#include "config/json_text.h"
#include "config/scalar_check.h"
#include "config/schema.h"

namespace forestay::config {
namespace {

std::string name(Node::Kind kind) {
    switch (kind) {
        case Node::Kind::null:
            return "nothing";
        case Node::Kind::scalar:
            return "a single value";
        case Node::Kind::list:
            return "a list";
        case Node::Kind::map:
            return "a map";
    }
    return {};
}

void set_place(Node& node, const Place& at) {
    node.at = at;
    for (Node& item : node.items) set_place(item, at);
}

// A list of what stands there alone.
Node as_list(Node alone) {
    Node out;
    out.kind = Node::Kind::list;
    out.at = alone.at;
    out.items.push_back(std::move(alone));
    return out;
}

// The default of the table, as if it stood at `at`.
std::optional<Node> initial(const Key& key, const Place& at) {
    if (key.initial.empty() || key.is(traits::later)) return std::nullopt;
    Problems none;
    auto node = read_yaml_value(key.initial, std::make_shared<Source>(), none);
    if (key.is(traits::list) && node->is_scalar()) node = as_list(std::move(*node));
    set_place(*node, at);
    return node;
}

class Conformer {
  public:
    explicit Conformer(Problems& problems) : problems_(problems) {}

    Node section(const Schema& schema, const Node& given, const std::string& path) {
        Node out;
        out.kind = Node::Kind::map;
        out.at = given.at;
        for (const Node::Entry& entry : given.entries) {
            if (!schema.find(entry.key) && !schema.find("*")) refuse_unknown(schema, entry, path);
        }
        for (const auto& [key, child] : schema.children) {
            if (key == "*") continue;
            const Node::Entry* entry = find(given, key);
            const std::string at = join(path, key);
            std::optional<Node> value;
            if (entry) {
                value = checked(child, *entry, at);
                if (!value) out.lost.emplace_back(key);
                out.broken |= !value || value->broken;
            } else if (child.key->is(traits::required)) {
                refuse_missing(child, given.at, at);
                out.lost.emplace_back(key);
                out.broken = true;
            }
            if (!value) value = by_default(child, given.at, at);
            if (value)
                out.entries.push_back({std::string(key), entry ? entry->at : given.at, std::move(*value)});
        }
        if (const Schema* any = schema.find("*")) {
            for (const Node::Entry& entry : given.entries) {
                auto value = checked(*any, entry, join(path, quote(entry.key)));
                out.broken |= !value || value->broken;
                if (value) out.entries.push_back({entry.key, entry.at, std::move(*value)});
            }
        }
        return out;
    }

  private:
    static const Node::Entry* find(const Node& map, std::string_view key) {
        for (const Node::Entry& entry : map.entries) {
            if (entry.key == key) return &entry;
        }
        return nullptr;
    }
    static std::string join(const std::string& path, std::string_view key) {
        return path.empty() ? std::string(key) : path + '.' + std::string(key);
    }

    void refuse_unknown(const Schema& schema, const Node::Entry& entry, const std::string& path) {
        std::string message = "unknown key " + quote(entry.key);
        if (!path.empty()) message += " in " + path;
        const std::string near = suggestion(schema, entry.key);
        if (!near.empty()) message += ": did you mean " + quote(near) + "?";
        problems_.error(entry.at, std::move(message));
    }
    void refuse_missing(const Schema& schema, const Place& at, const std::string& path) {
        const Schema* url = schema.find("url");
        const Type type = url ? url->key->type : schema.key->type;
        problems_.error(at, path + " is missing: " + std::string(config::name(type)) + " is expected");
    }

    void require_one(const Schema& schema, const Node& given, const std::string& path) {
        if (given.entries.size() == 1) return;
        std::string names;
        for (const auto& [known, child] : schema.children) {
            if (!child.key->is(traits::later)) names += (names.empty() ? "" : ", ") + std::string(known);
        }
        problems_.error(given.entries.empty() ? given.at : given.entries[1].at,
                        path + ": exactly one of these is expected: " + names);
    }

    std::optional<Node> by_default(const Schema& schema, const Place& at, const std::string& path) {
        const Key& key = *schema.key;
        if (key.type != Type::section || !key.initial.empty()) return initial(key, at);
        if (key.is(traits::later | traits::optional | traits::required)) return std::nullopt;
        return empty_section(schema, at, path);
    }

    Node empty_section(const Schema& schema, const Place& at, const std::string& path) {
        Node empty;
        empty.at = at;
        return section(schema, empty, path);
    }

    std::optional<Node> checked(const Schema& schema, const Node::Entry& entry, const std::string& path) {
        const Key& key = *schema.key;
        if (key.is(traits::later)) {
            problems_.error(entry.at, path + ": not supported yet");
            return std::nullopt;
        }
        // A section whose every line is commented out is a section without keys.
        if (entry.value.kind == Node::Kind::null && key.type == Type::section) {
            if (key.is(traits::list)) return initial(key, entry.at);
            return empty_section(schema, entry.at, path);
        }
        return key.is(traits::list) ? checked_list(schema, entry.value, path)
                                    : checked_one(schema, entry.value, path);
    }

    std::optional<Node> checked_list(const Schema& schema, const Node& given, const std::string& path) {
        if (!given.is_list() && schema.key->type != Type::section) {
            auto alone = checked_one(schema, given, path);
            return alone ? std::optional(as_list(std::move(*alone))) : alone;
        }
        if (!given.is_list()) {
            problems_.error(given.at, path + ": a list is expected, not " + name(given.kind));
            return std::nullopt;
        }
        Node out = given;
        out.items.clear();
        for (std::size_t i = 0; i < given.items.size(); ++i) {
            auto item = checked_one(schema, given.items[i], path + '[' + std::to_string(i) + ']');
            out.broken |= !item || item->broken;
            if (item) out.items.push_back(std::move(*item));
        }
        return out;
    }

    std::optional<Node> checked_one(const Schema& schema, const Node& given, const std::string& path) {
        const Key& key = *schema.key;
        if (given.broken) return std::nullopt;
        if (given.is_map() && !schema.children.empty()) {
            if (key.is(traits::one_of)) require_one(schema, given, path);
            return section(schema, given, path);
        }
        if (key.type == Type::json ||
            (key.type == Type::json_scalar && !given.is_list() && !given.is_map())) {
            return to_json(given, problems_) ? std::optional(given) : std::nullopt;
        }
        if (!given.is_scalar() || key.type == Type::section || key.type == Type::json_scalar) {
            problems_.error(given.at, path + ": " + std::string(config::name(key.type)) +
                                          " is expected, not " + name(given.kind));
            return std::nullopt;
        }
        const std::string problem = check_scalar(key, given);
        if (problem.empty()) return given;
        problems_.error(given.at, path + (problem.starts_with("is ") ? " " : ": ") + problem);
        return std::nullopt;
    }

    Problems& problems_;
};

}  // namespace

Node conform(const Node& given, Problems& problems) {
    return Conformer(problems).section(schema(), given, {});
}

}  // namespace forestay::config
