// The reading side of a leg's websocket: bytes cut anywhere -> messages, with the tail kept.
//
// A leg that has read everything it got holds no buffer.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/session/action_list.h"
#include "proxy/session/time.h"
#include "proxy/wire/websocket/message.h"

namespace forestay::session {

class WebsocketReading {
  public:
    WebsocketReading(wire::websocket::Sender sender, wire::websocket::MessageLimits limits)
        : reader_(sender, limits) {}

    // Takes one input. Views of its messages hold until the actions are cleared. Call next() until empty,
    // then finish().
    void start(std::string_view bytes, ActionList& actions) {
        if (tail_.empty()) {
            rest_ = bytes;
            return;
        }
        tail_.append(bytes);
        joined_ = &actions.made();
        joined_->swap(tail_);
        rest_ = *joined_;
    }
    [[nodiscard]] wire::result<std::optional<wire::websocket::Message>> next(std::string& scratch) {
        auto message = reader_.next(rest_, scratch);
        if (message && *message && !reader_.in_message()) partial_since_ = never;  // what follows is another
        return message;
    }
    // Of this input.
    [[nodiscard]] bool all_read() const noexcept { return rest_.empty(); }
    void finish(TimePoint now) {
        if (joined_ != nullptr && rest_.size() == joined_->size()) {
            tail_.swap(*joined_);  // nothing was taken: keep growing the same buffer
        } else {
            tail_.assign(rest_);
            if (tail_.empty()) std::string().swap(tail_);
        }
        joined_ = nullptr;
        if (!tail_.empty()) {
            const std::size_t wanted = reader_.wanted(tail_);
            if (wanted > tail_.capacity()) tail_.reserve(wanted);
        }
        const bool partial = !tail_.empty() || reader_.in_message();
        if (!partial)
            partial_since_ = never;
        else if (partial_since_ == never)
            partial_since_ = now;
        rest_ = {};
    }
    // For this long nobody read: that is no delay of the peer's.
    void forgive(std::chrono::nanoseconds pause) noexcept {
        if (partial_since_ != never) partial_since_ += pause;
    }
    // Since when a message is unfinished; never when none is.
    [[nodiscard]] TimePoint partial_since() const noexcept { return partial_since_; }

    // Of an unfinished message.
    [[nodiscard]] std::size_t bytes() const noexcept { return tail_.size() + reader_.bytes(); }

    // Between two inputs.
    template <class Archive>
    void archive(Archive& archive) {
        archive(reader_, tail_, partial_since_);
    }

  private:
    wire::websocket::MessageReader reader_;
    std::string tail_;               // an unfinished frame
    std::string* joined_ = nullptr;  // during an input: tail and new bytes, in the workspace
    std::string_view rest_;          // during an input: not yet read
    TimePoint partial_since_ = never;
};

}  // namespace forestay::session
