// Who said what to whom, and what must hold about it: the invariants.
//
// Every message of the client has a number n, every message of the upstream a number m, each connection of
// the upstream is a life. Each check throws a Violation that says what broke.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
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

    // `let_go`: by rule, how often the gate did.
    Ledger(const Scenario& scenario, const session::Stats& stats, const Schedule& schedule,
           const std::vector<std::uint64_t>& let_go)
        : scenario_(scenario), stats_(stats), schedule_(schedule), let_go_(let_go) {
        said_.emplace_back();
    }

    // ---- client to upstream: what a session has read arrives once and in order, or is told as lost.
    Number client_sends(std::string_view nsp = "/", std::string_view event = {});
    void is_binary(Number n) {
        said_[n].event.clear();
        said_[n].whole = false;
    }                                               // it is never said again to rebuild
    void is_ack(Number n) { said_[n].ack = true; }  // nobody waits for it when who asked is gone
    void session_read(Number n, unsigned session);  // it is about to hear of it
    void session_read_whole(Number n) { said_[n].whole = true; }  // and of its attachments
    void link_lost();                                             // what has not been read by now is nobody's
    unsigned new_life(unsigned session) {
        lives_.push_back({session, schedule_.now(), {}});
        return static_cast<unsigned>(lives_.size() - 1);
    }
    void upstream_lost();
    bool upstream_got(unsigned life, Number n);  // true: for a second time
    // The upstream left this namespace: what the client had under way in it is dropped, by us or by the
    // upstream.
    void upstream_left(std::string_view nsp) { left_.insert(std::string(nsp)); }
    void client_left(std::string_view nsp) { left_by_client_.insert(std::string(nsp)); }
    [[nodiscard]] bool has_left(std::string_view nsp) const { return left_.contains(nsp); }

    // ---- upstream to client: what a session has read to its end arrives, once, in the order in which it
    // became complete, unless there is an excuse for that one message.
    Number upstream_makes() { return ++upstream_made_; }
    void session_heard(Number m, unsigned session);
    void excuse(Number m) { excused_.insert(m); }
    [[nodiscard]] bool is_excused(Number m) const { return excused_.contains(m); }
    // False: it came for a second time, and that is all right.
    [[nodiscard]] bool client_got(Number m, std::string_view nsp);

    // ---- the client's transports
    // Which session has the client: the one it was with, or a fresh one, and what the old one had is over.
    void client_is_with(unsigned session);
    void taken(unsigned from, unsigned by);
    void client_goes() {  // it may go again before its session has heard that it was back
        if (!std::exchange(away_, true)) away_since_ = schedule_.now();
        if (first_away_ == TimePoint{}) first_away_ = away_since_;
    }
    void client_returns();
    // Per namespace: what the client got behind its position may come again. A marker is the position of an
    // event before it; ACKs since that event are behind it.
    void position_moves(std::string_view nsp, bool marker);
    void client_cannot_point_at(std::string_view nsp, Number m, bool ack);
    void client_cannot_point_at_fallback(std::string_view nsp, std::optional<Number> n, bool ack);

    // ---- CONNECT replies
    void upstream_connected(std::string_view nsp) { ++announced_[std::string(nsp)]; }
    void client_connected(std::string_view nsp);

    // ---- tracked requests (ledger_requests.cpp)
    //
    // A client may say the same again: the same n, with an ack id of its own when it has one (`ack`, else 0).
    struct Fallback {
        rules::Code code{};
        unsigned tries = 0;  // how often the app was asked, it says
        Duration elapsed{0};
        bool abort = false;  // after parts of the answer
    };
    void request_sent(Number n, RuleIndex rule, bool invalid);
    void request_read(Number n, std::uint64_t ack);  // a session is about to hear of it, once more
    void answer_made(Number n, Number m);
    void sign_made(Number n, Number m);
    void answer_heard(Number n, bool binary);  // by a session, whole
    void sign_heard(Number n);
    void answer_broken(Number n);  // its attachments will never come: the fallback may be early
    // False: of a message that is known; it was given for a repetition.
    [[nodiscard]] bool client_got_answer(Number n, std::uint64_t ack, Number m, std::string_view nsp);
    // It answers a request that was asked more than once: it may come more than once.
    [[nodiscard]] bool is_repetition(Number m) const;
    void client_got_sign(Number n, bool part);
    void client_got_status(RuleIndex rule, std::optional<Number> n, std::uint64_t place,
                           std::uint64_t waiting);
    void client_got_late_answer(Number n);  // under its other name
    // False: for a second time, and that is all right.
    [[nodiscard]] bool client_got_fallback(Number n, std::uint64_t ack, const Fallback& fallback,
                                           std::string_view nsp);
    // Answers in order carry no request's number.
    void client_got_line(const std::optional<Fallback>& fallback);
    [[nodiscard]] const rules::Rule& rule(RuleIndex index) const {
        return scenario_.policy.rules.rules()[index];
    }
    // The policy has it: note is a request.
    [[nodiscard]] bool tracks_any() const { return scenario_.policy.rules.rules().size() > any_rule; }

    // The session may end for this reason.
    void allow(session::CloseReason reason) { allowed_.insert(reason); }
    void ended(const session::action::End& end) const;
    void ended_by_upstream() { upstream_ended_ = true; }

    // A binary answer is under way, or a namespace is not joined: deadlines are allowed to slip.
    void slip_until(TimePoint when) { slip_until_ = std::max(slip_until_, when); }
    void check_deadlines();
    // The world is at rest and the session lives: nothing may be missing.
    void check_complete(bool namespaces_left);
    void check_totals(std::uint64_t sessions, std::uint64_t taken) const;

    [[nodiscard]] std::uint64_t outcome() const noexcept { return outcome_; }
    [[nodiscard]] Number client_sent() const noexcept { return said_.size() - 1; }

  private:
    struct Said {  // by the client
        std::string nsp, event;
        TimePoint read = session::never;
        unsigned session = 0;  // that read it
        bool ack = false;
        bool whole = true;            // a session has read all of it, once it has read anything
        bool nobodys = false;         // its transport went before a session read it
        std::vector<unsigned> lives;  // that got it
    };
    struct Life {
        unsigned session = 0;
        TimePoint begun{};
        std::map<std::string, Number, std::less<>> last;  // n that came for the first time, by namespace
    };
    struct Whole {  // of the upstream
        Number m = 0;
        unsigned session = 0;  // that heard it
    };
    struct Asker {  // one ack id of a request, or all that have none
        unsigned asked = 0, got = 0;
        TimePoint last_asked{}, last_got{};
    };
    struct Request {
        RuleIndex rule{};
        unsigned answers = 0, fallbacks = 0, late = 0;
        bool broken = false;
        bool invalid = false;     // breaks the schema
        unsigned asked = 0;       // that sessions read it
        unsigned arrivals = 0;    // at the app
        unsigned parts = 0;       // that the client got
        unsigned tries = 0;       // as its fallback says
        bool unrecorded = false;  // its answer can not be given again
        TimePoint first_asked{};
        std::vector<TimePoint> signs;         // of progress, that a session heard
        TimePoint answered = session::never;  // when a session heard all of its answer
        std::map<std::uint64_t, Asker> askers;
    };
    [[nodiscard]] std::uint64_t drops(session::Drop what) const {
        return stats_.drops[static_cast<std::size_t>(what)];
    }
    [[nodiscard]] std::uint64_t told_as_lost() const;
    // The bounds of tracking were hit: some requests were never tracked, or their fallback is forgotten.
    [[nodiscard]] bool tracking_is_full() const {
        return drops(session::Drop::untracked_request) + drops(session::Drop::tombstone_overflow) > 0;
    }
    Request& request(Number n);
    [[nodiscard]] bool may_overtake(Number n) const;  // and be overtaken: it may wait for the gate
    void request_arrived(unsigned life, Number n);
    void check_code(const rules::Rule& rule, const Fallback& fallback) const;
    void check_code(const Request& one, const Fallback& fallback) const;
    void check_patience(const Request& one, TimePoint said) const;
    void check_got(const Request& one, const Asker& asker) const;
    void got_again(unsigned life, Number n);
    [[nodiscard]] bool answered(Number n) const;
    void check_client_messages() const;
    void check_upstream_messages() const;
    void mix(std::uint64_t kind, std::uint64_t value);

    const Scenario& scenario_;
    const session::Stats& stats_;
    const Schedule& schedule_;
    const std::vector<std::uint64_t>& let_go_;
    std::vector<Said> said_;  // by n
    std::vector<Life> lives_;
    std::set<std::string, std::less<>> left_, left_by_client_;
    TimePoint last_loss_{};  // of an upstream
    unsigned losses_ = 0;
    Number upstream_made_ = 0;
    std::map<Number, std::size_t> position_;  // of completed m, in order of completion
    std::vector<Whole> completed_;
    std::size_t next_position_ = 0;
    std::map<std::string, std::size_t, std::less<>> next_in_;  // a replay is in order per namespace
    std::set<Number> excused_, received_;
    // A fallback for n is kept as ~n. True: an ACK, and no event has come since.
    std::map<std::string, std::map<Number, bool>, std::less<>> unpositioned_;
    std::map<std::string, std::set<Number>, std::less<>> again_;
    std::uint64_t unpositioned_lines_ = 0;  // fallbacks in order carry no number: any may come again
    unsigned session_ = 0;                  // that the client has
    unsigned returns_ = 0;
    bool some_left_ = false;  // namespaces, and requests in them nobody waits for
    TimePoint away_since_{}, first_away_{};
    bool away_ = false;
    std::map<std::string, unsigned, std::less<>> announced_, connected_;
    std::map<Number, Request> requests_;
    std::map<Number, Number> answer_of_;  // m -> n; signs of progress, too
    std::set<Number> signs_;
    std::array<std::deque<TimePoint>, rule_count> young_;  // by rule: when requests were read
    std::array<std::uint64_t, rule_count> arrivals_{};     // by rule, at the app
    bool asked_again_ = false;                             // the app, for one request
    std::uint64_t lines_ = 0, line_answers_ = 0;
    std::set<session::CloseReason> allowed_;
    bool upstream_ended_ = false;  // a session, by its side
    TimePoint slip_until_{};
    std::uint64_t outcome_ = 0xcbf29ce484222325ULL;
};

}  // namespace forestay::simulation
