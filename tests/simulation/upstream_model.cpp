#include "tests/simulation/upstream_model.h"

#include <utility>

#include "proxy/wire/websocket/close.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;
using wire::engineio::Revision;
using wire::websocket::Opcode;

UpstreamModel::UpstreamModel(World& world, Random random)
    : world_(world),
      scenario_(world.scenario()),
      ledger_(world.ledger()),
      random_(random),
      revision_(is_v3(scenario_.kind) ? Revision::v3 : Revision::v4),
      plain_(scenario_.kind == Kind::plain),
      reader_(wire::websocket::Sender::client, {.message_bytes = 4 << 20, .fragments = 4096}),
      ping_interval_(random_.between(1'000, 25'000)) {}

void UpstreamModel::start() {
    operate_later();
}

void UpstreamModel::opened(Socket& socket) {
    socket_ = &socket;
    last_ping_ = world_.schedule().now();
    if (plain_) return;
    if (scenario_.troubles.never_opens) {
        world_.note("upstream: never says OPEN");
        ledger_.allow(CloseReason::upstream_timeout);
        return;
    }
    later(random_.pause(0ms, 300ms), [this] {
        said_open_ = true;
        send_text("0{\"sid\":\"up\",\"upgrades\":[],\"pingInterval\":" +
                  std::to_string(ping_interval_.count()) + ",\"pingTimeout\":20000}");
        if (revision_ == Revision::v3) {
            joined_.insert("/");
            return send_text("40");
        }
        later(ping_interval_, [this] { ping(); });
    });
}

void UpstreamModel::rest() {
    calm_until_ = TimePoint::max();
    world_.upstream_reads(true);
    if (!std::exchange(stalled_, false)) return;
    for (const auto& heard : std::exchange(inbox_, {})) message(heard);
    for (const auto& what : std::exchange(postponed_, {})) what();
}

void UpstreamModel::check_at_rest() const {
    require(ping_frames_unanswered_ == 0, "a websocket ping of the upstream got no pong");
    if (pings_unanswered_ == 0) return;
    require(world_.schedule().now() - last_ping_ < 1s, "a ping of the upstream got no pong");
}

void UpstreamModel::leave() {
    gone_ = true;
    if (random_.chance(50)) {
        ledger_.allow(CloseReason::connection_lost);
        return crash();
    }
    ledger_.allow(CloseReason::goodbye);
    if (!said_open_ || random_.chance(50)) return close_frame();
    send_text("1");
}

// ---- a process that stalls does nothing at all, and everything afterwards

void UpstreamModel::when_running(std::function<void()> what) {
    if (world_.over() || socket_ == nullptr || !socket_->open) return;
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
        if (!std::exchange(stalled_, false)) return;
        world_.note("upstream: runs again");
        for (const auto& heard : std::exchange(inbox_, {})) message(heard);
        for (const auto& what : std::exchange(postponed_, {})) when_running(what);
    });
}

// ---- what it does

void UpstreamModel::operate_later() {
    world_.schedule().after(random_.pause(0ms, scenario_.upstream_pace * 2), [this] {
        if (world_.over() || gone_ || world_.at_rest()) return;
        if (socket_ != nullptr && socket_->open) operate();
        operate_later();
    });
}

void UpstreamModel::operate() {
    if (random_.chance(10)) disturb();
    if (stalled_ || gone_ || !socket_->open) return;
    if (plain_) {
        const Number m = ledger_.upstream_makes();
        write(random_.chance(30) ? Opcode::binary : Opcode::text,
              "{\"m\":" + std::to_string(m) + ",\"x\":\"" + std::string(random_.below(300), 'y') + "\"}");
        return ledger_.upstream_completed(m);
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
        acks_[std::string(nsp)].insert(*packet.id);
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
    if (random_.chance(20)) {
        ++ping_frames_unanswered_;
        write(Opcode::ping, "frame");
    }
    if (troubles.upstream_garbage && !plain_ && !joined_.empty()) send_garbage();
    if (troubles.upstream_crashes && random_.chance(20)) {
        gone_ = true;
        ledger_.allow(CloseReason::connection_lost);
        return crash();
    }
    if (troubles.upstream_bad_frame && random_.chance(20)) {
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
        return leave();
    }
    const TimePoint now = world_.schedule().now();
    if (now < calm_until_) return;
    if (troubles.upstream_stalls && random_.chance(40)) return stall();
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
        world_.upstream_reads(false);
        world_.schedule().after(deaf, [this] { world_.upstream_reads(true); });
        calm_until_ = now + deaf + 1s;
    }
}

