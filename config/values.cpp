#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "config/problem.h"

namespace forestay::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<Unit, 5> duration_units{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 4> size_units{
    {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};

constexpr std::array<std::pair<std::string_view, int>, 3> rate_units{{{"/s", 1}, {"/m", 60}, {"/h", 3600}}};

// A whole number and one of the units: bounded so that no later arithmetic overflows.
template <std::size_t count>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, count>& units,
                                             std::string_view advice, std::string& problem) {
    constexpr std::uint64_t value_max = std::numeric_limits<std::int64_t>::max() / 1'000'000;
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string_view number = text.substr(0, digits);
    const std::string_view unit = text.substr(digits);
    if (number.empty()) {
        problem = quote(text) + " is not a number with a unit: write " + std::string(advice);
        return std::nullopt;
    }
    const auto value = parse_integer(number, problem);
    if (!value) return std::nullopt;
    if (unit.empty()) {
        problem = quote(text) + " has no unit: write " + std::string(advice);
        return std::nullopt;
    }
    for (const Unit& known : units) {
        if (unit != known.name) continue;
        if (*value <= value_max / known.factor) return *value * known.factor;
        problem = quote(text) + " is too large";
        return std::nullopt;
    }
    problem = quote(text) + " has the unknown unit " + quote(unit) + ": write " + std::string(advice);
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, std::string& problem) {
    const auto value = parse_with_unit(text, duration_units, "500ms, 30s, 5m, 24h or 31d", problem);
    if (!value) return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::optional<std::uint64_t> parse_size(std::string_view text, std::string& problem) {
    return parse_with_unit(text, size_units, "512B, 64KiB, 1MiB or 2GiB", problem);
}

std::optional<Rate> parse_rate(std::string_view text, std::string& problem) {
    const std::string_view unit = text.substr(text.size() - std::min<std::size_t>(text.size(), 2));
    for (const auto& [name, seconds] : rate_units) {
        if (unit != name) continue;
        const auto count = parse_integer(text.substr(0, text.size() - 2), problem);
        if (!count) return std::nullopt;
        return Rate{*count, std::chrono::seconds(seconds)};
    }
    problem = quote(text) + " is not a rate: write 100/s, 30/m or 10/h";
    return std::nullopt;
}

std::optional<std::uint64_t> parse_percent(std::string_view text, std::string& problem) {
    if (text.ends_with('%')) return parse_integer(text.substr(0, text.size() - 1), problem);
    problem = quote(text) + " is not a share: write 50%";
    return std::nullopt;
}

std::optional<std::uint64_t> parse_integer(std::string_view text, std::string& problem) {
    if (text.size() > 1 && text.front() == '0' &&
        text.find_first_not_of("0123456789") == std::string_view::npos) {
        problem = quote(text) + " begins with a zero, which some read as octal: write it without";
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) {
        problem = quote(text) + " is too large";
        return std::nullopt;
    }
    if (error != std::errc{} || end != text.data() + text.size()) {
        problem = quote(text) + " is not a whole number: write digits only";
        return std::nullopt;
    }
    return value;
}

std::optional<bool> parse_boolean(std::string_view text, std::string& problem) {
    if (text == "true") return true;
    if (text == "false") return false;
    problem = quote(text) + " is neither true nor false";
    return std::nullopt;
}

}  // namespace forestay::config
