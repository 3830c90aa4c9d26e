// Hashing of what peers choose: with a random key they cannot choose collisions. No cryptography.
#pragma once

#include <cstdint>
#include <string_view>

namespace forestay::wire {

// Each bit of the value decides about all of the result: the finish of splitmix64.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value ^= value >> 30U;
    value *= 0xbf58476d1ce4e5b9ULL;
    value ^= value >> 27U;
    value *= 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

// One text after another: the first `state` is the key, the last is for mix().
[[nodiscard]] constexpr std::uint64_t hash_text(std::uint64_t state, std::string_view text) noexcept {
    for (const char c : text)
        state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL + (state >> 29U);
    return state;
}

}  // namespace forestay::wire
