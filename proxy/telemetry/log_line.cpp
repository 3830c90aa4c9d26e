#include "proxy/telemetry/log_line.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace forestay::telemetry {
namespace {

struct CodePoint {
    char32_t value = 0xFFFD;
    std::size_t bytes = 1;
};

// The first code point of `text` (not empty); U+FFFD and one byte when there is none (RFC 3629).
CodePoint decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
    char32_t value = lead & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return {};
        value = value << 6 | (byte(i) & 0x3FU);
    }
    const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (overlong || surrogate || value > 0x10FFFF) return {};
    return {value, size};
}

void append_unit(std::string& out, char32_t unit) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\u%04x", static_cast<unsigned>(unit & 0xFFFF));
    out += hex;
}

void append_code_point(std::string& out, char32_t c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    if (c >= 0x20 && c < 0x7F) {
        out.push_back(static_cast<char>(c));
    } else if (c < 0x10000) {
        append_unit(out, c);
    } else {
        append_unit(out, 0xD800 + ((c - 0x10000) >> 10));
        append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
    }
}

// "2026-11-20T09:05:00.123Z"
std::string timestamp(WallTime time) {
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const std::time_t seconds =
        static_cast<std::time_t>((milliseconds - (milliseconds % 1000 + 1000) % 1000) / 1000);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    std::snprintf(text + size, sizeof text - size, ".%03dZ",
                  static_cast<int>((milliseconds % 1000 + 1000) % 1000));
    return text;
}

bool is_amount(std::string_view name, std::string_view value) {
    const bool named = name == "status" || name == "count" || name.ends_with("_ms") ||
                       name.ends_with("_seconds") || name.ends_with("_bytes") || name.ends_with("_messages");
    if (!named || value.empty() || value.size() > 20) return false;
    // A JSON number: digits, no leading zero, perhaps a fraction.
    const std::size_t whole = std::min(value.find_first_not_of("0123456789"), value.size());
    if (whole == 0 || (value[0] == '0' && whole > 1)) return false;
    if (whole == value.size()) return true;
    return value[whole] == '.' && whole + 1 < value.size() &&
           value.find_first_not_of("0123456789", whole + 1) == std::string_view::npos;
}

// A value that reads well without quotes, and cannot be taken for something else.
bool is_plain(std::string_view value) {
    return !value.empty() && value.size() <= value_bytes_max &&
           std::all_of(value.begin(), value.end(),
                       [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '='; });
}

std::string_view colour(net::Level level) {
    switch (level) {
        case net::Level::debug:
            return "\x1b[2m";
        case net::Level::info:
            return "\x1b[32m";
        case net::Level::warning:
            return "\x1b[33m";
        case net::Level::error:
            return "\x1b[31m";
    }
    return "";
}

void append_padded(std::string& out, std::string_view text, std::size_t width) {
    append_escaped(out, text);
    if (text.size() < width) out.append(width - text.size(), ' ');
}

}  // namespace

std::string_view name(net::Level level) noexcept {
    switch (level) {
        case net::Level::debug:
            return "debug";
        case net::Level::info:
            return "info";
        case net::Level::warning:
            return "warning";
        case net::Level::error:
            return "error";
    }
    return "";
}

void append_escaped(std::string& out, std::string_view value) {
    const bool cut = value.size() > value_bytes_max;
    value = value.substr(0, value_bytes_max);
    while (!value.empty()) {
        const CodePoint next = decode(value);
        append_code_point(out, next.value);
        value.remove_prefix(next.bytes);
    }
    if (cut) out += "...";
}

std::string text_line(const net::JournalEntry& entry, WallTime time, Colours colours) {
    std::string out = timestamp(time);
    out.push_back(' ');
    if (colours == Colours::on) out += colour(entry.level);
    append_padded(out, name(entry.level), 7);
    if (colours == Colours::on) out += "\x1b[0m";
    out.push_back(' ');
    append_padded(out, entry.event, entry.fields.empty() ? 0 : 16);
    for (const auto& [key, value] : entry.fields) {
        out.push_back(' ');
        if (colours == Colours::on) out += "\x1b[36m";
        append_escaped(out, key);
        if (colours == Colours::on) out += "\x1b[0m";
        out.push_back('=');
        if (is_plain(value)) {
            out += value;
        } else {
            out.push_back('"');
            append_escaped(out, value);
            out.push_back('"');
        }
    }
    return out;
}

std::string json_line(const net::JournalEntry& entry, WallTime time) {
    std::string out = R"({"time":")" + timestamp(time) + R"(","level":")";
    out += name(entry.level);
    out += R"(","event":")";
    append_escaped(out, entry.event);
    out.push_back('"');
    for (const auto& [key, value] : entry.fields) {
        out += ",\"";
        append_escaped(out, key);
        out += "\":";
        if (is_amount(key, value)) {
            out += value;
        } else {
            out.push_back('"');
            append_escaped(out, value);
            out.push_back('"');
        }
    }
    out.push_back('}');
    return out;
}

}  // namespace forestay::telemetry
