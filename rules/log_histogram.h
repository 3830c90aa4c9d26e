// Quantiles of many values in little memory: counts in buckets that grow by a tenth each.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace forestay::rules {

class LogHistogram {
  public:
    void add(std::uint64_t value) {
        ++counts_[bucket(value)];
        ++count_;
        max_ = std::max(max_, value);
    }
    void add(const LogHistogram& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
        count_ += other.count_;
        max_ = std::max(max_, other.max_);
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
    // At most a tenth too high, and never above the largest that was there; 0 when there was none.
    [[nodiscard]] std::uint64_t quantile(double share) const {
        const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            below += counts_[i];
            if (below > 0 && below >= wanted) return std::min(max_, upper_bound(i));
        }
        return max_;
    }

  private:
    // Small values have a bucket each; the last bucket is for all beyond 30 hours in milliseconds, or 100 MB.
    static constexpr std::size_t exact = 16;
    static std::size_t bucket(std::uint64_t value) {
        if (value < exact) return static_cast<std::size_t>(value);
        const double grown = std::log(static_cast<double>(value) / exact) / std::log(1.1);
        return std::min(exact + static_cast<std::size_t>(std::ceil(grown)), buckets - 1);
    }
    static std::uint64_t upper_bound(std::size_t index) {
        if (index < exact) return index;
        if (index == buckets - 1) return UINT64_MAX;
        return static_cast<std::uint64_t>(exact * std::pow(1.1, static_cast<double>(index - exact)));
    }

    static constexpr std::size_t buckets = 184;
    std::array<std::uint32_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace forestay::rules
