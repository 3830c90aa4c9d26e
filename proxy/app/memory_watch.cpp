#include "proxy/app/memory_watch.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace forestay::app {

namespace {
constexpr std::chrono::milliseconds interval{500};
}

MemoryWatch::MemoryWatch(net::MemoryGuard& guard)
    : thread_([&guard](const std::stop_token& stop) {
          std::mutex mutex;
          std::condition_variable_any wake;
          std::unique_lock lock(mutex);
          while (!stop.stop_requested()) {
              guard.look();
              wake.wait_for(lock, stop, interval, [] { return false; });
          }
      }) {}

}  // namespace forestay::app
