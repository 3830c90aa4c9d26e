#include "proxy/net/http_forward.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>

#include "proxy/net/request_body.h"
#include "proxy/net/response_relay.h"
#include "proxy/net/temporary_file.h"
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
                         const Upload& upload) {
    const UpstreamOptions& options = exchange.context.loop.shared().options.upstream;
    std::string head(exchange.head.method);
    head.append(" ").append(options.path_prefix).append(exchange.head.target).append(" HTTP/1.1\r\n");
    for (const auto& [name, value] : fields) append_field(head, name, value);
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
    bool stored = file.open();
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
    Reply reply = error_reply(500, "no_temporary_file");
    co_await send_reply(exchange, std::move(reply));
    co_return false;
}

// Head and body. `answered` becomes true when the upstream says something before it has all of it: an early
// refusal is worth more to the client than the rest of its upload. False: the client is gone, or has its
// refusal.
Task<bool> send_request(ClientExchange& exchange, ByteStream& upstream, Upload& upload, bool& answered) {
    const HttpLimits& limits = exchange.context.loop.shared().options.limits;
    const Duration timeout = limits.write_timeout;
    upstream.watch([&answered, &upstream, &client = exchange.client](bool) {
        answered = true;
        upstream.interrupt();
        client.interrupt();
    });
    Io written = co_await upstream.write(upload.head, timeout);
    if (upload.from_client) {
        RequestBody body(exchange, exchange.head.content_length);
        while (written == Io::ok && !answered) {
            const RequestBody::State state = co_await body.next();
            if (state == RequestBody::State::end || state == RequestBody::State::interrupted) break;
            if (state == RequestBody::State::refused) {
                upstream.unwatch();
                co_await send_reply(exchange, body.refusal());
                co_return false;
            }
            if (state == RequestBody::State::lost) {
                upstream.unwatch();
                exchange.aborted = true;
                co_return false;
            }
            written = co_await upstream.write(body.piece(), timeout);
        }
    } else if (upload.file.size() > 0 && upload.file.rewind()) {
        std::string piece(file_piece_bytes, '\0');
        while (written == Io::ok && !answered) {
            const std::ptrdiff_t size = upload.file.read(piece);
            if (size <= 0) break;
            written = co_await upstream.write(string_view(piece).substr(0, static_cast<std::size_t>(size)),
                                              timeout);
        }
    }
    upstream.unwatch();
    co_return true;
}

// One attempt on one connection.
Task<Outcome> attempt(ClientExchange& exchange, UpstreamConnection connection, Upload& upload,
                      bool may_fail) {
    ByteStream& upstream = *connection.stream;
    bool answered = false;
    const bool sent = co_await send_request(exchange, upstream, upload, answered);
    if (!sent) co_return Outcome::done;

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
    if (reusable && !exchange.body_pending) exchange.context.pool.give_back(std::move(connection.stream));
    co_return Outcome::done;
}

}  // namespace

Task<void> forward_http(ClientExchange& exchange, const wire::http::OwnedFields& fields) {
    Upload upload;
    if (exchange.head.content_length > exchange.context.loop.shared().options.limits.body_bytes) {
        Reply reply = error_reply(413, "body_too_large");
        co_await send_reply(exchange, std::move(reply));
        co_return;
    }
    if (exchange.head.framing == Framing::chunked) {
        const bool spooled = co_await spool(exchange, upload.file);
        if (!spooled) co_return;
    }
    upload.from_client = exchange.head.framing == Framing::length && exchange.head.content_length > 0;
    upload.head = request_head(exchange, fields, upload);

    // A kept connection may turn out to be dead. Only what can be said twice goes there.
    const bool replayable = is_idempotent(exchange.head.method) && !upload.from_client;
    UpstreamPool::Take which = replayable ? UpstreamPool::Take::any : UpstreamPool::Take::fresh;
    while (true) {
        UpstreamConnection connection = co_await exchange.context.pool.take(which);
        if (!connection.stream) {
            Reply reply = connection.timed_out ? error_reply(504, "upstream_connect_timeout")
                                               : error_reply(503, "upstream_unreachable");
            co_await send_reply(exchange, std::move(reply));
            co_return;
        }
        const bool may_fail = connection.reused;
        const Outcome outcome = co_await attempt(exchange, std::move(connection), upload, may_fail);
        if (outcome == Outcome::done) co_return;
        which = UpstreamPool::Take::fresh;
    }
}

}  // namespace forestay::net
