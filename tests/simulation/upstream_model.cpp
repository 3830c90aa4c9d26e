#include "tests/simulation/upstream_model.h"

#include <utility>

#include "proxy/wire/websocket/close.h"
#include "tests/simulation/shell.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;
using wire::engineio::Revision;
using wire::websocket::Opcode;

UpstreamModel::UpstreamModel(World& world, Shell& shell, unsigned life, Random random)
    : world_(world),
      shell_(shell),
      life_(life),
      scenario_(world.scenario()),
      ledger_(world.ledger()),
      random_(random),
      revision_(is_v3(scenario_.kind) ? Revision::v3 : Revision::v4),
      plain_(scenario_.kind == Kind::plain),
      reader_(wire::websocket::Sender::client, {.message_bytes = 4 << 20, .fragments = 4096}),
      sid_("up" + std::to_string(life)),
      ping_interval_(random_.between(1'000, 25'000)) {
    if (scenario_.troubles.upstream_crashes && !world.at_rest() && random_.chance(50))
        fuse_ = random_.below(random_.chance(50) ? 20 : 200);
}

void UpstreamModel::opened(Socket* socket) {
    socket_ = socket;
    polling_ = socket == nullptr;
    last_ping_ = world_.schedule().now();
    operate_later();
    if (plain_) return;
    if (polling_) {
        said_open_ = true;
        if (revision_ == Revision::v3)
            joined_.insert("/");
        else
            later(ping_interval_, [this] { ping(); });
        return;
    }
    if (scenario_.troubles.never_opens && !world_.at_rest() && (life_ == 0 || random_.chance(50))) {
        world_.note("upstream: never says OPEN");
        if (scenario_.policy.resume_upstream.hold == 0ms) ledger_.allow(CloseReason::upstream_timeout);
        return;
    }
    later(random_.pause(0ms, 300ms), [this] {
        said_open_ = true;
        send_text(open_packet());
        if (revision_ == Revision::v3) {
            joined_.insert("/");
            return send_text("40", [this] { say_joined("/"); });
        }
        later(ping_interval_, [this] { ping(); });
    });
}

void UpstreamModel::say_joined(std::string_view nsp) {
    ledger_.upstream_connected(nsp);
    shell_.joined();
    unanswered_.erase(std::string(nsp));
}

std::string UpstreamModel::open_packet() const {
    return "0{\"sid\":\"" + sid_ +
           "\",\"upgrades\":[],\"pingInterval\":" + std::to_string(ping_interval_.count()) +
           ",\"pingTimeout\":20000}";
}

bool UpstreamModel::open() const {
    if (gone_) return false;
    return polling_ || (socket_ != nullptr && socket_->open);
}

void UpstreamModel::rest() {
    if (gone_) return;
    calm_until_ = TimePoint::max();
    fuse_.reset();
    shell_.upstream_reads(true);
    if (!std::exchange(stalled_, false)) return;
    run_again();
}

void UpstreamModel::check_at_rest() const {
    if (gone_) return;
    require(ping_frames_unanswered_ == 0, "a websocket ping of the upstream got no pong");
    if (pings_unanswered_ == 0) return;
    require(world_.schedule().now() - last_ping_ < 1s, "a ping of the upstream got no pong");
}

void UpstreamModel::leave() {
    const auto hold = scenario_.policy.resume_upstream.hold;
    ledger_.allow(hold > 0ms ? CloseReason::upstream_timeout : CloseReason::connection_lost);
    if (random_.chance(50)) return world_.app_crashes();
    gone_after_goodbye();
}

// A clean end: of the connection, or of the Engine.IO session.
void UpstreamModel::gone_after_goodbye() {
    ledger_.allow(CloseReason::goodbye);
    if (polling_ || (said_open_ && !plain_ && random_.chance(50)))
        send_text("1");
    else
        close_frame();
    gone_ = !polling_;  // a GET brings the goodbye
    said_goodbye_ = true;
}

// The process is killed: what it had is gone, and what was under way in either direction may be.
void UpstreamModel::die() {
    if (std::exchange(gone_, true)) return;
    if (!polling_) {
        if (socket_ != nullptr && socket_->open) shell_.upstream_gone(true);
        return;
    }
    ledger_.upstream_lost();
    world_.schedule().after(scenario_.upstream_latency, [this] {
        if (shell_.life() != this) return;
        shell_.polled(0, {});
        shell_.posted(0);
    });
}

void UpstreamModel::burn() {
    if (!fuse_ || gone_ || (*fuse_)-- > 0) return;
    fuse_.reset();
    world_.schedule().after(0us, [this] {
        if (!gone_ && !world_.at_rest()) world_.app_crashes();
    });
}

// ---- a process that stalls does nothing at all, and everything afterwards

void UpstreamModel::when_running(std::function<void()> what) {
    if (!open()) return;
    if (stalled_)
        postponed_.push_back(std::move(what));
    else
        what();
}

void UpstreamModel::later(std::chrono::microseconds delay, std::function<void()> what) {
    world_.schedule().after(delay,
                            [this, what = std::move(what)]() mutable { when_running(std::move(what)); });
}

void UpstreamModel::stall() {
    const bool patient =
        pending_.empty() && !joined_.empty();  // forestay waits for a CONNECT reply less long
    const auto duration = patient ? random_.pause(100ms, 40'000ms) : random_.pause(100ms, 4'000ms);
    world_.note("upstream: stalls");
    stalled_ = true;
    calm_until_ = world_.schedule().now() + duration + 1s;
    if (patient) ledger_.allow(CloseReason::upstream_timeout);  // of a namespace that is joined meanwhile
    world_.schedule().after(duration, [this] {
        if (!std::exchange(stalled_, false) || gone_) return;
        world_.note("upstream: runs again");
        run_again();
    });
}

