#include "proxy/net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace forestay::net {

namespace {
// Ticks are rounded up for deadlines, down for the time: never early.
std::int64_t tick_of(session::TimePoint::duration since_start, bool up) {
    const auto slot = std::chrono::duration_cast<session::TimePoint::duration>(TimerWheel::slot).count();
    const auto ticks = since_start.count() / slot;
    return up && since_start.count() % slot > 0 ? ticks + 1 : ticks;
}
}  // namespace

TimerEntry::~TimerEntry() {
    if (wheel_ != nullptr) wheel_->cancel(*this);
}

void TimerWheel::schedule(TimerEntry& entry, session::TimePoint deadline) {
    if (deadline == session::never) return cancel(entry);
    entry.due_tick_ = std::max(deadline <= start_ ? 0 : tick_of(deadline - start_, true), target_ + 1);
    if (entry.link_ != nullptr) {
        if (entry.tick_ <= entry.due_tick_) return;  // later: looked at again when its slot is due
        unlink(entry);
    }
    link(entry, entry.due_tick_);
    if (entry.tick_ < earliest_) {
        earliest_ = entry.tick_;
        if (on_earlier) on_earlier();
    }
}

void TimerWheel::cancel(TimerEntry& entry) noexcept {
    if (entry.link_ != nullptr) unlink(entry);
}

TimerEntry* TimerWheel::pop_due(session::TimePoint now) {
    target_ = std::max(target_, tick_of(std::max(now, start_) - start_, false));
    for (;;) {
        const std::int64_t tick = first_occupied();
        if (tick > target_) {
            done_ = target_;
            earliest_ = tick;
            return nullptr;
        }
        done_ = tick - 1;
        TimerEntry* entry = heads_[static_cast<std::size_t>(tick % slots)];
        unlink(*entry);
        if (entry->due_tick_ <= target_) {
            earliest_ = tick;
            return entry;
        }
        link(*entry, entry->due_tick_);
    }
}

session::TimePoint TimerWheel::next_wake() const {
    return earliest_ == none ? session::never : start_ + earliest_ * slot;
}

std::int64_t TimerWheel::first_occupied() const noexcept {
    if (size_ == 0) return none;
    // A word at a time from the slot behind done_; the first word is looked at again at the end, for its
    // front part.
    for (std::int64_t tick = done_ + 1;;) {
        const auto index = static_cast<std::size_t>(tick % slots);
        const std::uint64_t rest = occupied_[index / 64] >> (index % 64);
        if (rest != 0) return tick + std::countr_zero(rest);
        tick += 64 - static_cast<std::int64_t>(index % 64);
    }
}

void TimerWheel::link(TimerEntry& entry, std::int64_t tick) noexcept {
    entry.tick_ = std::min(tick, done_ + slots);
    const auto index = static_cast<std::size_t>(entry.tick_ % slots);
    TimerEntry*& head = heads_[index];
    entry.wheel_ = this;
    entry.next_ = head;
    entry.link_ = &head;
    if (head != nullptr) head->link_ = &entry.next_;
    head = &entry;
    occupied_[index / 64] |= std::uint64_t{1} << (index % 64);
    ++size_;
}

void TimerWheel::unlink(TimerEntry& entry) noexcept {
    *entry.link_ = entry.next_;
    if (entry.next_ != nullptr) entry.next_->link_ = entry.link_;
    entry.link_ = nullptr;
    entry.next_ = nullptr;
    const auto index = static_cast<std::size_t>(entry.tick_ % slots);
    if (heads_[index] == nullptr) occupied_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
    --size_;
}

}  // namespace forestay::net
