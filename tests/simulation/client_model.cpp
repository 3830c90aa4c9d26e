#include "tests/simulation/client_model.h"

#include <algorithm>

#include "tests/simulation/shell.h"
#include "tests/simulation/upstream_model.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;
using wire::engineio::PacketType;

ClientModel::ClientModel(World& world, Random random)
    : world_(world), scenario_(world.scenario()), ledger_(world.ledger()), random_(random) {
    namespaces_["/"];
    namespaces_["/chat"];
}

void ClientModel::start() {
    world_.note("client: " + std::string(name(scenario_.kind)));
    open_transport();
}

void ClientModel::rest() {
    fuse_.reset();
    calm_until_ = TimePoint::max();
    if (away_) return come_back_after(1ms);
    transport_->link().reads(true);
}

void ClientModel::check_at_rest() const {
    if (!finished_) transport_->check_at_rest();
    require(!arriving_, "the client waits for attachments that do not come");
    if (scenario_.kind == Kind::plain) return;
    for (const auto& [name, nsp] : namespaces_)
        require(nsp.membership != Membership::joining, "a CONNECT got no reply");
}

void ClientModel::leave() {
    finished_ = true;
    ledger_.allow(CloseReason::away_too_long);
    const bool plain = scenario_.kind == Kind::plain;
    switch (random_.below(5)) {
        case 0:
            world_.note("client: says goodbye");
            ledger_.allow(CloseReason::goodbye);
            return transport_->close();
        case 1:
            world_.note("client: vanishes");
            if (plain) break;
            ledger_.allow(CloseReason::ping_timeout);
            return transport_->vanish();
        case 2:
            world_.note("client: drops its sockets");
            ledger_.allow(transport_->on_websocket() ? CloseReason::connection_lost
                                                     : CloseReason::ping_timeout);
            return transport_->drop();
        case 3:
            if (!world_.current()->attached() || (!plain && !in_some_namespace())) break;
            world_.note("upstream: goes away");
            world_.app_down_until(TimePoint::max());
            return world_.current()->life()->leave();
        default:
            break;
    }
    world_.note("shutdown");
    world_.shut_down();
}

// Without one the session needs no upstream.
bool ClientModel::in_some_namespace() const {
    return std::any_of(namespaces_.begin(), namespaces_.end(),
                       [](const auto& one) { return one.second.membership == Membership::in; });
}

// ---- what it does

void ClientModel::operate_later() {
    world_.schedule().after(random_.pause(0ms, scenario_.client_pace * 2), [this, mine = transport_] {
        if (mine != transport_ || finished_ || !transport_->alive() || world_.at_rest()) return;
        operate();
        operate_later();
    });
}

void ClientModel::operate() {
    if (random_.chance(10)) disturb();
    if (finished_) return;
    if (scenario_.kind == Kind::plain) return send_plain();
    const std::string_view name = random_.chance(75) ? "/" : "/chat";
    Namespace& nsp = namespaces_.find(name)->second;
    switch (nsp.membership) {
        case Membership::in:
            return talk(name, nsp);
        case Membership::out:
            if (name == "/chat" && namespaces_["/"].membership == Membership::in) join(name);
            return;
        case Membership::joining:
            if (!random_.chance(20) || transports_.size() > 1) return;
            ledger_.slip_until(world_.schedule().now() + 60s);  // no fallback before the CONNECT reply
            talk(name, nsp);                                    // no stock client does, but it is allowed
            return;
        case Membership::rejoining:
        case Membership::gone:
            return;
    }
}

std::string ClientModel::padding() {
    const auto limit = scenario_.policy.limits.message_bytes;
    const std::size_t size =
        random_.chance(95) ? random_.below(100) : random_.below(limit < 10'000 ? limit / 2 : 70'000);
    return std::string(size, 'x');
}

void ClientModel::talk(std::string_view name, Namespace& nsp) {
    SioPacket packet;
    packet.nsp = name;
    const auto dice = random_.below(8);
    constexpr std::array<std::string_view, 8> events{"ask",  "ask",  "chat", "chat",
                                                     "line", "note", "msg",  "msg"};
    const Number n = ledger_.client_sends(name, events[dice]);
    const auto tracked = make_request(nsp, dice, n, packet);
    if (random_.chance(20)) packet.attachments = attachments_of(n, 1 + random_.below(3), random_.below(300));
    emit(packet, n, tracked);
    if (tracked) ask_again_later(packet, n, *tracked);
    if (name == "/chat" && nsp.membership == Membership::in && random_.chance(3)) {
        world_.note("client: leaves " + std::string(name));
        transport_->send({PacketType::message, false, "1/chat,", {}});
        nsp = {};
        nsp.membership = Membership::gone;
        left_a_namespace_ = true;
        ledger_.client_left(name);
    }
}

void ClientModel::emit(const SioPacket& packet, Number n, std::optional<RuleIndex> tracked, bool again) {
    world_.note("client: " + header_of(packet).substr(0, 80));
    if (!again && !packet.attachments.empty()) ledger_.is_binary(n);
    // A request counts from its header on, whenever its attachments come.
    const auto read = [this, n, tracked, again, ack = packet.id.value_or(0), mine = transport_] {
        if (!again) ledger_.session_read(n, mine->link().shell()->number());
        if (tracked) ledger_.request_read(n, ack);
    };
    transport_->send({PacketType::message, false, header_of(packet), read});
    for (std::size_t i = 0; i < packet.attachments.size(); ++i) {
        std::function<void()> whole;
        if (i + 1 == packet.attachments.size()) whole = [this, n] { ledger_.session_read_whole(n); };
        transport_->send({PacketType::message, true, packet.attachments[i], std::move(whole)});
    }
    burn();
}

