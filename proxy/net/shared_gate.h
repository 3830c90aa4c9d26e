// The gate of the process (rules/gate.h) and the sessions of all loops: it stands on the first loop, the
// others post to it, and what it says is posted to the loop of the session. On the first loop too, so that
// nobody who asks is answered before it has finished asking.
//
// Each loop has one of these and talks to no other's but through it. The functions are for the sessions of
// its own loop, on its thread. What a loop posts stays in order, so a session that has left is never asked
// for after that, and all of its places are free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/net/timer_wheel.h"
#include "proxy/session/action.h"
#include "proxy/session/input.h"
#include "rules/gate.h"

namespace forestay::net {

class Loop;

class GateAsker {
  public:
    // May destroy this.
    virtual void gate_said(const session::input::GateSaid& said) = 0;

  protected:
    ~GateAsker() = default;
};

class SharedGate final : TimerEntry {
  public:
    explicit SharedGate(Loop& loop);
    ~SharedGate();

    // A number that no other session of the process has or will have; never 0. `asker` hears of its requests
    // until it leaves.
    [[nodiscard]] std::uint64_t enter(GateAsker& asker);
    void leave(std::uint64_t session);
    // `who` is what a rule's `rate` counts by.
    void ask(std::uint64_t session, const session::action::AskGate& ask, std::string who);
    void done(std::uint64_t session, const session::action::LeaveGate& done);

    // By rule; all zero but on the first loop.
    [[nodiscard]] std::vector<rules::GateStats> stats() const;

  private:
    struct Said {
        std::uint64_t session = 0;
        session::input::GateSaid verdict;
    };

    // On the first loop: `work(gate, now)`, and what follows from it.
    template <class Work>
    void at_gate(Work work);
    template <class Work>
    void do_at_gate(const Work& work, session::TimePoint now);
    void tell(const std::vector<Said>& all);
    void journal_breakers();
    void due(session::TimePoint now) override;

    Loop& loop_;
    std::uint64_t last_session_ = 0;
    std::unordered_map<std::uint64_t, GateAsker*> askers_;

    std::unique_ptr<rules::Gate> gate_;      // on the first loop, once somebody has asked
    std::vector<rules::Breakers> breakers_;  // by rule, as they are in the journal
};

}  // namespace forestay::net
