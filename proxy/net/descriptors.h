// File descriptors: how many clients the open file limit is enough for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace forestay::net {

// Raises the soft limit to the hard one. Returns what holds then; 0: there is none, or nobody knows.
std::uint64_t raise_open_file_limit();
// What raise_open_file_limit() would give.
[[nodiscard]] std::uint64_t open_file_limit();

// A client costs a descriptor, its upstream leg another one. 64 of each loop are kept for listeners, kept
// connections to the app, files, and clients that hear that we are full. `open_files` 0: no bound.
[[nodiscard]] constexpr std::size_t clients_for(std::uint64_t open_files, unsigned loops) noexcept {
    constexpr std::uint64_t most = 1'000'000;  // that limits.max_connections may say
    const std::uint64_t kept = std::uint64_t{64} * loops;
    const std::uint64_t pairs = open_files > kept ? (open_files - kept) / 2 : 1;
    return static_cast<std::size_t>(open_files == 0 ? most : std::clamp<std::uint64_t>(pairs, 1, most));
}

}  // namespace forestay::net