void ClientModel::join(std::string_view name) {
    world_.note("client: joins " + std::string(name));
    Namespace& nsp = namespaces_.find(name)->second;
    nsp.membership = Membership::joining;
    const std::string suffix = connect_payload(nsp);
    transport_->send(
        {PacketType::message, false, (name == "/" ? "0" : "0" + std::string(name) + ",") + suffix, {}});
}

void ClientModel::send_plain() {
    const Number n = ledger_.client_sends();
    world_.note("client: message " + std::to_string(n));
    transport_->send(
        {PacketType::message, random_.chance(30),
         "{\"n\":" + std::to_string(n) + ",\"x\":\"" + padding() + "\"}",
         [this, n, mine = transport_] { ledger_.session_read(n, mine->link().shell()->number()); }});
}

// ---- what goes wrong around it

void ClientModel::disturb() {
    const Troubles& troubles = scenario_.troubles;
    if (random_.chance(20) && transport_->on_websocket()) transport_->send_ping_frame();
    if (troubles.client_oddities) be_odd();
    if (troubles.get_twice) transport_->get_again();
    if (troubles.client_hostile && random_.chance(20)) return misbehave();
    if (troubles.client_blinks && random_.chance(20)) return blink();
    if (troubles.client_crashes && random_.chance(20)) {
        world_.note("client: crashes");
        finished_ = true;
        if (namespaces_["/"].membership == Membership::out) ledger_.allow(CloseReason::limit);  // no CONNECT
        ledger_.allow(CloseReason::protocol_violation);  // attachments that never come
        ledger_.allow(CloseReason::connection_lost);
        ledger_.allow(CloseReason::ping_timeout);  // of a polling client, or one that was not there yet
        ledger_.allow(CloseReason::away_too_long);
        return transport_->drop();
    }
    const TimePoint now = world_.schedule().now();
    ClientLink& link = transport_->link();
    if (now < calm_until_ || link.socket() == nullptr || !link.socket()->open) return;
    auto duration = random_.pause(10ms, 1'500ms);
    if (troubles.freeze && random_.chance(50)) {
        world_.note("network: the client's bytes stop");
        auto& pipe = random_.chance(50) ? link.socket()->to_session : link.socket()->to_peer;
        pipe->freeze(random_.below(60), duration);
    } else if (troubles.client_too_slow && transport_->on_websocket()) {
        world_.note("client: stops reading for ever");
        if (namespaces_["/"].membership == Membership::out) ledger_.allow(CloseReason::limit);  // no CONNECT
        ledger_.allow(CloseReason::slow_client);
        ledger_.allow(CloseReason::away_too_long);
        ledger_.allow(CloseReason::ping_timeout);  // it does not see our pings either
        ledger_.slip_until(TimePoint::max());      // a binary answer may be under way
        finished_ = true;
        link.reads(false);
    } else if (troubles.client_blocks && transport_->on_websocket()) {
        world_.note("client: does not read for a while");
        if (namespaces_["/"].membership == Membership::out) ledger_.allow(CloseReason::limit);  // no CONNECT
        const auto longest =
            std::min(scenario_.policy.limits.slow_client_timeout, scenario_.policy.ping_timeout);
        duration = random_.pause(10ms, longest - 2'500ms);
        ledger_.slip_until(now + duration + 4s);  // a binary answer may be under way
        link.reads(false);
        world_.schedule().after(duration, [&link] { link.reads(true); });
    } else {
        return;
    }
    calm_until_ = now + duration + scenario_.policy.ping_timeout + scenario_.policy.ping_interval;
}

// Forbidden, and harmless when it is dropped.
void ClientModel::be_odd() {
    if (scenario_.kind == Kind::plain || is_v3(scenario_.kind)) return;
    if (namespaces_["/"].membership != Membership::in) return;
    world_.note("client: does something odd");
    switch (random_.below(4)) {
        case 0:
            return transport_->send({PacketType::pong, false, "", {}});
        case 1:
            return transport_->send({PacketType::message, false, "3999999[]", {}});
        case 2:
            return transport_->send({PacketType::message, false, "0", {}});
        default:
            return transport_->send({PacketType::noop, false, "", {}});
    }
}

void ClientModel::misbehave() {
    ledger_.allow(CloseReason::protocol_violation);
    ledger_.allow(CloseReason::limit);
    finished_ = true;
    if (transport_->on_websocket() && random_.chance(50)) {
        world_.note("client: sends a bad frame");
        constexpr std::array<std::string_view, 4> frames{"\x81\x02hi", "\xc1\x80zzzz", "\x83\x80zzzz",
                                                         "\x80\x81zzzzx"};
        return transport_->send_raw(frames[random_.below(frames.size())]);
    }
    if (scenario_.kind == Kind::plain) return;
    world_.note("client: sends a bad packet");
    if (random_.chance(20)) {  // text where an attachment must come
        const Number n = ledger_.client_sends();
        transport_->send({PacketType::message,
                          false,
                          R"(51-["x",{"_placeholder":true,"num":0},{"n":)" + std::to_string(n) + "}]",
                          {}});
        return transport_->send({PacketType::message, false, R"(2["between"])", {}});
    }
    constexpr std::array<std::string_view, 6> packets{R"(2["disconnect"])", R"(2"x")", R"(50-["x"])",
                                                      R"(2["x")",           R"(4{})",  R"(2/nowhere,["x"])"};
    transport_->send({PacketType::message, false, std::string(packets[random_.below(packets.size())]), {}});
}

}  // namespace forestay::simulation
