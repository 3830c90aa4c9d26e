// The listeners' certificates while the process runs: read again when their files change, and every 12 hours
// for fresh ticket keys.
#pragma once

#include <memory>

#include "proxy/net/file_watch.h"
#include "proxy/net/journal.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/tls_context.h"
#include "proxy/telemetry/metrics.h"

namespace forestay::net {
class Loop;
}

namespace forestay::app {

class Certificates final : private net::TimerEntry {
  public:
    // On the thread of `loop`, which outlives this.
    Certificates(net::Loop& loop, std::shared_ptr<net::TlsServer> server, net::Journal journal);

    // What came of it. On that thread.
    [[nodiscard]] const telemetry::TlsState& state() const noexcept { return state_; }

  private:
    void reload();
    void due(session::TimePoint now) override;

    net::Loop& loop_;
    std::shared_ptr<net::TlsServer> server_;
    net::Journal journal_;
    telemetry::TlsState state_;
    net::FileWatch files_;
};

}  // namespace forestay::app
