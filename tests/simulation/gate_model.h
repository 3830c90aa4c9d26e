// The gate of the world: the real one, asked and answering as from another loop, and watched. Both ways are
// in order and take a while. Beside the sessions of the client a crowd of others asks it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "proxy/session/action.h"
#include "proxy/session/stats.h"
#include "rules/gate.h"
#include "tests/simulation/random.h"
#include "tests/simulation/schedule.h"

namespace forestay::simulation {

class Shell;
class World;

class GateModel {
  public:
    GateModel(World& world, Random random);
    void start();
    void rest();  // the crowd goes home

    void ask(Shell& shell, const session::action::AskGate& ask);
    void leave(Shell& shell, const session::action::LeaveGate& leave);
    void forget(Shell& shell);  // the session is over

    // By rule: so often its requests may have come to the app.
    [[nodiscard]] const std::vector<std::uint64_t>& let_go() const noexcept { return let_go_; }
    // After each input: who has a place, or asks for one, is outstanding.
    void check_places() const;
    void check_end() const;

  private:
    using Key = std::pair<std::uint64_t, std::uint64_t>;  // session, request
    struct Asked {
        std::uint32_t rule = 0;
        bool running = false;
    };
    void at_gate(std::function<void()> what);
    void take_verdicts();
    void tick_when_due();
    void verdict(const rules::Verdict& verdict);
    void went(const rules::Verdict& verdict);
    void to_session(const rules::Verdict& verdict);
    void at_session(const rules::Verdict& verdict);
    void gone(Key key);
    void forget_at_gate(std::uint64_t session);
    void crowd_later();
    void crowd_asks();
    [[nodiscard]] const rules::Rule& rule(std::uint32_t index) const;
    [[nodiscard]] std::chrono::microseconds latency();

    World& world_;
    Random random_, crowd_random_;
    rules::Gate gate_;
    TimePoint there_{}, back_{};  // when the last word in each direction arrives
    TimePoint tick_at_ = session::never;
    std::uint64_t ticks_ = 0;
    std::map<std::uint64_t, Shell*> shells_;  // that have asked
    std::map<Key, Asked> asked_;              // as the sessions know it
    // As the gate has said, by rule.
    std::vector<std::set<Key>> running_;
    std::vector<std::set<Key>> probes_;
    std::vector<std::uint64_t> let_go_;
    std::uint64_t crowd_ = 0;
    std::vector<std::uint32_t> gated_;
};

}  // namespace forestay::simulation
