// Answers that may be given again (Rule::repeat): bounded by bytes and count, the oldest is forgotten first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/policy.h"
#include "proxy/session/stats.h"
#include "proxy/session/time.h"

namespace forestay::session {

class AnswerRecords {
  public:
    struct Record {
        std::string key;  // of the request, PendingRequests::full_key()
        std::uint32_t nsp = 0;
        TimePoint until = never;
        std::string text;  // as it was said to the client
        std::vector<std::string> attachments;

        [[nodiscard]] std::size_t bytes() const;
        template <class Archive>
        void archive(Archive& archive) {
            archive(key, nsp, until, text, attachments);
            archive.check(until != never);
        }
    };

    AnswerRecords(const Limits& limits, Stats& stats) : limits_(limits), stats_(stats) {}

    // In place of an earlier one with its key.
    void add(Record record);
    // Valid until the next call of anything else.
    [[nodiscard]] const Record* find(std::string_view key, TimePoint now) const;
    void forget_nsp(std::uint32_t nsp);
    void age(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const { return first_until_; }
    [[nodiscard]] bool empty() const { return records_.empty(); }

    template <class Condition>
    [[nodiscard]] bool all_in(const Condition& condition) const {
        for (const Record& record : records_) {
            if (!condition(record.nsp)) return false;
        }
        return true;
    }
    template <class Archive>
    void archive(Archive& archive) {
        archive(records_);
        if (Archive::reading) archive.check(restored());
    }

  private:
    bool restored();
    void remove(std::list<Record>::iterator at);
    void look_for_first();

    const Limits& limits_;
    Stats& stats_;
    std::list<Record> records_;  // oldest first
    std::size_t bytes_ = 0;
    TimePoint first_until_ = never;  // of all
};

}  // namespace forestay::session
