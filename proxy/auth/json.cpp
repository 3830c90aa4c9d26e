#include "proxy/auth/json.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace forestay::auth {
namespace {

using simdjson::dom::element;

constexpr std::size_t max_depth = 32;

bool has_duplicates(simdjson::dom::object object) {
    std::vector<std::string_view> keys;
    keys.reserve(object.size());
    for (const auto& member : object) keys.push_back(member.key);
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

// What is left of a pointer's token, unescaped: "~1" is '/', "~0" is '~'.
std::string unescape_token(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        const bool escape =
            token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
        out.push_back(!escape ? token[i] : token[++i] == '0' ? '~' : '/');
    }
    return out;
}

// A value without Flask's tags around it. {" di": {"key__": 1}} is how Flask writes {"key": 1} when "key"
// looks like a tag itself; `suffix` is then what its member's name ends with.
struct Untagged {
    element value;
    std::string_view suffix;
    bool uuid = false;
};

Untagged untag(element value, Tags tags) {
    Untagged out{value, "", false};
    simdjson::dom::object object;
    // Bounded by the document's depth.
    while (tags == Tags::flask && out.value.get(object) == simdjson::SUCCESS && object.size() == 1) {
        const auto member = *object.begin();
        if (member.key == " di") return {member.value, "__", false};
        if (member.key != " t" && member.key != " b" && member.key != " m" && member.key != " u" &&
            member.key != " d")
            break;
        out = {member.value, "", member.key == " u"};
    }
    return out;
}

std::optional<element> child(const Untagged& parent, const std::string& token) {
    simdjson::dom::object object;
    simdjson::dom::array array;
    element found;
    if (parent.value.get(object) == simdjson::SUCCESS) {
        if (object.at_key(token + std::string(parent.suffix)).get(found) == simdjson::SUCCESS) return found;
    } else if (parent.value.get(array) == simdjson::SUCCESS) {
        std::size_t index = 0;
        const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
        const bool canonical = token == "0" || !token.starts_with('0');
        if (error != std::errc{} || end != token.data() + token.size() || !canonical) return std::nullopt;
        if (array.at(index).get(found) == simdjson::SUCCESS) return found;
    }
    return std::nullopt;
}

// str(uuid.UUID(hex)): 8-4-4-4-12.
std::string dashed(std::string_view hex) {
    if (hex.size() != 32) return std::string(hex);
    std::string out;
    for (std::size_t i = 0; i < hex.size(); ++i) {
        if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
        out.push_back(hex[i]);
    }
    return out;
}

std::optional<std::string> text_of(const Untagged& found) {
    std::string_view text;
    std::int64_t number = 0;
    std::uint64_t big = 0;
    if (found.value.get(text) == simdjson::SUCCESS) return found.uuid ? dashed(text) : std::string(text);
    if (found.value.get(number) == simdjson::SUCCESS) return std::to_string(number);
    if (found.value.get(big) == simdjson::SUCCESS) return std::to_string(big);
    return std::nullopt;
}

}  // namespace

std::optional<JsonObject> JsonObject::parse(std::string_view text) {
    JsonObject out;
    // The bounds go to the constructor and to allocate(): set_max_capacity() of this simdjson refuses
    // everything over 32 bytes.
    const std::size_t capacity = std::max<std::size_t>(text.size(), 64);
    out.parser_ = std::make_unique<simdjson::dom::parser>(capacity);
    if (out.parser_->allocate(capacity, max_depth) != simdjson::SUCCESS) return std::nullopt;
    if (out.parser_->parse(text.data(), text.size()).get(out.root_) != simdjson::SUCCESS) return std::nullopt;
    simdjson::dom::object object;
    if (out.root_.get(object) != simdjson::SUCCESS || has_duplicates(object)) return std::nullopt;
    return out;
}

std::optional<element> JsonObject::find(std::string_view name) const {
    element found;
    if (root_.at_key(name).get(found) != simdjson::SUCCESS) return std::nullopt;
    return found;
}

std::optional<std::string_view> as_string(element value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
    return text;
}

std::optional<std::string> text_at(const JsonObject& object, std::string_view pointer, Tags tags) {
    Untagged at = untag(object.root(), tags);
    while (!pointer.empty()) {
        if (!pointer.starts_with('/')) return std::nullopt;
        pointer.remove_prefix(1);
        const auto token = pointer.substr(0, pointer.find('/'));
        const auto next = child(at, unescape_token(token));
        if (!next) return std::nullopt;
        at = untag(*next, tags);
        pointer.remove_prefix(token.size());
    }
    return text_of(at);
}

}  // namespace forestay::auth
