#include "proxy/net/polling_exchange.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "proxy/net/request_body.h"
#include "proxy/net/signal.h"
#include "proxy/wire/engineio/jsonp.h"

namespace forestay::net {
namespace {

// What the session and the client's socket tell us; whoever is first wakes the exchange. The session may hold
// its handler longer than we live.
struct Waiting {
    explicit Waiting(Loop& loop) : signal(loop) {}
    Signal signal;
    std::optional<HttpAnswer> answer;
    bool client_gone = false;
};

Reply bad_body(std::string_view reason) {
    Reply reply = error_reply(400, reason);
    reply.body = R"({"code":3,"message":"Bad request"})";
    return reply;
}

// Refusals of the body by what the head says (the reference server's error body).
std::optional<Reply> check_body_head(const wire::http::RequestHead& head, const GuardedRequest& request) {
    const wire::http::Field* type = head.find("content-type");
    const bool binary = type != nullptr && wire::http::iequals(type->value.substr(0, type->value.find(';')),
                                                               "application/octet-stream");
    if (binary && request.query.revision != wire::engineio::Revision::v3)
        return bad_body("binary_polling_body");
    const wire::http::Field* coding = head.find("content-encoding");
    if (coding != nullptr && !wire::http::iequals(coding->value, "identity")) {
        return error_reply(415, "content_encoding");
    }
    return {};
}

// The body of a POST. Empty: the client has its refusal, or is gone.
Task<std::optional<std::string>> read_body(ClientExchange& exchange, const GuardedRequest& request) {
    std::optional<std::string> body;
    std::optional<Reply> refusal = check_body_head(exchange.head, request);
    if (!refusal) {
        const Shared& shared = exchange.context.loop.shared();
        const std::uint64_t limit =
            std::min<std::uint64_t>(shared.options.limits.body_bytes, shared.policy.limits.message_bytes);
        RequestBody reader(exchange, limit);
        std::string bytes;
        const RequestBody::State state = co_await reader.read_all(bytes);
        if (state == RequestBody::State::end) {
            body = request.query.jsonp ? wire::engineio::payload_of_form(bytes) : std::move(bytes);
            if (body) co_return body;
            refusal = bad_body("jsonp_form");
        } else if (state != RequestBody::State::refused) {
            exchange.aborted = true;
            co_return body;
        } else {
            refusal = reader.refusal();
        }
    }
    co_await send_reply(exchange, std::move(*refusal));
    co_return body;
}

Reply reply_with(HttpAnswer answer) {
    Reply reply;
    reply.status = answer.status;
    reply.body = std::move(answer.body);
    reply.content_type = answer.content_type;
    if (answer.status >= 400) reply.reason = answer.reason;
    reply.fields.emplace_back("Cache-Control", "no-store");
    if (answer.retry_after > 0) reply.fields.emplace_back("Retry-After", std::to_string(answer.retry_after));
    return reply;
}

}  // namespace

Task<void> serve_polling(ClientExchange& exchange, GuardedRequest request) {
    EngineIoEndpoint& endpoint = exchange.context.endpoint;
    const std::optional<std::uint32_t> callback =
        exchange.head.method == "GET" ? request.query.jsonp : std::nullopt;
    const auto waiting = std::make_shared<Waiting>(exchange.context.loop);
    const AnswerHandler done = [waiting](HttpAnswer answer) {
        waiting->answer = std::move(answer);
        waiting->signal.notify();
    };

    EngineIoEndpoint::Exchange handle;
    if (exchange.head.method == "POST") {
        std::optional<std::string> body = co_await read_body(exchange, request);
        if (!body) co_return;
        handle = endpoint.post(std::move(request), std::move(*body), done);
    } else {
        handle = endpoint.poll(std::move(request), done);
    }

    if (!waiting->answer) {
        // The session keeps time: it answers a poll at its next ping at the latest.
        exchange.client.watch([waiting](bool closed) {
            waiting->client_gone = closed;
            if (closed) waiting->signal.notify();
        });
        co_await waiting->signal.wait();
        exchange.client.unwatch();
    }
    if (waiting->answer && !waiting->client_gone) {
        Reply reply = reply_with(std::move(*waiting->answer));
        if (callback && reply.status == 200) {
            reply.body = wire::engineio::jsonp_answer(*callback, reply.body);
            reply.content_type = "text/javascript; charset=UTF-8";
            reply.fields.emplace_back("X-Content-Type-Options", "nosniff");
        }
        co_await send_reply(exchange, std::move(reply));
    } else {
        exchange.aborted = true;
    }
    if (handle.id == 0) co_return;  // it never came to a session
    if (exchange.aborted) {
        endpoint.lost(handle);
    } else {
        endpoint.written(handle);
    }
}

}  // namespace forestay::net
