#include "proxy/session/held_messages.h"

#include <algorithm>
#include <utility>

namespace forestay::session {

// A message costs its bytes and its bookkeeping: a flood of empty messages is bounded too.
std::size_t HeldMessage::bytes() const {
    std::size_t sum = sizeof(HeldMessage) + text.size();
    for (const std::string& attachment : attachments) sum += sizeof(std::string) + attachment.size();
    return sum;
}

void HeldMessages::add(HeldMessage message) {
    bytes_ += message.bytes();
    messages_.push_back(std::move(message));
}

void HeldMessages::add_first(HeldMessage message) {
    bytes_ += message.bytes();
    messages_.push_front(std::move(message));
}

bool HeldMessages::add_attachment(std::string_view bytes) {
    if (!unfinished()) return false;
    HeldMessage& message = messages_.back();
    message.attachments.emplace_back(bytes);
    bytes_ += sizeof(std::string) + bytes.size();
    --message.missing;
    return true;
}

HeldMessage HeldMessages::remove(std::list<HeldMessage>::iterator at) {
    HeldMessage taken = std::move(*at);
    messages_.erase(at);
    bytes_ -= taken.bytes();
    return taken;
}

std::optional<HeldMessage> HeldMessages::fall_out(TimePoint now) {
    if (messages_.empty()) return std::nullopt;
    const bool full = bytes_ > bounds_.max_bytes || messages_.size() > bounds_.max_messages;
    if (!full && messages_.front().received + bounds_.max_age > now) return std::nullopt;
    return remove(messages_.begin());
}

std::optional<HeldMessage> HeldMessages::take(std::uint32_t nsp) {
    const auto found = std::find_if(messages_.begin(), messages_.end(), [nsp](const HeldMessage& message) {
        return message.nsp == nsp && message.missing == 0;
    });
    if (found == messages_.end()) return std::nullopt;
    return remove(found);
}

bool HeldMessages::forget_request(std::uint32_t slot) {
    const auto found = std::find_if(messages_.begin(), messages_.end(),
                                    [slot](const HeldMessage& message) { return message.request == slot; });
    if (found == messages_.end()) return false;
    remove(found);
    return true;
}

std::size_t HeldMessages::forget_nsp(std::uint32_t nsp) {
    std::size_t untracked = 0;
    for (auto each = messages_.begin(); each != messages_.end();) {
        const auto next = std::next(each);
        if (each->nsp == nsp && !remove(each).request) ++untracked;
        each = next;
    }
    return untracked;
}

bool HeldMessages::has(std::uint32_t nsp) const {
    return std::any_of(messages_.begin(), messages_.end(),
                       [nsp](const HeldMessage& message) { return message.nsp == nsp; });
}

TimePoint HeldMessages::next_deadline() const {
    return messages_.empty() ? never : messages_.front().received + bounds_.max_age;
}

}  // namespace forestay::session
