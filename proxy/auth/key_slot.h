// A key set that is replaced while others verify with the one before.
//
// The only thing of this ring that several threads share and one changes. The lock is held for the copy of a
// pointer: whoever waits for it does not sleep. (std::atomic<std::shared_ptr> of libstdc++ 12 does the same,
// but unlocks with too weak an order.)
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "proxy/auth/jwk.h"

namespace forestay::auth {

class KeySlot {
  public:
    // Null: no keys.
    [[nodiscard]] std::shared_ptr<const KeySet> get() const {
        lock();
        std::shared_ptr<const KeySet> copy = keys_;
        busy_.clear(std::memory_order_release);
        return copy;
    }
    void set(std::shared_ptr<const KeySet> keys) {
        lock();
        keys_.swap(keys);  // the old ones go when the lock is free again
        busy_.clear(std::memory_order_release);
    }

  private:
    void lock() const noexcept {
        while (busy_.test_and_set(std::memory_order_acquire)) {
        }
    }
    mutable std::atomic_flag busy_;
    std::shared_ptr<const KeySet> keys_;
};

}  // namespace forestay::auth
