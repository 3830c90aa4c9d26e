// Recorded messages through real sessions and a real gate, on a clock that jumps: which rule takes which
// message, and what becomes of it. Nothing waits, nothing is connected.
//
// What stands around the sessions is ideal: clients are on websockets and never away, an app that was lost
// answers the first attempt to reach it, and nobody's heartbeat stops.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/app/recorded_messages.h"
#include "proxy/session/stats.h"
#include "rules/gate.h"

namespace forestay::app {

// What became of a client's message that a rule matches.
struct Rehearsed {
    enum class Fate : std::uint8_t {
        answered,   // by the app
        fallback,   // `code` says why
        joined,     // to the same request, which is outstanding: its answer counts
        repeated,   // answered from the record
        refused,    // it breaks the rule's schema
        untracked,  // forwarded: it has no id, or the rule has no timeout, or there is no room
        abandoned   // its session ended first
    };
    std::size_t line = 0;
    std::chrono::nanoseconds at{0};
    std::string session;
    std::string name;  // event or type
    std::uint32_t rule = 0;
    Fate fate = Fate::abandoned;
    rules::Code code{};
    std::chrono::nanoseconds ended{0};  // since the beginning
    std::string event;                  // of a fallback; empty: an ACK, or a message
    std::string text;                   // what the client gets
};

class Rehearsal {
  public:
    using Report = std::function<void(const Rehearsed&)>;
    using Counts = std::map<std::string, std::uint64_t>;

    // `report` is called in the order of the lines, as soon as all before are over; when ten thousand wait
    // for one, it is overtaken.
    Rehearsal(const config::Config& config, Report report);
    ~Rehearsal();

    // What is wrong with the message; empty: nothing.
    [[nodiscard]] std::string play(const RecordedMessage& message);
    // No message follows: the clock runs until nobody waits any more.
    void finish();

    [[nodiscard]] const std::vector<rules::Rule>& rules() const;
    [[nodiscard]] const session::Stats& stats() const;
    [[nodiscard]] const std::vector<rules::GateStats>& gate() const;
    // Of clients, that no rule matches; of the app, that no request waits for. By name, a thousand at most.
    [[nodiscard]] const Counts& unmatched() const;
    [[nodiscard]] const Counts& unasked() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::app
