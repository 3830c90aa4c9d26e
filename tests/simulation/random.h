// Chance that depends on the seed only: the same on every machine and with every standard library.
#pragma once

#include <chrono>
#include <cstdint>

namespace forestay::simulation {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x243f6a8885a308d3ULL) {}

    std::uint64_t next() noexcept {  // splitmix64
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
        z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ z >> 27U) * 0x94d049bb133111ebULL;
        return z ^ z >> 31U;
    }
    // 0 to `bound` - 1.
    std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
        return low + below(high - low + 1);
    }
    bool chance(unsigned percent) noexcept { return below(100) < percent; }
    // Microseconds are random too, so that two things hardly ever happen at the same instant.
    std::chrono::microseconds pause(std::chrono::milliseconds low, std::chrono::milliseconds high) noexcept {
        const auto span = std::chrono::microseconds(high - low).count();
        return std::chrono::microseconds(low) +
               std::chrono::microseconds(below(static_cast<std::uint64_t>(span) + 1));
    }
    // A generator of its own for a part of the world, so that the parts do not disturb one another's chances.
    Random branch() noexcept { return Random(next()); }

  private:
    std::uint64_t state_;
};

}  // namespace forestay::simulation
