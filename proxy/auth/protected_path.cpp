#include "proxy/auth/protected_path.h"

#include <algorithm>
#include <charconv>

namespace forestay::auth {
namespace {

std::string percent_decode(std::string_view path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        unsigned value = 0;
        const auto* digits = path.data() + i + 1;
        if (path[i] == '%' && i + 2 < path.size() &&
            std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
            out.push_back(static_cast<char>(value));
            i += 2;
        } else {
            out.push_back(path[i]);
        }
    }
    return out;
}

std::string merge_slashes(std::string_view path) {
    std::string out;
    for (const char c : path) {
        if (c != '/' || !out.ends_with('/')) out.push_back(c);
    }
    return out;
}

// RFC 3986 section 5.2.4, for a path whose slashes are merged.
std::string resolve_dots(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const auto segment = path.substr(0, path.find('/', 1));  // "/name"
        path.remove_prefix(segment.size());
        const bool last = path.empty();
        if (segment == "/..")
            out.resize(std::min(out.rfind('/'), out.size()));
        else if (segment != "/.")
            out += segment;
        if (last && (segment == "/.." || segment == "/.")) out.push_back('/');
    }
    return out;
}

// Servers of the Java kind take "/a;b=c/d" for "/a/d".
std::string drop_parameters(std::string_view path) {
    std::string out;
    bool parameter = false;
    for (const char c : path) {
        parameter = c == ';' || (parameter && c != '/');
        if (!parameter) out.push_back(c);
    }
    return out;
}

bool starts_with_prefix(std::string_view path, std::string_view prefix) {
    return path.starts_with(prefix) || (prefix.ends_with('/') && path == prefix.substr(0, prefix.size() - 1));
}

}  // namespace

bool is_protected(std::string_view path, const std::vector<std::string>& prefixes) {
    if (prefixes.empty()) return false;
    const auto decoded = percent_decode(path);
    const auto merged = merge_slashes(decoded);
    const auto resolved = resolve_dots(merged);
    const auto bare = resolve_dots(merge_slashes(drop_parameters(decoded)));
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
        return starts_with_prefix(path, prefix) || starts_with_prefix(decoded, prefix) ||
               starts_with_prefix(merged, prefix) || starts_with_prefix(resolved, prefix) ||
               starts_with_prefix(bare, prefix);
    });
}

}  // namespace forestay::auth
