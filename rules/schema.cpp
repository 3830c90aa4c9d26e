// Reading a schema.

#include "rules/schema.h"

#include <array>
#include <utility>

#include "proxy/wire/json/scan.h"
#include "rules/schema_node.h"

namespace forestay::rules {

namespace json = wire::json;

namespace {

using Node = Schema::Node;

struct TypeName {
    std::string_view name;
    unsigned bits;
    std::string_view text;
};
constexpr std::array<TypeName, 7> type_names{{{"null", json_type::null, "null"},
                                              {"boolean", json_type::boolean, "true or false"},
                                              {"integer", json_type::integer, "an integer"},
                                              {"number", json_type::number, "a number"},
                                              {"string", json_type::string, "a string"},
                                              {"array", json_type::array, "an array"},
                                              {"object", json_type::object, "an object"}}};

// Reads a schema and those inside it. Their nesting is that of the text, which validate() has bounded. The
// first problem ends it.
class Reader {
  public:
    explicit Reader(std::string& problem) : problem_(problem) {}

    std::unique_ptr<const Node> read(std::string_view text, const std::string& path) {
        if (!text.starts_with('{')) return fail(path, "must be a schema: an object"), nullptr;
        auto node = std::make_unique<Node>();
        for (JsonMembers members(text); members.next();) {
            const std::string key = json::unescape(members.key()).value_or("");
            if (!keyword(*node, key, members.value(), path + '/' + key)) return nullptr;
        }
        return node;
    }

  private:
    bool fail(const std::string& path, const std::string& what) {
        problem_ = (path.empty() ? "" : path + ": ") + what;
        return false;
    }

    bool keyword(Node& node, const std::string& key, std::string_view value, const std::string& path) {
        if (key == "type") return types(node, value, path);
        if (key == "required") return required(node, value, path);
        if (key == "properties") return properties(node, value, path);
        if (key == "additionalProperties") {
            node.only_known_members = value == "false";
            return value == "false" || fail(path, "can only be false; leave it out otherwise");
        }
        if (key == "items") return (node.items = read(value, path)) != nullptr;
        if (key == "enum") return one_of(node, value, path);
        if (key == "const") return one_of(node, '[' + std::string(value) + ']', path);
        if (key == "pattern") return pattern(node, value, path);
        if (key == "minimum") return number(node.minimum, value, path);
        if (key == "maximum") return number(node.maximum, value, path);
        if (key == "minLength") return count(node.min_length, value, path);
        if (key == "maxLength") return count(node.max_length, value, path);
        if (key == "minItems") return count(node.min_items, value, path);
        if (key == "maxItems") return count(node.max_items, value, path);
        if (key == "title" || key == "description" || key == "$schema") return true;
        return fail(path,
                    "is not checked here; known are type, required, properties, additionalProperties, items, "
                    "enum, const, pattern, minimum, maximum, minLength, maxLength, minItems and maxItems");
    }

    bool types(Node& node, std::string_view value, const std::string& path) {
        const std::string list = value.starts_with('[') ? std::string(value) : '[' + std::string(value) + ']';
        node.types = 0;
        for (JsonMembers members(list); members.next();) {
            const auto name = json::unescape(members.value());
            const TypeName* known = type_names.begin();
            while (known != type_names.end() && known->name != name) ++known;
            if (known == type_names.end())
                return fail(path,
                            "is one or a list of null, boolean, integer, number, string, array, object");
            node.types |= known->bits;
            node.types_text += (node.types_text.empty() ? "" : " or ") + std::string(known->text);
        }
        return node.types != 0 || fail(path, "needs at least one type");
    }

    bool required(Node& node, std::string_view value, const std::string& path) {
        if (!value.starts_with('[')) return fail(path, "must be a list of names");
        for (JsonMembers members(value); members.next();) {
            auto name = json::unescape(members.value());
            if (!name) return fail(path, "must be a list of names");
            auto& index = node.members[*name].required;
            if (index) continue;
            index = node.required.size();
            node.required.push_back(std::move(*name));
        }
        return true;
    }

    bool properties(Node& node, std::string_view value, const std::string& path) {
        if (!value.starts_with('{')) return fail(path, "must be schemas by name");
        for (JsonMembers members(value); members.next();) {
            const std::string name = json::unescape(members.key()).value_or("");
            if (!(node.members[name].schema = read(members.value(), path + '/' + name))) return false;
        }
        return true;
    }

    bool one_of(Node& node, std::string_view value, const std::string& path) {
        if (!value.starts_with('[')) return fail(path, "must be a list of scalars");
        if (!node.one_of.empty()) return fail(path, "stands beside const or enum already; say one of them");
        for (JsonMembers members(value); members.next();) {
            const std::string_view raw = members.value();
            const unsigned bits = types_of(raw);
            if (bits == json_type::array || bits == json_type::object)
                return fail(path, "compares scalars only; describe arrays and objects by their members");
            node.one_of.push_back({std::string(raw), {}});
            if ((bits & json_type::number) != 0) node.one_of.back().number = number_of(raw);
            node.one_of_text += (node.one_of_text.empty() ? "" : " or ") + std::string(raw);
        }
        return !node.one_of.empty() || fail(path, "needs at least one value");
    }

    bool pattern(Node& node, std::string_view value, const std::string& path) {
        const auto text = json::unescape(value);
        if (!text) return fail(path, "must be a string: a regular expression of RE2");
        std::string why;
        node.pattern = compile_pattern(*text, why);
        return node.pattern || fail(path, why);
    }

    bool number(std::optional<SchemaBound>& bound, std::string_view value, const std::string& path) {
        if ((types_of(value) & json_type::number) == 0) return fail(path, "must be a number");
        bound = {number_of(value), std::string(value)};
        return true;
    }

    bool count(std::optional<SchemaBound>& bound, std::string_view value, const std::string& path) {
        if ((types_of(value) & json_type::integer) == 0 || number_of(value) < 0)
            return fail(path, "must be a count: 0 or more");
        bound = {number_of(value), std::string(value)};
        return true;
    }

    std::string& problem_;
};

}  // namespace

std::optional<Schema> Schema::compile(std::string_view text, std::string& problem) {
    if (const auto error = json::validate(text)) {
        problem = "is not JSON: " + error.message();
        return std::nullopt;
    }
    Schema made;
    made.root_ = Reader(problem).read(*json::first_value(text), "");
    if (!made.root_) return std::nullopt;
    return made;
}

}  // namespace forestay::rules
