// The line in front of one rule: fair to the sessions that wait, first come first served within one. Those
// that stand in front (retries) go before everybody.
//
// The sessions stand in a ring; whoever is next gives its oldest and goes to the ring's end. All calls are
// O(log n) but place() and changed_places().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rules/gate.h"

namespace forestay::rules {

class GateLine {
  public:
    using Turn = std::uint64_t;  // of one that waits; in the order of entering

    // `status_every`: of changed_places().
    explicit GateLine(Duration status_every) : status_every_(status_every) {}

    Turn enter(Ticket ticket, bool in_front, TimePoint now);
    void leave(Turn turn);
    // Takes out whoever is next; only of a line that is not empty. The same for those below.
    Ticket next();
    [[nodiscard]] Ticket oldest() const { return waiting_.begin()->second.ticket; }
    [[nodiscard]] TimePoint oldest_since() const { return waiting_.begin()->second.since; }

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

    // The place of one who has just entered, from 1, which is told now. O(sessions that wait).
    [[nodiscard]] std::size_t place(Turn turn, TimePoint now);
    // The places that are not what was told, as told now; those that were told within status_every come the
    // next time. Nothing before its time. O(size).
    [[nodiscard]] std::vector<std::pair<Ticket, std::size_t>> changed_places(TimePoint now);
    [[nodiscard]] TimePoint next_change() const;  // when to ask for them; max(): nothing has changed

  private:
    struct Waiter {
        Ticket ticket;
        bool in_front = false;
        TimePoint since;
        std::size_t told = 0;  // place
        TimePoint told_at;
    };
    struct Lane {
        std::uint64_t session = 0;
        std::set<Turn> turns;
    };
    using Ring = std::list<Lane>;

    [[nodiscard]] std::vector<Turn> in_order() const;

    Duration status_every_;
    Turn last_turn_ = 0;
    std::map<Turn, Waiter> waiting_;
    std::set<Turn> front_;
    Ring ring_;
    std::unordered_map<std::uint64_t, Ring::iterator> lanes_;  // by session
    bool changed_ = false;
    TimePoint changes_told_ = TimePoint::min();
};

}  // namespace forestay::rules
