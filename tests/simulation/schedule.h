// The virtual clock: what is to happen, in order of time.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "proxy/session/time.h"

namespace forestay::simulation {

using session::Duration;
using session::TimePoint;

class Schedule {
  public:
    [[nodiscard]] TimePoint now() const noexcept { return now_; }
    void at(TimePoint when, std::function<void()> what) {
        events_.emplace(std::pair(std::max(when, now_), ++order_), std::move(what));
    }
    void after(std::chrono::microseconds delay, std::function<void()> what) {
        at(now_ + delay, std::move(what));
    }
    [[nodiscard]] TimePoint next() const noexcept {
        return events_.empty() ? session::never : events_.begin()->first.first;
    }
    // Moves the clock to the next event and lets it happen.
    void run_next() {
        auto node = events_.extract(events_.begin());
        now_ = node.key().first;
        node.mapped()();
    }
    void advance(TimePoint when) { now_ = std::max(now_, when); }

  private:
    TimePoint now_ = TimePoint{} + std::chrono::hours(1);
    std::uint64_t order_ = 0;
    std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> events_;
};

}  // namespace forestay::simulation
