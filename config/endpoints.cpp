#include "config/endpoints.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "config/problem.h"
#include "config/values.h"

namespace forestay::config {
namespace {

constexpr std::string_view plain_scheme = "http://";

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Empty optional when `text` is no address of the family.
std::optional<std::array<std::uint8_t, 16>> parse_ip(std::string_view text, bool v6) {
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(v6 ? AF_INET6 : AF_INET, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
    return bytes;
}

// Labels of letters, digits and hyphens. A name of digits and dots only is meant as an IPv4 address.
bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253) return false;
    if (text.find_first_not_of("0123456789.") == std::string_view::npos)
        return parse_ip(text, false).has_value();
    while (true) {
        const std::string_view label = text.substr(0, text.find('.'));
        const bool ok = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                        std::all_of(label.begin(), label.end(),
                                    [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
        if (!ok) return false;
        if (label.size() == text.size()) return true;
        text.remove_prefix(label.size() + 1);
    }
}

struct Authority {
    std::string host;       // without brackets
    std::string_view port;  // empty: there was none
};

// host[:port], [v6][:port].
std::optional<Authority> parse_authority(std::string_view text, std::string& problem) {
    std::string_view host = text;
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos || !parse_ip(text.substr(1, end - 1), true)) {
            problem = quote(text) + " has no IPv6 address between its brackets";
            return std::nullopt;
        }
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
    } else {
        host = text.substr(0, text.find(':'));
        rest = text.substr(host.size());
        if (rest.find(':', 1) != std::string_view::npos) {
            problem =
                quote(text) + " has more than one colon: an IPv6 address stands in brackets, [::1]:8080";
            return std::nullopt;
        }
        if (!is_host_name(host)) {
            problem = quote(host) + " is neither a host name nor an address";
            return std::nullopt;
        }
    }
    if (!rest.empty() && (rest.front() != ':' || rest.size() == 1)) {
        problem = quote(text) + " has no port behind its host";
        return std::nullopt;
    }
    return Authority{std::string(host), rest.empty() ? rest : rest.substr(1)};
}

std::optional<std::uint16_t> parse_port(std::string_view text, std::uint64_t lowest, std::string& problem) {
    const auto port = parse_integer(text, problem);
    if (port && *port >= lowest && *port <= 65'535) return static_cast<std::uint16_t>(*port);
    if (port)
        problem =
            "the port " + std::string(text) + " is not between " + std::to_string(lowest) + " and 65535";
    return std::nullopt;
}

bool is_path_prefix(std::string_view path) {
    constexpr std::string_view others = "-._~!$&'()*+,;=:@/";
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '%') {
            const auto hex = path.substr(i + 1, 2);
            if (hex.size() < 2 || hex.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
                return false;
            i += 2;
        } else if (!is_alnum(path[i]) && others.find(path[i]) == std::string_view::npos) {
            return false;
        }
    }
    const std::string closed = std::string(path) + '/';
    return closed.find("//") == std::string::npos && closed.find("/./") == std::string::npos &&
           closed.find("/../") == std::string::npos;
}

}  // namespace

bool is_plain(std::string_view address) {
    return address.starts_with(plain_scheme);
}

bool is_https(std::string_view url) {
    return url.starts_with("https://");
}

std::optional<net::Endpoint> parse_address(std::string_view text, std::string& problem) {
    net::Endpoint out;
    if (is_plain(text)) text.remove_prefix(plain_scheme.size());
    if (text.starts_with("unix:")) {
        out.unix_path = text.substr(5);
        // sockaddr_un holds 108 bytes, the last of them a NUL.
        if (out.unix_path.starts_with('/') && out.unix_path.size() < 108) return out;
        problem = quote(text) + " is not unix: and an absolute path of at most 107 characters";
        return std::nullopt;
    }
    const std::string_view port_alone = text.starts_with(':') ? text.substr(1) : text;
    if (port_alone.find_first_not_of("0123456789") == std::string_view::npos) {
        const std::string port(port_alone);
        problem = quote(text) + " does not say on which address: write 127.0.0.1:" + port +
                  " for this machine only, 0.0.0.0:" + port + " for all";
        return std::nullopt;
    }
    auto authority = parse_authority(text, problem);
    if (!authority) return std::nullopt;
    if (authority->port.empty()) {
        problem = quote(text) + " has no port: write host:port (port 0 takes any free one)";
        return std::nullopt;
    }
    const auto port = parse_port(authority->port, 0, problem);
    if (!port) return std::nullopt;
    out.host = std::move(authority->host);
    out.port = *port;
    return out;
}

