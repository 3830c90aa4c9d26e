// Every deadline of a loop: an intrusive timer wheel. Pure: the time is an argument.
//
// Slots of 10 ms: an entry is never due early and at most one slot late, which leaves a fallback 90 of its
// 100 ms. The finer slot costs no wake-ups, because nobody ticks: the loop has one timer, set to next_wake().
// Moving a deadline later, which is what nearly every message does, only stores it: the entry stays in its
// slot and is looked at again when that one is due. So does an entry beyond the horizon (about 20 s).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>

#include "proxy/session/time.h"

namespace forestay::net {

class TimerWheel;

// Derive from it; unlinks itself when it goes.
class TimerEntry {
  public:
    TimerEntry() = default;
    TimerEntry(const TimerEntry&) = delete;
    TimerEntry& operator=(const TimerEntry&) = delete;
    // The deadline has passed; nothing is scheduled any more. May destroy this.
    virtual void due(session::TimePoint now) = 0;

  protected:
    ~TimerEntry();

  private:
    friend class TimerWheel;
    TimerEntry* next_ = nullptr;
    TimerEntry** link_ = nullptr;  // what points to us; null: not in the wheel
    TimerWheel* wheel_ = nullptr;
    std::int64_t tick_ = 0;      // whose slot we are in
    std::int64_t due_tick_ = 0;  // when we are due: tick_ or later
};

class TimerWheel {
  public:
    static constexpr std::chrono::milliseconds slot{10};

    explicit TimerWheel(session::TimePoint start) : start_(start) {}
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    // Sets, moves, or (session::never) removes the entry's deadline. One that has passed is due at the next
    // slot, not at once: an entry that always asks for "now" cannot keep pop_due() from ending.
    void schedule(TimerEntry& entry, session::TimePoint deadline);
    void cancel(TimerEntry& entry) noexcept;
    // An entry that is due, unlinked; null when there is none (left). Call until null.
    [[nodiscard]] TimerEntry* pop_due(session::TimePoint now);
    // When to call pop_due() next: no entry is due before.
    [[nodiscard]] session::TimePoint next_wake() const;
    // Called when schedule() brings next_wake() forward.
    std::function<void()> on_earlier;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

  private:
    static constexpr std::int64_t slots = 2048;
    static constexpr std::int64_t none = INT64_MAX;

    [[nodiscard]] std::int64_t first_occupied() const noexcept;
    void link(TimerEntry& entry, std::int64_t tick) noexcept;
    void unlink(TimerEntry& entry) noexcept;

    session::TimePoint start_;
    std::int64_t done_ = 0;    // every tick up to here is empty; slots hold the ticks (done_, done_ + slots]
    std::int64_t target_ = 0;  // the last time pop_due() was called for; not before done_
    std::int64_t earliest_ = none;  // no occupied tick before it
    std::size_t size_ = 0;
    std::array<TimerEntry*, slots> heads_{};
    std::array<std::uint64_t, slots / 64> occupied_{};  // one bit per slot
};

}  // namespace forestay::net
