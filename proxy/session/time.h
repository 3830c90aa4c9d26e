// Points in time as the session sees them: arguments, never asked for.
#pragma once

#include <chrono>

namespace forestay::session {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

// "No deadline."
constexpr TimePoint never = TimePoint::max();

}  // namespace forestay::session
