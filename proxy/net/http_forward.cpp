#include "proxy/net/http_forward.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>

#include "proxy/net/request_body.h"
#include "proxy/net/response_relay.h"
#include "proxy/net/temporary_file.h"
#include "proxy/net/upstream.h"
#include "proxy/wire/http/response.h"

namespace forestay::net {
namespace {

using std::string_view;
using wire::http::Framing;

constexpr std::size_t file_piece_bytes = 64 << 10;

enum class Outcome : std::uint8_t {
    done,    // answered, or the client is gone
    failed,  // no answer; a fresh connection may do better
};

// The request as the upstream gets it.
struct Upload {
    std::string head;
    bool from_client = false;  // the body is streamed from the client, as it comes
    TemporaryFile file;        // or was spooled here
};

bool is_idempotent(string_view method) {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
           method == "DELETE";
}

std::string request_head(const ClientExchange& exchange, const wire::http::OwnedFields& fields,
                         const Upload& upload, const UpstreamUrl& url) {
    const UpstreamOptions& options = exchange.context.loop.shared().options.upstream;
    std::string head(exchange.head.method);
    head.append(" ").append(url.path_prefix).append(exchange.head.target).append(" HTTP/1.1\r\n");
    for (const auto& [name, value] : fields) {
        const bool ours = !options.preserve_host && wire::http::iequals(name, "host");
        append_field(head, name, ours ? host_of(url) : value);
    }
    if (exchange.head.framing == Framing::length) {
        append_field(head, "Content-Length", std::to_string(exchange.head.content_length));
    } else if (exchange.head.framing == Framing::chunked) {
        append_field(head, "Content-Length", std::to_string(upload.file.size()));
    } else if (exchange.head.method == "POST" || exchange.head.method == "PUT" ||
               exchange.head.method == "PATCH") {
        append_field(head, "Content-Length", "0");
    }
    if (options.keepalive_idle <= Duration::zero()) append_field(head, "Connection", "close");
    return head += "\r\n";
}

// Reads a body in chunks to its end. False: the client has its refusal, or is gone.
Task<bool> spool(ClientExchange& exchange, TemporaryFile& file) {
    Stats& stats = exchange.context.loop.stats();
    RequestBody body(exchange, exchange.context.loop.shared().options.limits.body_bytes);
    if (!file.open()) {
        // One of a known length would go through. Memory is no place for it: anybody could fill that.
        Reply reply = error_reply(411, "no_temporary_file");
        co_await send_reply(exchange, std::move(reply));
        co_return false;
    }
    bool stored = true;
    while (stored) {
        const RequestBody::State state = co_await body.next();
        if (state == RequestBody::State::end) {
            ++stats.spooled_uploads;
            stats.spooled_bytes += file.size();
            co_return true;
        }
        if (state == RequestBody::State::refused) {
            co_await send_reply(exchange, body.refusal());
            co_return false;
        }
        if (state != RequestBody::State::data) {
            exchange.aborted = true;
            co_return false;
        }
        stored = file.append(body.piece());
    }
    Reply reply = error_reply(507, "temporary_file_full");
    co_await send_reply(exchange, std::move(reply));
    co_return false;
}

// How far a request got.
enum class Sent : std::uint8_t {
    whole,
    part,    // the upstream has said something, or closed, before it had all of it
    nobody,  // the client is gone, or has its refusal: there is nobody left to answer
};

// The client's body as it comes. Ends early when the upstream answers: an early refusal is worth more to the
// client than the rest of its upload.
Task<Sent> stream_body(ClientExchange& exchange, ByteStream& upstream, const bool& answered) {
    const Duration timeout = exchange.context.loop.shared().options.upstream.response_timeout;
    RequestBody body(exchange, exchange.head.content_length);
    while (!answered) {
        const RequestBody::State state = co_await body.next();
        switch (state) {
            case RequestBody::State::data:
                break;
            case RequestBody::State::end:
                co_return Sent::whole;
            case RequestBody::State::interrupted:
                co_return Sent::part;
            case RequestBody::State::refused:
                co_await send_reply(exchange, body.refusal());
                co_return Sent::nobody;
            case RequestBody::State::lost:
                exchange.aborted = true;
                co_return Sent::nobody;
        }
        const Io written = co_await upstream.write(body.piece(), timeout);
        if (written != Io::ok) break;
    }
    co_return Sent::part;
}

Task<Sent> send_file(ClientExchange& exchange, ByteStream& upstream, TemporaryFile& file,
                     const bool& answered) {
    const Duration timeout = exchange.context.loop.shared().options.upstream.response_timeout;
    if (!file.rewind()) co_return Sent::part;
    std::string buffer(file_piece_bytes, '\0');
    while (!answered) {
        const std::ptrdiff_t size = file.read(buffer);
        if (size == 0) co_return Sent::whole;
        if (size < 0) break;
        const string_view piece = string_view(buffer).substr(0, static_cast<std::size_t>(size));
        const Io written = co_await upstream.write(piece, timeout);
        if (written != Io::ok) break;
    }
    co_return Sent::part;
}

Task<Sent> send_request(ClientExchange& exchange, ByteStream& upstream, Upload& upload) {
    bool answered = false;
    upstream.watch([&answered, &upstream, &client = exchange.client](bool) {
        answered = true;
        upstream.interrupt();
        client.interrupt();
    });
    const Duration timeout = exchange.context.loop.shared().options.upstream.response_timeout;
    const Io written = co_await upstream.write(upload.head, timeout);
    Sent sent = written == Io::ok ? Sent::whole : Sent::part;
    if (sent == Sent::whole && upload.from_client) {
        sent = co_await stream_body(exchange, upstream, answered);
    } else if (sent == Sent::whole && upload.file.size() > 0) {
        sent = co_await send_file(exchange, upstream, upload.file, answered);
    }
    upstream.unwatch();
    co_return sent;
}

// One attempt on one connection.
Task<Outcome> attempt(ClientExchange& exchange, UpstreamConnection connection, Upload& upload,
                      bool may_fail) {
    ByteStream& upstream = *connection.stream;
    const Sent sent = co_await send_request(exchange, upstream, upload);
    if (sent == Sent::nobody) co_return Outcome::done;

    ResponseRelay relay(exchange, upstream);
    const ResponseRelay::Head head = co_await relay.read_head();
    switch (head) {
        case ResponseRelay::Head::client_gone:
            exchange.aborted = true;
            co_return Outcome::done;
        case ResponseRelay::Head::nothing:
            if (may_fail) co_return Outcome::failed;
            [[fallthrough]];
        case ResponseRelay::Head::bad:
        case ResponseRelay::Head::late: {
            Reply reply = head == ResponseRelay::Head::late ? error_reply(504, "upstream_timeout")
                                                            : error_reply(502, relay.problem());
            co_await send_reply(exchange, std::move(reply));
            co_return Outcome::done;
        }
        case ResponseRelay::Head::done:
            break;
    }
    // What is left of the upload would be taken for the next request.
    if (exchange.body_pending) exchange.keep_alive = false;
    const bool reusable = co_await relay.relay_body();
    if (reusable && sent == Sent::whole) exchange.context.pool.give_back(std::move(connection));
    co_return Outcome::done;
}

}  // namespace

Task<void> forward_http(ClientExchange& exchange, const wire::http::OwnedFields& fields) {
    Upload upload;
    if (exchange.head.content_length > exchange.context.loop.shared().options.limits.body_bytes) {
        exchange.context.loop.stats().hit(LimitHit::max_body);
        Reply reply = error_reply(413, "body_too_large");
        co_await send_reply(exchange, std::move(reply));
        co_return;
    }
    if (exchange.head.framing == Framing::chunked) {
        const bool spooled = co_await spool(exchange, upload.file);
        if (!spooled) co_return;
    }
    upload.from_client = exchange.head.framing == Framing::length && exchange.head.content_length > 0;
    // A kept connection may turn out to be dead. Only what can be said twice goes there.
    const bool replayable = is_idempotent(exchange.head.method) && !upload.from_client;
    UpstreamPool::Take which = replayable ? UpstreamPool::Take::any : UpstreamPool::Take::fresh;
    while (true) {
        UpstreamConnection connection = co_await exchange.context.pool.take(which);
        if (!connection.stream) {
            Reply reply = connection.tls_failed  ? error_reply(502, "upstream_tls_failed")
                          : connection.timed_out ? error_reply(504, "upstream_connect_timeout")
                                                 : error_reply(503, "upstream_unreachable");
            co_await send_reply(exchange, std::move(reply));
            co_return;
        }
        upload.head = request_head(exchange, fields, upload, connection.upstream->url());
        const bool may_fail = connection.reused;
        const Outcome outcome = co_await attempt(exchange, std::move(connection), upload, may_fail);
        if (outcome == Outcome::done) co_return;
        which = UpstreamPool::Take::fresh;
    }
}

}  // namespace forestay::net
