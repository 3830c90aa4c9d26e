#include "proxy/auth/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace forestay::auth {
namespace {

constexpr std::size_t max_scheme_bytes = 32;
constexpr std::size_t max_host_bytes = 253;
constexpr std::size_t max_label_bytes = 63;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

bool is_scheme(std::string_view scheme) {
    return !scheme.empty() && scheme.size() <= max_scheme_bytes && is_lower(scheme.front()) &&
           std::all_of(scheme.begin(), scheme.end(),
                       [](char c) { return is_lower(c) || is_digit(c) || c == '+' || c == '.' || c == '-'; });
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= max_label_bytes && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
}

// A host whose last label is a number is an IPv4 address, or nothing: browsers read "1.2.3" as an address,
// too.
bool is_name_or_ipv4(std::string_view host) {
    if (host.empty() || host.size() > max_host_bytes) return false;
    auto rest = host;
    std::string_view label;
    for (bool more = true; more;) {
        const auto dot = rest.find('.');
        label = rest.substr(0, dot);
        if (!is_label(label)) return false;
        more = dot != rest.npos;
        if (more) rest.remove_prefix(dot + 1);
    }
    if (!is_digit(label.front())) return true;
    in_addr address{};
    return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

// "[::1]", each address in one spelling.
std::optional<std::string> canonical_ipv6(std::string_view bracketed) {
    in6_addr address{};
    const std::string inside(bracketed.substr(1, bracketed.size() - 2));
    if (inside.size() >= INET6_ADDRSTRLEN || inet_pton(AF_INET6, inside.c_str(), &address) != 1)
        return std::nullopt;
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(AF_INET6, &address, text, sizeof text);
    return '[' + std::string(text) + ']';
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    if (text.empty() || text.size() > 5 || text.front() == '0' ||
        !std::all_of(text.begin(), text.end(), is_digit))
        return false;
    std::from_chars(text.data(), text.data() + text.size(), port);
    return port <= 65535;
}

bool is_default_port(std::string_view scheme, std::string_view port) {
    return (scheme == "http" && port == "80") || (scheme == "https" && port == "443");
}

}  // namespace

std::optional<std::string> canonical_origin(std::string_view text) {
    // A NUL would end the address for inet_pton, but not for us.
    if (text.find('\0') != text.npos) return std::nullopt;
    const auto lower = to_lower(text);
    const std::string_view all(lower);
    const auto scheme = all.substr(0, all.find("://"));
    if (scheme.size() == all.size() || !is_scheme(scheme)) return std::nullopt;
    auto host = all.substr(scheme.size() + 3);

    std::string_view port;
    const auto colon = host.find(':', host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0);
    if (colon != host.npos) {
        port = host.substr(colon + 1);
        host = host.substr(0, colon);
        if (!is_port(port)) return std::nullopt;
    }
    std::optional<std::string> canonical;
    if (host.starts_with('[') && host.ends_with(']'))
        canonical = canonical_ipv6(host);
    else if (is_name_or_ipv4(host))
        canonical = std::string(host);
    if (!canonical) return std::nullopt;

    auto origin = std::string(scheme) + "://" + *canonical;
    if (!port.empty() && !is_default_port(scheme, port)) origin += ':' + std::string(port);
    return origin;
}

std::string_view name(OriginVerdict verdict) noexcept {
    switch (verdict) {
        case OriginVerdict::allowed:
            return "allowed";
        case OriginVerdict::mismatch:
            return "mismatch";
        case OriginVerdict::null:
            return "null";
        case OriginVerdict::missing:
            return "missing";
        case OriginVerdict::malformed:
            return "malformed";
    }
    return "unknown";
}

}  // namespace forestay::auth
