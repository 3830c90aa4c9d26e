// Websockets without Engine.IO: frames go through as they came; close frames are passed on, and awaited on
// both sides.
#include "proxy/session/session_state.h"
#include "proxy/wire/websocket/close.h"

namespace forestay::session {

using wire::websocket::CloseCode;
using wire::websocket::Message;
using wire::websocket::Opcode;

void Session::State::plain_client_message(const Message& message, TimePoint now) {
    if (closing == CloseSide::client) return;  // nothing counts behind a close frame
    if (message.opcode == Opcode::close) return plain_close(CloseSide::client, message, now);
    if (is_control(message.opcode) && !client.control_frame_allowed(now)) {
        return end(too_many_control_frames);
    }
    plain_to_upstream(message);
}

void Session::State::count_message(Traffic& from, Traffic& to, const Message& message) {
    if (is_control(message.opcode)) return;
    for (Traffic* traffic : {&from, &to}) {
        ++traffic->messages;
        traffic->bytes += message.payload.size();
    }
}

void Session::State::plain_to_upstream(const Message& message) {
    count_message(stats.from_client, stats.to_upstream, message);
    if (message.raw.empty())
        upstream.write_frame(message.opcode, message.payload);
    else
        actions.send_upstream(message.raw);
}

void Session::State::plain_upstream_message(const Message& message, TimePoint now) {
    if (closing == CloseSide::upstream) return;
    if (message.opcode == Opcode::close) return plain_close(CloseSide::upstream, message, now);
    plain_to_client(message);
}

void Session::State::plain_to_client(const Message& message) {
    count_message(stats.from_upstream, stats.to_client, message);
    if (message.raw.empty())
        client.write_frame(message.opcode, message.payload);
    else
        actions.send_client(message.raw);
}

void Session::State::plain_close(CloseSide from, const Message& message, TimePoint now) {
    const auto close = wire::websocket::parse_close(message.payload);
    if (!close) {
        if (from == CloseSide::upstream) return fail_upstream(CloseCode::protocol_error, "bad close");
        return end({from, CloseReason::protocol_violation, CloseCode::protocol_error, "bad close"});
    }
    const bool both = closing.has_value();
    if (!both) {
        closing = from;
        close_due = now + policy.limits.close_timeout;
    }
    // A frame without a code is passed on without one: 1005 never goes on the wire.
    const auto pass_on = [&](auto& leg) {
        if (close->code)
            leg.write_close(*close->code, close->reason);
        else
            leg.write_frame(Opcode::close, {});
    };
    if (from == CloseSide::client)
        pass_on(upstream);
    else
        pass_on(client);
    if (!both) return;
    const CloseSide first = *closing;
    client.websocket_lost(now);
    upstream.gone();
    actions.push(action::CloseClient{});
    actions.push(action::CloseUpstream{});
    end({first, CloseReason::goodbye, CloseCode::normal, {}});
}

}  // namespace forestay::session