void UpstreamModel::run_again() {
    for (const auto& heard : std::exchange(inbox_, {})) message(heard);
    for (const auto& what : std::exchange(postponed_, {})) when_running(what);
}

// ---- what it does

void UpstreamModel::operate_later() {
    world_.schedule().after(random_.pause(0ms, scenario_.upstream_pace * 2), [this] {
        if (!open() || world_.at_rest()) return;
        operate();
        operate_later();
    });
}

void UpstreamModel::operate() {
    if (random_.chance(10)) disturb();
    if (stalled_ || !open()) return;
    if (plain_) {
        const Number m = ledger_.upstream_makes();
        return write(
            random_.chance(30) ? Opcode::binary : Opcode::text,
            "{\"m\":" + std::to_string(m) + ",\"x\":\"" + std::string(random_.below(300), 'y') + "\"}",
            [this, m] { ledger_.session_heard(m, shell_.number()); });
    }
    if (joined_.empty()) return;
    const std::string nsp = random_.chance(70) ? *joined_.begin() : *joined_.rbegin();
    const auto count = random_.chance(90) ? 1 : random_.between(2, 60);
    for (std::uint64_t i = 0; i < count; ++i) push(nsp);
}

void UpstreamModel::push(std::string_view nsp) {
    const Number m = ledger_.upstream_makes();
    SioPacket packet;
    packet.nsp = nsp;
    packet.arguments = "\"push\",{\"m\":" + std::to_string(m) + "}";
    if (random_.chance(5)) packet.arguments += ",\"" + std::string(random_.below(3000), 'y') + "\"";
    if (random_.chance(15)) {
        packet.id = next_ack_++;
        acks_[std::string(nsp)][*packet.id] = m;
    }
    if (random_.chance(15)) packet.attachments = attachments_of(m, 1 + random_.below(3), random_.below(300));
    send(std::move(packet), m, std::nullopt);
}

void UpstreamModel::ping() {
    if (gone_) return;
    ++pings_unanswered_;
    last_ping_ = world_.schedule().now();
    send_text("2");
    later(ping_interval_, [this] { ping(); });
}

void UpstreamModel::disturb() {
    const Troubles& troubles = scenario_.troubles;
    if (!polling_ && random_.chance(20)) {
        ++ping_frames_unanswered_;
        write(Opcode::ping, "frame");
    }
    if (troubles.upstream_garbage && !plain_ && !polling_ && !joined_.empty()) send_garbage();
    if (troubles.upstream_crashes && random_.chance(20)) {
        return world_.app_crashes();
    }
    if (troubles.upstream_bad_frame && !polling_ && random_.chance(20)) {
        world_.note("upstream: sends a bad frame");
        gone_ = true;
        ledger_.allow(CloseReason::protocol_violation);
        constexpr std::array<std::string_view, 3> frames{"\x81\x82zzzzhi", "\xc1\x02hi", "\x80\x01x"};
        socket_->to_session->write(frames[random_.below(frames.size())]);
        return;
    }
    if (troubles.upstream_closes && random_.chance(20)) {
        if (!plain_ && !joined_.empty() && random_.chance(60))
            return disconnect(std::string(*joined_.rbegin()));
        return gone_after_goodbye();
    }
    const TimePoint now = world_.schedule().now();
    if (now < calm_until_) return;
    if (troubles.upstream_stalls && random_.chance(40)) return stall();
    if (polling_) return;
    const auto duration = random_.pause(10ms, 1'500ms);
    if (troubles.freeze && random_.chance(50)) {
        world_.note("network: the upstream's bytes stop");
        auto& pipe = random_.chance(50) ? socket_->to_session : socket_->to_peer;
        pipe->freeze(random_.below(60), duration);
        calm_until_ = now + duration + 1s;
    } else if (troubles.upstream_blocks) {
        const auto deaf = random_.pause(10ms, 20'000ms);
        world_.note("upstream: does not read for a while");
        ledger_.allow(CloseReason::upstream_timeout);  // of a namespace that is joined meanwhile
        shell_.upstream_reads(false);
        world_.schedule().after(deaf, [this] { shell_.upstream_reads(true); });
        calm_until_ = now + deaf + 1s;
    }
}

void UpstreamModel::close_frame() {
    std::string frame;
    wire::websocket::write_close(frame, 1001, "bye", std::nullopt);
    socket_->to_session->write(frame);
    if (!plain_) socket_->to_session->finish();
}

void UpstreamModel::disconnect(std::string_view nsp) {
    world_.note("upstream: disconnects " + std::string(nsp));
    const std::string name(nsp);
    // With a payload now and then, as python's always_connect does.
    send_text("41" + (name == "/" ? "" : name + ",") + (random_.chance(30) ? "{\"message\":\"no\"}" : ""),
              [this, name] { ledger_.upstream_left(name); });
    joined_.erase(name);
    left_.insert(name);
}

void UpstreamModel::send_garbage() {
    world_.note("upstream: sends garbage");
    constexpr std::array<std::string_view, 7> packets{"z", "", "4", "47[]", "42[\"connect\",1]", "4x", "6"};
    write(Opcode::text, packets[random_.below(packets.size())]);
}

}  // namespace forestay::simulation
