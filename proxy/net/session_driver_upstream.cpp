// The upstream leg's connections: a websocket, or exchanges.
#include <chrono>
#include <utility>
#include <variant>

#include "proxy/net/loop.h"
#include "proxy/net/session_driver.h"
#include "proxy/net/upstream.h"

namespace forestay::net {

namespace input = session::input;

namespace {

// python answers a poll when it has sent a ping at the latest, or given the session up.
constexpr std::chrono::seconds poll_timeout{120};

}  // namespace

void SessionDriver::connect_upstream() {
    if (!connect_ || handshake_) return;
    handshake_ = start_upstream_handshake(loop_, *connect_, &pin_, [this](UpstreamHandshakeResult result) {
        upstream_answered(std::move(result));
    });
}

void SessionDriver::upstream_answered(UpstreamHandshakeResult result) {
    handshake_.reset();
    if (const auto* refusal = std::get_if<UpstreamRefusal>(&result)) {
        return drive({input::UpstreamRefused{refusal->status}});
    }
    if (const auto* polling = std::get_if<UpstreamPollingBegun>(&result)) {
        return drive({input::UpstreamPollingOpened{polling->body}});
    }
    auto& open = std::get<UpstreamUpgraded>(result);
    upstream_ = &loop_.sockets().add(std::move(open.socket), *this, UpgradedSockets::Start::connected);
    drive({input::UpstreamOpened{}, input::UpstreamBytes{open.early}});
}

void SessionDriver::poll_upstream(std::string_view sid) {
    if (!connect_ || pin_.at() == nullptr) return;
    poll_ = start_upstream_exchange(loop_, *pin_.at(), *connect_, {sid, {}, poll_timeout},
                                    [this](const UpstreamAnswer& answer) {
                                        poll_.reset();
                                        if (answer.status == 0 && !answer.unreachable)
                                            pin_.at()->lost_a_leg();
                                        drive({input::UpstreamPolled{answer.status, answer.body}});
                                    });
}

void SessionDriver::post_upstream(std::string_view sid, std::string_view body) {
    if (!connect_ || pin_.at() == nullptr) return;
    const UpstreamQuestion question{sid, body, loop_.shared().options.upstream.response_timeout, post_.get()};
    post_ =
        start_upstream_exchange(loop_, *pin_.at(), *connect_, question, [this](const UpstreamAnswer& answer) {
            post_.reset();
            drive({input::UpstreamPosted{answer.status}});
        });
}

// What still comes of exchanges with the old one is nobody's.
void SessionDriver::leave_upstream() {
    handshake_.reset();
    poll_.reset();
    post_.reset();
    close(upstream_, host_.spans.upstream);
}

void SessionDriver::heard_again(const wire::http::OwnedFields& fields) {
    if (!connect_) return;
    const auto cookie = [](const auto& field) { return wire::http::iequals(field.first, "cookie"); };
    const auto newer = std::find_if(fields.begin(), fields.end(), cookie);
    if (newer == fields.end()) return;
    const auto ours = std::find_if(connect_->fields.begin(), connect_->fields.end(), cookie);
    if (ours == connect_->fields.end()) {
        connect_->fields.push_back(*newer);
    } else if (ours->second != newer->second) {
        ours->second = newer->second;
    }
}

}  // namespace forestay::net
