#include "proxy/session/json_record.h"

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

void JsonRecord::drop_first() {
    bytes_ -= cost(messages_.front().payload.size());
    gone_ = messages_.front().number;
    messages_.pop_front();
}

}  // namespace forestay::session
