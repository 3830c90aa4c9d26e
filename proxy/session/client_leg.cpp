#include "proxy/session/client_leg.h"

#include <algorithm>

#include "proxy/wire/websocket/close.h"

#include "proxy/wire/websocket/frame.h"

namespace forestay::session {

using wire::engineio::PacketType;
using wire::engineio::Revision;
using wire::websocket::Opcode;

namespace {

// The polling body that ends a GET without data. Never an empty one: stock clients take it for an error.
std::string_view noop_body(Revision revision) {
    return revision == Revision::v3 ? "1:6" : "6";
}

std::uint64_t messages(const std::vector<Outgoing>& packets) {
    return static_cast<std::uint64_t>(std::count_if(
        packets.begin(), packets.end(), [](const Outgoing& one) { return one.type == PacketType::message; }));
}

}  // namespace

ClientLeg::ClientLeg(const Policy& policy, Stats& stats, ActionList& actions, Revision revision)
    : policy_(policy), stats_(stats), actions_(actions), revision_(revision) {
    ++stats_.client_legs[static_cast<std::size_t>(state_)];
}

ClientLeg::~ClientLeg() {
    --stats_.client_legs[static_cast<std::size_t>(state_)];
}

void ClientLeg::set_state(ClientState state) {
    --stats_.client_legs[static_cast<std::size_t>(state_)];
    state_ = state;
    ++stats_.client_legs[static_cast<std::size_t>(state_)];
}

bool ClientLeg::send(PacketType type, std::string_view data, std::string_view raw) {
    if (state_ == ClientState::away) return true;
    if (type == PacketType::message) {
        ++stats_.to_client.messages;
        stats_.to_client.bytes += data.size() + 1;
        ++sent_;
    }
    if (state_ == ClientState::websocket) {
        if (raw.empty())
            write_packet(type, data);
        else
            actions_.send_client(raw);
        handed_ = sent_;
        if (type == PacketType::ping) ping_mark_ = handed_;
        return true;
    }
    // A ping that waits behind thousands of messages comes too late for its pong.
    if (type == PacketType::ping)
        outbox_.push_first({type, false, std::string(data)});
    else
        outbox_.push({type, false, std::string(data)});
    return outbox_.bytes() <= policy_.limits.outbox_bytes + policy_.limits.message_bytes;
}

bool ClientLeg::send_binary(std::string_view data, std::string_view raw) {
    if (state_ == ClientState::away) return true;
    ++stats_.to_client.messages;
    stats_.to_client.bytes += data.size();
    ++sent_;
    if (state_ != ClientState::websocket) {
        outbox_.push({PacketType::message, true, std::string(data)});
        return outbox_.bytes() <= policy_.limits.outbox_bytes + policy_.limits.message_bytes;
    }
    if (raw.empty())
        write_binary(data);
    else
        actions_.send_client(raw);
    handed_ = sent_;
    return true;
}

void ClientLeg::write_packet(PacketType type, std::string_view data) {
    std::string& frame = actions_.made();
    std::string& text = actions_.made();
    text += static_cast<char>(type);
    text += data;
    wire::websocket::write_frame(frame, Opcode::text, text, std::nullopt);
    actions_.send_client(frame);
}

void ClientLeg::write_binary(std::string_view data) {
    std::string& frame = actions_.made();
    if (revision_ == Revision::v3) {
        std::string& typed = actions_.made();
        typed += '\x04';
        typed += data;
        wire::websocket::write_frame(frame, Opcode::binary, typed, std::nullopt);
    } else {
        wire::websocket::write_frame(frame, Opcode::binary, data, std::nullopt);
    }
    actions_.send_client(frame);
}

void ClientLeg::write_frame(Opcode opcode, std::string_view payload) {
    if (!reading_) return;
    std::string& frame = actions_.made();
    wire::websocket::write_frame(frame, opcode, payload, std::nullopt);
    actions_.send_client(frame);
}

void ClientLeg::write_close(std::uint16_t code, std::string_view reason) {
    if (!reading_) return;
    std::string& frame = actions_.made();
    wire::websocket::write_close(frame, code, reason, std::nullopt);
    actions_.send_client(frame);
}

void ClientLeg::poll_opened(ExchangeId exchange, TimePoint now) {
    if (poll_ != 0) actions_.push(action::AnswerExchange{poll_, 200, noop_body(revision_)});
    poll_ = exchange;
    // While the client upgrades it waits for its GET to end; a GET that hangs would hang the upgrade (Q22).
    noop_due_ = state_ == ClientState::probing ? now + policy_.limits.noop_delay : never;
}

void ClientLeg::hurry_poll(TimePoint now) {
    if (poll_ != 0) noop_due_ = now + policy_.limits.noop_delay;
}

void ClientLeg::answer_poll(TimePoint now) {
    if (poll_ == 0 || in_flight_exchange_ != 0) return;
    if (outbox_.empty()) {
        if (state_ == ClientState::websocket || noop_due_ <= now) {
            actions_.push(action::AnswerExchange{std::exchange(poll_, 0), 200, noop_body(revision_)});
            noop_due_ = never;
        }
        return;
    }
    answer_poll_with(policy_.limits.answer_packets);
}

void ClientLeg::answer_poll_with(std::size_t most) {
    in_flight_ = outbox_.take_run(most);
    in_flight_exchange_ = poll_;
    noop_due_ = never;
    std::string& body = actions_.made();
    handed_ += messages(in_flight_);
    for (const Outgoing& packet : in_flight_) {
        if (packet.type == PacketType::ping) ping_mark_ = handed_;  // a body arrives as a whole
        wire::engineio::append_to_payload(body, revision_, {packet.type, packet.binary, packet.data});
    }
    actions_.push(action::AnswerExchange{std::exchange(poll_, 0), 200, body});
}

void ClientLeg::close_poll() {
    if (poll_ != 0) {
        static_cast<void>(send(PacketType::close, {}));
        in_flight_exchange_ = 0;  // nothing is restored any more
        answer_poll_with(SIZE_MAX);
    }
    release_posts();
}

void ClientLeg::exchange_written(ExchangeId exchange) {
    if (exchange != in_flight_exchange_) return;
    in_flight_exchange_ = 0;
    in_flight_.clear();
}

void ClientLeg::exchange_lost(ExchangeId exchange) {
    if (exchange == poll_) poll_ = 0;
    // What it brought is still held, so no other is taken; but nobody waits for the answer.
    std::replace(held_posts_.begin(), held_posts_.end(), exchange, no_exchange);
    if (exchange != in_flight_exchange_) return;
    in_flight_exchange_ = 0;
    handed_ -= messages(in_flight_);
    outbox_.restore(std::exchange(in_flight_, {}));
}

void ClientLeg::answer_post(ExchangeId exchange, bool hold) {
    if (hold) {
        held_posts_.push_back(exchange);
    } else {
        actions_.push(action::AnswerExchange{exchange, 200, "ok"});
    }
}

void ClientLeg::release_posts() {
    for (const ExchangeId exchange : held_posts_) {
        if (exchange != no_exchange) actions_.push(action::AnswerExchange{exchange, 200, "ok"});
    }
    held_posts_.clear();
}

void ClientLeg::open_reading() {
    reading_.emplace(wire::websocket::Sender::client,
                     wire::websocket::MessageLimits{policy_.limits.message_bytes, policy_.limits.fragments});
}

void ClientLeg::websocket_opened(TimePoint now) {
    open_reading();
    if (state_ == ClientState::polling) {
        set_state(ClientState::probing);
        probe_due_ = now + policy_.limits.probe_timeout;
    } else {
        set_state(ClientState::websocket);
    }
}

void ClientLeg::websocket_lost(TimePoint) {
    reading_.reset();
    probe_due_ = never;
    noop_due_ = never;
    blocked_since_ = never;
    if (state_ == ClientState::probing) set_state(ClientState::polling);
}

void ClientLeg::upgraded() {
    probe_due_ = never;
    // The client ended its GETs before it said "5": what was in the last answer has arrived.
    in_flight_exchange_ = 0;
    in_flight_.clear();
    set_state(ClientState::websocket);
    if (poll_ != 0) actions_.push(action::AnswerExchange{std::exchange(poll_, 0), 200, noop_body(revision_)});
    write_packets(outbox_.take_all());
}

void ClientLeg::write_packets(const std::vector<Outgoing>& packets) {
    for (const Outgoing& packet : packets) {  // they were counted when they were queued
        if (packet.binary)
            write_binary(packet.data);
        else
            write_packet(packet.type, packet.data);
        if (packet.type == PacketType::message) ++handed_;
        if (packet.type == PacketType::ping) ping_mark_ = handed_;
    }
}

void ClientLeg::lost() {
    if (poll_ != 0) actions_.push(action::AnswerExchange{poll_, 200, "1"});
    release_posts();
    set_state(ClientState::away);
    paused_ = pong_awaited_ = false;
    reading_.reset();
    static_cast<void>(outbox_.take_all());
    poll_ = in_flight_exchange_ = 0;
    in_flight_.clear();
    noop_due_ = ping_due_ = pong_due_ = probe_due_ = blocked_since_ = paused_since_ = never;
}

void ClientLeg::take(ClientLeg& from) {
    set_state(from.state_);
    paused_ = from.paused_;
    pong_awaited_ = from.pong_awaited_;
    reading_ = std::move(from.reading_);
    outbox_ = std::move(from.outbox_);
    poll_ = from.poll_;
    in_flight_exchange_ = from.in_flight_exchange_;
    in_flight_ = std::move(from.in_flight_);
    held_posts_ = std::move(from.held_posts_);
    control_frames_ = from.control_frames_;
    sent_ = from.sent_;
    handed_ = from.handed_;
    ping_mark_ = from.ping_mark_;
    confirmed_ = from.confirmed_;
    noop_due_ = from.noop_due_;
    ping_due_ = from.ping_due_;
    pong_due_ = from.pong_due_;
    probe_due_ = from.probe_due_;
    blocked_since_ = from.blocked_since_;
    paused_since_ = from.paused_since_;
    pending_ = from.pending_;
    from.poll_ = 0;
    from.held_posts_.clear();
    from.lost();
}

void ClientLeg::blocked(std::size_t pending, TimePoint now) {
    pending_ = pending;
    if (blocked_since_ == never) blocked_since_ = now;
}

void ClientLeg::drained() {
    blocked_since_ = never;
}

std::chrono::nanoseconds ClientLeg::set_paused(bool paused, TimePoint now) {
    paused_ = paused;
    if (paused) {
        paused_since_ = now;
        return {};
    }
    const auto pause = now - std::exchange(paused_since_, never);
    if (reading_) reading_->forgive(pause);
    // What it says cannot be heard while we do not read: its time begins again.
    if (pong_due_ != never) {
        pong_due_ =
            now + policy_.ping_timeout + (revision_ == Revision::v3 ? policy_.ping_interval : Duration{0});
    }
    return pause;
}

void ClientLeg::start_heartbeat(TimePoint now) {
    if (revision_ == Revision::v4) {
        ping_due_ = now + policy_.ping_interval;
    } else {
        pong_due_ = now + policy_.ping_interval + policy_.ping_timeout;
    }
}

bool ClientLeg::pong_received() {
    if (!pong_awaited_) return false;
    pong_awaited_ = false;
    pong_due_ = never;
    confirmed_ = ping_mark_;
    return true;
}

void ClientLeg::heard(TimePoint now) {
    if (revision_ == Revision::v3) pong_due_ = now + policy_.ping_interval + policy_.ping_timeout;
}

bool ClientLeg::control_frame_allowed(TimePoint now) {
    return control_frames_.take(policy_.limits.control_frames_per_second, policy_.limits.control_frames_burst,
                                now);
}

ClientLeg::Overdue ClientLeg::tick(TimePoint now) {
    if (ping_due_ <= now) {
        // The next ping is due one interval after this one, whatever the pong does; a late tick does not send
        // two.
        ping_due_ = now + policy_.ping_interval;
        if (!pong_awaited_) {
            pong_awaited_ = true;
            pong_due_ = now + policy_.ping_timeout;
            static_cast<void>(send(PacketType::ping, {}));
        }
    }
    if (pong_due_ <= now && !paused_) return Overdue::pong;
    if (is_blocked() && blocked_since_ + policy_.limits.slow_client_timeout <= now) return Overdue::slow;
    if (reading_ && reading_->partial_since() != never &&
        reading_->partial_since() + policy_.limits.message_timeout <= now && !paused_) {
        return Overdue::message;
    }
    if (probe_due_ <= now) return Overdue::probe;
    return Overdue::none;
}

TimePoint ClientLeg::next_deadline() const {
    TimePoint next = std::min(ping_due_, probe_due_);
    if (!paused_) next = std::min(next, pong_due_);
    if (poll_ != 0 && in_flight_exchange_ == 0) next = std::min(next, noop_due_);
    if (is_blocked()) next = std::min(next, blocked_since_ + policy_.limits.slow_client_timeout);
    if (reading_ && reading_->partial_since() != never && !paused_) {
        next = std::min(next, reading_->partial_since() + policy_.limits.message_timeout);
    }
    return next;
}

}  // namespace forestay::session
