#include "tests/simulation/client_transport.h"

#include <utility>

namespace forestay::simulation {

using namespace std::chrono_literals;
using wire::engineio::Packet;
using wire::engineio::PacketType;
using wire::engineio::Revision;
using wire::websocket::Opcode;

ClientTransport::ClientTransport(World& world, Random random, Opened opened, Heard heard, Ended ended)
    : world_(world),
      random_(random),
      opened_(std::move(opened)),
      heard_(std::move(heard)),
      ended_(std::move(ended)),
      link_(world, *this),
      revision_(is_v3(world.scenario().kind) ? Revision::v3 : Revision::v4),
      plain_(world.scenario().kind == Kind::plain),
      reader_(wire::websocket::Sender::server, {.message_bytes = 4 << 20, .fragments = 1024}) {}

void ClientTransport::open() {
    last_ping_ = world_.schedule().now();
    if (starts_polling(world_.scenario().kind)) return poll_soon();
    mode_ = Mode::websocket;
    socket_ = &link_.open_socket();
    open_ = plain_;
}

// ---- sending

void ClientTransport::send(ToSend packet) {
    if (!alive_) return;
    if (mode_ == Mode::websocket) return write_packet(packet);
    queue_.push_back(std::move(packet));
    flush_post();
}

void ClientTransport::flush_post() {
    if (post_ != 0 || queue_.empty() || mode_ == Mode::pausing || mode_ == Mode::websocket || !alive_) return;
    std::string body;
    std::vector<std::function<void()>> read;
    std::size_t taken = 0;
    for (ToSend& packet : queue_) {  // stock clients keep a body within maxPayload
        if (taken > 0 &&
            body.size() + packet.data.size() * 4 / 3 + 16 > world_.scenario().policy.limits.message_bytes)
            break;
        wire::engineio::append_to_payload(body, revision_, {packet.type, packet.binary, packet.data});
        read.push_back(std::move(packet.read));
        ++taken;
    }
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(taken));
    post_ = link_.post(std::move(body), std::move(read));
}

void ClientTransport::write_packet(const ToSend& packet) {
    if (plain_) return write_message(packet.binary ? Opcode::binary : Opcode::text, packet.data, packet.read);
    if (packet.binary) {
        const std::string typed = revision_ == Revision::v3 ? "\x04" + packet.data : packet.data;
        return write_message(Opcode::binary, typed, packet.read);
    }
    write_message(Opcode::text, static_cast<char>(packet.type) + packet.data, packet.read);
}

wire::websocket::MaskKey ClientTransport::mask() {
    const auto bits = random_.next();
    return {static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8U),
            static_cast<std::uint8_t>(bits >> 16U), static_cast<std::uint8_t>(bits >> 24U)};
}

void ClientTransport::write_message(Opcode opcode, std::string_view payload, std::function<void()> read) {
    std::string bytes;
    if (payload.size() < 2 || !random_.chance(10)) {
        wire::websocket::write_frame(bytes, opcode, payload, mask());
    } else {
        const auto at = random_.below(payload.size());
        wire::websocket::write_frame(bytes, opcode, payload.substr(0, at), mask(), false);
        if (random_.chance(30) && may_ping()) {
            wire::websocket::write_frame(bytes, Opcode::ping, "between", mask());
            ++pings_unanswered_;
        }
        wire::websocket::write_frame(bytes, Opcode::continuation, payload.substr(at), mask());
    }
    socket_->to_session->write(bytes, std::move(read));
}

// One a second: what piles up while we do not read the client must stay within the burst that is allowed.
bool ClientTransport::may_ping() {
    if (world_.schedule().now() < next_ping_frame_) return false;
    next_ping_frame_ = world_.schedule().now() + 1s;
    return true;
}

void ClientTransport::send_ping_frame() {
    if (!may_ping()) return;
    std::string bytes;
    wire::websocket::write_frame(bytes, Opcode::ping, "are you there", mask());
    ++pings_unanswered_;
    socket_->to_session->write(bytes);
}

void ClientTransport::send_raw(std::string_view bytes) {
    if (socket_ != nullptr) socket_->to_session->write(bytes);
}

