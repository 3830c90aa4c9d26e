// Scalars of the configuration: text -> value. Units are part of the value, never understood.
//
// Each returns nothing and says in `problem` what is wrong and what to write instead; `problem` is the end of
// a sentence that begins with the key.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forestay::config {

// 500ms, 30s, 5m, 24h, 31d. Whole numbers; one unit.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                                      std::string& problem);
// 512B, 64KiB, 1MiB, 2GiB; in bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text, std::string& problem);
// 100/s, 30/m, 10/h.
struct Rate {
    std::uint64_t count = 0;
    std::chrono::seconds period{1};  // at least one
    [[nodiscard]] double per_second() const {
        return static_cast<double>(count) / static_cast<double>(period.count());
    }
    friend auto operator<=>(const Rate& a, const Rate& b) { return a.per_second() <=> b.per_second(); }
};
[[nodiscard]] std::optional<Rate> parse_rate(std::string_view text, std::string& problem);
// 50%. Whole numbers.
[[nodiscard]] std::optional<std::uint64_t> parse_percent(std::string_view text, std::string& problem);
// Decimal; no sign, no leading zero: YAML readers disagree on what 010 is.
[[nodiscard]] std::optional<std::uint64_t> parse_integer(std::string_view text, std::string& problem);
// true or false; not yes, on or 1.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text, std::string& problem);

}  // namespace forestay::config
