// A server as python-engineio and python-socketio behave, on one connection: answers by ack or event, late or
// never, pushes, pings; it stalls, crashes, closes, sends garbage. The next connection is another life, which
// knows nothing of this one.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/socketio/packet.h"
#include "proxy/wire/websocket/message.h"
#include "tests/simulation/packets.h"
#include "tests/simulation/socket.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

class UpstreamModel {
  public:
    UpstreamModel(World& world, Shell& shell, unsigned life, Random random);

    void opened(Socket* socket);  // its handshake is done; null: it is reached by polling
    void rest();
    void check_at_rest() const;
    void leave();
    // Every CONNECT has its reply, and the session has read it.
    [[nodiscard]] bool owes_nothing() const noexcept { return unanswered_.empty(); }
    void die();  // its process is killed
    void socket_bytes(std::string_view bytes);
    void socket_ended();

    // Polling (upstream_polling.cpp).
    [[nodiscard]] std::string handshake_body();
    [[nodiscard]] const std::string& sid() const noexcept { return sid_; }
    void get();
    void post(std::string_view body);

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

    // What waits for a GET.
    struct Waiting {
        wire::engineio::PacketType type{};
        bool binary = false;
        std::string data;
        std::function<void()> read;
    };
    using Read = std::function<void()>;  // called when the session is about to hear the last of it

    [[nodiscard]] bool open() const;
    void hear(Heard heard);
    void say_joined(std::string_view nsp);
    void run_again();
    void gone_after_goodbye();
    [[nodiscard]] std::string open_packet() const;
    void burn();  // one step nearer to its crash
    void poll_answer();
    void queue(std::string_view packet, bool binary, Read read);
    void when_running(std::function<void()> what);
    void later(std::chrono::microseconds delay, std::function<void()> what);
    void operate_later();
    void operate();
    void disturb();
    void stall();
    void push(std::string_view nsp);
    void send_garbage();
    void disconnect(std::string_view nsp);
    void ping();

    void message(const Heard& heard);
    void packet(std::string_view text);
    void whole(std::string_view text);
    void connect(std::string_view nsp, std::string_view payload);
    void event(const wire::socketio::Packet& packet, Number n, bool again);
    // upstream_answers.cpp
    void answer(SioPacket packet, Number n);
    [[nodiscard]] std::optional<RuleIndex> make_reply(const wire::socketio::Packet& packet, Number n,
                                                      SioPacket& reply);
    void show_progress(RuleIndex rule, std::string_view nsp, Number n, std::string_view id, Duration until);
    [[nodiscard]] std::optional<std::chrono::microseconds> answer_delay(Duration timeout);

    void send(SioPacket packet, Number m, std::optional<Number> answers);
    void send_text(std::string_view text, Read read = {});
    void send_binary(std::string_view bytes, Read read = {});
    void write(wire::websocket::Opcode opcode, std::string_view payload, Read read = {});
    void close_frame();

    World& world_;
    Shell& shell_;
    unsigned life_;
    const Scenario& scenario_;
    Ledger& ledger_;
    Random random_;
    wire::engineio::Revision revision_;
    bool plain_;
    Socket* socket_ = nullptr;
    bool polling_ = false, get_waits_ = false;
    std::deque<Waiting> waiting_;
    wire::websocket::MessageReader reader_;
    std::string kept_, scratch_;
    std::string sid_;
    bool stalled_ = false;
    bool gone_ = false;
    bool said_open_ = false, said_goodbye_ = false;
    std::deque<Heard> inbox_;                       // not looked at while stalled
    std::vector<std::function<void()>> postponed_;  // what it would have done meanwhile
    std::optional<Arriving> arriving_;
    std::set<std::string, std::less<>> unanswered_;
    std::set<std::string, std::less<>> joined_, pending_, left_;
    std::uint64_t next_ack_ = 1;
    // That it waits for, by namespace: id -> message.
    std::map<std::string, std::map<std::uint64_t, Number>, std::less<>> acks_;
    std::chrono::milliseconds ping_interval_{25'000};
    unsigned pings_unanswered_ = 0, ping_frames_unanswered_ = 0;
    TimePoint last_ping_;
    TimePoint binary_trouble_until_{};
    TimePoint calm_until_{};
    std::optional<std::uint64_t> fuse_;  // so many messages until it crashes
};

}  // namespace forestay::simulation
