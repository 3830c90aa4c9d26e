#include "proxy/net/server.h"

#include <boost/asio/io_context.hpp>
#include <new>
#include <stdexcept>

#include "proxy/net/client_limits.h"
#include "proxy/net/engineio_endpoint.h"
#include "proxy/net/http_connection.h"
#include "proxy/net/listener.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upstream_set.h"

namespace forestay::net {

namespace {
constexpr std::chrono::milliseconds drain_look{20};
constexpr std::size_t polite_refusals = 64;  // connections beyond the limit that are told why
}  // namespace

struct Server::Impl final : TimerEntry {
    explicit Impl(Loop& l) : loop(l), http(std::make_shared<HttpContext>(l)) {}

    enum class From : std::uint8_t { tcp, unix_socket };
    void accepted(int fd, std::string peer, From from, bool tls);
    HttpContext& next_loop();
    void due(session::TimePoint now) override;

    Loop& loop;
    std::shared_ptr<HttpContext> http;
    std::vector<std::unique_ptr<Listener>> listeners;
    std::vector<Endpoint> bound;
    std::size_t dealt = 0;  // clients of unix sockets
    std::function<void()> drained;
    session::TimePoint drain_deadline = session::never;
};

Server::Server(Loop& loop, Server* first) : impl_(std::make_unique<Impl>(loop)) {
    const Shared& shared = loop.shared();
    if (!shared.authenticator || !shared.origins)
        throw std::runtime_error("no authenticator, or no origin policy");
    const auto accepted = [impl = impl_.get()](Impl::From from, bool tls) {
        return
            [impl, from, tls](int fd, std::string peer) { impl->accepted(fd, std::move(peer), from, tls); };
    };
    auto& listeners = impl_->listeners;
    if (first == nullptr) {
        for (const Endpoint& endpoint : shared.options.listen) {
            const auto from = endpoint.unix_path.empty() ? Impl::From::tcp : Impl::From::unix_socket;
            listeners.push_back(std::make_unique<Listener>(loop, endpoint, accepted(from, endpoint.tls)));
            impl_->bound.push_back(listeners.back()->bound());
        }
    } else {
        for (const auto& other : first->impl_->listeners) {
            if (!other->bound().unix_path.empty()) continue;
            listeners.push_back(
                std::make_unique<Listener>(loop, *other, accepted(Impl::From::tcp, other->bound().tls)));
            impl_->bound.push_back(other->bound());
        }
    }
}

void Server::introduce(const std::vector<Server*>& servers) {
    std::vector<HttpContext*> contexts;
    for (const Server* server : servers) contexts.push_back(server->impl_->http.get());
    std::vector<EngineIoEndpoint*> endpoints;
    for (HttpContext* context : contexts) endpoints.push_back(&context->endpoint);
    for (HttpContext* context : contexts) {
        context->loops = contexts;
        context->endpoint.introduce(endpoints);
    }
}

Server::~Server() {
    end();
}

void Server::end() {
    impl_->listeners.clear();
    impl_->loop.wheel().cancel(*impl_);
    // Children end first: every wait ends now, and the coroutines with them. What they leave behind in the
    // io_context would keep the sessions until that goes, and by then the loop has no sockets any more.
    impl_->http->draining = true;
    impl_->http->streams.abort_all();
    boost::asio::io_context& context = impl_->loop.context();
    context.restart();
    for (bool more = true; more && impl_->http.use_count() > 1;) {
        try {
            more = context.poll_one() > 0;
        } catch (const std::exception&) {  // of a session's handler, at the very end
        }
    }
}

void Server::Impl::accepted(int fd, std::string peer, From from, bool tls) {
    UniqueFd accepted(fd);
    TlsHandle secure;
    if (tls && !(secure = loop.shared().tls->new_connection())) throw std::bad_alloc();
    Socket socket(std::move(accepted), std::move(secure));
    Stats& stats = loop.stats();
    Common& common = *loop.shared().common;
    // Counted first and looked at then, so that two loops do not both have the last place. Sessions count:
    // their sockets are not HTTP connections any more.
    const std::size_t open = common.connections++ + common.sessions;
    Arrival arrival{std::move(socket), std::move(peer), Place(&common), {}};
    const HttpLimits& limits = loop.shared().options.limits;
    const std::size_t max = connections_most(limits);
    bool room = open < max;
    if (!room && HttpConnection::make_room(*http)) {
        // Whoever waits with half a request, or with none, does not keep others out.
        room = true;
        journal_limit(loop.shared(), stats.hit(fullness(limits)));
    }
    if (room) {
        ++stats.connections_accepted;
        HttpContext& to = from == From::tcp ? *http : next_loop();
        if (&to != http.get()) return hand_over(to, std::move(arrival));
        return HttpConnection::serve(http, std::move(arrival), HttpConnection::Admission::welcome);
    }
    ++stats.connections_refused;
    const std::string_view limit = stats.hit(fullness(limits));
    if (open < max + polite_refusals)
        return HttpConnection::serve(http, std::move(arrival), HttpConnection::Admission::full);
    journal_limit(loop.shared(), limit, arrival.peer);
}

// SO_REUSEPORT is for TCP.
HttpContext& Server::Impl::next_loop() {
    return http->loops.empty() ? *http : *http->loops[dealt++ % http->loops.size()];
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
    const bool empty = http->connections.empty() && http->endpoint.sessions() == 0 &&
                       loop.upstreams().exchanges->posts == 0;  // goodbyes to an app that is polled
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
