// Gives memory back to the system when many sessions have ended.
//
// What a thousand absent clients had waiting lies scattered between what lives on, and malloc keeps the
// pages: the process would look as large as on its worst day for ever. Trimming takes some milliseconds, so
// it is done rarely, on a thread of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>

namespace forestay::app {

class MemoryReturn {
  public:
    // `sessions`: how many there are; outlives this.
    explicit MemoryReturn(const std::atomic<std::size_t>& sessions);

  private:
    std::jthread thread_;
};

}  // namespace forestay::app
