// One client of an app, over its whole life: its transports, the sessions that serve it, the connections that
// these make to the app. All from one seed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/session.h"
#include "tests/simulation/gate_model.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/schedule.h"

namespace forestay::simulation {

class ClientLink;
class ClientModel;
class Shell;
class UpstreamModel;

struct Result {
    std::uint64_t trace = 0;    // of all inputs and actions
    std::uint64_t outcome = 0;  // of what the models saw
    std::uint64_t steps = 0;
    std::string violation;  // empty: all invariants held
    std::vector<std::string> log;
};

enum class Detail { none, operations, everything };
// Whether sessions are written down and restored into fresh objects now and then.
enum class Moving { never, at_random };

class World {
  public:
    World(const Scenario& scenario, std::uint64_t cutting, session::Workspace& workspace, Detail detail,
          Moving moving);
    ~World();
    Result run();

    [[nodiscard]] const Scenario& scenario() const noexcept { return scenario_; }
    [[nodiscard]] Schedule& schedule() noexcept { return schedule_; }
    [[nodiscard]] Ledger& ledger() noexcept { return ledger_; }
    [[nodiscard]] session::Stats& stats() noexcept { return stats_; }
    [[nodiscard]] const session::RuleStats& stats_of(std::uint32_t rule) const;
    [[nodiscard]] GateModel& gate() noexcept { return gate_; }
    [[nodiscard]] session::Workspace& workspace() noexcept { return workspace_; }
    [[nodiscard]] Random& cuts() noexcept { return cut_random_; }
    [[nodiscard]] bool network_chance(unsigned percent) { return network_random_.chance(percent); }
    [[nodiscard]] std::chrono::microseconds shell_pause(Duration low, Duration high) {
        return shell_random_.pause(low, high);
    }
    [[nodiscard]] bool move_now() { return move_random_ && move_random_->chance(5); }
    [[nodiscard]] session::ExchangeId next_exchange() noexcept { return ++next_exchange_; }
    [[nodiscard]] bool over() const;  // all sessions ended
    [[nodiscard]] bool at_rest() const noexcept { return resting_; }
    void note(std::string what);
    void trace(unsigned shell, std::string_view what, std::string_view bytes, std::uint64_t number);

    // Sessions.
    void new_session(ClientLink& link);
    [[nodiscard]] Shell* find(std::string_view secret);
    [[nodiscard]] Shell* current();  // the one that the client has, or had last
    void taken() { ++taken_; }
    void shut_down();

    // The app.
    struct Verdict {
        std::chrono::microseconds delay{0};
        bool accepted = true;
        unsigned status = 0;  // of a refusal
    };
    [[nodiscard]] Verdict judge_connect();
    void refused(unsigned status);
    [[nodiscard]] UpstreamModel& new_life(Shell& shell);
    [[nodiscard]] bool app_is_up() const noexcept { return schedule_.now() >= down_until_; }
    void app_down_until(TimePoint when) { down_until_ = std::max(down_until_, when); }
    void app_crashes();  // all that it had is gone; it is back after a while

  private:
    void live();
    void run_until(TimePoint when);
    void rest();
    [[nodiscard]] UpstreamModel* life();

    const Scenario& scenario_;
    Schedule schedule_;
    Random shell_random_, network_random_, cut_random_, app_random_;
    std::optional<Random> move_random_;
    session::Stats stats_;
    GateModel gate_;
    Ledger ledger_;
    session::Workspace& workspace_;
    Detail detail_;
    std::vector<std::unique_ptr<UpstreamModel>> lives_;  // all that ever were: events may still point to them
    std::unique_ptr<ClientModel> client_;
    std::vector<std::unique_ptr<Shell>> shells_;
    session::ExchangeId next_exchange_ = 0;
    std::uint64_t taken_ = 0;
    TimePoint down_until_{};
    bool resting_ = false;
    Result result_;
};

}  // namespace forestay::simulation
