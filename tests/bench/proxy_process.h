// What a proxy under test has used, read from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace forestay::bench {

// On-CPU time of all its threads, from schedstat: nanoseconds, where utime and stime count ticks.
[[nodiscard]] std::uint64_t cpu_nanoseconds(pid_t pid);
// Memory of its own: RssAnon.
[[nodiscard]] std::uint64_t anonymous_bytes(pid_t pid);

}  // namespace forestay::bench
