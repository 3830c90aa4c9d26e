#include "rules/gate_rate.h"

#include <algorithm>

namespace forestay::rules {

namespace {

// What nobody lives to see; keeps the arithmetic of points in time from overflowing.
constexpr double seconds_max = 366.0 * 24 * 3600;

std::chrono::steady_clock::duration seconds(double count) {
    return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(std::min(count, seconds_max)));
}

}  // namespace

GateRate::GateRate(const Rate& rate, std::size_t identities_max) : identities_max_(identities_max) {
    if (rate.per_second <= 0) return;
    on_ = true;
    refill_ = seconds(1 / rate.per_second);
    burst_ = std::max(refill_, seconds(std::max(rate.burst, 1.0) / rate.per_second));
}

bool GateRate::take(std::string_view who, TimePoint now) {
    if (!on_) return true;
    forget_full(now);
    Bucket& mine = bucket(who.substr(0, name_bytes), now);
    const TimePoint full_at = std::max(mine.full_at, now) + refill_;
    if (full_at - now > burst_) return false;
    mine.full_at = full_at;
    return true;
}

// From the longest unused on, a few at a time: each call brings one bucket at most.
void GateRate::forget_full(TimePoint now) {
    for (int few = 0; few < 4 && !buckets_.empty() && buckets_.front().full_at <= now; ++few) {
        by_name_.erase(buckets_.front().who);
        buckets_.pop_front();
    }
}

GateRate::Bucket& GateRate::bucket(std::string_view who, TimePoint now) {
    auto found = by_name_.find(who);
    if (found != by_name_.end()) {
        buckets_.splice(buckets_.end(), buckets_, found->second);
        return buckets_.back();
    }
    TimePoint full_at = now;
    if (buckets_.size() >= identities_max_) {
        full_at = buckets_.front().full_at;
        by_name_.erase(buckets_.front().who);
        buckets_.pop_front();
    }
    buckets_.push_back({std::string(who), full_at});
    by_name_.emplace(buckets_.back().who, std::prev(buckets_.end()));
    return buckets_.back();
}

}  // namespace forestay::rules
