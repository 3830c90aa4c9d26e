// A Socket.IO client, or a plain websocket client, that does random things a stock client does, and now and
// then what none should.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

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
    void leave();  // ends the session, one way or another
    [[nodiscard]] bool left_a_namespace() const noexcept { return left_a_namespace_; }

    void socket_bytes(Socket& socket, std::string_view bytes) { transport_.socket_bytes(socket, bytes); }
    void socket_ended(Socket& socket) { transport_.socket_ended(socket); }
    void exchange_answered(session::ExchangeId exchange, unsigned status, std::string_view body) {
        transport_.exchange_answered(exchange, status, body);
    }
    void exchange_failed(session::ExchangeId exchange) { transport_.exchange_failed(exchange); }
    [[nodiscard]] bool is_get(session::ExchangeId exchange) const { return transport_.is_get(exchange); }

  private:
    using Number = Ledger::Number;
    enum class Membership : std::uint8_t { out, joining, in, gone };
    struct Namespace {
        Membership membership = Membership::out;
        std::uint64_t next_ack = 0;
        std::map<std::uint64_t, std::pair<Number, bool>> acks;  // ack id -> message, tracked
    };
    // A packet of the upstream whose attachments are not all there.
    struct Arriving {
        std::string header;
        std::size_t missing = 0, seen = 0;
    };

    void operate_later();
    void operate();
    void talk(std::string_view name, Namespace& nsp);
    void disturb();
    void misbehave();
    void be_odd();
    void join(std::string_view name);
    void emit(SioPacket packet, Number n, std::optional<RuleIndex> tracked);
    void send_plain();
    [[nodiscard]] std::string padding();

    void opened();
    void heard(bool binary, std::string_view data);
    void heard_plain(std::string_view data);
    void whole(std::string_view text);
    void heard_event(Namespace& nsp, const wire::socketio::Packet& packet);
    void heard_ack(Namespace& nsp, const wire::socketio::Packet& packet);
    void acknowledge(const wire::socketio::Packet& packet);

    World& world_;
    const Scenario& scenario_;
    Ledger& ledger_;
    Random random_;
    ClientTransport transport_;
    std::map<std::string, Namespace, std::less<>> namespaces_;
    std::map<std::string, Number, std::less<>> requests_by_id_;  // raw message_id -> request
    std::optional<Arriving> arriving_;
    TimePoint calm_until_{};  // no second disturbance while one is going on
    bool left_a_namespace_ = false;
    bool finished_ = false;  // misbehaved or gone: says nothing more
};

}  // namespace forestay::simulation
