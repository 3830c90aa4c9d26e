#include "proxy/session/upstream_leg.h"

#include <algorithm>
#include <utility>

#include "proxy/wire/websocket/close.h"

namespace forestay::session {

using wire::engineio::PacketType;
using wire::engineio::Revision;
using wire::websocket::Opcode;

namespace {

// Backoff with full jitter: somewhere between at once and twice as late as the last time.
constexpr Duration first_backoff{100};
constexpr Duration longest_backoff{5000};

// python-engineio refuses more, and discards the whole body without a word.
constexpr std::size_t packets_per_post = 16;
constexpr std::size_t usual_max_payload = 1'000'000;

}  // namespace

UpstreamLeg::UpstreamLeg(const Policy& policy, Stats& stats, ActionList& actions, Revision revision,
                         std::uint64_t seed)
    : policy_(policy), stats_(stats), actions_(actions), revision_(revision), random_state_(seed) {
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

void UpstreamLeg::connect(TimePoint now) {
    if (state_ != UpstreamState::idle) return;
    lost_since_ = now;
    hold_due_ = now + std::max(policy_.resume_upstream.hold, policy_.upstream_open_timeout);
    attempt();
}

void UpstreamLeg::attempt() {
    retry_due_ = never;
    set_state(state_ == UpstreamState::idle ? UpstreamState::connecting : UpstreamState::reattaching);
    actions_.push(action::ConnectUpstream{});
}

void UpstreamLeg::open_reading() {
    reading_.emplace(wire::websocket::Sender::server,
                     wire::websocket::MessageLimits{policy_.limits.message_bytes, policy_.limits.fragments});
}

void UpstreamLeg::websocket_opened(TimePoint now) {
    open_reading();
    open_due_ = now + policy_.upstream_open_timeout;
    heard_ = now;
}

void UpstreamLeg::polling_opened(TimePoint now) {
    polling_ = true;
    open_due_ = now + policy_.upstream_open_timeout;
    heard_ = now;
}

void UpstreamLeg::attach(const wire::engineio::Open& open, TimePoint now) {
    open_due_ = never;
    attempts_ = 0;
    sid_ = open.sid;
    max_payload_ = open.max_payload > 0 ? open.max_payload : usual_max_payload;
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
    ping_heard(now);
}

void UpstreamLeg::attach_plain(TimePoint now) {
    websocket_opened(now);
    open_due_ = never;
    set_state(UpstreamState::attached);
}

void UpstreamLeg::forget_connection() {
    reading_.reset();
    polling_ = poll_out_ = post_out_ = false;
    static_cast<void>(posts_.take_all());
    pending_ = 0;
    paused_ = ping_wanted_asked_ = false;
    silence_ = Duration{0};
    paused_since_ = open_due_ = ping_due_ = ping_wanted_ = deserted_due_ = retry_due_ = never;
}

void UpstreamLeg::gone() {
    forget_connection();
    set_state(UpstreamState::lost);
}

void UpstreamLeg::rest() {
    gone();
    set_state(UpstreamState::idle);
    lost_since_ = hold_due_ = never;
    attempts_ = 0;
}

void UpstreamLeg::lost(TimePoint now) {
    gone();
    if (lost_since_ == never) {
        lost_since_ = now;
        // A thousand sessions that give up in the same moment would come back in the same moment.
        const auto hold = policy_.resume_upstream.hold.count();
        hold_due_ = now + Duration{hold + static_cast<Duration::rep>(next_random() % 1024) * hold / 8192};
    }
    const Duration most = std::min(first_backoff * (1U << std::min(attempts_, 10U)), longest_backoff);
    ++attempts_;
    retry_due_ =
        now +
        Duration{1 + static_cast<Duration::rep>(next_random() % static_cast<std::uint64_t>(most.count()))};
}

Duration UpstreamLeg::returned(TimePoint now) {
    hold_due_ = never;
    return std::chrono::duration_cast<Duration>(now - std::exchange(lost_since_, never));
}

void UpstreamLeg::send(std::string_view data, std::string_view raw) {
    ++stats_.to_upstream.messages;
    stats_.to_upstream.bytes += data.size() + 1;
    if (polling_) return posts_.push({PacketType::message, false, std::string(data)});
    if (!raw.empty()) return actions_.send_upstream(raw);
    std::string& text = actions_.made();
    text += static_cast<char>(PacketType::message);
    text += data;
    write_frame(Opcode::text, text);
}

void UpstreamLeg::send_binary(std::string_view data, std::string_view raw) {
    ++stats_.to_upstream.messages;
    stats_.to_upstream.bytes += data.size();
    if (polling_) return posts_.push({PacketType::message, true, std::string(data)});
    if (!raw.empty()) return actions_.send_upstream(raw);
    if (revision_ == Revision::v4) return write_frame(Opcode::binary, data);
    std::string& typed = actions_.made();
    typed += '\x04';
    typed += data;
    write_frame(Opcode::binary, typed);
}

void UpstreamLeg::send_pong(std::string_view data) {
    if (polling_) return posts_.push_first({PacketType::pong, false, std::string(data)});
    std::string& pong = actions_.made();
    pong += static_cast<char>(PacketType::pong);
    pong += data;
    write_frame(Opcode::text, pong);
}

void UpstreamLeg::exchange() {
    if (!polling_ || !attached()) return;
    if (!poll_out_ && !paused_) {
        poll_out_ = true;
        actions_.push(action::PollUpstream{sid_});
    }
    if (post_out_ || posts_.empty()) return;
    post_out_ = true;
    post();
    if (posts_.empty()) proof_.pinged();  // what still waits is proved by no answer to this one
}

void UpstreamLeg::post() {
    std::string& body = actions_.made();
    for (const Outgoing& packet : posts_.take_up_to(packets_per_post, max_payload_)) {
        wire::engineio::append_to_payload(body, revision_, {packet.type, packet.binary, packet.data});
    }
    actions_.push(action::PostUpstream{sid_, body});
}

void UpstreamLeg::posted(TimePoint now) {
    post_out_ = false;
    proof_.ponged(now);
}

void UpstreamLeg::write_frame(Opcode opcode, std::string_view payload) {
    if (!reading_) return;
    std::string& frame = actions_.made();
    wire::websocket::write_frame(frame, opcode, payload, next_mask());
    actions_.send_upstream(frame);
}

void UpstreamLeg::write_close(std::uint16_t code, std::string_view reason) {
    if (polling_ && attached()) {
        // Behind all that waits: the client has said it before it went.
        posts_.push({PacketType::close, false, {}});
        while (!posts_.empty()) post();
    }
    if (!reading_) return;
    std::string& frame = actions_.made();
    wire::websocket::write_close(frame, code, reason, next_mask());
    actions_.send_upstream(frame);
}

std::uint64_t UpstreamLeg::next_random() noexcept {
    // splitmix64: the seed is unguessable, which is all that masks (RFC 6455 section 5.3) and jitter need.
    random_state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = random_state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
}

wire::websocket::MaskKey UpstreamLeg::next_mask() noexcept {
    const std::uint64_t z = next_random();
    return {static_cast<std::uint8_t>(z), static_cast<std::uint8_t>(z >> 8U),
            static_cast<std::uint8_t>(z >> 16U), static_cast<std::uint8_t>(z >> 24U)};
}

void UpstreamLeg::heard(TimePoint now) {
    heard_ = now;
    if (state_ == UpstreamState::stalled) set_state(UpstreamState::attached);
}

void UpstreamLeg::ping_heard(TimePoint now) {
    deserted_due_ = never;
    ping_wanted_asked_ = false;
    ping_wanted_ = revision_ == Revision::v4 && !polling_ ? now + silence_ : never;
}

void UpstreamLeg::pong_heard(TimePoint now) {
    proof_.ponged(now);
    // It read our ping after its own was overdue. An app that was blocked says its own soon; one that has
    // dropped the session without closing the connection never does.
    if (ping_wanted_ != never && ping_wanted_ <= now && deserted_due_ == never)
        deserted_due_ = now + silence_;
}

std::chrono::nanoseconds UpstreamLeg::set_paused(bool paused, TimePoint now) {
    paused_ = paused;
    if (paused) {
        paused_since_ = now;
        return {};
    }
    const auto pause = now - std::exchange(paused_since_, never);
    heard_ = now;
    ping_heard(now);
    if (open_due_ != never) open_due_ += pause;
    if (hold_due_ != never) hold_due_ += pause;  // what ends the outage may wait to be read
    return pause;
}

UpstreamLeg::Overdue UpstreamLeg::tick(TimePoint now) {
    if (hold_due_ <= now && !paused_) return Overdue::unreachable;
    if (open_due_ <= now && !paused_) return Overdue::open;
    if (retry_due_ <= now) attempt();
    if (ping_due_ <= now) {
        ping_due_ = now + ping_interval_;
        if (polling_)
            posts_.push_first({PacketType::ping, false, {}});
        else
            write_frame(Opcode::text, "2");
    }
    if (!attached() || paused_ || silence_ == Duration{0}) return Overdue::none;
    if (deserted_due_ <= now) return Overdue::deserted;
    if (heard_ + policy_.upstream_stall <= now) return Overdue::stalled;
    if (state_ == UpstreamState::attached && heard_ + silence_ <= now) set_state(UpstreamState::stalled);
    if (reading_ && std::min(proof_.ping_due(), ping_wanted_asked_ ? never : ping_wanted_) <= now) {
        ping_wanted_asked_ = ping_wanted_ <= now;
        proof_.pinged();
        write_frame(Opcode::ping, {});
    }
    return Overdue::none;
}

TimePoint UpstreamLeg::next_deadline() const {
    TimePoint next = std::min(ping_due_, retry_due_);
    if (paused_) return next;
    next = std::min({next, hold_due_, open_due_});
    if (!attached() || silence_ == Duration{0}) return next;
    const bool stalled = state_ == UpstreamState::stalled;
    next =
        std::min({next, deserted_due_,
                  heard_ + (stalled ? policy_.upstream_stall : std::min(silence_, policy_.upstream_stall))});
    if (reading_) next = std::min({next, proof_.ping_due(), ping_wanted_asked_ ? never : ping_wanted_});
    return next;
}

}  // namespace forestay::session
