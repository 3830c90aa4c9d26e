// A Socket.IO client, or a plain websocket client, that does random things a stock client does, and now and
// then what none should.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/wire/socketio/packet.h"
#include "tests/simulation/client_transport.h"
#include "tests/simulation/packets.h"

namespace forestay::simulation {

class ClientModel {
  public:
    ClientModel(World& world, Random random);

    void start();
    void rest();
    void check_at_rest() const;
    [[nodiscard]] bool in_some_namespace() const;
    void leave();  // ends the session, one way or another
    [[nodiscard]] bool gone() const noexcept { return finished_; }
    [[nodiscard]] bool left_a_namespace() const noexcept { return left_a_namespace_; }

  private:
    using Number = Ledger::Number;
    enum class Membership : std::uint8_t { out, rejoining, joining, in, gone };
    struct Namespace {
        Membership membership = Membership::out;
        std::uint64_t next_ack = 0;
        std::map<std::uint64_t, std::pair<Number, bool>> acks;  // ack id -> message, tracked
        std::set<std::uint64_t> asked;                          // ack ids of the upstream's events, all
        std::string pid;
        std::optional<std::string> offset;
    };
    // A packet of the upstream whose attachments are not all there.
    struct Arriving {
        std::string header;
        std::size_t missing = 0, seen = 0;
    };

    // Its transports, one after the other (client_returns.cpp).
    void open_transport();
    void transport_ended();
    void blink();
    void come_back_after(std::chrono::microseconds delay);
    void come_back();
    void burn();  // one step nearer to its next blink
    void hold_position(Namespace& nsp, const wire::socketio::Packet& packet);
    [[nodiscard]] std::optional<Number> request_of(const Namespace& nsp,
                                                   const wire::socketio::Packet& packet) const;
    [[nodiscard]] std::string connect_payload(const Namespace& nsp) const;

    static bool is_status(const wire::socketio::Packet& packet);
    static bool is_marker(const wire::socketio::Packet& packet);
    void operate_later();
    void operate();
    void talk(std::string_view name, Namespace& nsp);
    void disturb();
    void misbehave();
    void be_odd();
    void join(std::string_view name);
    void emit(const SioPacket& packet, Number n, std::optional<RuleIndex> tracked, bool again = false);
    // client_requests.cpp
    [[nodiscard]] std::optional<RuleIndex> make_request(Namespace& nsp, std::uint64_t dice, Number n,
                                                        SioPacket& packet);
    void ask_again_later(const SioPacket& packet, Number n, RuleIndex rule);
    void ask_again(SioPacket packet, Number n, RuleIndex rule);
    [[nodiscard]] std::optional<Number> request_by_id(const wire::socketio::Packet& packet) const;
    [[nodiscard]] static std::optional<Ledger::Fallback> fallback_in(std::string_view payload);
    void heard_status(const Namespace& nsp, const wire::socketio::Packet& packet);
    void heard_of_request(const wire::socketio::Packet& packet,
                          const std::optional<Ledger::Fallback>& fallback);
    void send_plain();
    [[nodiscard]] std::string padding();

    void opened();
    void heard(bool binary, std::string_view data);
    void heard_plain(std::string_view data);
    void whole(std::string_view text);
    void heard_event(Namespace& nsp, const wire::socketio::Packet& packet);
    void heard_ack(Namespace& nsp, const wire::socketio::Packet& packet);
    void acknowledge(const wire::socketio::Packet& packet, Number m);
    void heard_connect(Namespace& nsp, const wire::socketio::Packet& packet);

    World& world_;
    const Scenario& scenario_;
    Ledger& ledger_;
    Random random_;
    std::vector<std::unique_ptr<ClientTransport>> transports_;  // all that ever were
    ClientTransport* transport_ = nullptr;                      // the last of them
    std::map<std::string, Namespace, std::less<>> namespaces_;
    std::map<std::string, Number, std::less<>> requests_by_id_;  // raw message_id -> request
    std::optional<Arriving> arriving_;
    TimePoint calm_until_{};  // no second disturbance while one is going on
    bool left_a_namespace_ = false;
    bool finished_ = false;              // misbehaved or gone: says nothing more
    bool away_ = false;                  // without a transport, and will come back
    std::optional<std::uint64_t> fuse_;  // so many packets until it blinks
};

}  // namespace forestay::simulation
