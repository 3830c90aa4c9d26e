// The websocket handshake with the upstream: waits its turn, connects, asks, checks the 101. For Engine.IO
// sessions and for plain websockets alike.
//
// Destroying the handshake cancels it. `done` is called at most once, on the loop, never from within
// start_upstream_handshake(), and may destroy the handshake.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "proxy/net/stats.h"
#include "proxy/net/unique_fd.h"
#include "proxy/wire/http/forwarding.h"

namespace forestay::net {

class Loop;

struct UpstreamHandshakeRequest {
    std::string target;  // path and query as the upstream sees them, upstream.path_prefix included
    wire::http::OwnedFields
        fields;  // of forwarded_fields(), Host among them; Connection, Upgrade and Sec-WebSocket-* are added
    std::vector<std::string> protocols;  // offered by the client; an extension is never offered
    bool plain = false;                  // a websocket without Engine.IO: waits with its like
};

// Switched: the socket is non-blocking, with TCP_NODELAY, in no epoll set.
struct UpstreamUpgraded {
    UniqueFd fd;
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

using UpstreamHandshakeResult = std::variant<UpstreamUpgraded, UpstreamRefusal>;
using UpstreamHandshakeDone = std::function<void(UpstreamHandshakeResult)>;

class UpstreamHandshake {
  public:
    virtual ~UpstreamHandshake() = default;
};

// connect_timeout and handshake_timeout of the loop's options; the wait for a turn counts as part of the
// latter.
[[nodiscard]] std::unique_ptr<UpstreamHandshake> start_upstream_handshake(Loop& loop,
                                                                          UpstreamHandshakeRequest request,
                                                                          UpstreamHandshakeDone done);

}  // namespace forestay::net