void UpstreamModel::crash() {
    world_.note("upstream: crashes");
    world_.reset(*socket_);
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
    send_text("41" + (name == "/" ? "" : name + ",") + (random_.chance(30) ? "{\"message\":\"no\"}" : ""));
    joined_.erase(name);
    left_.insert(name);
    ledger_.upstream_left(name);
}

void UpstreamModel::send_garbage() {
    world_.note("upstream: sends garbage");
    constexpr std::array<std::string_view, 7> packets{"z", "", "4", "47[]", "42[\"connect\",1]", "4x", "6"};
    write(Opcode::text, packets[random_.below(packets.size())]);
}

// ---- what it hears

void UpstreamModel::socket_bytes(Socket&, std::string_view bytes) {
    kept_.append(bytes);
    std::string taken;
    taken.swap(kept_);
    std::string_view rest = taken;
    for (;;) {
        const auto next = reader_.next(rest, scratch_);
        if (!next) throw Violation("the upstream got bad frames: " + next.error().message());
        if (!*next) break;
        Heard heard{(*next)->opcode, std::string((*next)->payload)};
        if (stalled_)
            inbox_.push_back(std::move(heard));
        else
            message(heard);
    }
    kept_.assign(rest);
}

void UpstreamModel::socket_ended(Socket&) {
    gone_ = true;
}

void UpstreamModel::message(const Heard& heard) {
    switch (heard.opcode) {
        case Opcode::ping:
            require(plain_, "the upstream got a ping that was meant for us");
            return write(Opcode::pong, heard.payload);
        case Opcode::pong:
            require(ping_frames_unanswered_ > 0 && heard.payload == "frame",
                    "the upstream got a pong it did not ask for");
            --ping_frames_unanswered_;
            return;
        case Opcode::close:
            require(wire::websocket::parse_close(heard.payload).has_value(),
                    "the upstream got a bad close frame");
            if (socket_->open) {
                std::string frame;
                wire::websocket::write_frame(frame, Opcode::close, heard.payload, std::nullopt);
                socket_->to_session->write(frame);
            }
            return;
        case Opcode::text:
        case Opcode::binary:
        case Opcode::continuation:
            break;
    }
    if (plain_) {
        const auto n = number_after(heard.payload, "\"n\":");
        require(n.has_value(), "the upstream got a message without a number");
        return ledger_.upstream_got(*n);
    }
    if (heard.opcode == Opcode::text) return packet(heard.payload);
    require(arriving_.has_value(), "the upstream got an attachment without a header");
    std::string_view bytes = heard.payload;
    if (revision_ == Revision::v3) {
        require(bytes.starts_with('\x04'), "an attachment for an Engine.IO 3 upstream has no type byte");
        bytes.remove_prefix(1);
    }
    const auto n = number_after(arriving_->header, "\"n\":");
    require(n && is_attachment_of(bytes, *n, arriving_->seen++),
            "the upstream got an attachment of another packet");
    if (--arriving_->missing > 0) return;
    const std::string header = std::move(arriving_->header);
    arriving_.reset();
    whole(header);
}

void UpstreamModel::packet(std::string_view text) {
    require(!text.empty(), "the upstream got an empty packet");
    switch (text[0]) {
        case '1':
            return;
        case '2':
            require(revision_ == Revision::v3, "an Engine.IO 4 upstream got a ping");
            return when_running([this, data = std::string(text.substr(1))] { send_text("3" + data); });
        case '3':
            require(revision_ == Revision::v4 && pings_unanswered_ > 0, "the upstream got a pong too many");
            --pings_unanswered_;
            return;
        case '4':
            break;
        default:
            throw Violation("the upstream got an unexpected packet: " + std::string(text.substr(0, 40)));
    }
    text.remove_prefix(1);
    require(!arriving_, "the upstream got a text packet between a header and its attachments");
    const auto parsed = wire::socketio::parse_client_packet(text, revision_);
    if (!parsed)
        throw Violation("the upstream got what its parser may misread: " + std::string(text.substr(0, 80)));
    if (parsed->attachments > 0)
        arriving_ = Arriving{std::string(text), parsed->attachments, 0};
    else
        whole(text);
}

