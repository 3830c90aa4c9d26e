#include "proxy/session/answer_records.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace forestay::session {

std::size_t AnswerRecords::Record::bytes() const {
    std::size_t sum = sizeof(Record) + key.size() + text.size();
    for (const std::string& attachment : attachments) sum += sizeof(std::string) + attachment.size();
    return sum;
}

void AnswerRecords::add(Record record) {
    const auto earlier = std::find_if(records_.begin(), records_.end(),
                                      [&](const Record& one) { return one.key == record.key; });
    if (earlier != records_.end()) remove(earlier);
    const std::size_t bytes = record.bytes();
    if (bytes > limits_.repeat_bytes || limits_.repeat_records == 0) {
        stats_.count(Drop::repeat_overflow);
        return look_for_first();
    }
    while (bytes_ + bytes > limits_.repeat_bytes || records_.size() >= limits_.repeat_records) {
        stats_.count(Drop::repeat_overflow);
        remove(records_.begin());
    }
    bytes_ += bytes;
    records_.push_back(std::move(record));
    look_for_first();
}

const AnswerRecords::Record* AnswerRecords::find(std::string_view key, TimePoint now) const {
    for (const Record& record : records_) {
        if (record.key == key && record.until > now) return &record;
    }
    return nullptr;
}

void AnswerRecords::forget_nsp(std::uint32_t nsp) {
    for (auto each = records_.begin(); each != records_.end();) {
        const auto next = std::next(each);
        if (each->nsp == nsp) remove(each);
        each = next;
    }
    look_for_first();
}

void AnswerRecords::age(TimePoint now) {
    if (first_until_ > now) return;
    for (auto each = records_.begin(); each != records_.end();) {
        const auto next = std::next(each);
        if (each->until <= now) remove(each);
        each = next;
    }
    look_for_first();
}

void AnswerRecords::remove(std::list<Record>::iterator at) {
    bytes_ -= at->bytes();
    records_.erase(at);
}

void AnswerRecords::look_for_first() {
    first_until_ = never;
    for (const Record& record : records_) first_until_ = std::min(first_until_, record.until);
}

bool AnswerRecords::restored() {
    bytes_ = 0;
    for (const Record& record : records_) bytes_ += record.bytes();
    look_for_first();
    return bytes_ <= limits_.repeat_bytes && records_.size() <= limits_.repeat_records;
}

}  // namespace forestay::session
