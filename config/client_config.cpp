#include "config/client_config.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <variant>
#include <vector>

#include "config/json_text.h"
#include "proxy/auth/protected_path.h"

namespace forestay::config {
namespace {

std::string truth(bool value) {
    return value ? "true" : "false";
}

std::string milliseconds(std::chrono::nanoseconds value) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(value).count());
}

// Of JSON texts.
std::string list(const std::vector<std::string>& items) {
    std::string out = "[";
    for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + item;
    return out + ']';
}

std::string strings(const std::vector<std::string>& texts) {
    std::vector<std::string> items;
    for (const std::string& text : texts) items.push_back(quoted(text));
    return list(items);
}

// {"name":value,...} of names that need no escaping and JSON texts.
class Object {
  public:
    Object& add(std::string_view name, std::string_view json) {
        out_ += out_.size() > 1 ? ",\"" : "\"";
        out_.append(name).append("\":").append(json);
        return *this;
    }
    [[nodiscard]] std::string text() const { return out_ + '}'; }

  private:
    std::string out_ = "{";
};

std::string endpoints(const Config& config) {
    const auto auth = [&](const std::string& path) {
        return truth(auth::is_protected(path, config.auth.protect));
    };
    std::vector<std::string> socketio;
    for (const std::string& path : config.net.socketio_paths)
        socketio.push_back(Object().add("path", quoted(path)).add("auth", auth(path)).text());
    std::vector<std::string> websockets;
    for (const net::WebsocketPath& one : config.net.websockets) {
        Object endpoint;
        endpoint.add("path", quoted(one.path)).add("auth", auth(one.path));
        endpoint.add("format", one.json ? "\"json\"" : "\"opaque\"");
        const auto& known = config.session.json_websockets;
        const auto json =
            std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.path == one.path; });
        if (json != known.end() && json->heartbeat.count() > 0)
            endpoint.add("heartbeat_ms", milliseconds(json->heartbeat));
        if (json != known.end() && json->idle_timeout.count() > 0)
            endpoint.add("idle_timeout_ms", milliseconds(json->idle_timeout));
        websockets.push_back(endpoint.text());
    }
    return Object().add("socketio", list(socketio)).add("websockets", list(websockets)).text();
}

std::string origins(const auth::OriginOptions& options) {
    return Object()
        .add("allowed", strings(options.allowed))
        .add("allowed_regex", strings(options.allowed_regex))
        .add("credentials", truth(options.allow_credentials))
        .add("dev", truth(options.dev))
        .text();
}

std::string rate(const session::Rate& rate) {
    if (!rate.bounded()) return "null";
    return Object().add("count", std::to_string(rate.count)).add("per_ms", milliseconds(rate.per)).text();
}

std::string limits(const Config& config) {
    const net::ClientLimits& clients = config.net.limits.addresses;
    return Object()
        .add("max_message_bytes", std::to_string(config.session.limits.message_bytes))
        .add("message_rate", rate(config.session.limits.message_rate))
        .add("per_ip", clients.at_once > 0 ? std::to_string(clients.at_once) : "null")
        .add("connect_rate", rate(clients.connects))
        .text();
}

std::string_view method_name(const auth::Method& method) {
    if (std::holds_alternative<auth::FlaskSessionOptions>(method)) return "flask_session";
    if (std::holds_alternative<auth::StarletteSessionOptions>(method)) return "starlette_session";
    if (std::holds_alternative<auth::JwtOptions>(method)) return "jwt";
    if (std::holds_alternative<auth::ClientCertificateOptions>(method)) return "client_certificate";
    return "token";
}

std::string auth_of(const auth::AuthOptions& options) {
    if (options.protect.empty()) return Object().add("required", "false").text();
    std::vector<std::string> methods;
    for (const auth::Method& method : options.any_of) {
        const std::string name(method_name(method));
        if (std::find(methods.begin(), methods.end(), name) == methods.end()) methods.push_back(name);
    }
    if (options.forward) methods.emplace_back("forward");
    const auth::Sources& from = options.from;
    return Object()
        .add("required", "true")
        .add("methods", strings(methods))
        .add("from", Object()
                         .add("header", strings(from.header))
                         .add("query", strings(from.query))
                         .add("cookie", strings(from.cookie))
                         .add("protocol", strings(from.protocol))
                         .add("connect", strings(from.connect))
                         .text())
        .add("refuse_with", options.refuse_with == auth::RefuseWith::http ? "\"http\"" : "\"connect_error\"")
        .text();
}

std::string envelope(const session::EnvelopeNames& names) {
    return Object()
        .add("type", quoted(names.type))
        .add("ack", quoted(names.ack))
        .add("reconnect", quoted(names.reconnect))
        .add("established", quoted(names.established))
        .add("message_id", quoted(names.message_id))
        .add("session", quoted(names.session))
        .add("last_message_id", quoted(names.last_message_id))
        .text();
}

}  // namespace

std::string client_config_json(const Config& config) {
    Object all;
    all.add("endpoints", endpoints(config)).add("origins", origins(config.origins));
    all.add("heartbeat", Object()
                             .add("ping_interval_ms", milliseconds(config.session.ping_interval))
                             .add("ping_timeout_ms", milliseconds(config.session.ping_timeout))
                             .text());
    all.add("limits", limits(config)).add("auth", auth_of(config.auth));
    if (config.session.resume_client.envelope)
        all.add("envelope", envelope(config.session.resume_client.names));
    return all.text() + "\n";
}

}  // namespace forestay::config
