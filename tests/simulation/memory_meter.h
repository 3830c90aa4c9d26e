// How much memory the session holds: allocations less releases that happen while it runs.
#pragma once

#include <cstddef>

namespace forestay::simulation {

class MemoryMeter {
  public:
    // Counts on this thread while one of these is alive.
    MemoryMeter() noexcept;
    ~MemoryMeter();
    MemoryMeter(const MemoryMeter&) = delete;
    MemoryMeter& operator=(const MemoryMeter&) = delete;

    [[nodiscard]] static std::ptrdiff_t held() noexcept;
    static void reset() noexcept;
};

}  // namespace forestay::simulation
