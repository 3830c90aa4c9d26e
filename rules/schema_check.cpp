// Checking a message. It goes no deeper than the schema does, whatever the message is.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "proxy/wire/json/scan.h"
#include "rules/schema_node.h"

namespace forestay::rules {

namespace json = wire::json;

namespace {

using Node = Schema::Node;

struct Trouble {
    std::string path;  // JSON Pointer
    std::string what;
};
using Found = std::optional<Trouble>;

Found check(const Node& node, std::string_view value);

Found inside(const std::string& token, Found found) {
    if (found) found->path = '/' + token + found->path;
    return found;
}

// A member's name as a token of a JSON Pointer.
std::string token(const std::string& name) {
    std::string made;
    for (const char c : name) made += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return made;
}

// `number`: that of the value, read once.
bool same(const SchemaScalar& scalar, std::string_view value, const std::optional<double>& number) {
    return scalar.number ? number == scalar.number : !number && json::same_scalar(scalar.raw, value);
}

bool is_one_of(const std::vector<SchemaScalar>& all, std::string_view value, unsigned types) {
    std::optional<double> number;
    if ((types & json_type::number) != 0) number = number_of(value);
    return std::any_of(all.begin(), all.end(),
                       [&](const SchemaScalar& one) { return same(one, value, number); });
}

// `unit`: what is counted, for people.
Found counted(const std::optional<SchemaBound>& least, const std::optional<SchemaBound>& most,
              std::size_t count, const std::string& unit) {
    const auto number = static_cast<double>(count);
    if (least && number < least->value) return Trouble{{}, "must have at least " + least->text + unit};
    if (most && number > most->value) return Trouble{{}, "must have at most " + most->text + unit};
    return std::nullopt;
}

Found check_number(const Node& node, std::string_view value) {
    if (!node.minimum && !node.maximum) return std::nullopt;
    const double number = number_of(value);
    if (node.minimum && number < node.minimum->value)
        return Trouble{{}, "must be at least " + node.minimum->text};
    if (node.maximum && number > node.maximum->value)
        return Trouble{{}, "must be at most " + node.maximum->text};
    return std::nullopt;
}

Found check_string(const Node& node, std::string_view value) {
    if (node.min_length || node.max_length) {
        const std::string text = json::unescape(value).value_or("");
        const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; };
        const auto characters = std::count_if(text.begin(), text.end(), starts);
        if (auto found = counted(node.min_length, node.max_length, static_cast<std::size_t>(characters),
                                 " characters"))
            return found;
    }
    if (node.pattern && !matches(node.pattern, value)) return Trouble{{}, "does not match its pattern"};
    return std::nullopt;
}

Found check_array(const Node& node, std::string_view value) {
    if (!node.items && !node.min_items && !node.max_items) return std::nullopt;
    std::size_t count = 0;
    for (JsonMembers members(value); members.next(); ++count) {
        if (!node.items) continue;
        if (auto found = check(*node.items, members.value()))
            return inside(std::to_string(count), std::move(found));
    }
    return counted(node.min_items, node.max_items, count, " items");
}

// Every one of duplicate members is checked: which of them the app will read is not known.
Found check_object(const Node& node, std::string_view value) {
    if (node.members.empty() && !node.only_known_members) return std::nullopt;
    std::vector<bool> seen(node.required.size());
    for (JsonMembers members(value); members.next();) {
        const auto name = json::unescape(members.key());
        const auto known = name ? node.members.find(*name) : node.members.end();
        if (known == node.members.end()) {
            if (node.only_known_members) return Trouble{{}, "has a member that is not expected"};
            continue;
        }
        const auto& [schema, required] = known->second;
        if (required) seen[*required] = true;
        if (!schema) continue;
        if (auto found = check(*schema, members.value())) return inside(token(*name), std::move(found));
    }
    const auto missing = std::find(seen.begin(), seen.end(), false);
    if (missing == seen.end()) return std::nullopt;
    const auto& name = node.required[static_cast<std::size_t>(missing - seen.begin())];
    return Trouble{'/' + token(name), "is missing"};
}

Found check(const Node& node, std::string_view value) {
    const unsigned types = types_of(value);
    if ((node.types & types) == 0) return Trouble{{}, "must be " + node.types_text};
    if (!node.one_of.empty() && !is_one_of(node.one_of, value, types))
        return Trouble{{}, "must be " + node.one_of_text};
    if ((types & json_type::number) != 0) return check_number(node, value);
    if (types == json_type::string) return check_string(node, value);
    if (types == json_type::array) return check_array(node, value);
    if (types == json_type::object) return check_object(node, value);
    return std::nullopt;
}

}  // namespace

std::optional<std::string_view> JsonMembers::take() noexcept {
    const auto found = json::first_value(rest_);
    if (!found) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(found->data() + found->size() - rest_.data()));
    const std::size_t next = rest_.find_first_not_of(" \t\r\n");
    if (next != std::string_view::npos && (rest_[next] == ',' || rest_[next] == ':'))
        rest_.remove_prefix(next + 1);
    return found;
}

bool JsonMembers::next() noexcept {
    if (object_) {
        const auto key = take();
        if (!key) return false;
        key_ = *key;
    }
    const auto value = take();
    if (!value) return false;
    value_ = *value;
    return true;
}

double number_of(std::string_view raw) {
    double value = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
    if (error != std::errc::result_out_of_range) return value;
    return std::strtod(std::string(raw).c_str(), nullptr);  // says in which direction
}

unsigned types_of(std::string_view raw) {
    switch (raw.empty() ? '\0' : raw.front()) {
        case '"':
            return json_type::string;
        case '{':
            return json_type::object;
        case '[':
            return json_type::array;
        case 't':
        case 'f':
            return json_type::boolean;
        case 'n':
            return json_type::null;
        default:
            break;
    }
    const double number = number_of(raw);
    const bool whole = std::isfinite(number) && std::floor(number) == number;
    return json_type::number | (whole ? json_type::integer : 0U);
}

std::optional<std::string> Schema::problem(std::string_view text) const {
    const auto value = json::first_value(text);
    if (!value) return "the message is missing";
    const Found found = check(*root_, *value);
    if (!found) return std::nullopt;
    return (found->path.empty() ? "the message" : found->path) + ' ' + found->what;
}

}  // namespace forestay::rules
