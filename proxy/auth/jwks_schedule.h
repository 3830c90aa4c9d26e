// When a JWKS document is fetched, and how long it is good. Pure: the time and the chance are arguments.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace forestay::auth {

class JwksSchedule {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Seconds = std::chrono::seconds;

    static constexpr Seconds shortest{60}, longest{3'600}, usual{300};  // until it is fetched again
    static constexpr Seconds extra_interval{30};  // between two fetches because of unknown keys
    static constexpr Seconds first_retry{5}, last_retry{60};

    // `max_stale`: how long it is good since the last fetch that succeeded. Due at once.
    explicit JwksSchedule(Seconds max_stale) : max_stale_(max_stale) {}

    // Time for a fetch, and none is under way.
    [[nodiscard]] bool due(TimePoint now) const noexcept { return !running_ && now >= next_; }
    void begun() noexcept { running_ = true; }
    // It brought a good document, or that there is no newer one. `cache_control`: of the answer, may be
    // empty. `chance`: 0 to 1, so that not all come at once. Again at 75 to 85 % of its max-age.
    void fetched(TimePoint now, std::string_view cache_control, double chance);
    // Again after 5 s, 10 s, ... 60 s, half to all of it.
    void failed(TimePoint now, double chance);
    // A token named a key that is not there: due at once, but not twice in 30 s for that reason.
    void unknown_key(TimePoint now) noexcept;

    [[nodiscard]] TimePoint next_fetch() const noexcept { return next_; }
    // Empty: never yet.
    [[nodiscard]] std::optional<TimePoint> fetched_at() const noexcept { return fetched_; }
    [[nodiscard]] bool stale(TimePoint now) const noexcept {
        return !fetched_ || now - *fetched_ >= max_stale_;
    }

  private:
    Seconds max_stale_;
    bool running_ = false;
    TimePoint next_ = TimePoint::min();
    std::optional<TimePoint> fetched_;
    std::optional<TimePoint> extra_;  // the last one
    Seconds retry_ = first_retry;
};

// How long an answer is fresh by its Cache-Control (RFC 9111), between `shortest` and `longest`; `usual` when
// it does not say.
[[nodiscard]] JwksSchedule::Seconds jwks_lifetime(std::string_view cache_control) noexcept;

}  // namespace forestay::auth
