// What comes from the client's side.
#include <algorithm>
#include <utility>

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

constexpr std::string_view bad_request = R"({"code":3,"message":"Bad request"})";
constexpr std::string_view too_many_messages = R"({"error":"too many requests","reason":"message_rate"})";
constexpr std::string_view upstream_slow = R"({"error":"service unavailable","reason":"upstream_slow"})";
// One line about one client, however often it is slowed down.
constexpr std::chrono::minutes pace_report_interval{1};
// A large message must not keep its buffer for ever.
constexpr std::size_t unmasked_kept = 64 << 10;
constexpr Ending goodbye{CloseSide::client, CloseReason::goodbye, CloseCode::normal, {}};

// Of a close frame's code: what we answer with. Its own, or 1000 when it had none.
std::uint16_t answer_to(const wire::websocket::CloseReason& close) {
    return close.code.value_or(1000);
}

}  // namespace

void Session::State::on(const input::PollOpened& input, TimePoint now) {
    if (client.state() == ClientState::websocket || client.state() == ClientState::away) {
        actions.push(action::AnswerExchange{input.exchange, 400, bad_request});
        return;
    }
    if (!opened) open_client(false, now);
    client.poll_opened(input.exchange, now);
}

void Session::State::on(const input::PostReceived& input, TimePoint now) {
    if (client.state() != ClientState::polling && client.state() != ClientState::probing) {
        actions.push(action::AnswerExchange{input.exchange, 400, bad_request});
        return;
    }
    // Whoever waits for the answer to its last POST does not come to this.
    if (too_fast(now)) {
        slow_down(now);
        const auto wait = std::chrono::ceil<std::chrono::seconds>(pace_due - now);
        actions.push(action::AnswerExchange{input.exchange, 429, too_many_messages,
                                            static_cast<unsigned>(wait.count())});
        return;
    }
    // Nor who keeps to what a client does: one POST at a time. The others would be held without a bound, one
    // message each.
    if (client.holds_post()) {
        actions.push(action::AnswerExchange{input.exchange, 503, upstream_slow, 1});
        return;
    }
    post = input.exchange;
    const auto payload = wire::engineio::parse_payload(revision, input.body, {policy.limits.payload_packets});
    if (!payload) {
        return end(
            {CloseSide::client, CloseReason::protocol_violation, CloseCode::policy_violation, "bad payload"});
    }
    for (const Packet& packet : payload->packets) {
        client_packet(packet, {}, now);
        if (over) return;  // end() answered the POST
        if (client.state() == ClientState::away) break;
    }
    if (too_fast(now) && client.state() != ClientState::away) slow_down(now);
    const bool hold = upstream.waiting_bytes() > policy.limits.held_bytes / 2 || pace_due != never;
    client.answer_post(std::exchange(post, 0), hold && client.state() != ClientState::away);
}

void Session::State::on(const input::ExchangeWritten& input, TimePoint) {
    client.exchange_written(input.exchange);
}

void Session::State::on(const input::ExchangeLost& input, TimePoint) {
    client.exchange_lost(input.exchange);
}

void Session::State::on(const input::ClientUpgraded&, TimePoint now) {
    if (client.websocket_open()) return;
    if (setup.dialect == Dialect::json) return json_open(now);
    const bool first = client.state() == ClientState::away;
    client.websocket_opened(now);
    if (first) open_client(true, now);
}

void Session::State::open_client(bool websocket, TimePoint now) {
    opened = true;
    wire::engineio::Open open;
    open.sid = setup.sid;
    open.upgrade_to_websocket = !websocket;
    open.ping_interval = policy.ping_interval;
    open.ping_timeout = policy.ping_timeout;
    open.max_payload = revision == Revision::v4 ? policy.limits.message_bytes : 0;
    static_cast<void>(client.send(PacketType::open, wire::engineio::write_open(open)));
    client.start_heartbeat(now);
    // EIO4 waits for a CONNECT, so that scanners cost the upstream nothing; EIO3 has none for "/", nor a
    // payload that could bring a credential.
    if (revision == Revision::v4) return;
    if (setup.credential_in_connect)
        end_if(conversation->handshake_refused("unauthorized", now));
    else
        upstream.connect(now);
}

