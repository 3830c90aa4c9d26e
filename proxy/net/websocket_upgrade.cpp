#include "proxy/net/websocket_upgrade.h"

#include <openssl/evp.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <stdexcept>

#include "proxy/net/guard.h"
#include "proxy/net/signal.h"
#include "proxy/net/upstream_handshake.h"

namespace forestay::net {
namespace {

using std::string_view;

// RFC 6455 section 4.2.2, item 5.4.
std::string accept_for(string_view key) {
    std::string text(key);
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, 20> digest{};
    if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error("SHA-1 is not available");
    }
    std::array<unsigned char, 29> base64{};
    const int size = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
    return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(size)};
}

// The upstream's fields that go with our 101 (Set-Cookie, what the app adds), and nothing of the handshake
// itself.
bool is_handshake_field(string_view name) {
    constexpr string_view prefix = "sec-websocket-";
    return wire::http::iequals(name.substr(0, prefix.size()), prefix) ||
           wire::http::iequals(name, "content-length") || wire::http::is_hop_by_hop(name, {});
}

std::string switching_head(const wire::http::HandshakeRequest& handshake, string_view protocol,
                           const wire::http::OwnedFields& upstream_fields) {
    std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
    append_field(head, "Upgrade", "websocket");
    append_field(head, "Connection", "Upgrade");
    append_field(head, "Sec-WebSocket-Accept", accept_for(handshake.key));
    if (!protocol.empty()) append_field(head, "Sec-WebSocket-Protocol", protocol);
    for (const auto& [name, value] : upstream_fields) {
        if (!is_handshake_field(name)) append_field(head, name, value);
    }
    return head += "\r\n";
}

// Writes the 101; false: the client is gone.
Task<bool> switch_client(ClientExchange& exchange, const std::string& head) {
    const Io written =
        co_await exchange.client.write(head, exchange.context.loop.shared().options.limits.write_timeout);
    exchange.keep_alive = false;
    exchange.aborted = written != Io::ok;
    if (!exchange.aborted) exchange.status = 101;
    co_return !exchange.aborted;
}

struct Waiting {
    explicit Waiting(Loop& loop) : signal(loop) {}
    Signal signal;
    std::optional<UpstreamHandshakeResult> result;
    bool client_gone = false;
};

Reply refusal_reply(UpstreamRefusal refusal) {
    if (refusal.status == 0) {
        if (refusal.reason == HandshakeFailure::timeout) return error_reply(504, "upstream_timeout");
        if (refusal.reason == HandshakeFailure::unreachable) return error_reply(503, "upstream_unreachable");
        return error_reply(502, handshake_failure_names[static_cast<std::size_t>(refusal.reason)]);
    }
    Reply reply;
    reply.status = refusal.status;
    reply.body = std::move(refusal.body);
    reply.content_type = {};
    reply.reason = "upstream_refused";
    std::string connection;
    for (const auto& [name, value] : refusal.fields) {
        if (wire::http::iequals(name, "connection")) connection.append(value).append(",");
    }
    for (auto& [name, value] : refusal.fields) {
        if (wire::http::iequals(name, "content-length") || wire::http::is_hop_by_hop(name, connection))
            continue;
        reply.fields.emplace_back(std::move(name), std::move(value));
    }
    return reply;
}

}  // namespace

Task<void> upgrade_engineio(ClientExchange& exchange, GuardedRequest request,
                            const wire::http::HandshakeRequest& handshake) {
    exchange.keep_alive = false;
    EngineIoEndpoint& endpoint = exchange.context.endpoint;
    if (std::optional<HttpAnswer> refused = endpoint.refuse_upgrade(request)) {
        Reply reply;
        reply.status = refused->status;
        reply.body = std::move(refused->body);
        reply.content_type = refused->content_type;
        reply.reason = refused->reason;
        if (refused->retry_after > 0)
            reply.fields.emplace_back("Retry-After", std::to_string(refused->retry_after));
        co_await send_reply(exchange, std::move(reply));
        co_return;
    }
    // A browser that offered protocols and gets none gives up; ours to choose, the upstream is not asked yet.
    const std::string protocol = request.protocols.empty() ? std::string() : request.protocols.front();
    const std::string head = switching_head(handshake, protocol, exchange.cookies);
    const bool switched = co_await switch_client(exchange, head);
    if (!switched) co_return;
    std::string early = std::move(exchange.client.buffer());
    exchange.released = true;
    endpoint.upgraded(std::move(request), exchange.client.release(), std::move(early));
}

Task<void> upgrade_plain(ClientExchange& exchange, GuardedRequest request,
                         const wire::http::HandshakeRequest& handshake) {
    // Refused or not: what the client has sent behind its handshake was meant as frames, and never becomes a
    // request.
    exchange.keep_alive = false;
    Loop& loop = exchange.context.loop;
    const auto waiting = std::make_shared<Waiting>(loop);
    const UpstreamHandshakeRequest asked{
        request.target, std::move(request.upstream_fields), request.protocols, 0, {}};
    loop.read_clock();
    std::unique_ptr<UpstreamHandshake> running =
        start_upstream_handshake(loop, asked, nullptr, [waiting](UpstreamHandshakeResult result) {
            waiting->result = std::move(result);
            waiting->signal.notify();
        });
    exchange.client.watch([waiting](bool closed) {
        waiting->client_gone = closed;
        if (closed) waiting->signal.notify();
    });
    co_await waiting->signal.wait();
    exchange.client.unwatch();
    running.reset();
    if (waiting->client_gone || !waiting->result) {
        exchange.aborted = true;
        co_return;
    }
    if (auto* refusal = std::get_if<UpstreamRefusal>(&*waiting->result)) {
        if (refusal->status != 0) exchange.cors.clear();  // the app's answer has the app's
        Reply reply = refusal_reply(std::move(*refusal));
        // What the client has sent behind its handshake were frames, if anything: never another request,
        // whatever the status says.
        exchange.keep_alive = false;
        co_await send_reply(exchange, std::move(reply));
        co_return;
    }
    if (exchange.context.draining) {  // the goodbyes have been said: nobody would end this one
        Reply reply = error_reply(503, "draining");
        co_await send_reply(exchange, std::move(reply));
        co_return;
    }
    auto& upgraded = std::get<UpstreamUpgraded>(*waiting->result);
    upgraded.fields.insert(upgraded.fields.end(), exchange.cookies.begin(), exchange.cookies.end());
    const string_view marker = credential_marker(loop.shared().authenticator->options(), handshake.protocols);
    const std::string head = switching_head(
        handshake, upgraded.protocol.empty() ? marker : string_view(upgraded.protocol), upgraded.fields);
    const bool switched = co_await switch_client(exchange, head);
    if (!switched) co_return;
    std::string early = std::move(exchange.client.buffer());
    exchange.released = true;
    exchange.context.endpoint.plain(std::move(request), exchange.client.release(), std::move(early),
                                    std::move(upgraded.socket), std::move(upgraded.early));
}

}  // namespace forestay::net
