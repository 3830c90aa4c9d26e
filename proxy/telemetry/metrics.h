// What the loops have counted, as Prometheus text (exposition format 0.0.4).
//
// There is no registry: the loops count in plain integers (net::Stats), and the model is made from them when
// somebody scrapes. Every label value that can exist is there from the first scrape, as zero, so that rate()
// sees the first increase too. Labels are bounded: names of rules, upstreams and literals of ours, never
// anything that a peer chose.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proxy/net/stats.h"
#include "proxy/telemetry/process_stats.h"

namespace forestay::telemetry {

struct BuildInfo {
    std::string version;
    std::string compiler;
};

// Of the program that this is compiled into.
[[nodiscard]] std::string compiler_name();

// limits.memory, as of the last look.
struct MemoryLimit {
    std::uint64_t used_bytes = 0;
    std::uint64_t limit_bytes = 0;  // 0: there is none
    unsigned pressure = 0;          // 1: nobody new comes in; 2: the heaviest sessions end
};

// TLS towards clients.
struct TlsState {
    double certificate_expiry = 0;  // unix seconds, of the certificate that expires first
    std::uint64_t reloads = 0;
    std::uint64_t reloads_failed = 0;
};

struct MetricsInput {
    std::span<const net::Stats* const> loops;  // each read in its own thread's pause, or all on the one loop
    std::span<const std::string> rules;        // names, by rule index
    std::span<const std::string> upstreams;    // as configured, by index; all different
    BuildInfo build;
    std::uint64_t log_lines_lost = 0;     // Log::lines_lost
    std::optional<ProcessStats> process;  // empty: no process_*
    std::uint64_t clients_max = 0;        // limits.max_connections, and what the open file limit allows
    MemoryLimit memory;
    std::optional<TlsState> tls = std::nullopt;  // empty: no listener has it
};

[[nodiscard]] std::string render_metrics(const MetricsInput& input);

}  // namespace forestay::telemetry