void Session::State::on(const input::ClientBytes& input, TimePoint now) {
    if (!client.websocket_open()) return;
    client.reading().start(input.bytes, actions);
    for (;;) {
        if (too_fast(now) && !client.reading().all_read() && client.state() != ClientState::probing) {
            slow_down(now);
            break;
        }
        auto message = client.reading().next(workspace.unmasked);
        if (!message) {
            const auto why = static_cast<wire::errc>(message.error().value());
            const std::optional<Limit> limit = limit_of(why);
            const std::string text = message.error().message();
            fail_client_websocket(
                {CloseSide::client, limit ? CloseReason::limit : CloseReason::protocol_violation,
                 wire::websocket::close_code_for(why), text, limit},
                now);
            break;
        }
        if (!*message) break;
        client_message(**message, now);
        if (over || !client.websocket_open() || finding) break;
    }
    if (client.websocket_open()) client.reading().finish(now);
    if (workspace.unmasked.capacity() > unmasked_kept) std::string().swap(workspace.unmasked);
}

void Session::State::count_pace(TimePoint now) {
    if (policy.limits.message_rate.bounded()) pace.spend(policy.limits.message_rate, now);
}

bool Session::State::too_fast(TimePoint now) const {
    return policy.limits.message_rate.bounded() && pace.next(policy.limits.message_rate) > now;
}

void Session::State::slow_down(TimePoint now) {
    pace_due = pace.next(policy.limits.message_rate);
    stats.count(Limit::message_rate);
    if (pace_report_due > now) return;
    pace_report_due = now + pace_report_interval;
    actions.report(stats, ReportKind::rate_limited);
}

void Session::State::client_message(const wire::websocket::Message& message, TimePoint now) {
    if (!conversation && !is_control(message.opcode)) count_pace(now);
    if (json && workspace.learner != nullptr && message.opcode == Opcode::text)
        watch(rules::Learner::From::client, message.payload, now);
    if (json) return json_client_message(message, now);
    if (setup.dialect == Dialect::plain) return plain_client_message(message, now);
    switch (message.opcode) {
        case Opcode::ping:
        case Opcode::pong:
            if (!client.control_frame_allowed(now)) {
                return fail_client_websocket(too_many_control_frames, now);
            }
            if (message.opcode == Opcode::ping) client.write_frame(Opcode::pong, message.payload);
            return;
        case Opcode::close: {
            const auto close = wire::websocket::parse_close(message.payload);
            if (!close) {
                return fail_client_websocket({CloseSide::client, CloseReason::protocol_violation,
                                              CloseCode::protocol_error, "bad close"},
                                             now);
            }
            if (client.state() == ClientState::probing) return drop_probe(CloseCode::normal, {}, now);
            client.write_close(answer_to(*close), {});
            client.websocket_lost(now);
            actions.push(action::CloseClient{});
            return client_left(goodbye, now);
        }
        case Opcode::text:
        case Opcode::binary:
        case Opcode::continuation:
            break;
    }
    if (client.state() == ClientState::probing) return client_probe(message, now);
    const auto packet = message.opcode == Opcode::text
                            ? wire::engineio::parse_text_packet(message.payload)
                            : wire::engineio::parse_binary_packet(revision, message.payload);
    if (!packet) {
        const std::string text = packet.error().message();
        return fail_client_websocket(
            {CloseSide::client, CloseReason::protocol_violation, CloseCode::policy_violation, text}, now);
    }
    client_packet(*packet, message.raw, now);
}

void Session::State::client_probe(const wire::websocket::Message& message, TimePoint now) {
    if (message.opcode == Opcode::text && message.payload == "2probe" && !probed) {
        probed = true;
        client.write_frame(Opcode::text, "3probe");
        client.hurry_poll(now);  // the client waits for its GET to end before it says "5"
    } else if (message.opcode == Opcode::text && message.payload == "5" && probed) {
        client.upgraded();
    } else {
        drop_probe(CloseCode::policy_violation, "not a probe", now);
    }
}

