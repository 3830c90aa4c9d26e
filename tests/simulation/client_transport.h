// How a client model reaches the session: polling, polling and then a websocket, or a websocket; and the
// Engine.IO part of a stock client: heartbeats, the upgrade, one GET and one POST at a time.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/websocket/close.h"
#include "proxy/wire/websocket/message.h"
#include "tests/simulation/client_link.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

struct ToSend {
    wire::engineio::PacketType type = wire::engineio::PacketType::message;
    bool binary = false;
    std::string data;
    std::function<void()> read;  // called when the session gets it
};

class ClientTransport {
  public:
    using Opened = std::function<void()>;
    using Heard =
        std::function<void(bool binary, std::string_view data)>;  // one Socket.IO packet or attachment

    using Ended = std::function<void()>;  // without our doing

    ClientTransport(World& world, Random random, Opened opened, Heard heard, Ended ended);

    void open();
    [[nodiscard]] ClientLink& link() noexcept { return link_; }
    void send(ToSend packet);
    void send_ping_frame();
    void send_raw(std::string_view bytes);  // straight to the websocket
    void get_again();
    void close();   // a goodbye
    void vanish();  // neither reads nor writes any more, and nobody says so
    void drop();    // the network lets go of the sockets
    void check_at_rest() const;
    [[nodiscard]] bool alive() const noexcept { return alive_; }
    [[nodiscard]] bool on_websocket() const noexcept { return alive_ && mode_ == Mode::websocket; }

    void socket_bytes(Socket& socket, std::string_view bytes);
    void socket_ended(Socket& socket);
    void exchange_answered(session::ExchangeId exchange, unsigned status, std::string_view body);
    void exchange_failed(session::ExchangeId exchange);
    [[nodiscard]] bool is_get(session::ExchangeId exchange) const { return gets_.contains(exchange); }

  private:
    enum class Mode : std::uint8_t { polling, probing, pausing, websocket };
    enum class ProbeFault : std::uint8_t { none, silent, closed, garbage };

    void poll_soon();
    void flush_post();
    void write_packet(const ToSend& packet);
    void write_message(wire::websocket::Opcode opcode, std::string_view payload, std::function<void()> read);
    void start_probe();
    void probe_answered();
    void probe_failed();
    void finish_upgrade();
    void message(const wire::websocket::Message& message);
    void packet(const wire::engineio::Packet& packet);
    void ping_of_v3();
    [[nodiscard]] bool may_ping();
    void die();
    [[nodiscard]] wire::websocket::MaskKey mask();

    World& world_;
    Random random_;
    Opened opened_;
    Heard heard_;
    Ended ended_;
    ClientLink link_;
    wire::engineio::Revision revision_;
    bool plain_;
    bool alive_ = true;
    bool open_ = false;  // the OPEN packet is there
    Mode mode_ = Mode::polling;
    ProbeFault probe_fault_ = ProbeFault::none;
    unsigned probes_ = 0;
    Socket* socket_ = nullptr;
    wire::websocket::MessageReader reader_;
    std::string kept_, scratch_;
    std::vector<ToSend> queue_;
    std::set<session::ExchangeId> gets_;
    session::ExchangeId post_ = 0;
    bool poll_planned_ = false;
    unsigned pings_unanswered_ = 0;  // websocket pings
    bool pong_missing_ = false;      // Engine.IO 3
    TimePoint next_ping_frame_{};
    TimePoint last_ping_;  // the last one: of the session (4), or ours (3)
};

}  // namespace forestay::simulation
