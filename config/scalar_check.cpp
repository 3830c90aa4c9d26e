#include "config/scalar_check.h"

#include <algorithm>

#include "config/endpoints.h"
#include "config/values.h"

namespace forestay::config {
namespace {

bool contains(const std::vector<std::string_view>& words, std::string_view text) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

std::string enumerate(const std::vector<std::string_view>& words) {
    std::string out;
    for (const auto word : words) out += (out.empty() ? "" : ", ") + std::string(word);
    return out;
}

template <class Parse>
std::string check_range(const Key& key, std::string_view text, Parse parse) {
    std::string problem;
    const auto value = parse(text, problem);
    if (!value || key.bounds.empty()) return problem;
    const auto [lowest, highest] = split_range(key.bounds);
    if (*value >= *parse(lowest, problem) && *value <= *parse(highest, problem)) return {};
    return quote(text) + " is not between " + std::string(lowest) + " and " + std::string(highest);
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string check_path(std::string_view text) {
    if (text.starts_with('/') && is_visible(text) && text.find_first_of("?#") == std::string_view::npos)
        return {};
    return quote(text) + " is not a path: it begins with a slash, and has neither query nor spaces";
}

std::string check_text(std::string_view text) {
    const bool plain =
        std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
    return plain ? std::string{} : quote(text) + " has control characters in it";
}

std::string check_type(const Key& key, const Node& scalar) {
    const std::string& text = scalar.text;
    std::string problem;
    switch (key.type) {
        case Type::choice: {
            const auto words = split_words(key.bounds);
            return contains(words, text) ? problem : quote(text) + " is none of: " + enumerate(words);
        }
        case Type::boolean:
            (void)parse_boolean(text, problem);
            return problem;
        case Type::integer:
            return check_range(key, text, parse_integer);
        case Type::duration:
            return check_range(key, text, parse_duration);
        case Type::size:
            return check_range(key, text, parse_size);
        case Type::rate:
            return check_range(key, text, parse_rate);
        case Type::percent:
            return check_range(key, text, parse_percent);
        case Type::address:
            (void)parse_address(text, problem);
            return problem;
        case Type::url:
            (void)parse_upstream_url(text, problem);
            return problem;
        case Type::network:
            (void)parse_network(text, problem);
            return problem;
        case Type::path:
            return check_path(text);
        case Type::header:
            return check_header(text);
        case Type::text:
        case Type::file:
            return key.is(traits::secret) ? problem : check_text(text);
        case Type::section:
        case Type::json:
        case Type::json_scalar:
            return problem;
    }
    return problem;
}

}  // namespace

std::string check_header(std::string_view text) {
    constexpr std::string_view separators = "()<>@,;:\\\"/[]?={}";
    if (is_visible(text) && text.find_first_of(separators) == std::string_view::npos) return {};
    return quote(text) + " is not the name of a header";
}

std::string check_scalar(const Key& key, const Node& scalar) {
    const std::string& text = scalar.text;
    if (text.empty()) return "is empty: " + std::string(name(key.type)) + " is expected";
    const bool a_word = text == key.initial || (key.is(traits::off) && text == "off") ||
                        (key.type == Type::address && contains(split_words(key.bounds), text));
    const auto now = split_words(key.now);
    if (!now.empty() && !contains(now, text)) {
        const bool known = key.type != Type::choice || contains(split_words(key.bounds), text);
        if (known) return quote(text) + " is not supported yet: only " + enumerate(now);
    }
    if (a_word) return {};
    const bool bare = key.type == Type::boolean || key.type == Type::integer;
    if (bare && scalar.quoted && !scalar.expanded) {
        return quote(text) + " is text, and " + std::string(name(key.type)) +
               " is expected: remove the quotes";
    }
    std::string problem = check_type(key, scalar);
    if (problem.empty() || !scalar.expanded) return problem;
    return "what the environment gives is not " + std::string(name(key.type)) +
           (key.bounds.empty() ? "" : " (" + std::string(key.bounds) + ")");
}

}  // namespace forestay::config
