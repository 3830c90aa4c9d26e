// Who may ask the app, and when: concurrency with its line, breakers, rates, the budget of retries. One for
// all sessions of a process; a value: no clock, no thread.
//
// A request asks, and goes when it is told to. Until it is told, it waits in line or is refused. Whoever was
// told to go says when it is done; whoever asked may leave. Verdicts come out of next_verdict(), in the order
// in which they were reached; call it until empty after each call that takes `now`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/code.h"
#include "rules/rule.h"

namespace forestay::rules {

using TimePoint = std::chrono::steady_clock::time_point;

// A request: the session's number, unique in the process, and the request's, unique in the session.
struct Ticket {
    std::uint64_t session = 0;
    std::uint64_t request = 0;
    friend bool operator==(const Ticket&, const Ticket&) = default;
};

enum class AskKind : std::uint8_t {
    fresh,
    retry,  // said before, and to be said again: counts against the budget, and stands at the front of the
            // line
};

// How a request that had been told to go ended, or what became of one that waited.
enum class Outcome : std::uint8_t {
    answered,  // a success for the breaker
    failed,    // its fallback was given: a failure
    released   // neither: the client has gone, the upstream was lost; the place is free
};

enum class Breakers : std::uint8_t { closed, open, half_open };

struct Verdict {
    enum class What : std::uint8_t {
        go,
        refused,  // `code` says why; nothing more is known of the ticket, but of a retry that still ran
        place     // in line, when the rule has a status: upon entering and when it has changed, at most
                  // every queue.status_every
    };
    Ticket ticket;
    std::uint32_t rule = 0;
    What what{};
    Code code{};              // refused
    std::size_t place = 0;    // from 1
    std::size_t waiting = 0;  // the length of the line
};

// Of one rule; counters but where it says gauge.
struct GateStats {
    std::uint64_t running = 0;            // gauge: told to go, not done
    std::uint64_t waiting = 0;            // gauge: in line
    Breakers breaker = Breakers::closed;  // gauge
    std::uint64_t opened = 0;             // how often the breaker did
    std::uint64_t retries = 0;
    std::uint64_t retries_refused = 0;  // by the budget
    std::uint64_t refused_queue_full = 0, refused_queue_timeout = 0, refused_rate = 0, refused_breaker = 0;
};

class Gate {
  public:
    // `rules` outlives the gate.
    explicit Gate(const std::vector<Rule>& rules);
    ~Gate();

    // `who` is what `rate` counts by. A fresh ticket that is known already is ignored, and so is a retry of
    // one that waits. A retry may be of one that still runs (its place stays its own, and it goes on running
    // when the retry is refused) or of one that was released (it asks for a place again, in front of the
    // line and beyond queue.max). Refused for want of budget it has the code of what led to it: timeout_idle
    // when it still runs, else connection_lost.
    void ask(Ticket ticket, std::uint32_t rule, AskKind kind, std::string_view who, TimePoint now);
    // Of one that was told to go, or waits; harmless for one that is not known.
    void done(Ticket ticket, Outcome outcome, TimePoint now);
    // The session is over: all of its tickets are released.
    void forget(std::uint64_t session, TimePoint now);
    // Call at next_deadline(), or any time.
    void tick(TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;  // max() when there is none

    [[nodiscard]] std::optional<Verdict> next_verdict();
    [[nodiscard]] const std::vector<GateStats>& stats() const;  // by rule

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::rules
