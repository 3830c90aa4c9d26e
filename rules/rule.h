// What a rule says: which events are requests, how their answers are known, how long to wait, what to say
// instead.
//
// Plain values, made by compile() (rule_set.h) from the specification that the configuration gives.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/wire/json/scan.h"
#include "rules/fallback.h"

namespace forestay::rules {

// One condition on the first argument: what the pointer finds is the same scalar as `equals` (raw JSON).
struct Where {
    wire::json::Pointer pointer;
    std::string equals;
};

struct Match {
    std::string event;               // unescaped name; "*" for any
    std::optional<std::string> nsp;  // exact; absent: any namespace
    std::optional<bool> ack;         // with an ack id, without one, or (absent) either
    std::vector<Where> where;        // all must hold
};

// Where a request's id is.
enum class IdSource : std::uint8_t {
    ack,      // the Socket.IO ack id; an event without one does not match
    pointer,  // a scalar in the first argument; an event without it is forwarded and not tracked
    order,    // there is none: the oldest outstanding request of the rule is the one that is answered
};

// What counts as the answer. With IdSource::ack it is the ACK, and `events` is empty.
struct Answer {
    std::vector<std::string> events;  // names, unescaped
    std::optional<wire::json::Pointer>
        id;  // where the id is in the answer's first argument (IdSource::pointer)
};

// What happens to an answer that comes after the fallback.
enum class LateAnswer : std::uint8_t { drop, deliver, rename };

// What happens to a request that was sent to an upstream that is lost, unless it is sent again.
enum class OnUpstreamLost : std::uint8_t {
    hold,   // it keeps its deadline
    answer  // its fallback is given at once
};

struct Rule {
    std::string name;  // [a-z][a-z0-9_]*, at most 64: it is a metric label
    Match match;
    IdSource id_source = IdSource::ack;
    wire::json::Pointer id;  // IdSource::pointer
    Answer answer;
    std::chrono::milliseconds timeout{0};  // until the answer, from receipt; 10 ms to 24 h
    Fallback fallback;
    LateAnswer late_answer = LateAnswer::drop;
    std::string late_event;  // LateAnswer::rename
    OnUpstreamLost on_upstream_lost = OnUpstreamLost::hold;
    unsigned resend = 0;  // how often it may be said again to a fresh upstream (retry.on: [upstream_lost])
};

}  // namespace forestay::rules
