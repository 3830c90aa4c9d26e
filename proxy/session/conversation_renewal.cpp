// A fresh credential that the client brings with an event (auth.refresh). The app does not hear of it.
#include <algorithm>
#include <utility>

#include "proxy/session/conversation.h"
#include "proxy/session/expiry.h"

namespace forestay::session {

using wire::socketio::Packet;

bool Conversation::is_renewal(const Packet& packet) const {
    const std::string& event = policy_.expiry.refresh_event;
    return !event.empty() && wire::socketio::event_is(packet, event);
}

MaybeEnding Conversation::client_renewal(const Namespace& nsp, const Packet& packet) {
    const Renewal renewal{nsp.serial, packet.id};
    // Who it is has to be known before it can be said again.
    if (renewal_ || credential_ != Credential::not_needed) return answer_renewal(renewal, "busy");
    const auto argument = wire::socketio::argument(packet, 0);
    auto credential = argument ? fresh_credential(policy_.expiry, *argument) : std::nullopt;
    if (!credential) return answer_renewal(renewal, "malformed");
    renewal_ = renewal;
    std::string& fresh = actions_.made();
    fresh = std::move(*credential);
    actions_.push(action::RenewCredential{fresh});
    return std::nullopt;
}

MaybeEnding Conversation::renewal_judged(std::string_view code) {
    const auto renewal = std::exchange(renewal_, std::nullopt);
    return renewal ? answer_renewal(*renewal, code) : std::nullopt;
}

// As the ACK that the client has asked for; who asked for none learns it by staying, or by being closed.
MaybeEnding Conversation::answer_renewal(const Renewal& renewal, std::string_view code) {
    const Namespace* nsp = find(renewal.nsp);
    if (nsp == nullptr || !nsp->joined || !renewal.ack) return std::nullopt;
    std::string& text = actions_.made();
    wire::socketio::write_ack(text, nsp->name, *renewal.ack, "[{" + renewal_verdict(code) + "}]");
    return unit_to_client(nsp->name, text, {});
}

bool Conversation::any_joined() const {
    return std::any_of(namespaces_.begin(), namespaces_.end(),
                       [](const Namespace& nsp) { return nsp.joined; });
}

MaybeEnding Conversation::say_everywhere(std::string_view event, std::string_view argument) {
    for (const Namespace& nsp : namespaces_) {
        if (!nsp.joined) continue;
        std::string& text = actions_.made();
        wire::socketio::write_event(text, nsp.name, event, argument);
        if (auto ending = unit_to_client(nsp.name, text, {})) return ending;
    }
    return std::nullopt;
}

}  // namespace forestay::session
