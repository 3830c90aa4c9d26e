#include "proxy/session/upstream_leg.h"

#include <algorithm>
#include <utility>

#include "proxy/wire/websocket/close.h"

namespace forestay::session {

using wire::engineio::Revision;
using wire::websocket::Opcode;

UpstreamLeg::UpstreamLeg(const Policy& policy, Stats& stats, ActionList& actions, Revision revision,
                         std::uint64_t seed)
    : policy_(policy), stats_(stats), actions_(actions), revision_(revision), mask_state_(seed) {
    ++stats_.upstream_legs[static_cast<std::size_t>(state_)];
}

UpstreamLeg::~UpstreamLeg() {
    --stats_.upstream_legs[static_cast<std::size_t>(state_)];
}

void UpstreamLeg::set_state(UpstreamState state) {
    --stats_.upstream_legs[static_cast<std::size_t>(state_)];
    state_ = state;
    ++stats_.upstream_legs[static_cast<std::size_t>(state_)];
}

void UpstreamLeg::connect() {
    if (state_ != UpstreamState::idle) return;
    set_state(UpstreamState::connecting);
    actions_.push(action::ConnectUpstream{});
}

void UpstreamLeg::websocket_opened(TimePoint now) {
    reading_.emplace(wire::websocket::Sender::server,
                     wire::websocket::MessageLimits{policy_.limits.message_bytes, policy_.limits.fragments});
    open_due_ = now + policy_.upstream_open_timeout;
    heard_ = now;
}

void UpstreamLeg::attach(const wire::engineio::Open& open, TimePoint now) {
    open_due_ = never;
    // python announces its interval truncated to whole seconds (2.5 s as 2 s, 0.5 s as 0): a quarter more,
    // and never less than a second.
    const Duration announced = open.ping_interval + open.ping_timeout;
    silence_ = std::max(announced + announced / 4, Duration{1000});
    if (revision_ == Revision::v3) {
        ping_interval_ = std::max(open.ping_interval, Duration{1000});
        ping_due_ = now + ping_interval_;
    }
    set_state(UpstreamState::attached);
    heard(now);
    for (const Outgoing& packet : held_.take_all()) {
        static_cast<void>(packet.binary ? send_binary(packet.data) : send(packet.data));
    }
}

void UpstreamLeg::attach_plain(TimePoint now) {
    websocket_opened(now);
    open_due_ = never;
    set_state(UpstreamState::attached);
}

bool UpstreamLeg::hold(bool binary, std::string_view data) {
    held_.push({wire::engineio::PacketType::message, binary, std::string(data)});
    return held_.bytes() <= policy_.limits.held_bytes + policy_.limits.message_bytes;
}

bool UpstreamLeg::send(std::string_view data, std::string_view raw) {
    if (!attached()) return hold(false, data);
    ++stats_.to_upstream.messages;
    stats_.to_upstream.bytes += data.size() + 1;
    if (!raw.empty()) {
        actions_.send_upstream(raw);
        return true;
    }
    std::string& text = actions_.made();
    text += static_cast<char>(wire::engineio::PacketType::message);
    text += data;
    write_frame(Opcode::text, text);
    return true;
}

bool UpstreamLeg::send_binary(std::string_view data, std::string_view raw) {
    if (!attached()) return hold(true, data);
    ++stats_.to_upstream.messages;
    stats_.to_upstream.bytes += data.size();
    if (!raw.empty()) {
        actions_.send_upstream(raw);
        return true;
    }
    if (revision_ == Revision::v4) {
        write_frame(Opcode::binary, data);
        return true;
    }
    std::string& typed = actions_.made();
    typed += '\x04';
    typed += data;
    write_frame(Opcode::binary, typed);
    return true;
}

void UpstreamLeg::write_frame(Opcode opcode, std::string_view payload) {
    if (!reading_) return;
    std::string& frame = actions_.made();
    wire::websocket::write_frame(frame, opcode, payload, next_mask());
    actions_.send_upstream(frame);
}

void UpstreamLeg::write_close(std::uint16_t code, std::string_view reason) {
    if (!reading_) return;
    std::string& frame = actions_.made();
    wire::websocket::write_close(frame, code, reason, next_mask());
    actions_.send_upstream(frame);
}

wire::websocket::MaskKey UpstreamLeg::next_mask() noexcept {
    // splitmix64: the seed is unguessable, and this is all that RFC 6455 section 5.3 asks masks to be for.
    mask_state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = mask_state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    z ^= z >> 31U;
    return {static_cast<std::uint8_t>(z), static_cast<std::uint8_t>(z >> 8U),
            static_cast<std::uint8_t>(z >> 16U), static_cast<std::uint8_t>(z >> 24U)};
}

void UpstreamLeg::heard(TimePoint now) {
    heard_ = now;
    if (state_ == UpstreamState::stalled) set_state(UpstreamState::attached);
}

std::chrono::nanoseconds UpstreamLeg::set_paused(bool paused, TimePoint now) {
    paused_ = paused;
    if (paused) {
        paused_since_ = now;
        return {};
    }
    const auto pause = now - std::exchange(paused_since_, never);
    heard_ = now;
    if (open_due_ != never) open_due_ += pause;
    return pause;
}

UpstreamLeg::Overdue UpstreamLeg::tick(TimePoint now) {
    if (open_due_ <= now && !paused_) return Overdue::open;
    if (ping_due_ <= now) {
        ping_due_ = now + ping_interval_;
        write_frame(Opcode::text, "2");
    }
    if (!attached() || paused_ || silence_ == Duration{0}) return Overdue::none;
    if (heard_ + policy_.upstream_stall <= now) return Overdue::stalled;
    if (state_ == UpstreamState::attached && heard_ + silence_ <= now) set_state(UpstreamState::stalled);
    return Overdue::none;
}

TimePoint UpstreamLeg::next_deadline() const {
    TimePoint next = paused_ ? ping_due_ : std::min(open_due_, ping_due_);
    if (attached() && !paused_ && silence_ != Duration{0}) {
        const bool stalled = state_ == UpstreamState::stalled;
        next = std::min(
            next, heard_ + (stalled ? policy_.upstream_stall : std::min(silence_, policy_.upstream_stall)));
    }
    return next;
}

}  // namespace forestay::session
