// Where the upstream is, and whose turn it is to bother it. One per loop.
//
// Names are resolved at start, and again when connecting fails. Of several addresses the one that answered
// last comes first. Handshakes beyond `turns` of a kind wait in line: a cold single-process Python server
// must not be stormed.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/options.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upgraded_sockets.h"

namespace forestay::net {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

// Waits in line; begin() is called when its turn has come.
class UpstreamTurn {
  public:
    virtual void begin() = 0;

  protected:
    ~UpstreamTurn() = default;
};

class Upstream final : private SocketOwner, private TimerEntry {
  public:
    static constexpr std::size_t turns = 64;
    // Who waits with whom. A plain websocket's handshake lasts as long as the app's view of that path likes:
    // it must not keep sessions from connecting.
    enum class Line : std::uint8_t { sessions, plain };

    explicit Upstream(Loop& loop);
    ~Upstream();

    // The addresses to try, best first; empty while the name does not resolve.
    [[nodiscard]] const std::vector<SocketAddress>& addresses() const noexcept;
    // Every attempt is told: counts it, remembers the good address, resolves the name again after a failure.
    void attempted(const SocketAddress* good);

    // True: it is your turn now. False: in line, begin() follows.
    [[nodiscard]] bool take_turn(UpstreamTurn& waiter, Line line);
    // After a turn, or to leave the line.
    void give_turn_back(Line line);
    void leave_line(UpstreamTurn& waiter, Line line);

    // Starts looking every few seconds whether the upstream takes connections, whenever nobody else has
    // tried.
    void watch();

  private:
    void on_bytes(UpgradedSocket& socket, std::string_view bytes) override;
    void on_drained(UpgradedSocket& socket) override;
    void on_lost(UpgradedSocket& socket, bool reset) override;
    void due(session::TimePoint now) override;
    void probe_next_address();

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// As in a Host field.
[[nodiscard]] std::string host_of(const UpstreamUrl& url);

// Begins a non-blocking connect; -1 when it failed at once.
[[nodiscard]] int begin_connect(const SocketAddress& address) noexcept;

}  // namespace forestay::net
