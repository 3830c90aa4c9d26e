#include "rules/gate_breaker.h"

#include <algorithm>

namespace forestay::rules {

void GateBreaker::enter(Breakers state) {
    state_ = state;
    ++life_;
    probing_ = false;
    in_a_row_ = 0;
    slices_ = {};
}

void GateBreaker::advance(TimePoint now) {
    if (now >= next_deadline()) enter(Breakers::half_open);
}

GateBreaker::Life GateBreaker::admit() noexcept {
    probing_ = state_ == Breakers::half_open;
    return life_;
}

bool GateBreaker::heard(Life life, Outcome outcome, TimePoint now) {
    if (!how_.on() || life != life_) return false;
    probing_ = false;
    switch (outcome) {
        case Outcome::released:
            return false;
        case Outcome::answered:
            if (state_ == Breakers::half_open) enter(Breakers::closed);
            in_a_row_ = 0;
            ++slice(now).answered;
            return false;
        case Outcome::failed:
            break;
    }
    ++in_a_row_;
    ++slice(now).failed;
    if (state_ != Breakers::half_open && !too_many_failures(now)) return false;
    enter(Breakers::open);
    rested_ = now + how_.open;
    return true;
}

bool GateBreaker::too_many_failures(TimePoint now) const {
    if (how_.failures > 0 && in_a_row_ >= how_.failures) return true;
    if (how_.share <= 0) return false;
    const std::int64_t current = slice_number(now);
    std::uint64_t failed = 0;
    std::uint64_t all = 0;
    for (const Slice& each : slices_) {
        if (each.number <= current - slices) continue;
        failed += each.failed;
        all += each.failed + each.answered;
    }
    return all >= how_.minimum && static_cast<double>(failed) >= how_.share * static_cast<double>(all);
}

std::int64_t GateBreaker::slice_number(TimePoint now) const {
    const auto since = std::chrono::duration_cast<Duration>(now.time_since_epoch());
    return since / std::max(how_.window / slices, Duration{1});
}

GateBreaker::Slice& GateBreaker::slice(TimePoint now) {
    const std::int64_t number = slice_number(now);
    Slice& found = slices_[static_cast<std::size_t>(number % slices)];
    if (found.number != number) found = Slice{number, 0, 0};
    return found;
}

}  // namespace forestay::rules
