#include "config/expand.h"

#include <cstdlib>
#include <string_view>

namespace forestay::config {
namespace {

bool is_name(std::string_view text) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    constexpr std::string_view others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return !text.empty() && letters.find(text.front()) != std::string_view::npos &&
           text.find_first_not_of(others) == std::string_view::npos;
}

// The value of what stands between the braces. Empty optional: a problem was added.
std::optional<std::string> value_of(std::string_view inside, const Place& at, const Environment& environment,
                                    Problems& problems) {
    const auto split = inside.find(":-");
    const std::string name(inside.substr(0, split));
    if (!is_name(name)) {
        problems.error(at, quote("${" + std::string(inside) + "}") +
                               " is not ${NAME} or ${NAME:-default}; a plain ${ is written $${");
        return std::nullopt;
    }
    auto value = environment(name);
    if (split != std::string_view::npos && (!value || value->empty()))
        return std::string(inside.substr(split + 2));
    if (!value) {
        problems.error(at, "the environment variable " + name + " is not set, and ${" + name +
                               "} has no default: ${" + name + ":-default}");
    }
    return value;
}

// False: a problem was added.
bool expand_scalar(Node& scalar, const Environment& environment, Problems& problems) {
    constexpr std::size_t expanded_max = yaml_bytes_max;
    if (scalar.text.find("${") == std::string::npos) return true;
    std::string out;
    std::string_view rest = scalar.text;
    for (auto dollar = rest.find("${"); dollar != std::string_view::npos; dollar = rest.find("${")) {
        if (dollar > 0 && rest[dollar - 1] == '$') {
            out += rest.substr(0, dollar);  // one of the two dollars
            out += '{';
            rest.remove_prefix(dollar + 2);
            continue;
        }
        const auto end = rest.find('}', dollar);
        if (end == std::string_view::npos) {
            problems.error(scalar.at, "${ without its closing brace; a plain ${ is written $${");
            return false;
        }
        const auto value =
            value_of(rest.substr(dollar + 2, end - dollar - 2), scalar.at, environment, problems);
        if (!value) return false;
        out += rest.substr(0, dollar);
        out += *value;
        scalar.expanded = true;
        rest.remove_prefix(end + 1);
        if (out.size() > expanded_max) {
            problems.error(scalar.at, "longer than 1 MiB with what the environment gives");
            return false;
        }
    }
    out += rest;
    scalar.text = std::move(out);
    return true;
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (!value) return std::nullopt;
        return value;
    };
}

void expand(Node& root, const Environment& environment, Problems& problems) {
    if (root.is_scalar()) root.broken = !expand_scalar(root, environment, problems);
    for (Node& item : root.items) expand(item, environment, problems);
    for (Node::Entry& entry : root.entries) expand(entry.value, environment, problems);
}

}  // namespace forestay::config
