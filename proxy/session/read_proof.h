// How much of what was sent has the upstream read? A websocket ping behind it is answered after it was read
// (RFC 6455 section 5.5.3), so a pong is a proof; what no pong has proved when the upstream is lost is in
// doubt.
//
// The proof is taken one ping late: an app that hands its events to other threads has read an event some time
// before it has dealt with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "proxy/session/time.h"

namespace forestay::session {

class ReadProof {
  public:
    void sent(TimePoint now) {
        if (sent_ == proven_) ping_due_ = now + interval;
        ++sent_;
    }
    // When to ping; never while a pong is awaited or nothing is unproven.
    [[nodiscard]] TimePoint ping_due() const noexcept { return ping_due_; }
    void pinged() {
        ping_due_ = never;
        if (!std::exchange(awaited_, true)) marked_ = sent_;
    }
    void ponged(TimePoint now) {
        if (!std::exchange(awaited_, false)) return;
        proven_ = std::exchange(read_, marked_);
        if (sent_ > proven_) ping_due_ = now + interval;
    }
    // The upstream is lost, or another: returns what is in doubt, and begins again.
    std::uint64_t lost() {
        const std::uint64_t doubt = sent_ - proven_;
        *this = {};
        return doubt;
    }

    template <class Archive>
    void archive(Archive& archive) {
        archive(sent_, marked_, read_, proven_, ping_due_, awaited_);
        archive.check(proven_ <= read_ && read_ <= marked_ && marked_ <= sent_);
    }

  private:
    static constexpr std::chrono::seconds interval{1};
    std::uint64_t sent_ = 0;    // messages whose loss nobody else would tell
    std::uint64_t marked_ = 0;  // of these, before the last ping
    std::uint64_t read_ = 0;    // before the last ping that was answered
    std::uint64_t proven_ = 0;  // before the one before it
    TimePoint ping_due_ = never;
    bool awaited_ = false;
};

}  // namespace forestay::session
