// What the session asks for.
#include <array>
#include <utility>

#include "tests/simulation/shell.h"
#include "tests/simulation/upstream_model.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;

void Shell::on(const session::action::SendClient& action) {
    trace("SendClient", action.bytes);
    require(link_ != nullptr, "SendClient without a client");
    link_->send(action.bytes);
}

void Shell::on(const session::action::SendUpstream& action) {
    trace("SendUpstream", action.bytes);
    require(upstream_socket_ != nullptr && upstream_socket_->open, "SendUpstream without a websocket");
    upstream_socket_->to_peer->write(action.bytes);
}

void Shell::on(const session::action::AnswerExchange& action) {
    trace("AnswerExchange", action.body, action.exchange);
    require(link_ != nullptr, "AnswerExchange without a client");
    link_->answer(action.exchange, action.status, action.body);
}

void Shell::on(const session::action::ConnectUpstream&) {
    trace("ConnectUpstream");
    require(!std::exchange(connecting_, true), "the upstream leg was connected twice");
    require(upstream_socket_ == nullptr || !upstream_socket_->open,
            "a second upstream connection beside an open one");
    if (attempts_ == 0) world_.ledger().client_is_with(number_);  // nobody else had the client
    polling_ = false;
    const auto verdict = world_.judge_connect();
    const std::uint64_t mine = ++attempts_;
    world_.schedule().after(verdict.delay, [this, mine, verdict] {
        if (over_ || mine != attempts_ || !connecting_) return;
        connecting_ = false;
        const bool up = verdict.accepted && world_.app_is_up();
        const bool polling = up && world_.scenario().upstream_polling;
        if (polling) return connected(true);
        if (up) open_upstream_socket();
        trace(up ? "UpstreamOpened" : "UpstreamRefused", {}, verdict.status);
        if (up) return input(session::input::UpstreamOpened{});
        world_.note("upstream refuses with status " + std::to_string(verdict.status));
        world_.refused(verdict.status);
        input(session::input::UpstreamRefused{verdict.status});
    });
}

void Shell::connected(bool) {
    polling_ = true;
    upstream_socket_ = nullptr;
    get_open_ = post_open_ = upstream_paused_ = false;
    new_life();
    life_->opened(nullptr);
    const std::string body = life_->handshake_body();
    trace("UpstreamPollingOpened", body);
    input(session::input::UpstreamPollingOpened{body});
}

void Shell::on(const session::action::PollUpstream& action) {
    trace("PollUpstream", action.sid);
    require(polling_, "PollUpstream without a polling upstream");
    require(!std::exchange(get_open_, true), "a second GET at the upstream");
    require(!upstream_paused_, "a GET while the upstream is not to be read");
    require(action.sid == life_->sid(), "a GET with the sid of another upstream session");
    UpstreamModel* life = life_;
    world_.schedule().after(world_.scenario().upstream_latency, [life] { life->get(); });
}

void Shell::on(const session::action::PostUpstream& action) {
    trace("PostUpstream", action.body);
    require(polling_, "PostUpstream without a polling upstream");
    require(action.sid == life_->sid(), "a POST with the sid of another upstream session");
    // Behind one that is under way only a goodbye may stand.
    if (std::exchange(post_open_, true)) return goodbyes_.emplace_back(action.body), void();
    UpstreamModel* life = life_;
    world_.schedule().after(world_.scenario().upstream_latency,
                            [life, body = std::string(action.body)] { life->post(body); });
}

void Shell::polled(unsigned status, std::string_view body) {
    if (over_ || !std::exchange(get_open_, false)) return;
    trace("UpstreamPolled", body, status);
    const std::vector<char> copy(body.begin(), body.end());
    if (status == 0) world_.ledger().upstream_lost();
    input(session::input::UpstreamPolled{status, {copy.data(), copy.size()}});
}

void Shell::posted(unsigned status) {
    if (over_ || !std::exchange(post_open_, false)) return;
    trace("UpstreamPosted", {}, status);
    if (status == 0) world_.ledger().upstream_lost();
    input(session::input::UpstreamPosted{status});
}

void Shell::on(const session::action::CheckCredential& action) {
    trace("CheckCredential", action.connect_payload);
    require(world_.scenario().credential, "a credential was asked for though none is needed");
    require(attempts_ == 0, "the upstream was contacted before the credential was checked");
    world_.schedule().after(world_.shell_pause(0ms, 400ms), [this] {
        if (over_) return;
        const bool good = world_.scenario().credential_good;
        trace(good ? "CredentialAccepted" : "CredentialRefused");
        if (good) return input(session::input::CredentialAccepted{});
        world_.ledger().allow(CloseReason::unauthorised);
        input(session::input::CredentialRefused{"token_expired"});
    });
}

