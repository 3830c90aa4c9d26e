// What a rule says: which messages are requests, how their answers are known, how long to wait, what to say
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
#include "rules/message_template.h"
#include "rules/pattern.h"
#include "rules/schema.h"

namespace forestay::rules {

using Duration = std::chrono::milliseconds;

// One condition on what the pointer finds in the body. Those that are given must all hold.
struct Condition {
    wire::json::Pointer pointer;
    std::vector<std::string> one_of;  // raw JSON scalars; `equals` is one alone; empty: not asked
    std::optional<bool> exists;       // anything at all, null included
    Pattern matches;                  // a string, anywhere in it
};

struct Match {
    bool json = false;               // messages of JSON websockets (`type`); else Socket.IO events (`event`)
    std::string name;                // unescaped event name or type; "*" for any
    std::optional<std::string> nsp;  // exact; absent: any namespace
    std::optional<bool> ack;         // with an ack id, without one, or (absent) either
    std::string path;                // Peer::path; of Socket.IO with or without its last slash; empty: any
    std::vector<std::string> who;    // one of these subjects; "*": any that is known; empty: not asked
    std::vector<Condition> where;    // all must hold
};

// Where a request's id is.
enum class IdSource : std::uint8_t {
    ack,      // the Socket.IO ack id; an event without one does not match
    pointer,  // a scalar in the body; a message without it is forwarded and not tracked
    order,    // there is none: the oldest outstanding request of the rule is the one that is answered
};

// Messages of the app that belong to a request.
struct Signal {
    std::vector<std::string> names;         // event names or types, unescaped; empty: none
    std::optional<wire::json::Pointer> id;  // where the request's id is in them; absent: as in the request
};

// What happens to an answer that comes after the fallback.
enum class LateAnswer : std::uint8_t { drop, deliver, rename };

// What happens to a request that was sent to an upstream that is lost, unless it is sent again.
enum class OnUpstreamLost : std::uint8_t {
    hold,   // it keeps its deadline
    answer  // its fallback is given at once
};

// What the client is told instead of an answer, or of its place in line.
struct Fallback {
    std::string event;  // Socket.IO: this event with `data` as its one argument; empty: the ACK with `data`
    MessageTemplate data;  // of a JSON websocket: the whole message
};

struct Retry {              // only with `repeatable`
    unsigned attempts = 0;  // how often it is said again, of either cause; 0: never
    bool upstream_lost = false;
    bool timeout = false;  // idle_timeout has passed without any sign of progress
    Duration backoff{
        500};  // of the first; doubles, at most 30 s; the actual one is random between 0 and that
};

enum class RepeatBy : std::uint8_t { id, content };
struct Repeat {
    Duration window{0};  // since the request; 0: off
    RepeatBy by = RepeatBy::id;
};

struct Queue {
    unsigned max = 100;
    Duration timeout{30'000};
    std::optional<Fallback>
        status;                    // an event; {{place}} counts from 1, {{waiting}} is the length of the line
    Duration status_every{1'000};  // a changed place is told at most this often
};

struct Breaker {
    unsigned failures = 0;  // so many in a row open it; 0: not looked at
    double share = 0;       // failures among the requests of `window`, 0 to 1; 0: not looked at
    unsigned minimum = 20;  // requests in `window` before `share` counts
    Duration window{30'000};
    Duration open{30'000};  // then one probe
    [[nodiscard]] bool on() const noexcept { return failures > 0 || share > 0; }
};

struct Rate {
    double per_second = 0;  // of one identity; 0: off
    double burst = 0;       // at once: what one unit of the configured rate allows, at least 1
};

struct Rule {
    std::string name;  // [a-z][a-z0-9_]*, at most 64: it is a metric label
    Match match;
    std::optional<Schema> schema;  // a message that matches and breaks it is not forwarded
    // False: the rule only checks `schema`. Nothing below counts, but for an event `fallback`: the refusal.
    bool tracks = true;

    IdSource id_source = IdSource::ack;
    wire::json::Pointer id;  // IdSource::pointer
    Signal answer;           // with IdSource::ack it is the ACK, and there are no names
    Signal progress;
    Signal partial;          // parts of the answer: progress too
    Duration timeout{0};     // until the answer, from receipt, whatever happens; 10 ms to 24 h
    Duration idle_first{0};  // from being sent to the first sign of progress; 0: not looked at
    Duration idle_next{0};   // from one to the next; 0: not looked at
    Fallback fallback;
    std::optional<Fallback> abort;  // instead, when parts of the answer have been delivered
    LateAnswer late_answer = LateAnswer::drop;
    std::string late_name;  // LateAnswer::rename: an event or a type
    OnUpstreamLost on_upstream_lost = OnUpstreamLost::hold;
    Retry retry;
    Repeat repeat;
    unsigned concurrency = 0;  // at once, over all sessions; 0: no bound, and no queue
    Queue queue;
    Breaker breaker;
    Rate rate;

    // The request's text is wanted when its fallback is rendered.
    [[nodiscard]] bool quotes_request() const noexcept {
        return fallback.data.quotes_request() || (abort && abort->data.quotes_request()) ||
               (queue.status && queue.status->data.quotes_request());
    }
    // A request may go only when the gate says so (gate.h).
    [[nodiscard]] bool gated() const noexcept {
        return concurrency > 0 || breaker.on() || rate.per_second > 0 || retry.attempts > 0;
    }
};

}  // namespace forestay::rules
