// One process of the app as one loop sees it: where it is, whether it answers, what it speaks, who uses it.
//
// Names are resolved at start, and again when connecting fails. Of several addresses the one that answered
// last comes first. While it does not answer it is looked for all the time, by one attempt at a time; while
// it does, every few seconds, unless somebody else has tried.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/options.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upgraded_sockets.h"

namespace forestay::net {

class UpstreamSet;
struct UpstreamStats;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

class Upstream final : private SocketOwner, private TimerEntry {
  public:
    // What the app turned out to speak with sessions. Forgotten whenever it may have been started anew.
    enum class Speaks : std::uint8_t { unknown, websocket, polling };

    // `index`: into UpstreamOptions::urls. Everything is told to `set`, which outlives this.
    Upstream(Loop& loop, UpstreamSet& set, std::size_t index);
    ~Upstream();

    [[nodiscard]] const UpstreamUrl& url() const noexcept;
    // The addresses to try, best first; empty while the name does not resolve.
    [[nodiscard]] const std::vector<SocketAddress>& addresses() const noexcept;
    [[nodiscard]] UpstreamStats& stats() const noexcept;

    // Begins a non-blocking connect, with TLS to come if it speaks that; empty when it failed at once.
    [[nodiscard]] Socket begin_connect(const SocketAddress& address) const;
    // Every attempt to connect is told, when it is over: counts it, remembers the good address, resolves the
    // name again after a failure.
    void attempted(const SocketAddress* good);
    // Down, or up again, as an attempt or another loop found out. True when that is news.
    bool heard(bool up);
    // It took the connection, and that was all.
    void broke();
    // A session has lost its leg without a goodbye: it may be down, or started anew.
    void lost_a_leg();

    // Since when nothing answers; empty: the last attempt succeeded, or there was none yet.
    [[nodiscard]] std::optional<session::TimePoint> down_since() const noexcept;
    // Fit for new sessions: up, and none of them has found it broken just now.
    [[nodiscard]] bool healthy(session::TimePoint now) const noexcept;

    [[nodiscard]] Speaks speaks() const noexcept;
    // One session tries, the others wait until it has learned() something, or nothing, or takes too long.
    [[nodiscard]] bool is_being_learned(session::TimePoint now) const noexcept;
    void begin_learning();
    void learned(Speaks what);

    // Begins to look, at once.
    void watch();

    std::size_t turns_taken = 0;  // of UpstreamSet::turns

  private:
    void on_bytes(UpgradedSocket& socket, std::string_view bytes) override;
    void on_drained(UpgradedSocket& socket) override;
    void on_lost(UpgradedSocket& socket, bool reset) override;
    void due(session::TimePoint now) override;
    void probe_next_address();
    void probed(const SocketAddress* good);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// host:port as in a Host field.
[[nodiscard]] std::string host_of(const UpstreamUrl& url);

}  // namespace forestay::net
