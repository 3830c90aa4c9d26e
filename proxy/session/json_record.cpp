#include "proxy/session/json_record.h"

#include <cstdint>
#include <utility>

namespace forestay::session {

std::size_t JsonRecord::add(bool text, bool numbered, std::string payload) {
    bytes_ += cost(payload.size());
    messages_.push_back({++last_, text, numbered, std::move(payload)});
    std::size_t dropped = 0;
    while (!messages_.empty() && (messages_.size() > max_messages_ || bytes_ > max_bytes_)) {
        drop_first();
        ++dropped;
    }
    return dropped;
}

void JsonRecord::acknowledge(std::uint64_t number) {
    while (!messages_.empty() && messages_.front().number <= number) drop_first();
}

void JsonRecord::clear() {
    while (!messages_.empty()) drop_first();
    messages_.shrink_to_fit();
}

bool JsonRecord::restored() {
    bytes_ = 0;
    std::uint64_t number = gone_;
    for (const Message& message : messages_) {
        if (message.number != ++number) return false;
        bytes_ += cost(message.payload.size());
    }
    constexpr std::uint64_t largest = 1ULL << 53U;  // that JavaScript counts to
    return number == last_ && last_ <= largest && messages_.size() <= max_messages_ && bytes_ <= max_bytes_;
}

void JsonRecord::drop_first() {
    bytes_ -= cost(messages_.front().payload.size());
    gone_ = messages_.front().number;
    messages_.pop_front();
}

}  // namespace forestay::session
