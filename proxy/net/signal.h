// One coroutine waits until somebody says so.
#pragma once

#include <memory>

#include "proxy/net/task.h"

namespace forestay::net {

class Loop;

class Signal {
  public:
    explicit Signal(Loop& loop);
    ~Signal();
    // Returns once notify() has been called, before or after; never throws.
    [[nodiscard]] Task<void> wait();
    void notify();
    [[nodiscard]] bool notified() const noexcept { return notified_; }

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    bool notified_ = false;
};

}  // namespace forestay::net
