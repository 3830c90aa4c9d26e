// What of a client's head goes to the upstream, and what we say about the client (RFC 9110 section 7.6).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/wire/http/head.h"

namespace forestay::wire::http {

using OwnedFields = std::vector<std::pair<std::string, std::string>>;

// What the upstream is told about the client. Values are ours, the client's own of these names are removed.
struct Forwarded {
    std::string for_;                // X-Forwarded-For: the client's address (or the trusted chain)
    std::string proto;               // X-Forwarded-Proto: http or https
    std::string host;                // X-Forwarded-Host: Host as the client sent it
    OwnedFields identity;            // configured identity headers with values
    std::vector<std::string> strip;  // configured identity header names, removed whatever a client sends
    bool by_trusted_proxy = false;   // the request came through one: it may say where the app is mounted
};

// Removes hop-by-hop fields, fields named by Connection, X-Forwarded-*, Forwarded,
// X-Real-IP, X-Forestay-*, X-Auth-Request-*, Remote-User, X-Original-*, the names in forwarded.strip ('_'
// equals '-'), X-Script-Name, Script-Name, Path-Info and X-Scheme but of trusted proxies, Expect, TE,
// Trailer, Content-Length and Transfer-Encoding, all Sec-WebSocket-*; then adds ours. Host is kept as the
// client sent it when `preserve_host`, else `upstream_host`.
[[nodiscard]] OwnedFields forwarded_fields(const RequestHead& head, const Forwarded& forwarded,
                                           std::string_view upstream_host, bool preserve_host);

// True for response fields that are not forwarded to the client: hop-by-hop, and those named in `connection`.
[[nodiscard]] bool is_hop_by_hop(std::string_view name, std::string_view connection) noexcept;

}  // namespace forestay::wire::http
