// What the client has said and no upstream has taken yet: in order, bounded by bytes, count and age.
//
// A message is held whole, attachments and all. What falls out is handed back, so that its loss can be told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/policy.h"
#include "proxy/session/time.h"

namespace forestay::session {

struct HeldMessage {
    std::uint32_t nsp = 0;                 // serial of its namespace
    std::optional<std::uint32_t> request;  // its slot, when it is tracked
    TimePoint received{};
    std::string text;
    std::vector<std::string> attachments;
    unsigned missing = 0;  // attachments that have not come yet

    [[nodiscard]] std::size_t bytes() const;

    template <class Archive>
    void archive(Archive& archive) {
        archive(nsp, request, received, text, attachments, missing);
        archive.check(received != never);
    }
};

class HeldMessages {
  public:
    explicit HeldMessages(const ResumeUpstream& bounds) : bounds_(bounds) {}

    void add(HeldMessage message);
    // In front of all others: said before them, and to be said again.
    void add_first(HeldMessage message);
    // The next attachment of the newest message; false when that one has fallen out meanwhile.
    [[nodiscard]] bool add_attachment(std::string_view bytes);
    // The newest message misses attachments.
    [[nodiscard]] bool unfinished() const noexcept {
        return !messages_.empty() && messages_.back().missing > 0;
    }

    // The oldest message, when the bounds are exceeded or it has waited too long. Call until empty.
    [[nodiscard]] std::optional<HeldMessage> fall_out(TimePoint now);
    // The oldest whole message of a namespace.
    [[nodiscard]] std::optional<HeldMessage> take(std::uint32_t nsp);
    // The request has its fallback: its message goes nowhere any more. True when it was here.
    bool forget_request(std::uint32_t slot);
    // The namespace is gone. Returns how many untracked messages went with it.
    std::size_t forget_nsp(std::uint32_t nsp);

    [[nodiscard]] bool has(std::uint32_t nsp) const;
    [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] TimePoint next_deadline() const;

    template <class Archive>
    void archive(Archive& archive) {
        archive(messages_);
        if (!Archive::reading) return;
        bytes_ = 0;
        for (const HeldMessage& message : messages_) bytes_ += message.bytes();
    }
    // For each message: what it belongs to is there.
    template <class Condition>
    [[nodiscard]] bool all(const Condition& condition) const {
        return std::all_of(messages_.begin(), messages_.end(), condition);
    }

  private:
    HeldMessage remove(std::list<HeldMessage>::iterator at);

    const ResumeUpstream& bounds_;
    std::list<HeldMessage> messages_;  // a list: an idle session pays three pointers
    std::size_t bytes_ = 0;
};

}  // namespace forestay::session
