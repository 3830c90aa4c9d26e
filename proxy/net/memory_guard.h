// limits.memory: whoever is in should stay well when memory gets short, and we should not be killed.
//
// Above 85 % nobody new comes in (client_limits.h). Above 95 % the sessions that hold most end, as many as it
// takes, until it is below 90 %. Looks are not on the way of any message: somebody calls now and then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "proxy/net/loop.h"
#include "proxy/net/memory_meter.h"

namespace forestay::net {

// What follows from the usage, when it was `before` until now: it takes some less to end it than to begin.
[[nodiscard]] MemoryPressure pressure_after(MemoryPressure before, const MemoryUsage& usage) noexcept;

class MemoryGuard {
  public:
    // Of what it has ended the numbers follow late: that many looks pass before more go.
    static constexpr unsigned looks_between = 4;

    // `give_back`: returns to the system what is free already. `shed`: ends sessions that hold so many bytes
    // between them. Both are called by look().
    MemoryGuard(const Shared& shared, MemoryMeter meter, std::function<void()> give_back,
                std::function<void(std::size_t bytes)> shed);

    // Any thread, one at a time.
    void look();

  private:
    void journal(MemoryPressure now, const MemoryUsage& usage) const;

    const Shared& shared_;
    const MemoryMeter meter_;
    const std::function<void()> give_back_;
    const std::function<void(std::size_t)> shed_;
    unsigned wait_ = 0;  // looks
};

}  // namespace forestay::net