void UpstreamModel::whole(std::string_view text) {
    const auto packet = *wire::socketio::parse_client_packet(text, revision_);
    const std::string nsp(packet.nsp.substr(0, packet.nsp.find('?')));
    switch (packet.type) {
        case wire::socketio::PacketType::connect:
            return connect(nsp);
        case wire::socketio::PacketType::disconnect:
            joined_.erase(nsp);
            pending_.erase(nsp);
            left_.insert(nsp);
            return;
        case wire::socketio::PacketType::connect_error:
            throw Violation("the upstream got a CONNECT_ERROR");
        default:
            break;
    }
    require(joined_.contains(nsp) || pending_.contains(nsp) || left_.contains(nsp),
            "the upstream got a packet of a namespace that was never joined");
    const auto n = number_after(packet.payload, "\"n\":");
    require(n.has_value(), "the upstream got a packet that nobody numbered");
    ledger_.upstream_got(*n);
    if (wire::socketio::is_ack(packet.type))
        require(acks_[nsp].erase(packet.id.value_or(0)) == 1,
                "the upstream got an ACK that it does not wait for");
    else
        event(packet, *n);
}

void UpstreamModel::connect(std::string_view name) {
    const std::string nsp(name);
    require(!scenario_.credential || scenario_.credential_good,
            "an unauthorised CONNECT reached the upstream");
    require(!joined_.contains(nsp) && !pending_.contains(nsp), "the upstream got a second CONNECT");
    pending_.insert(nsp);
    if (scenario_.troubles.connect_unanswered && random_.chance(50)) {
        world_.note("upstream: never answers CONNECT");
        return ledger_.allow(CloseReason::upstream_timeout);
    }
    const bool refuse = scenario_.troubles.connect_refused && random_.chance(50);
    later(random_.pause(0ms, 800ms), [this, nsp, refuse] {
        if (pending_.erase(nsp) == 0) return;
        const std::string head = nsp == "/" ? "" : nsp + ",";
        if (refuse) {
            world_.note("upstream: refuses CONNECT");
            left_.insert(nsp);
            ledger_.upstream_left(nsp);
            // python answers an unknown namespace with a string; some versions with nothing.
            return send_text("44" + head + (random_.chance(70) ? "{\"message\":\"no\"}" : ""));
        }
        if (random_.chance(20)) push(nsp);  // emitted inside the connect handler
        joined_.insert(nsp);
        send_text("40" + head + "{\"sid\":\"s" + std::to_string(random_.below(1000)) + "\"}");
    });
}

