// What the upstream model hears, what must hold about it, and how it answers.
#include <utility>

#include "proxy/wire/websocket/close.h"
#include "tests/simulation/shell.h"
#include "tests/simulation/upstream_model.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;
using wire::engineio::Revision;
using wire::websocket::Opcode;

// ---- what it hears

void UpstreamModel::socket_bytes(std::string_view bytes) {
    kept_.append(bytes);
    std::string taken;
    taken.swap(kept_);
    std::string_view rest = taken;
    for (;;) {
        const auto next = reader_.next(rest, scratch_);
        if (!next) throw Violation("the upstream got bad frames: " + next.error().message());
        if (!*next) break;
        hear({(*next)->opcode, std::string((*next)->payload)});
    }
    kept_.assign(rest);
}

void UpstreamModel::hear(Heard heard) {
    burn();
    if (stalled_)
        inbox_.push_back(std::move(heard));
    else
        message(heard);
}

void UpstreamModel::socket_ended() {
    gone_ = true;
}

void UpstreamModel::message(const Heard& heard) {
    switch (heard.opcode) {
        case Opcode::ping:
            return write(Opcode::pong, heard.payload);
        case Opcode::pong:
            require(ping_frames_unanswered_ > 0 && heard.payload == "frame",
                    "the upstream got a pong it did not ask for");
            --ping_frames_unanswered_;
            return;
        case Opcode::close:
            require(wire::websocket::parse_close(heard.payload).has_value(),
                    "the upstream got a bad close frame");
            if (open()) {
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
        return static_cast<void>(ledger_.upstream_got(life_, *n));
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
            return connect(nsp, packet.payload);
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
    const bool again = ledger_.upstream_got(life_, *n);
    if (!wire::socketio::is_ack(packet.type)) return event(packet, *n, again);
    const auto ack = acks_[nsp].find(packet.id.value_or(0));
    require(ack != acks_[nsp].end(), "the upstream got an ACK that it does not wait for");
    require(number_after(packet.payload, "\"a\":") == ack->second, "the upstream got another life's ACK");
    acks_[nsp].erase(ack);
}

void UpstreamModel::connect(std::string_view name, std::string_view payload) {
    const std::string nsp(name);
    require(
        payload.find("\"pid\"") == std::string_view::npos && payload.find("offset") == std::string_view::npos,
        "the upstream got our own pid");
    require(revision_ == Revision::v3 || payload.find("\"token\":\"t\"") != std::string_view::npos,
            "the upstream got a CONNECT without what the client said");
    require(!scenario_.credential || scenario_.credential_good,
            "an unauthorised CONNECT reached the upstream");
    require(!joined_.contains(nsp) && !pending_.contains(nsp), "the upstream got a second CONNECT");
    pending_.insert(nsp);
    unanswered_.insert(nsp);
    if (scenario_.troubles.connect_unanswered && !world_.at_rest() && random_.chance(50)) {
        world_.note("upstream: never answers CONNECT");
        return ledger_.allow(CloseReason::upstream_timeout);
    }
    const bool refuse = scenario_.troubles.connect_refused && !world_.at_rest() && random_.chance(50);
    later(random_.pause(0ms, 800ms), [this, nsp, refuse] {
        if (pending_.erase(nsp) == 0) return;
        const std::string head = nsp == "/" ? "" : nsp + ",";
        if (refuse) {
            world_.note("upstream: refuses CONNECT");
            left_.insert(nsp);
            // python answers an unknown namespace with a string; some versions with nothing.
            return send_text("44" + head + (random_.chance(70) ? "{\"message\":\"no\"}" : ""), [this, nsp] {
                ledger_.upstream_left(nsp);
                unanswered_.erase(nsp);
            });
        }
        if (random_.chance(20)) push(nsp);  // emitted inside the connect handler
        joined_.insert(nsp);
        send_text("40" + head + "{\"sid\":\"s" + std::to_string(random_.below(1000)) + "\"}",
                  [this, nsp] { say_joined(nsp); });
    });
}

// ---- sending

void UpstreamModel::send(SioPacket packet, Number m, std::optional<Number> answers) {
    if (!open()) return;
    const TimePoint now = world_.schedule().now();
    const std::string header = header_of(packet);
    world_.note("upstream: " + header.substr(0, 80));
    const auto& troubles = scenario_.troubles;
    const Read heard = [this, m, answers, binary = !packet.attachments.empty()] {
        ledger_.session_heard(m, shell_.number());
        if (answers) ledger_.answer_heard(*answers, binary);
    };
    if (packet.attachments.empty()) return send_text("4" + header, heard);
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
                      "[\"push\",{\"m\":" + std::to_string(overtaking) + "}]",
                  [this, overtaking] { ledger_.session_heard(overtaking, shell_.number()); });
    }
    std::size_t count = packet.attachments.size();
    if (half) count = random_.below(count);
    for (std::size_t i = 0; i < count; ++i) {
        const bool last = i + 1 == packet.attachments.size();
        send_binary(packet.attachments[i], last ? heard : Read());
    }
}

void UpstreamModel::send_text(std::string_view text, Read read) {
    write(Opcode::text, text, std::move(read));
}

void UpstreamModel::send_binary(std::string_view bytes, Read read) {
    const bool typed = revision_ == Revision::v3 && !polling_;
    write(Opcode::binary, typed ? "\x04" + std::string(bytes) : std::string(bytes), std::move(read));
}

void UpstreamModel::write(Opcode opcode, std::string_view payload, Read read) {
    if (!open() || said_goodbye_) return;
    burn();
    if (polling_) return queue(payload, opcode == Opcode::binary, std::move(read));
    std::string bytes;
    if (is_control(opcode) || payload.size() < 2 || !random_.chance(10)) {
        wire::websocket::write_frame(bytes, opcode, payload, std::nullopt);
    } else {
        const auto at = random_.below(payload.size());
        wire::websocket::write_frame(bytes, opcode, payload.substr(0, at), std::nullopt, false);
        wire::websocket::write_frame(bytes, Opcode::continuation, payload.substr(at), std::nullopt);
    }
    socket_->to_session->write(bytes, std::move(read));
}

}  // namespace forestay::simulation
