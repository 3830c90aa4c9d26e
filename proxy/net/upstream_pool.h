// HTTP connections to the upstream: kept for a moment after an answer, used again, else made anew.
//
// keepalive_idle is shorter than the app's own patience, so that we are the ones who close. One per server.
#pragma once

#include <memory>
#include <vector>

#include "proxy/net/byte_stream.h"
#include "proxy/net/timer_wheel.h"

namespace forestay::net {

class Upstream;

struct UpstreamConnection {
    std::unique_ptr<ByteStream> stream;  // empty: none to be had
    Upstream* upstream = nullptr;        // which one it goes to
    bool reused = false;      // may have died unnoticed: a request that gets no byte back may be tried again
    bool timed_out = false;   // why there is none
    bool tls_failed = false;  // likewise: it is there, but TLS with it failed
};

class UpstreamPool final : TimerEntry {
  public:
    static constexpr std::size_t idle_max = 64;

    UpstreamPool(Loop& loop, StreamGroup& streams);
    ~UpstreamPool();

    enum class Take : std::uint8_t { any, fresh };
    // To whichever process of the app answers.
    [[nodiscard]] Task<UpstreamConnection> take(Take which);
    // After a whole answer with nothing behind it.
    void give_back(UpstreamConnection connection);
    void clear() noexcept { idle_.clear(); }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }

  private:
    struct Idle {
        UpstreamConnection connection;
        session::TimePoint until;
    };
    void due(session::TimePoint now) override;

    Loop& loop_;
    StreamGroup& streams_;
    std::vector<Idle> idle_;  // the oldest first
};

// A fresh connection to this one. The stream is one of `streams`.
[[nodiscard]] Task<UpstreamConnection> connect_to(Loop& loop, StreamGroup& streams, Upstream& upstream);

}  // namespace forestay::net
