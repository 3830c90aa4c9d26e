// The log: journal entries become lines, and one worker thread writes them, so that no loop ever waits for a
// disk or a terminal. When the worker cannot keep up the oldest lines are lost and counted.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/net/journal.h"
#include "proxy/telemetry/log_line.h"

namespace forestay::telemetry {

struct LogOptions {
    net::Level level = net::Level::info;
    LogFormat format = LogFormat::text;
    bool access = true;                     // whether access lines are written; `level` does not concern them
    std::uint64_t repeats_per_second = 10;  // of one event; access lines are not limited
};

class Log {
  public:
    // Writes to `fd`, which stays the caller's; colours only when it is a terminal and NO_COLOR is not set.
    Log(const LogOptions& options, int fd);
    ~Log();  // writes what waits

    // From any thread.
    void write(const net::JournalEntry& entry);
    // Refers to this log, which must outlive it.
    [[nodiscard]] net::Journal journal();
    // Lines lost because the worker could not keep up.
    [[nodiscard]] std::uint64_t lines_lost() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::telemetry
