// What the kernel says about this process: read from /proc/self when Prometheus asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace forestay::telemetry {

struct ProcessStats {
    double cpu_seconds = 0;  // user and system
    std::uint64_t resident_bytes = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t max_fds = 0;
    double start_time_seconds = 0;  // unix
    std::uint64_t threads = 0;
};

// Units that /proc/self/stat counts in, and when the machine was started.
struct ProcUnits {
    double ticks_per_second = 100;
    std::uint64_t page_bytes = 4096;
    double boot_time_seconds = 0;  // unix
};

// The content of /proc/self/stat (proc(5)). Empty when it is not what it should be.
[[nodiscard]] std::optional<ProcessStats> parse_proc_stat(std::string_view stat, const ProcUnits& units);

// All of it. Empty where there is no /proc.
[[nodiscard]] std::optional<ProcessStats> read_process_stats();

}  // namespace forestay::telemetry