void Shell::on(const session::action::RenewCredential&) {
    require(false, "a credential was renewed, and no client has said so");
}

void Shell::on(const session::action::FindSession& action) {
    trace("FindSession", action.secret);
    require(!wanted_, "FindSession twice");
    wanted_ = std::string(action.secret);
}

void Shell::on(const session::action::Report& action) {
    trace(session::report_names[static_cast<std::size_t>(action.kind)], {}, action.count);
}

void Shell::on(const session::action::AskGate& action) {
    trace(action.kind == rules::AskKind::fresh ? "AskGate" : "AskGate again", {}, action.request);
    world_.gate().ask(*this, action);
}

void Shell::on(const session::action::LeaveGate& action) {
    constexpr std::array<std::string_view, 3> outcomes{"answered", "failed", "released"};
    trace("LeaveGate", outcomes[static_cast<std::size_t>(action.outcome)], action.request);
    world_.gate().leave(*this, action);
}

void Shell::gate_said(const session::input::GateSaid& said) {
    constexpr std::array<std::string_view, 3> verdicts{"GateSaid go", "GateSaid refused", "GateSaid place"};
    const auto what = verdicts[static_cast<std::size_t>(said.what)];
    const bool refused = said.what == rules::Verdict::What::refused;
    trace(what, refused ? rules::name(said.code) : std::string_view(), said.request);
    input(said);
}

void Shell::on(const session::action::AliasSid&) {
    trace("AliasSid");
}

void Shell::on(const session::action::PauseClient&) {
    trace("PauseClient");
    require(link_ != nullptr, "PauseClient without a client");
    link_->pause(true);
}

void Shell::on(const session::action::ResumeClient&) {
    trace("ResumeClient");
    require(link_ != nullptr, "ResumeClient without a client");
    link_->pause(false);
}

void Shell::on(const session::action::PauseUpstream&) {
    trace("PauseUpstream");
    require(polling_ || (upstream_socket_ != nullptr && upstream_socket_->open),
            "PauseUpstream without a connection");
    require(!std::exchange(upstream_paused_, true), "the upstream was paused twice");
    if (!polling_) upstream_socket_->to_session->hold(true);
}

void Shell::on(const session::action::ResumeUpstream&) {
    trace("ResumeUpstream");
    require(polling_ || (upstream_socket_ != nullptr && upstream_socket_->open),
            "ResumeUpstream without a connection");
    require(std::exchange(upstream_paused_, false), "the upstream was resumed without a pause");
    if (!polling_) upstream_socket_->to_session->hold(false);
}

void Shell::on(const session::action::CloseClient&) {
    trace("CloseClient");
    require(link_ != nullptr, "CloseClient without a client");
    link_->close_socket();
}

void Shell::on(const session::action::CloseUpstream&) {
    trace("CloseUpstream");
    world_.ledger().upstream_lost();
    if (std::exchange(connecting_, false)) return;
    if (std::exchange(polling_, false)) {
        auto when = world_.scenario().upstream_latency;
        for (const auto& body : std::exchange(goodbyes_, {}))
            world_.schedule().after(when += 1ms, [life = life_, body] { life->post(body); });
        return world_.schedule().after(when += 1ms, [life = life_] { life->socket_ended(); });
    }
    require(upstream_socket_ != nullptr && std::exchange(upstream_socket_->open, false),
            "CloseUpstream without a websocket");
    upstream_socket_->to_session->cut();
    upstream_socket_->to_peer->finish();
}

void Shell::on(const session::action::End& action) {
    trace("End", session::close_reason_names[static_cast<std::size_t>(action.reason)]);
    over_ = true;
    world_.gate().forget(*this);
    world_.note("end by " + std::string(session::close_side_names[static_cast<std::size_t>(action.side)]) +
                ": " + std::string(session::close_reason_names[static_cast<std::size_t>(action.reason)]));
    if (action.side == session::CloseSide::upstream) world_.ledger().ended_by_upstream();
    if (link_ != nullptr) link_->check_all_closed();
    require(upstream_socket_ == nullptr || !upstream_socket_->open,
            "the session ended with an open websocket upstream");
    const bool closes_on_return =
        lives_ > 1 && action.reason == CloseReason::connection_lost &&
        world_.scenario().policy.resume_upstream.on_return == session::OnReturn::close;
    const bool outage = action.side == session::CloseSide::upstream && outage_too_long();
    if (!outage && !closes_on_return) world_.ledger().ended(action);
}

}  // namespace forestay::simulation
