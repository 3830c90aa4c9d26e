// The end of the client's identity: the client is told before, may bring a fresh credential, and is closed.
#include "proxy/session/expiry.h"
#include "proxy/session/session_state.h"
#include "proxy/wire/json/scan.h"

namespace forestay::session {

namespace {

// A client that is just joining, or away, is told as soon as it can hear.
constexpr Duration warn_again{1'000};

// {"type":"forestay:auth",...}, the type where the app has it, if that is a plain member.
std::string json_words(const JsonWebsocket& websocket, std::string_view type, std::string_view members) {
    const std::string& pointer = websocket.type.text();
    const bool plain = pointer.size() > 1 && pointer.find_first_of("/~", 1) == std::string::npos;
    std::string text = "{\"";
    wire::json::append_escaped(text, plain ? std::string_view(pointer).substr(1) : "type");
    text += "\":\"";
    wire::json::append_escaped(text, type);
    text += "\",";
    text += members;
    return text += '}';
}

}  // namespace

std::optional<std::string> fresh_credential(const Expiry& expiry, std::string_view object) {
    const auto literal = wire::json::member(object, expiry.refresh_field);
    auto text = literal ? wire::json::unescape(*literal) : std::nullopt;
    if (text && text->empty()) return std::nullopt;
    return text;
}

std::string renewal_verdict(std::string_view code) {
    if (code.empty()) return R"("ok":true)";
    return R"("ok":false,"code":")" + std::string(code) + '"';
}

void Session::State::set_expiry(TimePoint at) {
    expires = at;
    warn_due = at != never && policy.expiry.warning > Duration{0} ? at - policy.expiry.warning : never;
}

void Session::State::warn_of_expiry(TimePoint now) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(expires - now).count();
    const std::string data = "\"expires_in\":" + std::to_string(left);
    warn_due = now + warn_again;
    if (conversation && client.state() != ClientState::away && conversation->any_joined()) {
        warn_due = never;
        end_if(conversation->say_everywhere(expiring_event, '{' + data + '}'));
    } else if (json && client.websocket_open()) {
        warn_due = never;
        json_write(json_words(json->websocket, expiring_event, data));
    } else if (!conversation && !json) {
        warn_due = never;  // nothing can be said there
    }
}

void Session::State::on(const input::CredentialRenewed& input, TimePoint) {
    set_expiry(input.expires);
    if (conversation) end_if(conversation->renewal_judged({}));
    if (json) json_renewal_judged({});
}

void Session::State::on(const input::RenewalRefused& input, TimePoint) {
    if (conversation) end_if(conversation->renewal_judged(input.code));
    if (json) json_renewal_judged(input.code);
}

void Session::State::json_renewal(std::string_view text) {
    auto credential = fresh_credential(policy.expiry, text);
    if (json->renewing || !credential)
        return json_write(json_words(json->websocket, policy.expiry.refresh_event,
                                     renewal_verdict(json->renewing ? "busy" : "malformed")));
    json->renewing = true;
    std::string& fresh = actions.made();
    fresh = std::move(*credential);
    actions.push(action::RenewCredential{fresh});
}

void Session::State::json_renewal_judged(std::string_view code) {
    if (!std::exchange(json->renewing, false)) return;
    json_write(json_words(json->websocket, policy.expiry.refresh_event, renewal_verdict(code)));
}

}  // namespace forestay::session
