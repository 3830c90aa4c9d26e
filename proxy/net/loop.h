// One thread, one io_context, and in it one epoll set of our own for upgraded sockets; what the sessions of
// the thread share. Nothing here is touched by another thread, but post() and stop().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "proxy/auth/authenticator.h"
#include "proxy/auth/origin.h"
#include "proxy/net/journal.h"
#include "proxy/net/options.h"
#include "proxy/net/stats.h"
#include "proxy/session/policy.h"
#include "proxy/session/workspace.h"

namespace boost::asio {
class io_context;
}

namespace forestay::net {

class UpgradedSockets;  // upgraded_sockets.h: the epoll set
class TimerWheel;       // timer_wheel.h
class UpstreamSet;      // upstream_set.h: the processes of the app, and whose turn it is to connect

// What a loop is given; shared by all loops, immutable, outlives them.
struct Shared {
    Options options;
    session::Policy policy;
    std::shared_ptr<const auth::Authenticator> authenticator;
    std::shared_ptr<const auth::OriginPolicy> origins;
    Journal journal;
    std::function<std::string()> render_metrics;  // called on the loop; empty: no /metrics
};

class Loop {
  public:
    explicit Loop(const Shared& shared);
    ~Loop();

    boost::asio::io_context& context();
    const Shared& shared() const;
    Stats& stats();
    session::Workspace& workspace();
    UpgradedSockets& sockets();
    TimerWheel& wheel();
    UpstreamSet& upstreams();
    // The time of this batch: read once per wake-up of the epoll set or the wheel, and by whoever else begins
    // a batch of work for the sessions.
    session::TimePoint now() const;
    void read_clock();
    // Fresh randomness for sids and mask seeds (OpenSSL RAND_bytes).
    std::string new_sid();
    std::uint64_t new_seed();

    void run();   // until stop(); an exception of a handler ends one session, not the loop
    void stop();  // from any thread

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::net
