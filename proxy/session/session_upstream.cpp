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

void Session::State::on(const input::UpstreamOpened&, TimePoint now) {
    upstream.websocket_opened(now);
}

void Session::State::on(const input::UpstreamRefused& input, TimePoint now) {
    upstream.set_state(UpstreamState::lost);
    // EIO3 servers refuse a client for good at the handshake. Anything else is an outage: the client's
    // transport is closed and it tries again.
    if (revision == Revision::v3 && (input.status == 401 || input.status == 403)) {
        return end_if(conversation->handshake_refused(now));
    }
    const bool answered = input.status != 0;
    end({CloseSide::upstream, answered ? CloseReason::refused : CloseReason::upstream_timeout,
         CloseCode::try_again_later, answered ? "upstream refused" : "upstream unreachable"});
}

void Session::State::on(const input::UpstreamBytes& input, TimePoint now) {
    if (!upstream.websocket_open()) return;
    upstream.heard(now);
    upstream.reading().start(input.bytes, actions);
    for (;;) {
        auto message = upstream.reading().next(workspace.unmasked);
        if (!message) {
            const auto why = static_cast<wire::errc>(message.error().value());
            fail_upstream(wire::websocket::close_code_for(why), message.error().message());
            break;
        }
        if (!*message) break;
        upstream_message(**message, now);
        if (over || !upstream.websocket_open()) break;
    }
    if (upstream.websocket_open()) upstream.reading().finish(now);
}

void Session::State::upstream_message(const wire::websocket::Message& message, TimePoint now) {
    if (json) return json_upstream_message(message, now);
    if (setup.dialect == Dialect::plain) return plain_upstream_message(message, now);
    switch (message.opcode) {
        case Opcode::ping:
            upstream.write_frame(Opcode::pong, message.payload);
            return;
        case Opcode::pong:
            return;
        case Opcode::close:
            if (!wire::websocket::parse_close(message.payload)) {
                return fail_upstream(CloseCode::protocol_error, "bad close");
            }
            upstream.write_close(static_cast<std::uint16_t>(CloseCode::normal), {});
            upstream.websocket_lost();
            actions.push(action::CloseUpstream{});
            return end({CloseSide::upstream, CloseReason::goodbye, CloseCode::going_away, "upstream closed"});
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
            return upstream.attach(*open, now);
        }
        case PacketType::ping: {
            // Exactly one pong per ping, at once: python-engineio starts a timer (some versions a thread) for
            // each pong.
            std::string& pong = actions.made();
            pong += '3';
            pong += packet.data;
            return upstream.write_frame(Opcode::text, pong);
        }
        case PacketType::message:
            ++stats.from_upstream.messages;
            stats.from_upstream.bytes += packet.data.size() + (packet.binary ? 0 : 1);
            return end_if(packet.binary ? conversation->upstream_attachment(packet.data, now)
                                        : conversation->upstream_packet(packet.data, raw, now));
        case PacketType::close:
            upstream.write_close(static_cast<std::uint16_t>(CloseCode::normal), {});
            upstream.websocket_lost();
            actions.push(action::CloseUpstream{});
            return end({CloseSide::upstream, CloseReason::goodbye, CloseCode::going_away, "upstream closed"});
        case PacketType::pong:
        case PacketType::noop:
            return;
        case PacketType::upgrade:
            stats.count(Drop::upstream_violation);
            return;
    }
}

void Session::State::fail_upstream(CloseCode code, std::string_view text) {
    upstream.write_close(static_cast<std::uint16_t>(code), text);
    upstream.websocket_lost();
    actions.push(action::CloseUpstream{});
    end({CloseSide::upstream, CloseReason::protocol_violation, CloseCode::internal_error,
         "upstream protocol violation"});
}

void Session::State::on(const input::UpstreamLost&, TimePoint) {
    upstream.websocket_lost();
    if (closing) return end({*closing, CloseReason::goodbye, CloseCode::normal, {}});
    end({CloseSide::upstream, CloseReason::connection_lost, CloseCode::internal_error, "upstream lost"});
}

void Session::State::on(const input::UpstreamPollingOpened&, TimePoint) {}

void Session::State::on(const input::UpstreamPolled&, TimePoint) {}

void Session::State::on(const input::UpstreamPosted&, TimePoint) {}

void Session::State::on(const input::UpstreamBlocked& input, TimePoint) {
    upstream.blocked(input.pending);
}

void Session::State::on(const input::UpstreamDrained&, TimePoint) {
    upstream.drained();
}

}  // namespace forestay::session
