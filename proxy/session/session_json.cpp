// JSON websockets: their client leg. (What is said on them: session_json_messages.cpp.)
//
// With an envelope the app's messages are numbered and kept until the client has acknowledged them, and a
// client that comes back gets those behind the last that it has seen.
//
//   waiting ── its first message, or reconnect_wait ──> open ── lost ──> away ── comes back ──> open
//
// The handshake is passed on before any of this, as for every plain websocket: the app judges the cookies and
// the query of each connection, also of a client that comes back, and chooses the subprotocol. What the app
// says to a fresh connection waits for the client's first message, because that may ask for another session;
// then the app has seen a connection come and go.
//
// Without one there is no waiting and no being away, and pings are between client and app.
#include <algorithm>

#include "proxy/session/envelope.h"
#include "proxy/session/session_state.h"
#include "proxy/wire/websocket/close.h"

namespace forestay::session {

using wire::websocket::CloseCode;
using wire::websocket::Message;
using wire::websocket::Opcode;

namespace {

// So often a client may come back to the same position without having seen more.
constexpr unsigned max_replays = 2;
constexpr std::uint16_t page_left = 1001;

}  // namespace

void Session::State::json_open(TimePoint now) {
    client.websocket_opened(now);
    json->client_here(policy, now);
    if (!policy.resume_client.envelope) return;
    json->first_due = now + policy.limits.reconnect_wait;
    json_establish(std::nullopt);
}

void Session::State::json_establish(std::optional<bool> resumed) {
    std::string& text = actions.made();
    write_established(text, policy.resume_client.names, setup.secret, resumed);
    client.write_frame(Opcode::text, text);
}

// The client goes on with this session: it gets what has waited.
void Session::State::json_begin() {
    json->first_due = never;
    json_replay(0);
}

std::size_t Session::State::json_replay(std::uint64_t behind) {
    std::size_t count = 0;
    for (const JsonRecord::Message& message : json->record.messages()) {
        if (message.number <= behind) continue;
        client.write_frame(message.text ? Opcode::text : Opcode::binary, message.payload);
        ++count;
    }
    return count;
}

// A page that is left may come back from the browser's memory; whoever says anything else means it.
void Session::State::json_client_close(const Message& message, TimePoint now) {
    const auto close = wire::websocket::parse_close(message.payload);
    if (!close || close->code != page_left || !json_client_can_return()) {
        json->desk.forget_nsp(0);  // all, and now: the app may take its time to close
        return plain_close(CloseSide::client, message, now);
    }
    lose_client({CloseSide::client, CloseReason::goodbye, CloseCode::going_away, {}},
                policy.resume_client.left_hold, true, now);
}

void Session::State::json_client_lost(TimePoint now) {
    client.websocket_lost(now);
    if (closing) return end({*closing, CloseReason::goodbye, CloseCode::normal, {}});
    lose_client({CloseSide::client, CloseReason::connection_lost, CloseCode::going_away, {}},
                policy.resume_client.hold, true, now);
}

bool Session::State::json_take_client(State& fresh, TimePoint now) {
    const std::uint64_t position = fresh.json->position;
    if (!json->numbering || closing || client.websocket_open() || !json->record.continues(position))
        return false;
    const auto& kept = json->record.messages();
    const bool news = std::any_of(kept.begin(), kept.end(),
                                  [&](const auto& m) { return m.number > position && m.numbered; });
    if (position != json->replayed_from || !news) json->replays = 0;
    if (news && json->replays == max_replays) {
        actions.report(stats, ReportKind::replay_given_up);
        return false;
    }
    json->replayed_from = position;
    if (news) ++json->replays;

    take_leg(fresh);
    json_establish(true);
    json->record.acknowledge(position);
    const std::size_t replayed = json_replay(position);
    json->client_here(policy, now);
    // It must show soon that the new connection works.
    client.write_frame(Opcode::ping, {});
    json->pong_due = now + policy.ping_timeout;
    stats.replayed += replayed;
    client_is_back(replayed, now);
    on(input::ClientBytes{}, now);  // what it has said behind its request
    return true;
}

// What the client asked for is not there.
void Session::State::json_not_found(TimePoint now) {
    actions.report(stats, ReportKind::recovery_refused);
    json_establish(false);
    json_begin();
    on(input::ClientBytes{}, now);
}

void Session::State::json_tick(TimePoint now) {
    if (json->first_due <= now) json_begin();
    // While we do not read the client, its silence is our doing; while a message of its arrives, it is none.
    const bool speaking = client.websocket_open() && client.reading().partial_since() != never;
    if (json->idle_due <= now && (client.paused() || speaking)) json->heard(now);
    if (json->pong_due <= now && client.paused()) json->pong_due = now + policy.ping_timeout;
    if (json->pong_due <= now) {
        return lose_client(
            {CloseSide::client, CloseReason::ping_timeout, CloseCode::going_away, "ping timeout"},
            policy.resume_client.hold, false, now);
    }
    if (closing) return;
    if (json->idle_due <= now) {
        return lose_client({CloseSide::client, CloseReason::idle, CloseCode::going_away, "idle"},
                           policy.resume_client.hold, false, now);
    }
    if (json->heartbeat_due <= now) {
        json->heartbeat_due = now + json->websocket.heartbeat;
        json_write(json->websocket.heartbeat_message);
    }
    if (json->ping_due > now) return;
    json->ping_due = now + policy.ping_interval;
    if (json->pong_due != never) return;
    json->pong_due = now + policy.ping_timeout;
    client.write_frame(Opcode::ping, {});
}

TimePoint Session::State::json_next_deadline() const {
    const TimePoint next = std::min({json->first_due, json->pong_due, json->desk.next_deadline()});
    if (closing) return next;
    return std::min({next, json->ping_due, json->heartbeat_due, json->idle_due});
}

void Session::State::json_settle(TimePoint now) {
    json_do_requests(now);
    if (!client.is_blocked()) {
        json->unread = 0;
    } else if (json->unread > policy.limits.outbox_bytes) {
        lose_client(outbox_overflow, policy.resume_client.hold, false, now);
    }
}

// Whoever is still there is told what has become of his requests, before he is closed.
void Session::State::json_over(const Ending& ending) {
    const bool shutdown = ending.reason == CloseReason::shutdown;
    if (client.websocket_open() && !closing && (shutdown || ending.side == CloseSide::upstream)) {
        if (json->first_due != never) json_begin();
        json->desk.give_up_all(shutdown ? rules::Code::shutdown : rules::Code::connection_lost, time);
        json_do_requests(time);
    }
    json->desk.forget_all();
}

}  // namespace forestay::session
