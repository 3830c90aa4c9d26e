// What comes from the upstream's side.
#include "proxy/session/session_state.h"
#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/websocket/close.h"

namespace forestay::session {

using wire::engineio::Packet;
using wire::engineio::PacketType;
using wire::engineio::Revision;
using wire::websocket::CloseCode;
using wire::websocket::Opcode;

namespace {

constexpr Ending closed_by_upstream{CloseSide::upstream, CloseReason::goodbye, CloseCode::going_away,
                                    "upstream closed"};
constexpr Ending connection_lost{CloseSide::upstream, CloseReason::connection_lost, CloseCode::internal_error,
                                 "upstream lost"};

// The app is there and does not want this client, now or later: no outage.
bool is_final(unsigned status) {
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

}  // namespace

void Session::State::on(const input::UpstreamOpened&, TimePoint now) {
    upstream.websocket_opened(now);
}

void Session::State::on(const input::UpstreamRefused& input, TimePoint now) {
    // An EIO3 server refuses a client at the handshake; so does one that does not speak its revision.
    if (revision == Revision::v3 &&
        (input.status == 401 || input.status == 403 || (input.status == 400 && !was_attached))) {
        upstream.gone();
        return end_if(conversation->handshake_refused(
            input.status == 400 ? "Unsupported protocol version" : "unauthorized", now));
    }
    const bool answered = input.status != 0;
    const Ending refused{CloseSide::upstream, answered ? CloseReason::refused : CloseReason::upstream_timeout,
                         CloseCode::try_again_later, answered ? "upstream refused" : "upstream unreachable"};
    if (!was_attached && is_final(input.status)) {
        upstream.gone();
        return end(refused);
    }
    lose_upstream(refused, now);
}

void Session::State::on(const input::UpstreamPollingOpened& input, TimePoint now) {
    upstream.polling_opened(now);
    upstream_payload(input.body, now);
}

void Session::State::on(const input::UpstreamPolled& input, TimePoint now) {
    if (!upstream.polling()) return;
    upstream.polled();
    if (input.status == 200 && !input.body.empty()) return upstream_payload(input.body, now);
    actions.push(action::CloseUpstream{});
    lose_upstream(connection_lost, now);
}

void Session::State::on(const input::UpstreamPosted& input, TimePoint now) {
    if (!upstream.polling()) return;
    if (input.status == 200) return upstream.posted(now);
    actions.push(action::CloseUpstream{});
    lose_upstream(connection_lost, now);
}

void Session::State::upstream_payload(std::string_view body, TimePoint now) {
    upstream.heard(now);
    const auto payload = wire::engineio::parse_payload(revision, body, {policy.limits.payload_packets});
    if (!payload) return fail_upstream(CloseCode::protocol_error, "bad payload");
    for (const Packet& packet : payload->packets) {
        upstream_packet(packet, {}, now);
        if (over || !upstream.open()) return;
    }
}

void Session::State::on(const input::UpstreamBytes& input, TimePoint now) {
    if (!upstream.open() || upstream.polling()) return;
    upstream.heard(now);
    upstream.reading().start(input.bytes, actions);
    for (;;) {
        auto message = upstream.reading().next(workspace.unmasked);
        if (!message) {
            const auto why = static_cast<wire::errc>(message.error().value());
            if (const auto limit = limit_of(why)) actions.limit(stats, *limit);
            fail_upstream(wire::websocket::close_code_for(why), message.error().message());
            break;
        }
        if (!*message) break;
        upstream_message(**message, now);
        if (over || !upstream.open()) break;
    }
    if (upstream.open()) upstream.reading().finish(now);
}

void Session::State::upstream_message(const wire::websocket::Message& message, TimePoint now) {
    if (json && workspace.learner != nullptr && message.opcode == Opcode::text)
        watch(rules::Learner::From::app, message.payload, now);
    if (json) return json_upstream_message(message, now);
    if (setup.dialect == Dialect::plain) return plain_upstream_message(message, now);
    switch (message.opcode) {
        case Opcode::ping:
            upstream.write_frame(Opcode::pong, message.payload);
            return;
        case Opcode::pong:
            return upstream.pong_heard(now);
        case Opcode::close:
            if (!wire::websocket::parse_close(message.payload)) {
                return fail_upstream(CloseCode::protocol_error, "bad close");
            }
            close_upstream(CloseCode::normal, {});
            return lose_upstream(closed_by_upstream, now);
        case Opcode::text:
        case Opcode::binary:
        case Opcode::continuation:
            break;
    }
    const auto packet = message.opcode == Opcode::text
                            ? wire::engineio::parse_text_packet(message.payload)
                            : wire::engineio::parse_binary_packet(revision, message.payload);
    if (!packet) {
        stats.count(Drop::upstream_violation);
        return;
    }
    upstream_packet(*packet, message.raw, now);
}

void Session::State::upstream_packet(const Packet& packet, std::string_view raw, TimePoint now) {
    if (!upstream.attached() && packet.type != PacketType::open) {
        return fail_upstream(CloseCode::protocol_error, "no OPEN packet");
    }
    switch (packet.type) {
        case PacketType::open: {
            const auto open = wire::engineio::parse_open(packet.data);
            if (upstream.attached() || !open)
                return fail_upstream(CloseCode::protocol_error, "bad OPEN packet");
            if (was_attached && policy.resume_upstream.on_return == OnReturn::close) {
                return end({CloseSide::upstream, CloseReason::connection_lost, CloseCode::service_restart,
                            "upstream restarted"});
            }
            was_attached = true;
            upstream.attach(*open, now);
            // An EIO3 client knows itself by ours.
            if (revision == Revision::v3 && policy.resume_upstream.sid_alias)
                conversation->alias(setup.sid, open->sid);
            return conversation->upstream_attached(now);
        }
        case PacketType::ping:
            // Exactly one pong per ping, at once: python-engineio starts a timer (some versions a thread) for
            // each pong.
            upstream.ping_heard(now);
            return upstream.send_pong(packet.data);
        case PacketType::message:
            if (workspace.learner != nullptr && !packet.binary)
                watch(rules::Learner::From::app, packet.data, now);
            ++stats.from_upstream.messages;
            stats.from_upstream.bytes += packet.data.size() + (packet.binary ? 0 : 1);
            return end_if(packet.binary ? conversation->upstream_attachment(packet.data, now)
                                        : conversation->upstream_packet(packet.data, raw, now));
        case PacketType::close:
            close_upstream(CloseCode::normal, {});
            return lose_upstream(closed_by_upstream, now);
        case PacketType::pong:
        case PacketType::noop:
            return;
        case PacketType::upgrade:
            stats.count(Drop::upstream_violation);
            return;
    }
}

void Session::State::close_upstream(CloseCode code, std::string_view text) {
    upstream.write_close(static_cast<std::uint16_t>(code), text);
    upstream.gone();
    actions.push(action::CloseUpstream{});
}

void Session::State::give_up_upstream(CloseReason reason, std::string_view text, TimePoint now) {
    close_upstream(CloseCode::going_away, {});
    lose_upstream({CloseSide::upstream, reason, CloseCode::internal_error, text}, now);
}

void Session::State::fail_upstream(CloseCode code, std::string_view text) {
    close_upstream(code, text);
    end({CloseSide::upstream, CloseReason::protocol_violation, CloseCode::internal_error,
         "upstream protocol violation"});
}

void Session::State::lose_upstream(const Ending& otherwise, TimePoint now) {
    upstream.gone();
    if (over) return;
    if (json) return end({otherwise.side, otherwise.reason, CloseCode::try_again_later, otherwise.text});
    if (!conversation || policy.resume_upstream.hold == Duration{0}) return end(otherwise);
    upstream_paused = false;
    const bool nobody = conversation->empty();
    if (nobody && otherwise.reason == CloseReason::goodbye) return end(otherwise);
    end_if(conversation->upstream_lost(now));
    if (over) return;
    if (!nobody) return upstream.lost(now);
    upstream.rest();
    was_attached = false;  // whoever joins next has lost nothing
}

void Session::State::on(const input::UpstreamLost&, TimePoint now) {
    if (closing) {
        upstream.gone();
        return end({*closing, CloseReason::goodbye, CloseCode::normal, {}});
    }
    lose_upstream(connection_lost, now);
}

void Session::State::on(const input::UpstreamBlocked& input, TimePoint) {
    upstream.blocked(input.pending);
}

void Session::State::on(const input::UpstreamDrained&, TimePoint) {
    upstream.drained();
}

}  // namespace forestay::session
