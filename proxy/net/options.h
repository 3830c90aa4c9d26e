// What the shells are told: addresses, deadlines, bounds. Plain values, filled by the configuration.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/session/token_bucket.h"

namespace forestay::net {

class TlsClient;

using Duration = std::chrono::milliseconds;

// host:port (port 0: any free one) or unix:/path.
struct Endpoint {
    std::string host;  // empty for a unix socket
    std::uint16_t port = 0;
    std::string unix_path;
    bool tls = false;  // its clients speak TLS
};

// One process of the app.
struct UpstreamUrl {
    std::string host = "127.0.0.1";
    std::uint16_t port = 80;
    std::string path_prefix;               // without trailing slash; put in front of every target
    std::shared_ptr<const TlsClient> tls;  // null: it speaks plain HTTP
};

// How a session reaches the app; automatic: a websocket, unless the app turns out to have none.
enum class UpstreamTransport : std::uint8_t { automatic, websocket, polling };

struct UpstreamOptions {
    std::vector<UpstreamUrl> urls{UpstreamUrl{}};  // at least one
    UpstreamTransport transport = UpstreamTransport::automatic;
    unsigned connects_per_second = 100;  // resume.upstream.rate: of sessions, all loops together
    Duration hold{30'000};  // resume.upstream.hold: down for longer, and new sessions are sent away
    Duration connect_timeout{2'000};
    Duration handshake_timeout{10'000};
    Duration response_timeout{60'000};  // first byte of an HTTP response
    Duration keepalive_idle{1'000};
    bool preserve_host = true;  // else Host is the upstream's
};

// Of one address, or one identity, over all loops.
struct ClientLimits {
    std::size_t at_once = 0;  // clients; 0: no bound
    session::Rate connects;   // new ones

    [[nodiscard]] bool any() const noexcept { return at_once > 0 || connects.bounded(); }
};

struct HttpLimits {
    std::uint64_t body_bytes = 64ULL << 20;  // limits.max_body; of a polling POST also max_message
    std::size_t header_bytes = 16 << 10;     // limits.max_header
    std::size_t header_count = 100;
    std::size_t target_bytes = 8 << 10;
    std::size_t connections = 10'000;  // limits.max_connections
    // For how many clients the open file limit is enough, each with a connection to the app. Set at the start
    // of the process.
    std::size_t connections_by_descriptors = 1'000'000;
    Duration header_timeout{10'000};
    Duration body_timeout{30'000};  // limits.body_timeout: a request's body may pause for so long
    Duration keepalive_timeout{75'000};
    Duration write_timeout{30'000};
    Duration drain_timeout{8'000};  // drain.timeout
    ClientLimits addresses;         // limits.per_ip, connect_rate
    ClientLimits identities;        // limits.per_identity, identity_rate
};

// limits.memory
struct MemoryOptions {
    enum class Of : std::uint8_t { off, cgroup, process } of = Of::cgroup;
    std::uint64_t bytes = 0;  // process: what it may use; of a cgroup the kernel knows
};

// An IP network in CIDR form, parsed.
struct Network {
    bool v6 = false;
    std::array<std::uint8_t, 16> address{};
    unsigned prefix = 0;
};

// A plain websocket that the configuration names; its messages may be JSON.
struct WebsocketPath {
    std::string path;                 // without query; exact, or with {names} for whole segments
    std::optional<std::size_t> json;  // its place in session::Policy::json_websockets; else opaque
};

struct Options {
    std::vector<Endpoint> listen;
    std::vector<Endpoint> admin_listen;  // empty: no admin listener
    std::string admin_token_sha256;      // hex; empty: none asked
    UpstreamOptions upstream;
    HttpLimits limits;
    MemoryOptions memory;
    std::vector<std::string> socketio_paths{"/socket.io/"};
    session::Rate failed_rate;              // auth.failed_rate; no bound: nobody is locked out
    bool jsonp = false;                     // EIO3 clients may poll by JSONP
    bool drop_underscore_headers = true;    // request header fields with "_" in their names
    std::vector<WebsocketPath> websockets;  // others pass through as they are
    std::vector<Network> trusted_proxies;
    std::string client_config_path;  // where clients learn how to connect; empty: nowhere
    std::string client_config;       // what they get there: JSON
};

}  // namespace forestay::net
