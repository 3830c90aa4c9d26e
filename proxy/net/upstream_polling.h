// Engine.IO by long-polling, our side being the client: one HTTP request to the app, its answer whole.
//
// Each request has a connection of its own: an answer that is asked for again on a second one may have been
// the only one, and what was in it would be lost in silence. A request is never aborted: python hands the
// next message to the GET that hangs, whoever still listens. So destroying the handle only lets go of the
// answer; the exchange goes on until it is there, or until its deadline.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/options.h"
#include "proxy/net/upstream_handshake.h"

namespace forestay::net {

class Loop;
class Upstream;

struct UpstreamAnswer {
    unsigned status = 0;  // 0: there is none, or not all of it
    std::string body;
    bool unreachable = false;  // there was no connection
};

class UpstreamExchange {
  public:
    virtual ~UpstreamExchange() = default;
};

// `done` is called at most once, on the loop, never from within start_..., and may destroy the handle.
using UpstreamAnswered = std::function<void(UpstreamAnswer)>;

struct UpstreamQuestion {
    std::string_view sid;                     // the app's, empty for the handshake
    std::optional<std::string_view> body;     // of a POST; none: a GET
    Duration deadline;                        // from its beginning
    const UpstreamExchange* after = nullptr;  // begins when that one is over, if it is not yet
};
[[nodiscard]] std::unique_ptr<UpstreamExchange> start_upstream_exchange(
    Loop& loop, Upstream& upstream, const UpstreamHandshakeRequest& handshake,
    const UpstreamQuestion& question, UpstreamAnswered done);

}  // namespace forestay::net
