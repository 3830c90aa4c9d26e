// What a session is: its two legs and what joins them. Internal to the session; the outside sees session.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/session/action_list.h"
#include "proxy/session/client_leg.h"
#include "proxy/session/conversation.h"
#include "proxy/session/json_state.h"
#include "proxy/session/session.h"
#include "proxy/session/upstream_leg.h"
#include "rules/learner.h"

namespace forestay::session {

struct Session::State {
    State(const Policy& session_policy, Stats& loop_stats, Workspace& loop_workspace, Setup session_setup,
          TimePoint now);

    void handle(const Input& input, TimePoint now);
    [[nodiscard]] bool take_client(State& fresh, TimePoint now);
    [[nodiscard]] TimePoint next_deadline() const;

    // One overload per input. Those of the client are in session_client.cpp, of the upstream in
    // session_upstream.cpp, both for websockets without Engine.IO in session_plain.cpp and session_json*.cpp.
    void on(const input::PollOpened& input, TimePoint now);
    void on(const input::PostReceived& input, TimePoint now);
    void on(const input::ExchangeWritten& input, TimePoint now);
    void on(const input::ExchangeLost& input, TimePoint now);
    void on(const input::ClientUpgraded& input, TimePoint now);
    void on(const input::ClientBytes& input, TimePoint now);
    void on(const input::ClientLost& input, TimePoint now);
    void on(const input::ClientBlocked& input, TimePoint now);
    void on(const input::ClientDrained& input, TimePoint now);
    void on(const input::CredentialAccepted& input, TimePoint now);
    void on(const input::CredentialRefused& input, TimePoint now);
    void on(const input::CredentialRenewed& input, TimePoint now);
    void on(const input::RenewalRefused& input, TimePoint now);
    void on(const input::UpstreamOpened& input, TimePoint now);
    void on(const input::UpstreamRefused& input, TimePoint now);
    void on(const input::UpstreamBytes& input, TimePoint now);
    void on(const input::UpstreamLost& input, TimePoint now);
    void on(const input::UpstreamBlocked& input, TimePoint now);
    void on(const input::UpstreamDrained& input, TimePoint now);
    void on(const input::UpstreamPollingOpened& input, TimePoint now);
    void on(const input::UpstreamPolled& input, TimePoint now);
    void on(const input::UpstreamPosted& input, TimePoint now);
    void on(const input::GateSaid& input, TimePoint now);
    void on(const input::SessionNotFound& input, TimePoint now);
    void on(const input::Superseded& input, TimePoint now);
    void on(const input::Shed& input, TimePoint now);
    void on(const input::Shutdown& input, TimePoint now);
    void on(const input::Tick& input, TimePoint now);

    // The OPEN packet, heartbeats; EIO3's upstream leg.
    void open_client(bool websocket, TimePoint now);
    void client_message(const wire::websocket::Message& message, TimePoint now);
    void client_probe(const wire::websocket::Message& message, TimePoint now);
    void client_packet(const wire::engineio::Packet& packet, std::string_view raw, TimePoint now);
    void unsolicited_pong();
    // limits.message_rate: the client has said one more; may it say another one; it may not, and is not read.
    void count_pace(TimePoint now);
    [[nodiscard]] bool too_fast(TimePoint now) const;
    void slow_down(TimePoint now);
    void fail_client_websocket(const Ending& ending, TimePoint now);
    void drop_probe(wire::websocket::CloseCode code, std::string_view text, TimePoint now);

    void upstream_message(const wire::websocket::Message& message, TimePoint now);
    void upstream_packet(const wire::engineio::Packet& packet, std::string_view raw, TimePoint now);
    void upstream_payload(std::string_view body, TimePoint now);
    // It said goodbye, or we do not want it any more: its connection is closed.
    void close_upstream(wire::websocket::CloseCode code, std::string_view text);
    void fail_upstream(wire::websocket::CloseCode code, std::string_view text);
    // It is there and of no use: its connection is closed, and counts as lost.
    void give_up_upstream(CloseReason reason, std::string_view text, TimePoint now);
    // Its connection is gone: the session lives on without it if it may, and ends as `otherwise` says if not.
    void lose_upstream(const Ending& otherwise, TimePoint now);

    void plain_client_message(const wire::websocket::Message& message, TimePoint now);
    void plain_upstream_message(const wire::websocket::Message& message, TimePoint now);
    void plain_close(CloseSide from, const wire::websocket::Message& message, TimePoint now);
    static void count_message(Traffic& from, Traffic& to, const wire::websocket::Message& message);
    void plain_to_upstream(const wire::websocket::Message& message);
    void plain_to_client(const wire::websocket::Message& message);