void Session::State::client_packet(const Packet& packet, std::string_view raw, TimePoint now) {
    client.heard(now);
    switch (packet.type) {
        case PacketType::message:
            if (workspace.learner != nullptr && !packet.binary)
                watch(rules::Learner::From::client, packet.data, now);
            ++stats.from_client.messages;
            stats.from_client.bytes += packet.data.size() + (packet.binary ? 0 : 1);
            if (!packet.binary) count_pace(now);
            return end_if(packet.binary ? conversation->client_attachment(packet.data, raw, now)
                                        : conversation->client_packet(packet.data, raw, now));
        case PacketType::pong:
            if (revision == Revision::v4 && packet.data.empty()) {
                if (!client.pong_received()) unsolicited_pong();
                if (conversation->record().on()) conversation->record().confirmed();
                return;
            }
            break;
        case PacketType::ping:
            if (revision == Revision::v3) {
                if (client.send(PacketType::pong, packet.data)) return;
                stats.count(Drop::outbox_overflow);  // it pings by POST, and fetches no answer
                return end(outbox_overflow);
            }
            break;
        case PacketType::noop:
            return;
        case PacketType::close:
            return client_left(goodbye, now);
        case PacketType::open:
        case PacketType::upgrade:
            break;
    }
    end({CloseSide::client, CloseReason::protocol_violation, CloseCode::policy_violation,
         "unexpected packet"});
}

// python-engineio starts a thread for each that it gets.
void Session::State::unsolicited_pong() {
    if (policy.shields.pong_flood) {
        stats.count(Drop::unsolicited_pong);
        actions.shield(stats, Shield::pong_flood);
    } else if (upstream.attached()) {
        upstream.send_pong({});
    }
}

void Session::State::fail_client_websocket(const Ending& ending, TimePoint now) {
    if (client.state() != ClientState::probing) return end(ending);
    note_limit(ending);
    drop_probe(ending.code, ending.text, now);
}

void Session::State::drop_probe(CloseCode code, std::string_view text, TimePoint now) {
    client.write_close(static_cast<std::uint16_t>(code), text);
    client.websocket_lost(now);
    probed = false;
    actions.push(action::CloseClient{});
}

void Session::State::on(const input::ClientLost& input, TimePoint now) {
    if (json) return json_client_lost(now);
    const bool probe = client.state() == ClientState::probing && !input.replaced;
    client.websocket_lost(now);
    probed = false;
    if (closing) return end({*closing, CloseReason::goodbye, CloseCode::normal, {}});
    if (!probe) {
        lose_client({CloseSide::client, CloseReason::connection_lost, CloseCode::going_away, {}},
                    policy.resume_client.hold, input.replaced, now);
    }
}

// The upstream is not read from here on, but what the client itself provokes comes on top. One message, and
// all that it has missed, may have been in one write.
void Session::State::on(const input::ClientBlocked& input, TimePoint now) {
    client.blocked(input.pending, now);
    const bool records = policy.resume_client.envelope || policy.resume_client.recovery != Recovery::off;
    const std::size_t most = policy.limits.outbox_bytes + policy.limits.message_bytes +
                             (records ? policy.resume_client.max_bytes : 0);
    if (input.pending > most) lose_client(outbox_overflow, policy.resume_client.hold, false, now);
}

void Session::State::on(const input::ClientDrained&, TimePoint) {
    client.drained();
}

void Session::State::on(const input::SessionNotFound&, TimePoint now) {
    if (conversation) return end_if(conversation->session_not_found(now));
    if (!std::exchange(finding, false)) return;
    if (json) json_not_found(now);
}

void Session::State::on(const input::Superseded&, TimePoint) {
    end({CloseSide::client, CloseReason::superseded, CloseCode::going_away, {}});
}

void Session::State::on(const input::CredentialAccepted& input, TimePoint now) {
    set_expiry(std::min(expires, input.expires));
    if (!input.subject.empty()) setup.who = input.subject;
    if (conversation) conversation->credential_accepted(now);
}

void Session::State::on(const input::CredentialRefused& input, TimePoint now) {
    if (conversation) end_if(conversation->credential_refused(input.code, now));
}

}  // namespace forestay::session
