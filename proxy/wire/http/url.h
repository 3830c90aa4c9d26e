// URLs of other servers as a configuration names them: http and https only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forestay::wire::http {

struct Url {
    bool tls = false;
    std::string host;  // without brackets
    std::uint16_t port = 80;
    std::string target = "/";  // path and query
    std::string host_field;    // what Host says: the port only where it is not the scheme's
};

// http[s]://host[:port][/path][?query]; no user, no fragment, nothing but printable ASCII, at most 2,048
// bytes. Else empty, and `problem` says what is wrong.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text, std::string& problem);

// "localhost", 127.0.0.0/8 or ::1: nobody between here and there.
[[nodiscard]] bool is_loopback(const Url& url) noexcept;

}  // namespace forestay::wire::http
