// So many per second, with a burst.
#pragma once

#include <algorithm>
#include <chrono>

#include "proxy/session/time.h"

namespace forestay::session {

// So many in so long, and as many at once.
struct Rate {
    unsigned count = 0;  // 0: no bound
    std::chrono::nanoseconds per{1'000'000'000};

    [[nodiscard]] bool bounded() const noexcept { return count > 0; }
    // How long it takes until one more may come.
    [[nodiscard]] std::chrono::nanoseconds one() const noexcept { return per / std::max(count, 1U); }
};

class TokenBucket {
  public:
    // True when one more is within the rate. Starts full.
    [[nodiscard]] bool take(unsigned per_second, unsigned burst, TimePoint now) {
        const auto one = std::chrono::nanoseconds(1'000'000'000 / std::max(per_second, 1U));
        if (full_at_ - one * (std::max(burst, 1U) - 1) > now) return false;
        full_at_ = std::max(full_at_, now) + one;
        return true;
    }
    // The same in two steps, for what is known to be one only when it is there: spend() may take more than
    // there is, and until next() there is none.
    void spend(const Rate& rate, TimePoint now) { full_at_ = std::max(full_at_, now) + rate.one(); }
    [[nodiscard]] TimePoint next(const Rate& rate) const {
        return full_at_ - rate.one() * (std::max(rate.count, 1U) - 1);
    }
    [[nodiscard]] TimePoint full_at() const noexcept { return full_at_; }

    template <class Archive>
    void archive(Archive& archive) {
        archive(full_at_);
        archive.check(full_at_ != never);
    }

  private:
    TimePoint full_at_{};  // when it would be full again
};

}  // namespace forestay::session
