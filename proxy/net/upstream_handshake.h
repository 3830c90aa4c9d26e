// The handshake with the upstream: waits its turn, connects, asks, checks the 101. For Engine.IO sessions and
// for plain websockets alike; a session of an app that has no websockets begins by polling instead.
//
// Destroying the handshake cancels it. `done` is called at most once, on the loop, never from within
// start_upstream_handshake(), and may destroy the handshake.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/net/options.h"
#include "proxy/net/socket.h"
#include "proxy/net/stats.h"
#include "proxy/wire/http/forwarding.h"

namespace forestay::net {

class Loop;
class UpstreamPin;

// Said again each time that a session connects.
struct UpstreamHandshakeRequest {
    // Path and query as the client wrote them, without the upstream's path prefix; of a session, its path
    // alone.
    std::string target;
    wire::http::OwnedFields
        fields;  // of forwarded_fields(), Host among them; Connection, Upgrade and Sec-WebSocket-* are added
    std::vector<std::string> protocols;  // offered by the client; an extension is never offered
    unsigned revision = 0;               // of Engine.IO, 3 or 4; 0: a plain websocket
    std::string query;                   // of a session: the client's own part of it
};

// What the upstream is asked for.
[[nodiscard]] std::string target_at(const UpstreamUrl& url, const UpstreamHandshakeRequest& request,
                                    std::string_view transport);

// Switched: the socket is non-blocking, with TCP_NODELAY, in no epoll set.
struct UpstreamUpgraded {
    Socket socket;
    std::string early;     // bytes behind the 101: frames
    std::string protocol;  // selected, empty: none
    wire::http::OwnedFields
        fields;  // of the 101, as sent (Set-Cookie); hop-by-hop and Sec-WebSocket-* are not removed
};

// No websocket. Already counted in Stats::handshake_failures.
struct UpstreamRefusal {
    HandshakeFailure reason{};
    unsigned status = 0;  // of its HTTP answer, to be relayed; 0: there is none (answer 502, 504 on timeout)
    wire::http::OwnedFields fields;  // as sent
    std::string body;                // decoded; empty when it is longer than 64 KiB or did not come in time
};

// The app has no websockets; a session has begun by polling.
struct UpstreamPollingBegun {
    std::string body;  // OPEN packet and all
};

using UpstreamHandshakeResult = std::variant<UpstreamUpgraded, UpstreamPollingBegun, UpstreamRefusal>;
using UpstreamHandshakeDone = std::function<void(UpstreamHandshakeResult)>;

class UpstreamHandshake {
  public:
    virtual ~UpstreamHandshake() = default;
};

// connect_timeout and handshake_timeout of the loop's options. A session's (`pin` is there, and is moved)
// wait for its turn is not bounded here; a plain websocket's counts as part of the latter. `request` and
// `pin` outlive the handshake.
[[nodiscard]] std::unique_ptr<UpstreamHandshake> start_upstream_handshake(
    Loop& loop, const UpstreamHandshakeRequest& request, UpstreamPin* pin, UpstreamHandshakeDone done);

}  // namespace forestay::net
