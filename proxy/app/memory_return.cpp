#include "proxy/app/memory_return.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace forestay::app {

namespace {

constexpr std::chrono::seconds interval{10};
constexpr std::size_t worth_it = 256;  // sessions that have ended since the last time

void look(std::stop_token stop, const std::atomic<std::size_t>& sessions) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    for (std::size_t most = 0;;) {
        wake.wait_for(lock, stop, interval, [] { return false; });
        if (stop.stop_requested()) return;
        const std::size_t now = sessions;
        most = std::max(most, now);
        if (most - now < worth_it) continue;
        ::malloc_trim(0);
        most = now;
    }
}

}  // namespace

MemoryReturn::MemoryReturn(const std::atomic<std::size_t>& sessions)
    : thread_([&sessions](std::stop_token stop) { look(std::move(stop), sessions); }) {}

}  // namespace forestay::app
