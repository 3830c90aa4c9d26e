// JSON websockets with an envelope: the app's messages are numbered and kept until the client has
// acknowledged them, and a client that comes back gets those behind the last that it has seen.
//
//   waiting ── its first message, or reconnect_wait ──> open ── lost ──> away ── comes back ──> open
//
// The handshake is passed on before any of this, as for every plain websocket: the app judges the cookies and
// the query of each connection, also of a client that comes back, and chooses the subprotocol. What the app
// says to a fresh connection waits for the client's first message, because that may ask for another session;
// then the app has seen a connection come and go.
#include <algorithm>
#include <utility>

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
    json->first_due = now + policy.limits.reconnect_wait;
    json->ping_due = now + policy.ping_interval;
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

void Session::State::json_client_message(const Message& message, TimePoint now) {
    if (closing == CloseSide::client) return;
    if (message.opcode == Opcode::close) return json_client_close(message, now);
    if (is_control(message.opcode) && !client.control_frame_allowed(now)) {
        return end(
            {CloseSide::client, CloseReason::limit, CloseCode::policy_violation, "too many control frames"});
    }
    switch (message.opcode) {
        case Opcode::ping:
            return client.write_frame(Opcode::pong, message.payload);
        case Opcode::pong:
            json->pong_due = never;
            return;
        case Opcode::close:
        case Opcode::text:
        case Opcode::binary:
        case Opcode::continuation:
            break;
    }
    EnvelopeMessage said;
    if (message.opcode == Opcode::text) said = read_envelope(policy.resume_client.names, message.payload);
    if (json->first_due != never) {
        if (const auto* asked = std::get_if<ReconnectRequest>(&said)) {
            json->position = asked->last;
            finding = true;
            std::string& secret = actions.made();
            secret = asked->session;
            actions.push(action::FindSession{secret});
            return;
        }
        json_begin();
    }
    if (const auto* ack = std::get_if<Acknowledgement>(&said)) {
        if (ack->number > json->record.last()) return stats.count(Drop::unknown_ack);
        return json->record.acknowledge(ack->number);
    }
    plain_to_upstream(message);
}

// A page that is left may come back from the browser's memory; whoever says anything else means it.
void Session::State::json_client_close(const Message& message, TimePoint now) {
    const auto close = wire::websocket::parse_close(message.payload);
    if (!close || close->code != page_left || !json_client_can_return())
        return plain_close(CloseSide::client, message, now);
    lose_client({CloseSide::client, CloseReason::goodbye, CloseCode::going_away, {}},
                policy.resume_client.left_hold, true, now);
}

void Session::State::json_client_lost(TimePoint now) {
    client.websocket_lost(now);
    if (closing) return end({*closing, CloseReason::goodbye, CloseCode::normal, {}});
    lose_client({CloseSide::client, CloseReason::connection_lost, CloseCode::going_away, {}},
                policy.resume_client.hold, true, now);
}

void Session::State::json_upstream_message(const Message& message, TimePoint now) {
    if (closing == CloseSide::upstream) return;
    switch (message.opcode) {
        case Opcode::close:
            if (client.websocket_open()) {
                if (json->first_due != never) json_begin();
                return plain_close(CloseSide::upstream, message, now);
            }
            if (!wire::websocket::parse_close(message.payload))
                return fail_upstream(CloseCode::protocol_error, "bad close");
            return end({CloseSide::upstream, CloseReason::goodbye, CloseCode::normal, {}});
        case Opcode::ping:  // the client may be away, and answers ours
            return upstream.write_frame(Opcode::pong, message.payload);
        case Opcode::pong:
            return;
        case Opcode::text:
        case Opcode::binary:
        case Opcode::continuation:
            break;
    }
    if (!json->numbering) return plain_to_client(message);
    std::string payload;
    Numbering numbering = Numbering::no_object;
    if (message.opcode == Opcode::text) {
        numbering = write_numbered(payload, policy.resume_client.names, message.payload, json->record.next());
    }
    if (numbering == Numbering::name_taken) {
        json_stop_numbering();
        if (!over) plain_to_client(message);
        return;
    }
    if (numbering == Numbering::no_object) payload = message.payload;
    // Only an absent client may miss something.
    if (json->first_due != never && !json->record.has_room(payload.size())) json_begin();
    if (client.websocket_open() && json->first_due == never) {
        if (numbering == Numbering::written)
            client.write_frame(Opcode::text, payload);
        else if (!message.raw.empty())
            actions.send_client(message.raw);
        else
            client.write_frame(message.opcode, message.payload);
    }
    count_message(stats.from_upstream, stats.to_client, message);
    const bool text = message.opcode == Opcode::text;
    const std::size_t dropped = json->record.add(text, numbering == Numbering::written, std::move(payload));
    if (client.websocket_open()) return;
    for (std::size_t i = 0; i < dropped; ++i) stats.count(Drop::record_overflow);
}

// A client would take the app's value for a position and miss messages: better no recovery than a wrong one.
void Session::State::json_stop_numbering() {
    actions.report(stats, ReportKind::envelope_name_taken);
    if (!client.websocket_open()) {
        return end({CloseSide::client, CloseReason::connection_lost, CloseCode::going_away, {}});
    }
    if (json->first_due != never) json_begin();
    json->numbering = false;
    json->record.clear();
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
    // It must show soon that the new connection works.
    client.write_frame(Opcode::ping, {});
    json->pong_due = now + policy.ping_timeout;
    json->ping_due = now + policy.ping_interval;
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
    if (json->pong_due <= now) {
        // While we do not read it, its pong cannot be heard.
        if (!client.paused()) {
            return lose_client(
                {CloseSide::client, CloseReason::ping_timeout, CloseCode::going_away, "ping timeout"},
                policy.resume_client.hold, false, now);
        }
        json->pong_due = now + policy.ping_timeout;
    }
    if (json->ping_due > now || closing) return;
    json->ping_due = now + policy.ping_interval;
    if (json->pong_due != never) return;
    json->pong_due = now + policy.ping_timeout;
    client.write_frame(Opcode::ping, {});
}

TimePoint Session::State::json_next_deadline() const {
    return std::min({json->first_due, json->pong_due, closing ? never : json->ping_due});
}

}  // namespace forestay::session
