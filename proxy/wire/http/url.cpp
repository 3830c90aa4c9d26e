#include "proxy/wire/http/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "proxy/wire/http/head.h"

namespace forestay::wire::http {
namespace {
constexpr std::size_t max_url_bytes = 2'048;
}

std::optional<Url> parse_url(std::string_view text, std::string& problem) {
    Url url;
    url.tls = text.starts_with("https://");
    if (!url.tls && !text.starts_with("http://")) {
        problem = "a URL begins with https:// or http://";
        return std::nullopt;
    }
    const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '#' && c != '\\' && c != '"'; };
    if (text.size() > max_url_bytes || !std::all_of(text.begin(), text.end(), is_plain)) {
        problem = "a URL has at most 2048 printable ASCII characters, no blanks, and no #fragment here";
        return std::nullopt;
    }
    text.remove_prefix(url.tls ? 8 : 7);
    const std::string_view authority = text.substr(0, text.find_first_of("/?"));
    if (authority.find('@') != std::string_view::npos) {
        problem = "a URL has no user or password here";
        return std::nullopt;
    }
    if (!valid_host(authority)) {
        problem = "the URL has no valid host and port behind its scheme";
        return std::nullopt;
    }
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const std::string_view host = authority.substr(0, colon);
    const std::uint16_t usual = url.tls ? 443 : 80;
    url.port = usual;
    if (colon != std::string_view::npos)
        std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), url.port);
    url.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
    url.host_field = std::string(host) + (url.port == usual ? "" : ':' + std::to_string(url.port));
    url.target = text.substr(authority.size());
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

bool is_loopback(const Url& url) noexcept {
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, url.host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, url.host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
    return iequals(url.host, "localhost");
}

}  // namespace forestay::wire::http
