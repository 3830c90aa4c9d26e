// What the shells have to say, as values; telemetry turns them into log lines.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forestay::net {

enum class Level : std::uint8_t { debug, info, warning, error };

// Values may come from a peer: the writer of the log escapes them. Never a credential, a query value, a
// cookie, a sid.
struct JournalEntry {
    Level level = Level::info;
    std::string_view event;  // "session_open", "session_close", "http", "refused", "upstream_down", ...
    std::vector<std::pair<std::string_view, std::string>> fields;
    bool access = false;  // an access-log line: logging.access switches it
};

using Journal = std::function<void(const JournalEntry&)>;

}  // namespace forestay::net
