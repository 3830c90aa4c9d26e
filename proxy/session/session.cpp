#include "proxy/session/session.h"

#include <algorithm>
#include <utility>

#include "proxy/session/session_state.h"

namespace forestay::session {

using wire::engineio::Revision;
using wire::websocket::CloseCode;

Session::Session(const Policy& policy, Stats& stats, Workspace& workspace, Setup setup, TimePoint now)
    : state_(std::make_unique<State>(policy, stats, workspace, std::move(setup), now)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

void Session::handle(const Input& input, TimePoint now) {
    state_->handle(input, now);
}
std::optional<Action> Session::next_action() {
    return state_->actions.take();
}
TimePoint Session::next_deadline() const {
    return state_->next_deadline();
}
bool Session::take_client(Session& fresh, TimePoint now) {
    return state_->take_client(*fresh.state_, now);
}
bool Session::ended() const noexcept {
    return state_->over;
}
ClientState Session::client_state() const noexcept {
    return state_->client.state();
}
UpstreamState Session::upstream_state() const noexcept {
    return state_->upstream.state();
}
const std::string& Session::sid() const noexcept {
    return state_->setup.sid;
}
std::size_t Session::bytes() const noexcept {
    const State& state = *state_;
    std::size_t sum = state.client.bytes() + state.upstream.waiting_bytes();
    if (state.conversation) sum += state.conversation->bytes();
    if (state.json) sum += state.json->record.bytes();
    return sum;
}

Session::State::State(const Policy& session_policy, Stats& loop_stats, Workspace& loop_workspace,
                      Setup session_setup, TimePoint now)
    : policy(session_policy),
      stats(loop_stats),
      workspace(loop_workspace),
      setup(std::move(session_setup)),
      revision(setup.dialect == Dialect::engineio3 ? Revision::v3 : Revision::v4),
      actions(workspace),
      client(policy, stats, actions, revision),
      upstream(policy, stats, actions, revision, setup.seed),
      time(now) {
    set_expiry(setup.expires);
    stats.rules.resize(std::max(stats.rules.size(), policy.rules.rules().size()));
    ++stats.sessions;
    if (setup.dialect == Dialect::plain || setup.dialect == Dialect::json) {
        if (setup.dialect == Dialect::plain)
            client.websocket_opened(now);
        else
            json = std::make_unique<JsonState>(policy, policy.json_websockets.at(setup.json_websocket), stats,
                                               actions, setup.seed);
        upstream.attach_plain(now);
        return;
    }
    conversation.emplace(policy, stats, actions, client, upstream, revision, setup, now);
    if (!setup.websocket) client.set_state(ClientState::polling);
}

void Session::State::handle(const Input& input, TimePoint now) {
    actions.clear();
    if (over) return;
    time = now;
    std::visit([this, now](const auto& one) { on(one, now); }, input);
    if (!over) settle(now);
}

bool Session::State::take_client(State& fresh, TimePoint now) {
    actions.clear();
    if (over || setup.dialect != fresh.setup.dialect) return false;
    time = now;
    const bool taken = json           ? json_take_client(fresh, now)
                       : conversation ? take_socketio_client(fresh, now)
                                      : false;
    if (!taken) return false;
    if (!over) settle(now);
    return true;
}

void Session::State::settle(TimePoint now) {
    if (conversation) {
        end_if(conversation->serve(now));
        if (over) return;
    }
    if (json) json_settle(now);
    if (over) return;
    if (conversation && conversation->record().on()) {
        if (away_until != never && !conversation->client_can_return()) {
            return end({CloseSide::upstream, CloseReason::goodbye, CloseCode::normal, {}});
        }
        conversation->record().mark();
    }
    client.answer_poll(now);

    upstream.exchange();
    const bool pause_client = upstream.waiting_bytes() > policy.limits.held_bytes / 2 || pace_due != never;
    if (pause_client != client.paused()) {
        const auto pause = client.set_paused(pause_client, now);
        if (conversation) conversation->client_resumed(pause);
    }
    // Also a POST that was too much by itself, and is out already.
    if (!pause_client) client.release_posts();
    // A socket that probes is read all the same: what comes through it is not for the upstream.
    const bool pause_socket = pause_client && client.state() == ClientState::websocket;
    if (pause_socket != client_socket_paused) {
        client_socket_paused = pause_socket;
        actions.push(pause_socket ? Action{action::PauseClient{}} : Action{action::ResumeClient{}});
    }
    const bool client_full = client.congested();
    if (client_full != upstream_paused && upstream.open()) {
        upstream_paused = client_full;
        const auto pause = upstream.set_paused(client_full, now);
        if (conversation) conversation->upstream_resumed(pause);
        actions.push(client_full ? Action{action::PauseUpstream{}} : Action{action::ResumeUpstream{}});
    }
}

TimePoint Session::State::next_deadline() const {
    if (over) return never;
    TimePoint legs = std::min({client.next_deadline(), upstream.next_deadline(), expires, close_due});
    legs = std::min({legs, warn_due, away_until, unclaimed_until, pace_due});
    if (json) legs = std::min(legs, json_next_deadline());
    return conversation ? std::min(legs, conversation->next_deadline()) : legs;
}

void Session::State::on(const input::GateSaid& input, TimePoint now) {
    if (conversation) conversation->gate_said(input, now);
    if (json) json->desk.gate_said(input, now);
}

void Session::State::on(const input::Tick&, TimePoint now) {
    if (expires <= now) {
        return end(
            {CloseSide::forestay, CloseReason::token_expired, CloseCode::token_expired, "token expired"});
    }
    if (warn_due <= now) warn_of_expiry(now);
    if (over) return;
    if (close_due <= now) return end({*closing, CloseReason::goodbye, CloseCode::normal, {}});
    if (pace_due <= now) {
        pace_due = never;
        if (!finding) on(input::ClientBytes{}, now);  // what has waited
        if (over) return;
    }
    switch (client.tick(now)) {
        case ClientLeg::Overdue::none:
            break;
        case ClientLeg::Overdue::pong:
            lose_client({CloseSide::client, CloseReason::ping_timeout, CloseCode::going_away, "ping timeout"},
                        policy.resume_client.hold, false, now);
            break;
        case ClientLeg::Overdue::slow:
            lose_client({CloseSide::forestay, CloseReason::slow_client, CloseCode::try_again_later,
                         "too slow", Limit::slow_client_timeout},
                        policy.resume_client.hold, false, now);
            break;
        case ClientLeg::Overdue::message:
            if (client.state() == ClientState::websocket) {
                lose_client({CloseSide::client, CloseReason::protocol_violation, CloseCode::policy_violation,
                             "message not finished in time", Limit::message_timeout},
                            policy.resume_client.hold, false, now);
                break;
            }
            return fail_client_websocket(
                {CloseSide::client, CloseReason::protocol_violation, CloseCode::policy_violation,
                 "message not finished in time", Limit::message_timeout},
                now);
        case ClientLeg::Overdue::probe:
            drop_probe(CloseCode::policy_violation, "probe timeout", now);
            break;
    }
    if (!over) client_away_tick(now);
    if (over) return;
    switch (upstream.tick(now)) {
        case UpstreamLeg::Overdue::none:
            break;
        case UpstreamLeg::Overdue::open:
            give_up_upstream(CloseReason::upstream_timeout, "upstream timeout", now);
            break;
        case UpstreamLeg::Overdue::stalled:
        case UpstreamLeg::Overdue::deserted:
            give_up_upstream(CloseReason::upstream_stalled, "upstream stalled", now);
            break;
        case UpstreamLeg::Overdue::unreachable:
            return end({CloseSide::upstream, CloseReason::upstream_timeout, CloseCode::try_again_later,
                        "upstream unreachable"});
    }
    if (over) return;
    if (conversation && conversation->rejoin_overdue(now)) {
        give_up_upstream(CloseReason::upstream_timeout, "upstream timeout", now);
    }
    if (json) json_tick(now);
    if (conversation) end_if(conversation->tick(now));
}

void Session::State::on(const input::Shed&, TimePoint) {
    end({CloseSide::forestay, CloseReason::limit, CloseCode::try_again_later, "out of memory",
         Limit::memory_shed});
}

void Session::State::on(const input::Shutdown&, TimePoint) {
    end({CloseSide::forestay, CloseReason::shutdown, CloseCode::service_restart, "restarting"});
}

void Session::State::end_if(const MaybeEnding& ending) {
    if (!ending) return;
    // A client that takes nothing, or stops half way, may come back on a better network.
    if (ending->reason == CloseReason::slow_client || ending->reason == CloseReason::connection_lost)
        lose_client(*ending, policy.resume_client.hold, false, time);
    else
        end(*ending);
}

void Session::State::note_limit(const Ending& ending) {
    if (ending.limit) actions.limit(stats, *ending.limit);
}

void Session::State::end(const Ending& ending) {
    if (over) return;
    note_limit(ending);
    if (json) json_over(ending);
    const bool shutdown = ending.reason == CloseReason::shutdown;
    if (conversation && away_until == never && (shutdown || ending.side == CloseSide::upstream))
        conversation->give_up_all(shutdown ? rules::Code::shutdown : rules::Code::connection_lost, time);
    over = true;
    ++stats.closes[static_cast<std::size_t>(ending.side)][static_cast<std::size_t>(ending.reason)];
    if (conversation) {
        conversation->over();
        if (revision == Revision::v3 && policy.resume_upstream.sid_alias) conversation->alias(setup.sid, {});
    }

    if (post != 0) {
        const bool fine = ending.reason == CloseReason::goodbye;
        actions.push(fine ? action::AnswerExchange{post, 200, "ok"}
                          : action::AnswerExchange{post, 400, R"({"code":3,"message":"Bad request"})"});
    }
    client.close_poll();
    if (client.websocket_open()) {
        client.write_close(static_cast<std::uint16_t>(ending.code), ending.text);
        actions.push(action::CloseClient{});
    }
    if (upstream.open() || upstream.state() == UpstreamState::connecting ||
        upstream.state() == UpstreamState::reattaching) {
        const auto code = ending.reason == CloseReason::goodbye ? CloseCode::normal : CloseCode::going_away;
        upstream.write_close(static_cast<std::uint16_t>(code), {});
        actions.push(action::CloseUpstream{});
    }
    actions.push(action::End{ending.side, ending.reason});
}

}  // namespace forestay::session
