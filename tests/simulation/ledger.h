// Who said what to whom, and what must hold about it: the invariants.
//
// Every message of the client has a number n, every message of the upstream a number m. Each check throws a
// Violation that says what broke.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "proxy/session/action.h"
#include "proxy/session/stats.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/schedule.h"

namespace forestay::simulation {

struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(bool condition, const char* what) {
    if (!condition) throw Violation(what);
}

class Ledger {
  public:
    using Number = std::uint64_t;

    Ledger(const Scenario& scenario, const session::Stats& stats, const Schedule& schedule)
        : scenario_(scenario), stats_(stats), schedule_(schedule) {}

    // Client to upstream: all of it arrives, once, in order.
    Number client_sends(std::string_view nsp = "/");
    void upstream_got(Number n);
    // The upstream left this namespace: what the client had under way in it is dropped, by us or by the
    // upstream.
    void upstream_left(std::string_view nsp) { left_.insert(std::string(nsp)); }

    // Upstream to client: what is complete arrives, once, in the order in which it became complete, unless
    // there is an excuse for that one message.
    Number upstream_makes() { return ++upstream_made_; }
    void upstream_completed(Number m);
    void excuse(Number m) { excused_.insert(m); }
    void client_got(Number m);

    // Tracked requests.
    void request_sent(Number n, RuleIndex rule);
    void request_read(Number n);  // the session is about to hear of it
    void answer_made(Number n, Number m);
    void answer_broken(Number n);  // its attachments will never come: the fallback may be early
    void client_got_answer(Number n);
    void client_got_late_answer(Number n);  // under its other name
    void client_got_fallback(Number n);
    void client_got_line(bool fallback);  // answers in order carry no request's number

    // The session may end for this reason.
    void allow(session::CloseReason reason) { allowed_.insert(reason); }
    void ended(const session::action::End& end) const;

    // A binary answer is under way, or a namespace is not joined: deadlines are allowed to slip.
    void slip_until(TimePoint when) { slip_until_ = std::max(slip_until_, when); }
    void check_deadlines();
    // The world is at rest and the session lives: nothing may be missing.
    void check_complete(bool namespaces_left);
    void check_totals() const;

    [[nodiscard]] std::uint64_t outcome() const noexcept { return outcome_; }
    [[nodiscard]] Number client_sent() const noexcept { return client_sent_; }
    [[nodiscard]] Number upstream_received() const noexcept { return upstream_received_; }

  private:
    struct Request {
        RuleIndex rule{};
        TimePoint read = session::never;
        unsigned answers = 0, fallbacks = 0, late = 0;
        bool broken = false;
    };
    [[nodiscard]] std::uint64_t drops(session::Drop what) const {
        return stats_.drops[static_cast<std::size_t>(what)];
    }
    // The bounds of tracking were hit: some requests were never tracked, or their fallback is forgotten.
    [[nodiscard]] bool tracking_is_full() const {
        return drops(session::Drop::untracked_request) + drops(session::Drop::tombstone_overflow) > 0;
    }
    Request& request(Number n);
    void skip_what_may_be_missing(Number before);
    void mix(std::uint64_t kind, std::uint64_t value);

    const Scenario& scenario_;
    const session::Stats& stats_;
    const Schedule& schedule_;
    Number client_sent_ = 0, upstream_received_ = 0;
    std::vector<std::string> namespace_of_{""};  // by n
    std::set<std::string, std::less<>> left_;
    Number upstream_made_ = 0;
    std::map<Number, std::size_t> position_;  // of completed m, in order of completion
    std::vector<Number> completed_;
    std::size_t next_position_ = 0;
    std::set<Number> excused_, received_;
    std::map<Number, Request> requests_;
    std::map<Number, Number> answer_of_;          // m -> n
    std::array<std::deque<TimePoint>, 3> young_;  // by rule: when requests were read
    std::uint64_t lines_ = 0, line_answers_ = 0;
    std::set<session::CloseReason> allowed_;
    TimePoint slip_until_{};
    std::uint64_t outcome_ = 0xcbf29ce484222325ULL;
};

}  // namespace forestay::simulation
