#include "proxy/telemetry/repeat_limit.h"

namespace forestay::telemetry {
namespace {

constexpr std::chrono::seconds window_length{1};

}  // namespace

bool RepeatLimit::admit(std::string_view event, TimePoint now) {
    auto it = windows_.find(event);
    if (it == windows_.end()) it = windows_.emplace(std::string(event), Window{now, 0, 0}).first;
    Window& window = it->second;
    if (now - window.start >= window_length) {
        window.start = now;
        window.seen = 0;
    }
    if (++window.seen <= per_second_) return true;
    ++window.held_back;
    return false;
}

std::vector<std::pair<std::string, std::uint64_t>> RepeatLimit::take_summaries(TimePoint now) {
    std::vector<std::pair<std::string, std::uint64_t>> result;
    for (auto& [event, window] : windows_) {
        if (window.held_back == 0 || now - window.start < window_length) continue;
        result.emplace_back(event, window.held_back);
        window.held_back = 0;
    }
    return result;
}

}  // namespace forestay::telemetry
