// The websocket of a client model and its Engine.IO packets.
#include "proxy/wire/websocket/close.h"
#include "tests/simulation/client_transport.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using wire::engineio::Packet;
using wire::engineio::PacketType;
using wire::engineio::Revision;
using wire::websocket::Opcode;

// ---- the websocket

void ClientTransport::socket_bytes(Socket& socket, std::string_view bytes) {
    if (!alive_ || &socket != socket_) return;
    kept_.append(bytes);
    std::string taken;
    taken.swap(kept_);
    std::string_view rest = taken;
    while (alive_ && &socket == socket_) {
        const auto next = reader_.next(rest, scratch_);
        if (!next) throw Violation("the client got bad frames: " + next.error().message());
        if (!*next) break;
        message(**next);
    }
    kept_.assign(rest);
}

void ClientTransport::message(const wire::websocket::Message& one) {
    std::string bytes;
    switch (one.opcode) {
        case Opcode::ping:
            wire::websocket::write_frame(bytes, Opcode::pong, one.payload, mask());
            socket_->to_session->write(bytes);
            return;
        case Opcode::pong:
            require(pings_unanswered_ > 0, "the client got a pong that it did not ask for");
            --pings_unanswered_;
            return;
        case Opcode::close:
            require(wire::websocket::parse_close(one.payload).has_value(),
                    "the client got a bad close frame");
            wire::websocket::write_frame(bytes, Opcode::close, one.payload, mask());
            socket_->to_session->write(bytes);
            if (mode_ == Mode::websocket) die();
            return;
        case Opcode::text:
        case Opcode::binary:
        case Opcode::continuation:
            break;
    }
    if (plain_) return heard_(one.opcode == Opcode::binary, one.payload);
    if (mode_ != Mode::websocket) {
        require(one.payload == "3probe" && mode_ == Mode::probing, "a probing websocket said something else");
        return probe_answered();
    }
    const auto parsed = one.opcode == Opcode::text
                            ? wire::engineio::parse_text_packet(one.payload)
                            : wire::engineio::parse_binary_packet(revision_, one.payload);
    require(parsed.has_value(), "the client got a message that is no packet");
    packet(*parsed);
}

void ClientTransport::socket_ended(Socket& socket) {
    if (&socket != socket_ || !alive_) return;
    socket.to_session->finish();
    if (mode_ == Mode::websocket)
        die();
    else
        probe_failed();
}

// ---- Engine.IO

void ClientTransport::packet(const Packet& one) {
    require(open_ == (one.type != PacketType::open), "the OPEN packet is not the first and only one");
    switch (one.type) {
        case PacketType::open: {
            open_ = true;
            const auto open = wire::engineio::parse_open(one.data);
            require(open && open->upgrade_to_websocket == (mode_ == Mode::polling), "a bad OPEN packet");
            if (revision_ == Revision::v3)
                world_.schedule().after(open->ping_interval, [this] { ping_of_v3(); });
            if (upgrades(world_.scenario().kind))
                world_.schedule().after(random_.pause(0ms, 2'000ms), [this] { start_probe(); });
            return opened_();
        }
        case PacketType::ping:
            require(revision_ == Revision::v4 && one.data.empty(),
                    "a ping that an Engine.IO 3 client must not get");
            last_ping_ = world_.schedule().now();
            return send({PacketType::pong, false, "", {}});
        case PacketType::pong:
            require(revision_ == Revision::v3 && pong_missing_, "a pong that the client did not ask for");
            pong_missing_ = false;
            return;
        case PacketType::message:
            return heard_(one.binary, one.data);
        case PacketType::close:
            return die();
        case PacketType::noop:
            return;
        case PacketType::upgrade:
            throw Violation("the client got an UPGRADE packet");
    }
}

void ClientTransport::ping_of_v3() {
    if (!alive_) return;
    if (!std::exchange(pong_missing_, true)) {
        last_ping_ = world_.schedule().now();
        send({PacketType::ping, false, "", {}});
    }
    world_.schedule().after(world_.scenario().policy.ping_interval, [this] { ping_of_v3(); });
}

void ClientTransport::check_at_rest() const {
    if (!alive_) throw Violation("the client was let go while the session lives");
    require(pings_unanswered_ == 0, "a websocket ping got no pong");
    const auto silence = world_.schedule().now() - last_ping_;
    if (revision_ == Revision::v3) require(!pong_missing_ || silence < 5s, "the client's ping got no pong");
    if (plain_ || revision_ == Revision::v3) return;
    const auto& policy = world_.scenario().policy;
    require(silence <= policy.ping_interval * 2 + world_.scenario().tick_lateness + 1s,
            "the client got no ping for two intervals");
}

}  // namespace forestay::simulation
