#include "proxy/net/upstream_pool.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>

#include "proxy/net/loop.h"
#include "proxy/net/upstream.h"

namespace forestay::net {

UpstreamPool::UpstreamPool(Loop& loop, StreamGroup& streams) : loop_(loop), streams_(streams) {}

UpstreamPool::~UpstreamPool() {
    loop_.wheel().cancel(*this);
}

Task<UpstreamConnection> UpstreamPool::take(Take which) {
    UpstreamConnection connection;
    while (which == Take::any && !idle_.empty()) {
        Idle newest = std::move(idle_.back());
        idle_.pop_back();
        if (newest.until <= loop_.now() || !newest.stream->quiet()) continue;
        connection.stream = std::move(newest.stream);
        connection.reused = true;
        co_return connection;
    }

    Upstream& upstream = loop_.upstream();
    const Duration timeout = loop_.shared().options.upstream.connect_timeout;
    // The addresses may change while we wait: looked up again each time.
    for (std::size_t i = 0; i < upstream.addresses().size(); ++i) {
        const int fd = begin_connect(upstream.addresses()[i]);
        if (fd < 0) continue;
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto stream = std::make_unique<ByteStream>(loop_, streams_, fd);
        const Io connected = co_await stream->connected(timeout);
        if (connected == Io::ok) {
            if (i < upstream.addresses().size()) upstream.attempted(&upstream.addresses()[i]);
            connection.stream = std::move(stream);
            co_return connection;
        }
        connection.timed_out = connected == Io::timed_out;
    }
    upstream.attempted(nullptr);
    co_return connection;
}

void UpstreamPool::give_back(std::unique_ptr<ByteStream> stream) {
    const Duration keep = loop_.shared().options.upstream.keepalive_idle;
    if (keep <= Duration::zero()) return;
    if (idle_.size() == idle_max) idle_.erase(idle_.begin());
    loop_.read_clock();
    std::string().swap(stream->buffer());
    idle_.push_back({std::move(stream), loop_.now() + keep});
    loop_.wheel().schedule(*this, idle_.front().until);
}

void UpstreamPool::due(session::TimePoint now) {
    std::erase_if(idle_, [&](const Idle& each) { return each.until <= now; });
    if (!idle_.empty()) loop_.wheel().schedule(*this, idle_.front().until);
}

}  // namespace forestay::net
