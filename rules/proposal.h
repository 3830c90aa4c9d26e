// What was learnt from live traffic (learner.h), and the `requests:` that it suggests: for a person to edit.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "rules/log_histogram.h"

namespace forestay::rules {

struct Proposal {
    // A name that was seen, most frequent first, those of the client before those of the app.
    struct Seen {
        bool from_client = false;
        bool json = false;  // a type of a JSON websocket; else a Socket.IO event
        std::string where;  // namespace, or path as configured
        std::string type;   // JSON: the pointer to it
        std::string name;
        std::uint64_t count = 0;
        std::uint64_t with_ack = 0;
        std::uint64_t acked = 0;  // of these, answered
        LogHistogram bytes;
        std::vector<std::string> samples;  // only when they were asked for
    };
    // A message of the client that the app answers.
    struct Request {
        bool json = false;
        std::string where;
        std::string type;  // JSON: the pointer to it
        std::string name;
        std::string id;                     // JSON Pointer; empty: the ack id
        std::vector<std::string> answers;   // names; empty: the ACK
        std::string answer_id;              // JSON Pointer
        std::vector<std::string> progress;  // names
        std::string progress_id;
        std::uint64_t asked = 0;
        std::uint64_t answered = 0;
        double answers_each = 1;  // messages that look like the answer, for one request
        LogHistogram times;       // ms
    };
    std::vector<Seen> seen;
    std::vector<Request> requests;
    std::uint64_t messages = 0;
    std::uint64_t unnamed = 0;    // of these, without a name or type, or with one that is too long
    std::uint64_t unlisted = 0;   // beyond the bound of names
    std::uint64_t forgotten = 0;  // ids beyond the bound of what is remembered
};

// p99 three times over, rounded up to a duration that people write, one second to 24 hours.
[[nodiscard]] std::chrono::seconds proposed_timeout(const LogHistogram& times);
// A part of a configuration, with comments. It can be included as it is.
[[nodiscard]] std::string to_yaml(const Proposal& proposal);

}  // namespace forestay::rules
