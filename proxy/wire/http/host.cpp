// The grammar of Host (RFC 9110 section 7.2), as strict as all servers behind us together.
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "proxy/wire/http/head.h"

namespace forestay::wire::http {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool valid_host(std::string_view host) noexcept {
    std::string_view name = host, port;
    if (host.starts_with('[')) {
        const std::size_t close = host.find(']');
        if (close == std::string_view::npos || close > 46) return false;
        std::array<char, 48> text{};
        std::copy(host.begin() + 1, host.begin() + static_cast<std::ptrdiff_t>(close), text.begin());
        in6_addr address{};
        if (inet_pton(AF_INET6, text.data(), &address) != 1) return false;
        const std::string_view rest = host.substr(close + 1);
        if (rest.empty()) return true;
        if (rest.front() != ':') return false;
        port = rest.substr(1);
    } else {
        const std::size_t colon = host.find(':');
        name = host.substr(0, colon);
        if (name.ends_with('.')) name.remove_suffix(1);
        if (name.empty() || name.size() > 253) return false;
        char before = '.';
        for (const char c : name) {
            if (c == '.' ? before == '.' : !is_alnum(c) && c != '-' && c != '_') return false;
            before = c;
        }
        if (before == '.') return false;
        if (colon == std::string_view::npos) return true;
        port = host.substr(colon + 1);
    }
    if (port.empty() || port.size() > 5 || port.front() == '0') return false;
    unsigned number = 0;
    for (const char c : port) {
        if (!is_digit(c)) return false;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number <= 65535;
}

}  // namespace forestay::wire::http
