#include "proxy/net/upstream_pool.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>

#include "proxy/net/loop.h"
#include "proxy/net/tls_handshakes.h"
#include "proxy/net/upstream.h"
#include "proxy/net/upstream_set.h"

namespace forestay::net {

UpstreamPool::UpstreamPool(Loop& loop, StreamGroup& streams) : loop_(loop), streams_(streams) {}

UpstreamPool::~UpstreamPool() {
    loop_.wheel().cancel(*this);
}

Task<UpstreamConnection> UpstreamPool::take(Take which) {
    while (which == Take::any && !idle_.empty()) {
        Idle newest = std::move(idle_.back());
        idle_.pop_back();
        if (newest.until <= loop_.now() || !newest.connection.stream->quiet()) continue;
        newest.connection.reused = true;
        co_return std::move(newest.connection);
    }

    UpstreamSet& set = loop_.upstreams();
    const std::size_t tries = loop_.shared().options.upstream.urls.size();
    UpstreamConnection connection;
    for (std::size_t i = 0; i < tries; ++i) {
        Upstream& upstream = set.for_request(connection.upstream);
        connection = co_await connect_to(loop_, streams_, upstream);
        if (connection.stream || !set.another_answers(upstream)) break;
    }
    co_return connection;
}

Task<UpstreamConnection> connect_to(Loop& loop, StreamGroup& streams, Upstream& upstream) {
    UpstreamConnection connection;
    connection.upstream = &upstream;
    const Duration timeout = loop.shared().options.upstream.connect_timeout;
    // The addresses may change while we wait: looked up again each time.
    for (std::size_t i = 0; i < upstream.addresses().size(); ++i) {
        Socket socket = upstream.begin_connect(upstream.addresses()[i]);
        if (!socket) continue;
        const int on = 1;
        ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto stream = std::make_unique<ByteStream>(loop, streams, std::move(socket));
        Io connected = co_await stream->connected(timeout);
        if (connected == Io::ok) {
            connected = co_await stream->handshake(timeout);
            if (connected == Io::ok && stream->socket().encrypted()) count_tls(loop, TlsSide::upstream);
            if (connected == Io::closed && !streams.aborted()) {
                connection.tls_failed = true;
                tell_upstream_tls_failure(loop, stream->socket());
            }
        }
        if (connected == Io::ok) {
            if (i < upstream.addresses().size()) upstream.attempted(&upstream.addresses()[i]);
            connection.stream = std::move(stream);
            connection.tls_failed = false;
            co_return connection;
        }
        if (streams.aborted()) co_return connection;  // our end, which says nothing about the upstream
        connection.timed_out = connected == Io::timed_out;
    }
    upstream.attempted(nullptr);
    co_return connection;
}

void UpstreamPool::give_back(UpstreamConnection connection) {
    const Duration keep = loop_.shared().options.upstream.keepalive_idle;
    if (keep <= Duration::zero()) return;
    if (idle_.size() == idle_max) idle_.erase(idle_.begin());
    loop_.read_clock();
    std::string().swap(connection.stream->buffer());
    idle_.push_back({std::move(connection), loop_.now() + keep});
    loop_.wheel().schedule(*this, idle_.front().until);
}

void UpstreamPool::due(session::TimePoint now) {
    std::erase_if(idle_, [&](const Idle& each) { return each.until <= now; });
    if (!idle_.empty()) loop_.wheel().schedule(*this, idle_.front().until);
}

}  // namespace forestay::net
