#include "proxy/net/http_context.h"

#include <array>
#include <boost/asio/awaitable.hpp>
#include <span>
#include <utility>

#include "proxy/net/client_limits.h"
#include "proxy/net/http_connection.h"

namespace forestay::net {

Task<void> send_reply(ClientExchange& exchange, Reply reply) {
    exchange.status = reply.status;
    exchange.reason = reply.reason;
    // What comes behind a refused request is not trusted to be a request.
    if (reply.status >= 400 || exchange.body_pending || exchange.context.draining)
        exchange.keep_alive = false;
    reply.fields.insert(reply.fields.end(), exchange.cors.begin(), exchange.cors.end());
    reply.fields.insert(reply.fields.end(), exchange.cookies.begin(), exchange.cookies.end());
    const std::string head = head_of(reply, exchange.keep_alive);
    const std::array<std::string_view, 2> pieces{
        head, exchange.head.method == "HEAD" ? std::string_view{} : reply.body};
    const Duration timeout = exchange.context.loop.shared().options.limits.write_timeout;
    const Io written = co_await exchange.client.write(std::span<const std::string_view>(pieces), timeout);
    if (written != Io::ok) exchange.aborted = true;
    if (written == Io::timed_out) note_slow_client(exchange);
}

void note_slow_client(ClientExchange& exchange) {
    Loop& loop = exchange.context.loop;
    constexpr auto limit = session::Limit::slow_client_timeout;
    loop.stats().sessions.count(limit);
    journal_limit(loop.shared(), session::limit_names[static_cast<std::size_t>(limit)],
                  exchange.facts.address);
}

void hand_over(HttpContext& to, Arrival arrival) {
    // A std::function wants to be copied. Unheard, it closes the connection.
    const auto moved = std::make_shared<Arrival>(std::move(arrival));
    to.loop.post([weak = to.weak_from_this(), moved] {
        const auto there = weak.lock();
        if (!there || there->draining) return;
        HttpConnection::serve(there, std::move(*moved), HttpConnection::Admission::welcome);
    });
}

}  // namespace forestay::net