    void json_open(TimePoint now);
    void json_establish(std::optional<bool> resumed);
    void json_begin();
    std::size_t json_replay(std::uint64_t behind);
    void json_client_close(const wire::websocket::Message& message, TimePoint now);
    void json_client_lost(TimePoint now);
    // Its position can be known.
    [[nodiscard]] bool json_client_can_return() const {
        return json->numbering && json->first_due == never && !closing;
    }
    [[nodiscard]] bool json_take_client(State& fresh, TimePoint now);
    void json_not_found(TimePoint now);
    void json_tick(TimePoint now);
    void json_settle(TimePoint now);
    void json_over(const Ending& ending);
    [[nodiscard]] TimePoint json_next_deadline() const;
    void json_client_message(const wire::websocket::Message& message, TimePoint now);
    [[nodiscard]] rules::Peer json_peer() const { return {json->websocket.path, setup.who}; }
    [[nodiscard]] bool json_envelope(const wire::websocket::Message& message);
    void json_renewal(std::string_view text);
    void json_renewal_judged(std::string_view code);
    void json_client_text(const wire::websocket::Message& message, TimePoint now);
    void json_refuse(rules::Code code, const rules::Message& said, std::string_view detail);
    void json_upstream_message(const wire::websocket::Message& message, TimePoint now);
    void json_data_to_client(const wire::websocket::Message& message, TimePoint now);
    void json_upstream_close(const wire::websocket::Message& message, TimePoint now);
    [[nodiscard]] bool json_hears(const wire::websocket::Message& message, TimePoint now);
    void json_do_requests(TimePoint now);
    void json_to_client(const wire::websocket::Message& message);
    void json_stop_numbering();
    void json_say(std::string_view text);
    void json_write(std::string_view text);

    // session_watching.cpp: text of either side, for the workspace's learner, which is there.
    void watch(rules::Learner::From from, std::string_view text, TimePoint now);

    // The client leg is gone or as good as gone: the session lives on without it if it may, and ends as
    // `otherwise` says if not. `failed`: by the client's own doing.
    void lose_client(const Ending& otherwise, Duration hold, bool failed, TimePoint now);
    void client_left(const Ending& goodbye, TimePoint now);
    void client_away_tick(TimePoint now);
    [[nodiscard]] bool take_socketio_client(State& fresh, TimePoint now);
    // What is the same for both dialects: the transport and what belongs to it, and then the words about it.
    void take_leg(State& fresh);
    void client_is_back(std::uint64_t replayed, TimePoint now);

    // session_expiry.cpp: the client's identity ends at `at`; it is told that it will.
    void set_expiry(TimePoint at);
    void warn_of_expiry(TimePoint now);

    // Pauses and restarts reading by what waits on the other side; answers the waiting GET. At the end of
    // each input.
    void settle(TimePoint now);
    void end(const Ending& ending);
    void end_if(const MaybeEnding& ending);
    void note_limit(const Ending& ending);

    // After restore().
    void tell_aliases();
    // All below but what the constructor is given. A member that is not in it is lost with each move.
    template <class Archive>
    void archive(Archive& archive);

    const Policy& policy;
    Stats& stats;
    Workspace& workspace;
    Setup setup;
    wire::engineio::Revision revision;
    ActionList actions;
    ClientLeg client;
    UpstreamLeg upstream;
    std::optional<Conversation> conversation;  // absent for websockets without Engine.IO
    std::unique_ptr<JsonState> json;           // Dialect::json
    TimePoint expires = never;                 // its client's identity ends
    TimePoint warn_due = never;                // and it has to be told
    TimePoint time;                            // of the input that is handled
    TimePoint away_since = never;              // the client is away
    TimePoint away_until = never;              // and may be; never: it is here
    TimePoint unclaimed_until = never;  // it is back, and has not yet come back to all of its namespaces
    TokenBucket pace;                   // limits.message_rate
    TimePoint pace_due = never;         // the client is not read until then, for that
    TimePoint pace_report_due{};        // it was said before: not again until then
    ExchangeId post = 0;                // the POST that is being processed
    std::optional<CloseSide> closing;   // plain: who sent the first close frame
    TimePoint close_due = never;        // plain: when the other close frame must be there
    bool finding = false;               // FindSession is asked: what the client has said behind it waits
    bool opened = false;                // the client has its OPEN packet
    bool probed = false;                // the second socket has said "2probe"
    bool client_socket_paused = false;
    bool upstream_paused = false;
    bool was_attached = false;  // an upstream had opened the session before
    bool over = false;
};

}  // namespace forestay::session
