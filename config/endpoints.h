// Addresses of the configuration: where to listen, where the upstream is, which networks are trusted. Strict:
// what is not plainly one of the forms below is refused, never guessed at.
//
// Each returns nothing and says in `problem` what is wrong, as in values.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/options.h"

namespace forestay::config {

// 127.0.0.1:8080, [::1]:8080, localhost:8080, unix:/run/forestay.sock; http:// may stand in front. Port 0:
// any free one. Endpoint::tls stays false.
[[nodiscard]] std::optional<net::Endpoint> parse_address(std::string_view text, std::string& problem);

// http:// stands in front: no TLS there, whatever `tls` says.
[[nodiscard]] bool is_plain(std::string_view address);

// http://host[:port][/prefix], or https://. UpstreamUrl::tls stays null.
[[nodiscard]] std::optional<net::UpstreamUrl> parse_upstream_url(std::string_view text, std::string& problem);
[[nodiscard]] bool is_https(std::string_view url);

// 10.0.0.0/8, fd00::/8, or a single address. Bits behind the prefix must be zero.
[[nodiscard]] std::optional<net::Network> parse_network(std::string_view text, std::string& problem);

// The way back: what parse_address took.
[[nodiscard]] std::string to_string(const net::Endpoint& endpoint);
// Only this machine can reach it.
[[nodiscard]] bool is_loopback(const net::Endpoint& endpoint);

}  // namespace forestay::config
