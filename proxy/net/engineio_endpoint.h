// The Engine.IO endpoint: owns the sessions of a loop and drives them. Called by the HTTP connections.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/exchange.h"
#include "proxy/net/socket.h"

namespace forestay::net {

class Loop;

class EngineIoEndpoint {
  public:
    explicit EngineIoEndpoint(Loop& loop);
    ~EngineIoEndpoint();

    // One polling exchange; the handle is for the two reports below.
    struct Exchange {
        std::uint64_t id = 0;
        std::string sid;
    };
    // A GET: without a sid the start of a session (the answer is its OPEN packet), with one a poll. `done`
    // may be called before this returns.
    Exchange poll(GuardedRequest request, AnswerHandler done);
    Exchange post(GuardedRequest request, std::string body, AnswerHandler done);
    // The answer has gone out whole; or the client's socket went before that.
    void written(const Exchange& exchange);
    void lost(const Exchange& exchange);

    // Why a websocket may not be opened for this request (unknown sid, wrong principal, already upgraded);
    // empty: it may.
    [[nodiscard]] std::optional<HttpAnswer> refuse_upgrade(const GuardedRequest& request) const;
    // The 101 is written; from here the socket is ours. `early`: bytes the client sent behind its handshake.
    void upgraded(GuardedRequest request, Socket socket, std::string early);
    // A websocket without Engine.IO: both handshakes are done.
    void plain(GuardedRequest request, Socket client, std::string early_client, Socket upstream,
               std::string early_upstream);

    // The endpoints of all loops, by index; empty: this is the only one. Before any of them runs.
    void introduce(const std::vector<EngineIoEndpoint*>& all);
    // The loop that has the session of this sid, as far as is known here; Loop::max when no loop can have it.
    [[nodiscard]] unsigned home_of(const std::string& sid) const;

    // Ends the sessions that hold most, until they held so many bytes between them: limits.memory.
    void shed(std::size_t bytes);
    // Says goodbye to every session; sessions() falls to zero soon after.
    void shutdown();
    [[nodiscard]] std::size_t sessions() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::net
