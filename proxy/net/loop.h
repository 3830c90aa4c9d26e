// One thread, one io_context, and in it one epoll set of our own for upgraded sockets; what the sessions of
// the thread share. Nothing here is touched by another thread, but post() and stop().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/authenticator.h"
#include "proxy/auth/origin.h"
#include "proxy/auth/verdict_cache.h"
#include "proxy/net/client_table.h"
#include "proxy/net/failed_credentials.h"
#include "proxy/net/journal.h"
#include "proxy/net/options.h"
#include "proxy/net/stats.h"
#include "proxy/session/policy.h"
#include "proxy/session/workspace.h"

namespace boost::asio {
class io_context;
}

namespace forestay::net {

class ForwardAuth;      // forward_auth.h
class TlsServer;        // tls_context.h
class SharedGate;       // shared_gate.h: which of the sessions' requests may go to the app
class UpgradedSockets;  // upgraded_sockets.h: the epoll set
class TimerWheel;       // timer_wheel.h
class UpstreamSet;      // upstream_set.h: the processes of the app, and whose turn it is to connect

// limits.memory: nobody new comes in; the heaviest sessions end, too.
enum class MemoryPressure : std::uint8_t { none, refuse, shed };

// What the loops share and change: atomics only, for bounds that hold for the whole process. Nobody orders
// anything by them.
struct Common {
    std::atomic<std::size_t> connections{0};  // that speak HTTP, on their way to another loop included
    std::atomic<std::size_t> sessions{0};
    std::atomic<MemoryPressure> memory_pressure{MemoryPressure::none};
    std::atomic<std::uint64_t> memory_used{0};   // bytes, as of the last look
    std::atomic<std::uint64_t> memory_limit{0};  // 0: none is known, or limits.memory is off
    std::atomic<bool> unknown_key{false};  // a token named a key that we do not have; KeySources looks at it
};

// What a loop is given; shared by all loops, immutable, outlives them.
struct Shared {
    Options options;
    session::Policy policy;
    std::shared_ptr<const auth::Authenticator> authenticator;
    std::shared_ptr<const auth::OriginPolicy> origins;
    std::shared_ptr<TlsServer> tls;  // where a listener has it
    Journal journal;                 // called on every loop's thread
    unsigned loops = 1;              // how many there are, Loop::max at most
    std::shared_ptr<Common> common = std::make_shared<Common>();
    std::shared_ptr<ClientTable> clients = std::make_shared<ClientTable>();
    std::shared_ptr<ClientTable> identities = std::make_shared<ClientTable>();
    std::shared_ptr<FailedCredentials> failures = std::make_shared<FailedCredentials>();
};

class Loop {
  public:
    static constexpr unsigned max = 64;  // an index is one character of a sid

    explicit Loop(const Shared& shared, unsigned index = 0);
    ~Loop();

    [[nodiscard]] unsigned index() const noexcept;

    boost::asio::io_context& context();
    const Shared& shared() const;
    Stats& stats();
    session::Workspace& workspace();
    UpgradedSockets& sockets();
    TimerWheel& wheel();
    UpstreamSet& upstreams();
    SharedGate& gate();
    auth::VerdictCache& verdicts();  // this loop's part of them
    ForwardAuth* forward_auth();     // null: none is configured
    // The time of this batch: read once per wake-up of the epoll set or the wheel, and by whoever else begins
    // a batch of work for the sessions.
    session::TimePoint now() const;
    void read_clock();
    // Fresh randomness for sids and mask seeds (OpenSSL RAND_bytes). The first character of a sid, or of
    // whatever else a client brings back one day, names the loop that knows it.
    std::string new_sid();
    std::uint64_t new_seed();
    // The index in a sid; max when it is none of ours.
    [[nodiscard]] static unsigned index_in(std::string_view sid) noexcept;

    void run();  // until stop(); an exception of a handler ends one session, not the loop
    // From any thread. What is posted to a loop that has stopped goes unheard with the loop.
    void post(std::function<void()> task);
    void stop();

    // All loops of the process, this one among them. Before they run.
    void introduce(std::vector<Loop*> loops);
    // The one of this index; this one as long as they have not been introduced.
    [[nodiscard]] Loop& peer(unsigned index);
    // On each of the others, in its own time.
    void tell_others(const std::function<void(Loop&)>& task);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Seconds since 1970 by the wall clock, which is what credentials expire by.
[[nodiscard]] std::int64_t unix_now();

}  // namespace forestay::net
