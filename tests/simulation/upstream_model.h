// A server as python-engineio and python-socketio behave: answers by ack or event, late or never, pushes,
// pings; it stalls, crashes, closes, sends garbage.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "proxy/wire/socketio/packet.h"
#include "proxy/wire/websocket/message.h"
#include "tests/simulation/packets.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

class UpstreamModel {
  public:
    UpstreamModel(World& world, Random random);

    void start();
    void opened(Socket& socket);  // its websocket handshake is done
    void rest();
    void check_at_rest() const;
    void leave();
    void socket_bytes(Socket& socket, std::string_view bytes);
    void socket_ended(Socket& socket);

  private:
    using Number = Ledger::Number;
    struct Heard {
        wire::websocket::Opcode opcode{};
        std::string payload;
    };
    struct Arriving {
        std::string header;
        std::size_t missing = 0, seen = 0;
    };

    void when_running(std::function<void()> what);
    void later(std::chrono::microseconds delay, std::function<void()> what);
    void operate_later();
    void operate();
    void disturb();
    void stall();
    void crash();
    void push(std::string_view nsp);
    void send_garbage();
    void disconnect(std::string_view nsp);
    void ping();

    void message(const Heard& heard);
    void packet(std::string_view text);
    void whole(std::string_view text);
    void connect(std::string_view nsp);
    void event(const wire::socketio::Packet& packet, Number n);
    void answer(SioPacket packet, Number n);
    [[nodiscard]] std::optional<std::chrono::microseconds> answer_delay(Duration timeout);

    void send(SioPacket packet, Number m, std::optional<Number> answers);
    void send_text(std::string_view text);
    void send_binary(std::string_view bytes);
    void write(wire::websocket::Opcode opcode, std::string_view payload);
    void close_frame();

    World& world_;
    const Scenario& scenario_;
    Ledger& ledger_;
    Random random_;
    wire::engineio::Revision revision_;
    bool plain_;
    Socket* socket_ = nullptr;
    wire::websocket::MessageReader reader_;
    std::string kept_, scratch_;
    bool stalled_ = false;
    bool gone_ = false;
    bool said_open_ = false;
    std::deque<Heard> inbox_;                       // not looked at while stalled
    std::vector<std::function<void()>> postponed_;  // what it would have done meanwhile
    std::optional<Arriving> arriving_;
    std::set<std::string, std::less<>> joined_, pending_, left_;
    std::uint64_t next_ack_ = 1;
    std::map<std::string, std::set<std::uint64_t>, std::less<>> acks_;  // that it waits for, by namespace
    std::chrono::milliseconds ping_interval_{25'000};
    unsigned pings_unanswered_ = 0, ping_frames_unanswered_ = 0;
    TimePoint last_ping_;
    TimePoint binary_trouble_until_{};
    TimePoint calm_until_{};
};

}  // namespace forestay::simulation
