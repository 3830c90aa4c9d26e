#include "tests/simulation/client_link.h"

#include <utility>

#include "tests/simulation/client_transport.h"
#include "tests/simulation/shell.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

using namespace std::chrono_literals;

// ---- the websocket

Socket& ClientLink::open_socket() {
    sockets_.push_back(std::make_unique<Socket>());
    Socket& socket = *sockets_.back();
    const auto latency = world_.scenario().client_latency;
    socket.to_session = std::make_unique<Pipe>(
        world_.schedule(), latency, &world_.cuts(),
        [this, &socket](std::string_view some) { bytes(socket, some); },
        [this, &socket] {
            if (!std::exchange(socket.open, false) || shell_ == nullptr) return;
            shell_->trace("ClientLost");
            shell_->input(session::input::ClientLost{});
        });
    socket.to_peer = std::make_unique<Pipe>(
        world_.schedule(), latency, nullptr,
        [this, &socket](std::string_view some) { transport_.socket_bytes(socket, some); },
        [this, &socket] { transport_.socket_ended(socket); });
    if (world_.scenario().kind == Kind::plain) {  // both legs are there from the start
        socket_ = &socket;
        return socket;
    }
    socket.open = false;
    world_.schedule().after(latency, [this, &socket] {
        const bool busy = socket_ != nullptr && socket_->open;
        if (shell_ == nullptr || shell_->over() || busy) {  // the shell refuses a second one
            socket.to_session->cut();
            socket.to_peer->finish();
            return;
        }
        socket.open = true;
        socket_ = &socket;
        shell_->trace("ClientUpgraded");
        shell_->input(session::input::ClientUpgraded{});
    });
    return socket;
}

void ClientLink::bytes(Socket& socket, std::string_view bytes) {
    if (!socket.open || shell_ == nullptr) return;
    // Exactly these bytes, in memory of their own: reading past them, or after the actions, is found by a
    // sanitizer.
    const std::vector<char> copy(bytes.begin(), bytes.end());
    const std::string_view view(copy.data(), copy.size());
    shell_->trace("ClientBytes", view);
    shell_->input(session::input::ClientBytes{view});
}

void ClientLink::reset(Socket& socket) {
    socket.to_session->cut();
    socket.to_peer->cut();
    if (!std::exchange(socket.open, false) || shell_ == nullptr) return;
    shell_->trace("ClientLost reset");
    shell_->input(session::input::ClientLost{true});
}

void ClientLink::reads(bool reads) {
    if (socket_ == nullptr || !socket_->open) return;
    Socket& socket = *socket_;
    socket.to_peer->hold(!reads);
    if (!reads) return;
    world_.schedule().after(2us, [this, &socket] {
        socket.reported = 0;
        if (!std::exchange(socket.blocked, false) || !socket.open || shell_ == nullptr) return;
        shell_->trace("ClientDrained");
        shell_->input(session::input::ClientDrained{});
    });
}

// What was written while the client does not read waits in the shell, which says so.
void ClientLink::report_blocked() {
    if (socket_ == nullptr || !socket_->open) return;
    const std::size_t pending = socket_->to_peer->held_back();
    if (pending <= socket_->reported) return;
    socket_->reported = pending;
    socket_->blocked = true;
    shell_->trace("ClientBlocked", {}, pending);
    shell_->input(session::input::ClientBlocked{pending});
}

void ClientLink::send(std::string_view bytes) {
    require(socket_ != nullptr && socket_->open, "SendClient without a websocket");
    socket_->to_peer->write(bytes);
}

void ClientLink::pause(bool on) {
    require(socket_ != nullptr && socket_->open, "the client was paused or resumed without a websocket");
    require(std::exchange(paused_, on) != on, "the client was paused or resumed twice");
    socket_->to_session->hold(on);
}

void ClientLink::close_socket() {
    require(socket_ != nullptr && std::exchange(socket_->open, false), "CloseClient without a websocket");
    paused_ = false;
    socket_->to_session->cut();
    socket_->to_peer->finish();
}

void ClientLink::let_go() {
    shell_ = nullptr;
    for (const auto exchange : std::exchange(exchanges_, {}))
        world_.schedule().after(world_.scenario().client_latency,
                                [this, exchange] { transport_.exchange_answered(exchange, 400, ""); });
    if (socket_ == nullptr || !std::exchange(socket_->open, false)) return;
    socket_->to_session->cut();
    socket_->to_peer->finish();
}

void ClientLink::check_all_closed() const {
    require(exchanges_.empty(), "the session ended with an exchange that has no answer");
    require(socket_ == nullptr || !socket_->open, "the session ended with an open websocket of the client");
}

// ---- HTTP exchanges

void ClientLink::arrived(session::ExchangeId exchange, std::string_view what, std::string_view body) {
    exchanges_.insert(exchange);
    shell_->trace(what, body, exchange);
}

session::ExchangeId ClientLink::get() {
    const auto exchange = world_.next_exchange();
    world_.schedule().after(world_.scenario().client_latency, [this, exchange] {
        if (shell_ == nullptr || shell_->over()) return transport_.exchange_answered(exchange, 400, "");
        arrived(exchange, "PollOpened", {});
        shell_->input(session::input::PollOpened{exchange});
    });
    return exchange;
}

session::ExchangeId ClientLink::post(std::string body, std::vector<std::function<void()>> read) {
    const auto exchange = world_.next_exchange();
    world_.schedule().after(
        world_.scenario().client_latency, [this, exchange, body = std::move(body), read = std::move(read)] {
            if (shell_ == nullptr || shell_->over()) return transport_.exchange_answered(exchange, 400, "");
            for (const auto& one : read) {
                if (one) one();
            }
            const std::vector<char> copy(body.begin(), body.end());
            arrived(exchange, "PostReceived", body);
            shell_->input(session::input::PostReceived{exchange, {copy.data(), copy.size()}});
        });
    return exchange;
}

void ClientLink::lose(session::ExchangeId exchange) {
    if (exchanges_.erase(exchange) == 0 || shell_ == nullptr) return;
    shell_->trace("ExchangeLost", {}, exchange);
    shell_->input(session::input::ExchangeLost{exchange});
}

void ClientLink::answer(session::ExchangeId exchange, unsigned status, std::string_view body) {
    require(exchanges_.erase(exchange) == 1, "an exchange was answered that is not open");
    require(!body.empty(), "an exchange was answered with an empty body");
    const auto& scenario = world_.scenario();
    const auto latency = scenario.client_latency;
    const bool get = transport_.is_get(exchange);
    const bool lost = get && scenario.troubles.exchange_lost && !world_.at_rest() && world_.network_chance(4);
    const bool late = scenario.troubles.late_written && world_.network_chance(30);
    world_.schedule().after(late ? latency * 3 : latency / 2, [this, exchange, lost] {
        if (shell_ == nullptr) return;
        shell_->trace(lost ? "ExchangeLost" : "ExchangeWritten", {}, exchange);
        if (lost)
            shell_->input(session::input::ExchangeLost{exchange});
        else
            shell_->input(session::input::ExchangeWritten{exchange});
    });
    world_.schedule().after(latency, [this, exchange, status, lost, body = std::string(body)] {
        if (lost)
            transport_.exchange_failed(exchange);
        else
            transport_.exchange_answered(exchange, status, body);
    });
}

}  // namespace forestay::simulation