std::optional<std::chrono::microseconds> UpstreamModel::answer_delay(Duration timeout) {
    const auto dice = random_.below(100);
    if (dice < 50) return random_.pause(0ms, 300ms);
    if (dice < 65) return random_.pause(300ms, timeout - 100ms);
    if (dice < 80) return random_.pause(timeout - 50ms, timeout + 50ms);
    if (dice < 90) return random_.pause(timeout, timeout + 6'000ms);
    return std::nullopt;
}

void UpstreamModel::event(const wire::socketio::Packet& packet, Number n) {
    SioPacket reply;
    const std::string re = "\"re\":" + std::to_string(n);
    std::optional<RuleIndex> rule;
    if (packet.event == "ask" || packet.event == "note") {
        if (packet.event == "ask") rule = ask_rule;
        reply.type = '3';
        reply.id = packet.id;
        reply.arguments = re;
    } else if (packet.event == "chat") {
        rule = chat_rule;
        const auto id = rules::id_text(*wire::json::Pointer::parse("/message_id"), packet);
        require(id.has_value(), "the upstream got a chat without its id");
        reply.arguments = "\"response\",{\"message_id\":" + std::string(*id) + "," + re;
    } else if (packet.event == "line") {
        rule = line_rule;
        reply.arguments = "\"line_done\",{" + re;
    } else {
        return;
    }
    const auto timeout = rule ? scenario_.policy.rules.rules()[*rule].timeout : Duration{1'000};
    const auto delay = answer_delay(timeout);
    if (!delay) return;
    const std::string nsp(packet.nsp.substr(0, packet.nsp.find('?')));
    later(*delay, [this, nsp, reply, n, rule]() mutable {
        if (!joined_.contains(nsp)) return;
        reply.nsp = *joined_.find(nsp);
        if (rule) return answer(std::move(reply), n);
        const Number m = ledger_.upstream_makes();
        reply.arguments = "{\"m\":" + std::to_string(m) + "}";
        send(std::move(reply), m, std::nullopt);
    });
}

void UpstreamModel::answer(SioPacket packet, Number n) {
    const Number m = ledger_.upstream_makes();
    ledger_.answer_made(n, m);
    const std::string number = "\"m\":" + std::to_string(m) + "}";
    packet.arguments = (packet.type == '3' ? "{" : "") + packet.arguments + "," + number;
    if (random_.chance(15)) packet.attachments = attachments_of(m, 1 + random_.below(2), random_.below(100));
    send(std::move(packet), m, n);
}

// ---- sending

void UpstreamModel::send(SioPacket packet, Number m, std::optional<Number> answers) {
    if (gone_ || !socket_->open) return;
    const TimePoint now = world_.schedule().now();
    const std::string header = header_of(packet);
    world_.note("upstream: " + header.substr(0, 80));
    const auto& troubles = scenario_.troubles;
    if (packet.attachments.empty()) {
        send_text("4" + header);
        return ledger_.upstream_completed(m);
    }
    const bool half = troubles.upstream_half_binary && !world_.at_rest() && random_.chance(20);
    const bool troubled = half || now < binary_trouble_until_;
    if (answers) ledger_.slip_until(now + 4s);
    if (troubled) {
        // Whose an attachment is cannot be told for a while: all of these may be lost, and are counted.
        binary_trouble_until_ = now + scenario_.policy.limits.attachment_timeout + 4s;
        ledger_.excuse(m);
        if (answers) ledger_.answer_broken(*answers);
        ledger_.slip_until(binary_trouble_until_);
    }
    send_text("4" + header);
    if (troubles.upstream_interleaves && random_.chance(30)) {
        const Number overtaking = ledger_.upstream_makes();
        world_.note("upstream: interleaves " + std::to_string(overtaking));
        send_text("42" + (packet.nsp == "/" ? "" : std::string(packet.nsp) + ",") +
                  "[\"push\",{\"m\":" + std::to_string(overtaking) + "}]");
        ledger_.upstream_completed(overtaking);
    }
    std::size_t count = packet.attachments.size();
    if (half) count = random_.below(count);
    for (std::size_t i = 0; i < count; ++i) send_binary(packet.attachments[i]);
    if (!half) ledger_.upstream_completed(m);
}

void UpstreamModel::send_text(std::string_view text) {
    write(Opcode::text, text);
}

void UpstreamModel::send_binary(std::string_view bytes) {
    write(Opcode::binary, revision_ == Revision::v3 ? "\x04" + std::string(bytes) : std::string(bytes));
}

void UpstreamModel::write(Opcode opcode, std::string_view payload) {
    if (socket_ == nullptr || !socket_->open) return;
    std::string bytes;
    if (is_control(opcode) || payload.size() < 2 || !random_.chance(10)) {
        wire::websocket::write_frame(bytes, opcode, payload, std::nullopt);
    } else {
        const auto at = random_.below(payload.size());
        wire::websocket::write_frame(bytes, opcode, payload.substr(0, at), std::nullopt, false);
        wire::websocket::write_frame(bytes, Opcode::continuation, payload.substr(at), std::nullopt);
    }
    socket_->to_session->write(bytes);
}

}  // namespace forestay::simulation
