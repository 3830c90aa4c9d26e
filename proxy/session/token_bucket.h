// So many per second, with a burst.
#pragma once

#include <algorithm>
#include <chrono>

#include "proxy/session/time.h"

namespace forestay::session {

class TokenBucket {
  public:
    // True when one more is within the rate. Starts full.
    [[nodiscard]] bool take(unsigned per_second, unsigned burst, TimePoint now) {
        if (full_at_ < now) full_at_ = now;
        const auto cost = std::chrono::nanoseconds(1'000'000'000 / std::max(per_second, 1U));
        if (full_at_ + cost - now > cost * burst) return false;
        full_at_ += cost;
        return true;
    }

    template <class Archive>
    void archive(Archive& archive) {
        archive(full_at_);
        archive.check(full_at_ != never);
    }

  private:
    TimePoint full_at_{};  // when it would be full again
};

}  // namespace forestay::session
