#include "proxy/net/memory_guard.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace forestay::net {
namespace {

// Percent of the limit.
constexpr std::uint64_t refuse_above = 85, refuse_until = 80;
constexpr std::uint64_t shed_above = 95, shed_until = 90;
constexpr std::array<std::string_view, 3> names{"none", "refuse", "shed"};

std::uint64_t percent(const MemoryUsage& usage, std::uint64_t of_limit) {
    return usage.limit / 100 * of_limit;
}

}  // namespace

MemoryPressure pressure_after(MemoryPressure before, const MemoryUsage& usage) noexcept {
    const std::uint64_t shed = before == MemoryPressure::shed ? shed_until : shed_above;
    if (usage.used > percent(usage, shed)) return MemoryPressure::shed;
    const std::uint64_t refuse = before == MemoryPressure::none ? refuse_above : refuse_until;
    return usage.used > percent(usage, refuse) ? MemoryPressure::refuse : MemoryPressure::none;
}

MemoryGuard::MemoryGuard(const Shared& shared, MemoryMeter meter, std::function<void()> give_back,
                         std::function<void(std::size_t)> shed)
    : shared_(shared), meter_(std::move(meter)), give_back_(std::move(give_back)), shed_(std::move(shed)) {}

void MemoryGuard::look() {
    Common& common = *shared_.common;
    auto usage = meter_.read();
    const MemoryPressure before = common.memory_pressure;
    MemoryPressure now = usage ? pressure_after(before, *usage) : MemoryPressure::none;
    if (now == MemoryPressure::shed) {
        // Sessions that have ended since may have left it behind.
        give_back_();
        if (const auto again = meter_.read()) usage = again;
        now = pressure_after(before, *usage);
    }
    common.memory_used = usage ? usage->used : 0;
    common.memory_limit = usage ? usage->limit : 0;
    common.memory_pressure = now;
    if (now != before && usage) journal(now, *usage);
    if (wait_ > 0) --wait_;
    if (now != MemoryPressure::shed || wait_ > 0) return;
    wait_ = looks_between;
    shed_(usage->used - percent(*usage, shed_until));
}

void MemoryGuard::journal(MemoryPressure now, const MemoryUsage& usage) const {
    if (!shared_.journal) return;
    shared_.journal({now == MemoryPressure::none ? Level::info : Level::warning,
                     "memory_pressure",
                     {{"limit", "memory"},
                      {"state", std::string(names[static_cast<std::size_t>(now)])},
                      {"used_bytes", std::to_string(usage.used)},
                      {"limit_bytes", std::to_string(usage.limit)}}});
}

}  // namespace forestay::net
