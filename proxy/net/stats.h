// What the shells count: plain integers, one struct per loop.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/verdict_cache.h"
#include "proxy/net/tls_result.h"
#include "proxy/session/stats.h"
#include "rules/gate.h"

namespace forestay::net {

// Why a websocket handshake came to nothing, on either side.
enum class HandshakeFailure : std::uint8_t {
    bad_request,
    bad_version,
    bad_key,
    bad_protocol,  // the client's
    upstream_refused,
    bad_accept,
    bad_upgrade,
    unoffered,
    timeout,
    unreachable  // the upstream's
};
constexpr std::array<std::string_view, 10> handshake_failure_names{
    "bad_request", "bad_version", "bad_key",   "bad_protocol", "upstream_refused",
    "bad_accept",  "bad_upgrade", "unoffered", "timeout",      "unreachable"};

enum class ClientTransport : std::uint8_t { http, polling, websocket, plain_websocket };
constexpr std::array<std::string_view, 4> client_transport_names{"http", "polling", "websocket",
                                                                 "plain_websocket"};

// A bound on clients that was hit: somebody was refused or forgotten. Those of sessions are session::Limit.
enum class LimitHit : std::uint8_t {
    max_connections,  // refused: 503
    descriptors,      // the open file limit; refused: 503, or closed unheard
    memory,           // refused: 503
    per_ip,           // refused: 429
    connect_rate,     // refused: 429
    per_identity,     // refused: 429, or CONNECT_ERROR
    identity_rate,    // refused: 429, or CONNECT_ERROR
    address_table,    // an address whose rate was forgotten to make room for others
    identity_table,   // the same of an identity
    max_header,       // refused: 431 or 414
    header_timeout,   // refused: 408
    max_body,         // refused: 413
    body_timeout      // refused: 408
};
constexpr std::array<std::string_view, 13> limit_hit_names{
    "max_connections", "descriptors",   "memory",        "per_ip",         "connect_rate",
    "per_identity",    "identity_rate", "address_table", "identity_table", "max_header",
    "header_timeout",  "max_body",      "body_timeout"};

// Who is locked out for bad credentials: FailedCredentials::Of.
constexpr std::array<std::string_view, 2> lockout_names{"address", "credential"};

// What a forward-auth server said, or that it said nothing that could be used.
enum class ForwardAuthResult : std::uint8_t { allow, deny, error };
constexpr std::array<std::string_view, 3> forward_auth_result_names{"allow", "deny", "error"};

// What became of an attempt to get JWT keys from a URL, and from a file that had changed.
constexpr std::array<std::string_view, 13> jwks_result_names{
    "ok",        "unchanged", "bad_status",   "bad_document", "unresolved",  "unreachable", "bad_tls",
    "timed_out", "closed",    "bad_response", "too_large",    "bad_request", "busy"};
constexpr std::array<std::string_view, 2> jwks_reload_names{"ok", "failed"};

// JWT keys of auth.any_of[].jwt with jwks_url or jwks_file; of the first loop.
struct JwksStats {
    std::array<std::uint64_t, jwks_result_names.size()> fetches{};
    std::array<std::uint64_t, jwks_reload_names.size()> reloads{};
    std::uint64_t keys = 0;         // gauge
    std::uint64_t age_seconds = 0;  // gauge: of the oldest set of a URL, since it was last known to be good
};

// One process of the app, by index into UpstreamOptions::urls.
struct UpstreamStats {
    std::uint64_t sessions = 0;  // gauge: that belong to it
    std::uint64_t connects = 0;  // attempts, all purposes
    std::uint64_t failures = 0;
    bool up = false;  // the last attempt succeeded
};

struct Stats {
    session::Stats sessions;
    std::vector<rules::GateStats> gates;  // by rule; of the first loop, as of the last gathering
    std::array<std::uint64_t, client_transport_names.size()> client_connections{};  // gauge, open now
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;  // limits.max_connections
    std::array<std::uint64_t, limit_hit_names.size()> limit_hits{};
    // Counts it, and says its name.
    std::string_view hit(LimitHit limit) noexcept {
        ++limit_hits[static_cast<std::size_t>(limit)];
        return limit_hit_names[static_cast<std::size_t>(limit)];
    }
    std::uint64_t handovers = 0;                   // connections given to the loop of their session
    std::array<std::uint64_t, 6> http_requests{};  // by status class: [1]xx..[5]xx, [0] none (aborted)
    session::Histogram http_duration;              // never an upgraded connection's lifetime
    std::uint64_t http_request_bytes = 0;
    std::uint64_t http_response_bytes = 0;
    std::map<std::string, std::uint64_t, std::less<>>
        head_refusals;                               // by the gate's reason: a bounded set of literals
    std::array<std::uint64_t, 8> origin_refusals{};  // by auth::OriginVerdict
    std::array<std::uint64_t, 16> auth_refusals{};   // by auth::errc
    std::array<std::uint64_t, lockout_names.size()> auth_lockouts{};
    auth::VerdictCache::Counts auth_cache;
    std::array<std::uint64_t, forward_auth_result_names.size()> forward_auth{};  // requests to the server
    session::Histogram forward_auth_duration;
    std::array<std::uint64_t, handshake_failure_names.size()> handshake_failures{};
    std::array<std::array<std::uint64_t, tls_result_names.size()>, 2>
        tls_handshakes{};                     // by TlsSide and TlsResult
    std::uint64_t sid_mismatches = 0;         // a sid used by another principal or origin
    std::uint64_t dropped_header_fields = 0;  // underscore names
    std::uint64_t spooled_uploads = 0;
    std::uint64_t spooled_bytes = 0;
    std::uint64_t upstream_connects = 0;  // attempts, all purposes
    std::uint64_t upstream_connect_failures = 0;
    bool upstream_up = false;  // the last attempt to reach one of its processes succeeded
    std::vector<UpstreamStats> upstreams;
    JwksStats jwks;
    session::Histogram loop_lag;  // how late the loop's own tick was
};

}  // namespace forestay::net
