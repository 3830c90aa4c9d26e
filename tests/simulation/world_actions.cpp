// The shell's part of a world: HTTP exchanges, and what the session asks for.
#include <utility>

#include "tests/simulation/client_model.h"
#include "tests/simulation/upstream_model.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;

// ---- HTTP exchanges

session::ExchangeId World::get() {
    const auto exchange = ++next_exchange_;
    schedule_.after(scenario_.client_latency, [this, exchange] {
        if (over_) return client_->exchange_answered(exchange, 400, "");
        exchanges_.insert(exchange);
        trace("PollOpened", {}, exchange);
        input(session::input::PollOpened{exchange});
    });
    return exchange;
}

session::ExchangeId World::post(std::string body, std::vector<std::function<void()>> read) {
    const auto exchange = ++next_exchange_;
    schedule_.after(scenario_.client_latency,
                    [this, exchange, body = std::move(body), read = std::move(read)] {
                        if (over_) return client_->exchange_answered(exchange, 400, "");
                        for (const auto& one : read) {
                            if (one) one();
                        }
                        exchanges_.insert(exchange);
                        const std::vector<char> copy(body.begin(), body.end());
                        trace("PostReceived", body, exchange);
                        input(session::input::PostReceived{exchange, {copy.data(), copy.size()}});
                    });
    return exchange;
}

void World::lose(session::ExchangeId exchange) {
    if (over_ || exchanges_.erase(exchange) == 0) return;
    trace("ExchangeLost", {}, exchange);
    input(session::input::ExchangeLost{exchange});
}

void World::on(const session::action::AnswerExchange& action) {
    trace("AnswerExchange", action.body, action.exchange);
    require(exchanges_.erase(action.exchange) == 1, "an exchange was answered that is not open");
    require(!action.body.empty(), "an exchange was answered with an empty body");
    const auto latency = scenario_.client_latency;
    const bool get = client_->is_get(action.exchange);
    const bool lost = get && scenario_.troubles.exchange_lost && !resting_ && network_random_.chance(4);
    const bool late = scenario_.troubles.late_written && network_random_.chance(30);
    const auto told = late ? latency * 3 : latency / 2;
    schedule_.after(told, [this, exchange = action.exchange, lost] {
        if (over_) return;
        trace(lost ? "ExchangeLost" : "ExchangeWritten", {}, exchange);
        if (lost)
            input(session::input::ExchangeLost{exchange});
        else
            input(session::input::ExchangeWritten{exchange});
    });
    schedule_.after(latency, [this, exchange = action.exchange, status = action.status, lost,
                              body = std::string(action.body)] {
        if (lost)
            client_->exchange_failed(exchange);
        else
            client_->exchange_answered(exchange, status, body);
    });
}

// ---- the other actions

void World::on(const session::action::SendClient& action) {
    trace("SendClient", action.bytes);
    require(client_socket_ != nullptr && client_socket_->open, "SendClient without a websocket");
    client_socket_->to_peer->write(action.bytes);
}

void World::on(const session::action::SendUpstream& action) {
    trace("SendUpstream", action.bytes);
    require(upstream_socket_ != nullptr && upstream_socket_->open, "SendUpstream without a websocket");
    upstream_socket_->to_peer->write(action.bytes);
}

void World::on(const session::action::ConnectUpstream&) {
    trace("ConnectUpstream");
    require(!std::exchange(connect_asked_, true), "the upstream leg was connected twice");
    const bool refused = scenario_.troubles.upstream_refuses && shell_random_.chance(50);
    const unsigned status = refused && shell_random_.chance(50) ? (shell_random_.chance(50) ? 401 : 503) : 0;
    schedule_.after(scenario_.upstream_latency * 2 + shell_random_.pause(0ms, 300ms),
                    [this, refused, status] {
                        if (over_) return;
                        if (!refused) open_upstream_socket();
                        trace(refused ? "UpstreamRefused" : "UpstreamOpened", {}, status);
                        if (!refused) return input(session::input::UpstreamOpened{});
                        note("upstream refuses with status " + std::to_string(status));
                        for (const auto reason :
                             {CloseReason::refused, CloseReason::upstream_timeout, CloseReason::unauthorised})
                            ledger_.allow(reason);
                        input(session::input::UpstreamRefused{status});
                    });
}

