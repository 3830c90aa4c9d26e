// A session on a bench: inputs are literals, what it asks for is collected as readable lines.
//
// Frames are decoded again, so that a test says `client: 42["x"]` and not bytes.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/session.h"
#include "proxy/wire/websocket/frame.h"
#include "rules/gate.h"
#include "rules/rule_set.h"

namespace forestay::session::testing {

using namespace std::chrono_literals;

// One ack rule "ask" (event ask, 5 s, ack fallback), one id rule "chat" (chat_message, id /message_id, answer
// event response, 3 s, event fallback), one order rule "line" (event next, answer event served, 2 s).
Policy policy();

// A policy with these rules alone.
Policy policy_with(const std::vector<rules::RuleSpec>& rules);
// The rules "ask" and "chat" of above, to be changed.
rules::RuleSpec ask_rule();
rules::RuleSpec chat_rule();

// A client that begins on a websocket, and what its upstream opens with.
Setup websocket_first();
constexpr const char* upstream_open =
    R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

class Script {
  public:
    // `begun`: how long after the clock's start, that several scripts share, the session begins.
    explicit Script(Setup setup = {}, Policy with = policy(), std::chrono::milliseconds begun = 0ms);

    // A gate of its own answers what it asks, and is told how that ended, within the same input. Without one
    // a test says GateSaid itself.
    Script& gated();
    [[nodiscard]] const rules::GateStats& gate(std::size_t rule) const { return gate_->stats()[rule]; }

    Script& at(std::chrono::milliseconds since_start);  // moves the clock; ticks all deadlines on the way
    Script& input(const Input& input);
    // Websocket frames of the client (masked) and of the upstream.
    Script& client_says(std::string_view text);
    Script& client_sends(std::string_view binary);
    Script& client_frame(wire::websocket::Opcode opcode, std::string_view payload);
    Script& upstream_says(std::string_view text);
    Script& upstream_sends(std::string_view binary);
    Script& upstream_frame(wire::websocket::Opcode opcode, std::string_view payload);
    // The client is on a websocket, the upstream attached, "/" joined; nothing of it is left in heard().
    Script& joined();
    // The client of `fresh` comes back to this session (Session::take_client).
    bool takes(Script& fresh);
    // The session as bytes and back. Nobody may notice. With FORESTAY_MOVE_SESSIONS in the environment this
    // happens behind each input of every script.
    Script& moves();
    // Since the last call: "client: ...", "upstream: ...", "answer 7 200: ...", "connect", "check ...",
    // "renew ...", "close client", "close upstream", "pause client", ..., "end client goodbye", "ask gate 1",
    // "ask gate 1 again", "leave gate 1 failed".
    std::vector<std::string> heard();

    Session& session() { return *session_; }
    // Its upstream is there, and hears what it says.
    bool upstream_attached() const {
        return session_->upstream_state() == UpstreamState::attached ||
               session_->upstream_state() == UpstreamState::stalled;
    }
    Stats& stats() { return stats_; }
    std::uint64_t dropped(Drop what) const { return stats_.drops[static_cast<std::size_t>(what)]; }
    std::uint64_t shielded(Shield by) const { return stats_.shields[static_cast<std::size_t>(by)]; }
    std::uint64_t limited(Limit by) const { return stats_.limits[static_cast<std::size_t>(by)]; }
    TimePoint now() const { return now_; }

  private:
    void collect();
    void settle_gate();
    void move_if_wanted();

    Policy policy_;
    Stats stats_;
    Workspace workspace_;
    const TimePoint start_{std::chrono::hours(1)};
    TimePoint now_;
    std::unique_ptr<Session> session_;
    std::unique_ptr<rules::Gate> gate_;
    std::vector<std::string> heard_;
};

}  // namespace forestay::session::testing
