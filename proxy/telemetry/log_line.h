// One journal entry as one line of text. Pure: the time is an argument.
//
// Values may come from a peer. Whatever they hold, the line stays one line of printable ASCII: control
// characters (newline, ESC), quotes, backslashes, everything beyond ASCII and bytes that are no UTF-8 are
// escaped.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/net/journal.h"

namespace forestay::telemetry {

enum class LogFormat : std::uint8_t { text, json };
enum class Colours : std::uint8_t { off, on };

using WallTime = std::chrono::system_clock::time_point;

// For people: time, level, event, name=value; columns aligned. Without the newline.
[[nodiscard]] std::string text_line(const net::JournalEntry& entry, WallTime time, Colours colours);

// For programs: one JSON object, "time", "level" and "event" first. Values are strings; those whose name says
// that they are amounts (status, count, *_ms, *_seconds, *_bytes, *_messages) are numbers. Without the
// newline.
[[nodiscard]] std::string json_line(const net::JournalEntry& entry, WallTime time);

// Appends the inside of a JSON string literal in pure ASCII; at most value_bytes_max bytes of `value`, then
// "...".
void append_escaped(std::string& out, std::string_view value);
constexpr std::size_t value_bytes_max = 2048;

[[nodiscard]] std::string_view name(net::Level level) noexcept;

}  // namespace forestay::telemetry
