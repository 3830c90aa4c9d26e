// Sessions and their gate on a clock that jumps, in an ideal world: an app that is asked for is there at
// once and says yes to each CONNECT; nothing else is said but what the caller says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/session/session.h"
#include "rules/gate.h"

namespace forestay::app {

class Stage {
  public:
    using Number = std::uint64_t;  // of a session; never 0, never used twice

    // `policy` outlives this.
    explicit Stage(const session::Policy& policy);

    // Its client is on a websocket from now on. `who` is what rates count by.
    [[nodiscard]] Number enter(const session::Setup& setup, std::string who);
    // One input, and all that follows from it at this moment. Harmless when that session is over.
    void tell(Number number, const session::Input& what);
    // A text message of either side, without the digit of Engine.IO.
    void client_says(Number number, std::string_view text);
    void app_says(Number number, std::string_view text);

    // Does what is due first, if that is not after `until`; then the clock stands there.
    [[nodiscard]] bool step(session::TimePoint until);
    void set_now(session::TimePoint now) { now_ = now; }

    [[nodiscard]] session::TimePoint now() const noexcept { return now_; }
    [[nodiscard]] bool has(Number number) const { return players_.contains(number); }
    [[nodiscard]] std::size_t size() const noexcept { return players_.size(); }
    [[nodiscard]] const session::Stats& stats() const noexcept { return stats_; }
    [[nodiscard]] const rules::Gate& gate() const noexcept { return gate_; }
    // Since these were taken last: requests that have ended, and sessions.
    [[nodiscard]] std::vector<session::RequestEnd> take_ends() { return std::exchange(ends_, {}); }
    [[nodiscard]] std::vector<std::pair<Number, session::CloseReason>> take_overs() {
        return std::exchange(overs_, {});
    }

  private:
    struct Player {
        std::unique_ptr<session::Session> session;
        std::string who;
        bool json = false;
        session::TimePoint due = session::never;  // as it stands in schedule_
    };
    // What the world around a session says to it next. Without bytes: the upstream is there.
    struct Word {
        Number number = 0;
        std::string bytes;
    };

    void handle(Number number, const session::Input& what);
    void perform(Number number, const Player& player, const session::Action& asked);
    void hear_upstream(Number number, std::string_view bytes);

    const session::Policy& policy_;
    rules::Gate gate_;
    session::Stats stats_;
    session::Workspace workspace_;
    session::TimePoint now_{std::chrono::hours(1)};
    Number last_ = 0;
    std::map<Number, Player> players_;
    std::set<std::pair<session::TimePoint, Number>> schedule_;
    std::deque<Word> words_;
    std::vector<session::RequestEnd> ends_;
    std::vector<std::pair<Number, session::CloseReason>> overs_;
};

}  // namespace forestay::app