std::optional<net::UpstreamUrl> parse_upstream_url(std::string_view text, std::string& problem) {
    const bool tls = is_https(text);
    if (!tls && !text.starts_with(plain_scheme)) {
        problem = quote(text) + " is not a URL of the form http://host:port/prefix";
        return std::nullopt;
    }
    const std::string_view after = text.substr(plain_scheme.size() + (tls ? 1 : 0));
    const std::string_view where = after.substr(0, after.find_first_of("/?#"));
    std::string_view path = after.substr(where.size());
    if (where.find('@') != std::string_view::npos) {
        // Not repeated in the message: what stands before the @ may be a password.
        problem = "user and password in the URL are not supported";
        return std::nullopt;
    }
    auto authority = parse_authority(where, problem);
    if (!authority) return std::nullopt;
    net::UpstreamUrl out;
    if (tls) out.port = 443;
    if (!authority->port.empty()) {
        const auto port = parse_port(authority->port, 1, problem);
        if (!port) return std::nullopt;
        out.port = *port;
    }
    if (path.ends_with('/')) path.remove_suffix(1);
    if (!is_path_prefix(path)) {
        problem = quote(path) + " is not a plain path prefix: no query, fragment, empty or dotted segment";
        return std::nullopt;
    }
    out.host = std::move(authority->host);
    out.path_prefix = path;
    return out;
}

std::optional<net::Network> parse_network(std::string_view text, std::string& problem) {
    const std::string_view address = text.substr(0, text.find('/'));
    net::Network out;
    out.v6 = address.find(':') != std::string_view::npos;
    const auto bytes = parse_ip(address, out.v6);
    if (!bytes) {
        problem = quote(text) + " is not a network: write 10.0.0.0/8, fd00::/8 or a single address";
        return std::nullopt;
    }
    out.address = *bytes;
    const unsigned bits = out.v6 ? 128 : 32;
    out.prefix = bits;
    if (address.size() < text.size()) {
        const auto prefix = parse_integer(text.substr(address.size() + 1), problem);
        if (!prefix) return std::nullopt;
        if (*prefix > bits) {
            problem = quote(text) + " has a prefix over " + std::to_string(bits);
            return std::nullopt;
        }
        out.prefix = static_cast<unsigned>(*prefix);
    }
    for (unsigned bit = out.prefix; bit < bits; ++bit) {
        if ((out.address[bit / 8] >> (7 - bit % 8) & 1) == 0) continue;
        problem = quote(text) + " has address bits behind its prefix: is the prefix right?";
        return std::nullopt;
    }
    return out;
}

std::string to_string(const net::Endpoint& endpoint) {
    if (!endpoint.unix_path.empty()) return "unix:" + endpoint.unix_path;
    const bool v6 = endpoint.host.find(':') != std::string::npos;
    return (v6 ? '[' + endpoint.host + ']' : endpoint.host) + ':' + std::to_string(endpoint.port);
}

bool is_loopback(const net::Endpoint& endpoint) {
    if (!endpoint.unix_path.empty() || endpoint.host == "localhost") return true;
    if (const auto v4 = parse_ip(endpoint.host, false)) return (*v4)[0] == 127;
    const auto v6 = parse_ip(endpoint.host, true);
    return v6 && *v6 == *parse_ip("::1", true);
}

}  // namespace forestay::config
