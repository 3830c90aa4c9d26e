// The breaker of one rule: closed while the app answers; open when it has failed too often, and then nobody
// asks; half-open when it has had its rest, and then one request, the probe, finds out.
//
// Each of these is a life of the breaker. What is heard of a request counts in the life in which it was
// admitted only: one that was sent before the breaker opened says nothing about the app of today.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rules/gate.h"

namespace forestay::rules {

class GateBreaker {
  public:
    using Life = std::uint64_t;

    explicit GateBreaker(const Breaker& how) : how_(how) {}

    // Half-open when its time has come. Before the others.
    void advance(TimePoint now);
    [[nodiscard]] bool refuses() const noexcept {
        return state_ == Breakers::open || (state_ == Breakers::half_open && probing_);
    }
    // One that is not refused: the probe, when half-open.
    [[nodiscard]] Life admit() noexcept;
    // What became of one that was admitted. True when it is open by this.
    [[nodiscard]] bool heard(Life life, Outcome outcome, TimePoint now);

    [[nodiscard]] Breakers state() const noexcept { return state_; }
    [[nodiscard]] TimePoint next_deadline() const noexcept {
        return state_ == Breakers::open ? rested_ : TimePoint::max();
    }

  private:
    // The window is looked at in slices: it forgets by tenths.
    static constexpr std::int64_t slices = 10;
    struct Slice {
        std::int64_t number = -1;  // counted from the clock's beginning
        std::uint64_t answered = 0, failed = 0;
    };

    void enter(Breakers state);
    Slice& slice(TimePoint now);
    [[nodiscard]] bool too_many_failures(TimePoint now) const;
    [[nodiscard]] std::int64_t slice_number(TimePoint now) const;

    Breaker how_;
    Breakers state_ = Breakers::closed;
    Life life_ = 0;
    bool probing_ = false;
    std::uint64_t in_a_row_ = 0;
    std::array<Slice, slices> slices_{};
    TimePoint rested_;
};

}  // namespace forestay::rules