void ClientTransport::close() {
    if (!alive_) return;
    if (mode_ != Mode::websocket) {
        send({PacketType::close, false, "", {}});
        return;
    }
    std::string bytes;
    wire::websocket::write_close(bytes, 1000, "", mask());
    socket_->to_session->write(bytes);
    if (!plain_) socket_->to_session->finish();
}

void ClientTransport::die() {
    if (std::exchange(alive_, false)) ended_();
}

void ClientTransport::vanish() {
    alive_ = false;
    queue_.clear();
}

void ClientTransport::drop() {
    vanish();
    for (const auto get : gets_) link_.lose(get);
    if (post_ != 0) link_.lose(post_);
    if (socket_ != nullptr) link_.reset(*socket_);
}

// ---- polling

void ClientTransport::poll_soon() {
    if (std::exchange(poll_planned_, true)) return;
    world_.schedule().after(random_.pause(0ms, 3ms), [this] {
        poll_planned_ = false;
        if (alive_ && gets_.empty() && (mode_ == Mode::polling || mode_ == Mode::probing))
            gets_.insert(link_.get());
    });
}

void ClientTransport::get_again() {
    if (alive_ && mode_ == Mode::polling && open_ && gets_.size() == 1) gets_.insert(link_.get());
}

void ClientTransport::exchange_answered(session::ExchangeId exchange, unsigned status,
                                        std::string_view body) {
    const bool was_get = gets_.erase(exchange) > 0;
    if (exchange == post_) post_ = 0;
    if (!alive_) return;
    if (status != 200) return die();
    if (was_get) {
        require(!body.empty(), "a GET got an empty body");
        const auto payload = wire::engineio::parse_payload(revision_, body, {100'000});
        require(payload.has_value(), "a GET got a body that is no payload");
        for (const Packet& one : payload->packets) {
            if (alive_) packet(one);
        }
        poll_soon();
    } else {
        require(body == "ok", "a POST was not answered with ok");
    }
    flush_post();
    finish_upgrade();
}

// The answer of a GET did not arrive: a robust client asks again.
void ClientTransport::exchange_failed(session::ExchangeId exchange) {
    gets_.erase(exchange);
    if (!alive_) return;
    if (mode_ == Mode::probing || mode_ == Mode::pausing) {
        world_.note("client: a GET fails, the upgrade is given up");
        socket_->to_session->finish();
        probe_failed();
    }
    poll_soon();
}

// ---- the upgrade (probe, pause, "5")

void ClientTransport::start_probe() {
    if (!alive_ || mode_ != Mode::polling || world_.at_rest()) return;
    ++probes_;
    pings_unanswered_ = 0;
    mode_ = Mode::probing;
    probe_fault_ = world_.scenario().troubles.probe_fails && probes_ < 3
                       ? static_cast<ProbeFault>(random_.below(4))
                       : ProbeFault::none;
    world_.note("client: probes, fault " + std::to_string(static_cast<int>(probe_fault_)));
    reader_ = wire::websocket::MessageReader(wire::websocket::Sender::server,
                                             {.message_bytes = 4 << 20, .fragments = 1024});
    kept_.clear();
    socket_ = &link_.open_socket();
    write_message(Opcode::text, probe_fault_ == ProbeFault::garbage ? "hello" : "2probe", {});
}

void ClientTransport::probe_answered() {
    if (probe_fault_ == ProbeFault::silent) return;
    if (probe_fault_ == ProbeFault::closed) {
        socket_->to_session->finish();
        return probe_failed();
    }
    mode_ = Mode::pausing;
    finish_upgrade();
}

void ClientTransport::finish_upgrade() {
    if (mode_ != Mode::pausing || !alive_ || !gets_.empty() || post_ != 0) return;
    mode_ = Mode::websocket;
    world_.note("client: upgraded");
    write_message(Opcode::text, "5", {});
    for (const ToSend& packet : std::exchange(queue_, {})) write_packet(packet);
}

void ClientTransport::probe_failed() {
    mode_ = Mode::polling;
    socket_ = nullptr;
    poll_soon();
    flush_post();
    world_.schedule().after(random_.pause(1'000ms, 5'000ms), [this] { start_probe(); });
}

}  // namespace forestay::simulation
