// What a Learner has counted. Internal to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "rules/log_histogram.h"
#include "rules/proposal.h"

namespace forestay::rules {

// A message of the app that says a value again.
struct Reply {
    std::string name;
    std::string pointer;         // where the value is in it
    std::uint64_t requests = 0;  // that got at least one
    std::uint64_t messages = 0;
    std::uint64_t last = 0;  // requests whose last message it was
    LogHistogram times;      // of these, ms
};

// A place in a client's message, with a string or a number.
struct Field {
    static constexpr std::size_t distinct_max = 256;
    static constexpr std::size_t replies_max = 8;

    std::string pointer;
    std::uint64_t seen = 0;
    std::uint64_t repeated = 0;                  // the same value was there before, in the same session
    std::uint64_t replied = 0;                   // came back
    std::unordered_set<std::uint64_t> distinct;  // the first values, as hashes; over all sessions
    std::vector<Reply> replies;

    // It is not worth remembering any more: no id would be like this.
    [[nodiscard]] bool hopeless() const {
        return (seen >= 64 && repeated * 2 > seen) || (seen >= 512 && replied == 0);
    }
    [[nodiscard]] Reply* reply(const std::string& name, const std::string& at) {
        for (Reply& one : replies) {
            if (one.name == name && one.pointer == at) return &one;
        }
        if (replies.size() >= replies_max) return nullptr;
        return &replies.emplace_back(Reply{name, at, 0, 0, 0, {}});
    }
};

// A name, of either side.
struct Name {
    static constexpr std::size_t fields_max = 32;

    Proposal::Seen seen;
    LogHistogram ack_times;    // ms
    std::deque<Field> fields;  // addresses are stable

    // Null: it is not known, and `room` or the name's own bound has no place for it.
    [[nodiscard]] Field* field(const std::string& pointer, bool room = true) {
        for (Field& one : fields) {
            if (one.pointer == pointer) return &one;
        }
        if (!room || fields.size() >= fields_max) return nullptr;
        Field& made = fields.emplace_back();
        made.pointer = pointer;
        return &made;
    }
    void add(const Name& other);
};

using Names = std::map<std::string, Name>;  // addresses are stable

// The names with their requests, in the order in which a person wants to read them.
[[nodiscard]] Proposal guess(const Names& names);

}  // namespace forestay::rules
