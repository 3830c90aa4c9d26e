// Looks at the memory twice a second (limits.memory), on a thread of its own: what it asks the kernel for
// takes its time when memory is short.
#pragma once

#include <thread>

#include "proxy/net/memory_guard.h"

namespace forestay::app {

class MemoryWatch {
  public:
    // `guard` outlives this.
    explicit MemoryWatch(net::MemoryGuard& guard);

  private:
    std::jthread thread_;
};

}  // namespace forestay::app
