// All processes of the app as one loop sees them, and the line in front of them.
//
// A session is pinned to one: the least loaded when it connects first, later its own again, or another one
// when its own does not answer. Sessions connect at a bounded rate and wait in line as long as nothing
// answers: a cold single-process Python server must not be stormed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "proxy/net/task.h"
#include "proxy/session/time.h"

namespace forestay::net {

class Loop;
class StreamGroup;
class Upstream;

// Which process a session belongs to; counted as long as it lives.
class UpstreamPin {
  public:
    UpstreamPin() = default;
    ~UpstreamPin() { move_to(nullptr); }
    UpstreamPin(const UpstreamPin&) = delete;
    UpstreamPin& operator=(const UpstreamPin&) = delete;
    void move_to(Upstream* upstream) noexcept;
    [[nodiscard]] Upstream* at() const noexcept { return at_; }

  private:
    Upstream* at_ = nullptr;
};

// Waits in line.
class UpstreamTurn {
  public:
    // Its turn has come, with this one. Called from enter() too.
    virtual void begin(Upstream& upstream) = 0;

  protected:
    ~UpstreamTurn() = default;
};

class UpstreamSet {
  public:
    // Handshakes of sessions at the same time with each process; those of plain websockets, all together.
    static constexpr std::size_t turns = 64;

    explicit UpstreamSet(Loop& loop);
    ~UpstreamSet();

    // For an ordinary request. `failed`: not this one, if there is another that answers; null: any.
    [[nodiscard]] Upstream& for_request(const Upstream* failed = nullptr);
    // There is one that answers, and it is not this one.
    [[nodiscard]] bool another_answers(const Upstream& than) const;

    // The line. A session (`pin` is there, and is moved) waits for the rate and for a process that answers; a
    // plain websocket only for one of its own turns: its handshake lasts as long as the app's view of that
    // path likes, and must not keep sessions from connecting. `again`: it had a turn, which did not count.
    enum class Place : std::uint8_t { last, first };
    void enter(UpstreamTurn& waiter, UpstreamPin* pin, Place place = Place::last);
    void leave_line(UpstreamTurn& waiter);
    // After a turn: of a session at this one; null: of a plain websocket.
    void give_turn_back(Upstream* upstream);
    // Another loop found out that this one is down, or up again.
    void heard(std::size_t index, bool up);
    // An upstream answers again, or it is known what it speaks.
    void look_again();

    // Since when none of them answers; empty: one does, or may.
    [[nodiscard]] std::optional<session::TimePoint> down_since() const;

    // Begins to look whether they answer.
    void watch();

    // Of the exchanges with the upstream that belong to no client's connection. What is left of them goes
    // with the loop's io_context, after this.
    [[nodiscard]] StreamGroup& streams() noexcept;
    struct Exchanges {
        std::size_t all = 0;
        std::size_t posts = 0;  // bring the app something: a goodbye, at the end
    };
    const std::shared_ptr<Exchanges> exchanges = std::make_shared<Exchanges>();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::net
