#include "proxy/net/server.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "proxy/net/engineio_endpoint.h"
#include "proxy/net/http_connection.h"
#include "proxy/net/listener.h"
#include "proxy/net/timer_wheel.h"

namespace forestay::net {

namespace {
constexpr std::chrono::milliseconds drain_look{20};
constexpr std::size_t polite_refusals = 64;  // connections beyond the limit that are told why
}  // namespace

struct Server::Impl final : TimerEntry {
    explicit Impl(Loop& l) : loop(l), http(std::make_shared<HttpContext>(l)) {}

    void accepted(int fd, std::string peer);
    void due(session::TimePoint now) override;

    Loop& loop;
    std::shared_ptr<HttpContext> http;
    std::vector<std::unique_ptr<Listener>> listeners;
    std::vector<Endpoint> bound;
    std::function<void()> drained;
    session::TimePoint drain_deadline = session::never;
};

Server::Server(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {
    const Shared& shared = loop.shared();
    if (!shared.authenticator || !shared.origins)
        throw std::runtime_error("no authenticator, or no origin policy");
    for (const Endpoint& endpoint : shared.options.listen) {
        impl_->listeners.push_back(std::make_unique<Listener>(
            loop, endpoint,
            [impl = impl_.get()](int fd, std::string peer) { impl->accepted(fd, std::move(peer)); }));
        impl_->bound.push_back(impl_->listeners.back()->bound());
    }
}

Server::~Server() {
    impl_->listeners.clear();
    impl_->loop.wheel().cancel(*impl_);
    // Children end first: every wait ends now, and the coroutines with them.
    impl_->http->draining = true;
    impl_->http->streams.abort_all();
    boost::asio::io_context& context = impl_->loop.context();
    context.restart();
    try {
        while (!impl_->http->connections.empty() && context.poll_one() > 0) {
        }
    } catch (const std::exception&) {  // of a session's handler, at the very end
    }
}

void Server::Impl::accepted(int fd, std::string peer) {
    Stats& stats = loop.stats();
    // Sessions count: their sockets are not HTTP connections any more.
    const std::size_t open = http->connections.size() + http->endpoint.sessions();
    const std::size_t max = loop.shared().options.limits.connections;
    if (open < max) {
        ++stats.connections_accepted;
        return HttpConnection::serve(http, fd, std::move(peer), HttpConnection::Admission::welcome);
    }
    ++stats.connections_refused;
    if (open < max + polite_refusals) {
        HttpConnection::serve(http, fd, std::move(peer), HttpConnection::Admission::full);
    } else {
        ::close(fd);
    }
}

void Server::drain(std::function<void()> done) {
    Impl& impl = *impl_;
    if (impl.http->draining) return;
    impl.drained = std::move(done);
    impl.http->draining = true;
    impl.listeners.clear();
    impl.http->pool.clear();
    impl.http->endpoint.shutdown();
    for (HttpConnection* connection : impl.http->connections) connection->drain();
    impl.loop.read_clock();
    impl.drain_deadline = impl.loop.now() + impl.loop.shared().options.limits.drain_timeout;
    impl.loop.wheel().schedule(impl, impl.loop.now());
}

// A session's goodbye and a connection's end come from many places: looking now and then is simpler than
// being told.
void Server::Impl::due(session::TimePoint now) {
    if (!drained) return;
    const bool empty = http->connections.empty() && http->endpoint.sessions() == 0;
    if (!empty && now < drain_deadline) return loop.wheel().schedule(*this, now + drain_look);
    http->streams.abort_all();
    const std::function<void()> done = std::exchange(drained, nullptr);
    done();
}

const std::vector<Endpoint>& Server::bound() const noexcept {
    return impl_->bound;
}
bool Server::draining() const noexcept {
    return impl_->http->draining;
}
std::size_t Server::connections() const noexcept {
    return impl_->http->connections.size();
}
EngineIoEndpoint& Server::endpoint() noexcept {
    return impl_->http->endpoint;
}

std::string to_string(const Endpoint& endpoint) {
    if (!endpoint.unix_path.empty()) return "unix:" + endpoint.unix_path;
    const bool v6 = endpoint.host.find(':') != std::string::npos;
    return (v6 ? '[' + endpoint.host + ']' : endpoint.host) + ':' + std::to_string(endpoint.port);
}

}  // namespace forestay::net