void World::on(const session::action::CheckCredential& action) {
    trace("CheckCredential", action.connect_payload);
    require(scenario_.credential, "a credential was asked for though none is needed");
    require(!connect_asked_, "the upstream was contacted before the credential was checked");
    schedule_.after(shell_random_.pause(0ms, 400ms), [this] {
        if (over_) return;
        trace(scenario_.credential_good ? "CredentialAccepted" : "CredentialRefused");
        if (scenario_.credential_good) return input(session::input::CredentialAccepted{});
        ledger_.allow(CloseReason::unauthorised);
        input(session::input::CredentialRefused{"token_expired"});
    });
}

void World::on(const session::action::PollUpstream&) {}

void World::on(const session::action::PostUpstream&) {}

void World::on(const session::action::FindSession&) {}

void World::on(const session::action::AliasSid&) {}

void World::on(const session::action::Report&) {}

void World::on(const session::action::PauseClient&) {
    trace("PauseClient");
    require(client_socket_ != nullptr && client_socket_->open, "PauseClient without a websocket");
    require(!std::exchange(client_paused_, true), "the client was paused twice");
    client_socket_->to_session->hold(true);
}

void World::on(const session::action::ResumeClient&) {
    trace("ResumeClient");
    require(client_socket_ != nullptr && client_socket_->open, "ResumeClient without a websocket");
    require(std::exchange(client_paused_, false), "the client was resumed without a pause");
    client_socket_->to_session->hold(false);
}

void World::on(const session::action::PauseUpstream&) {
    trace("PauseUpstream");
    require(upstream_socket_ != nullptr && upstream_socket_->open, "PauseUpstream without a websocket");
    require(!std::exchange(upstream_paused_, true), "the upstream was paused twice");
    upstream_socket_->to_session->hold(true);
}

void World::on(const session::action::ResumeUpstream&) {
    trace("ResumeUpstream");
    require(upstream_socket_ != nullptr && upstream_socket_->open, "ResumeUpstream without a websocket");
    require(std::exchange(upstream_paused_, false), "the upstream was resumed without a pause");
    upstream_socket_->to_session->hold(false);
}

void World::on(const session::action::CloseClient&) {
    trace("CloseClient");
    require(client_socket_ != nullptr && std::exchange(client_socket_->open, false),
            "CloseClient without a websocket");
    client_paused_ = false;
    client_socket_->to_session->cut();
    client_socket_->to_peer->finish();
}

void World::on(const session::action::CloseUpstream&) {
    trace("CloseUpstream");
    if (upstream_socket_ == nullptr) return;  // still connecting
    require(std::exchange(upstream_socket_->open, false), "CloseUpstream without a websocket");
    upstream_socket_->to_session->cut();
    upstream_socket_->to_peer->finish();
}

void World::on(const session::action::End& action) {
    trace("End", session::close_reason_names[static_cast<std::size_t>(action.reason)]);
    over_ = true;
    note("end by " + std::string(session::close_side_names[static_cast<std::size_t>(action.side)]) + ": " +
         std::string(session::close_reason_names[static_cast<std::size_t>(action.reason)]));
    require(exchanges_.empty(), "the session ended with an exchange that has no answer");
    require(client_socket_ == nullptr || !client_socket_->open,
            "the session ended with an open websocket of the client");
    require(upstream_socket_ == nullptr || !upstream_socket_->open,
            "the session ended with an open websocket upstream");
    ledger_.ended(action);
}

void World::shut_down() {
    ledger_.allow(CloseReason::shutdown);
    trace("Shutdown");
    input(session::input::Shutdown{});
}

}  // namespace forestay::simulation
