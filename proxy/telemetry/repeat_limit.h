// Says which of many equal events are written: the first few of each second; the rest are counted and summed
// up, so that a flood fills neither the disk nor the operator's screen. Pure: the time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forestay::telemetry {

class RepeatLimit {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    explicit RepeatLimit(std::uint64_t per_second) : per_second_(per_second) {}

    // True when this one may be written. Event names are literals of ours, thus few.
    [[nodiscard]] bool admit(std::string_view event, TimePoint now);

    // What was held back in seconds that are over, each with its number, and forgets it. `TimePoint::max()`:
    // all.
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> take_summaries(TimePoint now);

  private:
    struct Window {
        TimePoint start{};
        std::uint64_t seen = 0;
        std::uint64_t held_back = 0;
    };
    std::uint64_t per_second_;
    std::map<std::string, Window, std::less<>> windows_;
};

}  // namespace forestay::telemetry
