#include "proxy/net/upstream.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <string>

#include "proxy/net/loop.h"
#include "proxy/net/server.h"
#include "proxy/net/unique_fd.h"

namespace forestay::net {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds watch_interval{5};
constexpr std::chrono::seconds resolve_interval{1};

std::vector<SocketAddress> resolve_now(const UpstreamUrl& options, bool literal) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | (literal ? AI_NUMERICHOST : 0);
    addrinfo* found = nullptr;
    std::vector<SocketAddress> addresses;
    if (getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found) != 0)
        return addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        SocketAddress& address = addresses.emplace_back();
        std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
        address.size = each->ai_addrlen;
    }
    freeaddrinfo(found);
    return addresses;
}

}  // namespace

struct Upstream::Impl {
    explicit Impl(Loop& l) : loop(l), resolver(l.context()) {}

    void resolve_again();
    void tell(bool up);

    Loop& loop;
    asio::ip::tcp::resolver resolver;
    bool literal = false;
    bool resolving = false;
    session::TimePoint resolved_at;
    std::vector<SocketAddress> addresses;

    struct Turns {
        std::size_t taken = 0;
        std::deque<UpstreamTurn*> line;
    };
    Turns& turns_of(Line line) { return all_turns[static_cast<std::size_t>(line)]; }
    std::array<Turns, 2> all_turns;  // by Line

    bool told_down = false;
    std::uint64_t attempts_seen = 0;  // at the last watch: somebody else tells when it has moved
    UpgradedSocket* probe = nullptr;
    std::size_t probe_next = 0;  // index of the address after the one that is tried
};

Upstream::Upstream(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {
    const UpstreamUrl& options = loop.shared().options.upstream.urls.front();
    impl_->addresses = resolve_now(options, true);
    impl_->literal = !impl_->addresses.empty();
    if (!impl_->literal) impl_->addresses = resolve_now(options, false);
    impl_->resolved_at = loop.now();
}

Upstream::~Upstream() = default;

const std::vector<SocketAddress>& Upstream::addresses() const noexcept {
    return impl_->addresses;
}

void Upstream::attempted(const SocketAddress* good) {
    Stats& stats = impl_->loop.stats();
    ++stats.upstream_connects;
    stats.upstream_up = good != nullptr;
    impl_->tell(stats.upstream_up);
    if (good == nullptr) {
        ++stats.upstream_connect_failures;
        return impl_->resolve_again();
    }
    const auto index = static_cast<std::size_t>(good - impl_->addresses.data());
    if (index > 0 && index < impl_->addresses.size()) std::swap(impl_->addresses[0], impl_->addresses[index]);
}

// Once when it goes, once when it is back.
void Upstream::Impl::tell(bool up) {
    if (told_down != up) return;
    told_down = !up;
    if (!loop.shared().journal) return;
    const UpstreamUrl& options = loop.shared().options.upstream.urls.front();
    const Level level = up ? Level::info : Level::warning;
    loop.shared().journal({level,
                           up ? "upstream_up" : "upstream_down",
                           {{"upstream", to_string(Endpoint{options.host, options.port, {}})}}});
}

// The app may have moved: in a cluster a restart is a new address. Until the answer is there the old ones
// stay.
void Upstream::Impl::resolve_again() {
    if (literal || resolving || loop.now() - resolved_at < resolve_interval) return;
    resolving = true;
    const UpstreamUrl& options = loop.shared().options.upstream.urls.front();
    resolver.async_resolve(
        options.host, std::to_string(options.port), asio::ip::resolver_base::numeric_service,
        [this](const boost::system::error_code& error, const asio::ip::tcp::resolver::results_type& results) {
            if (error == asio::error::operation_aborted) return;
            resolving = false;
            loop.read_clock();
            resolved_at = loop.now();
            if (error || results.empty()) return;
            addresses.clear();
            for (const auto& result : results) {
                const auto endpoint = result.endpoint();
                SocketAddress& address = addresses.emplace_back();
                std::memcpy(&address.storage, endpoint.data(), endpoint.size());
                address.size = static_cast<socklen_t>(endpoint.size());
            }
        });
}

bool Upstream::take_turn(UpstreamTurn& waiter, Line line) {
    Impl::Turns& of = impl_->turns_of(line);
    if (of.taken < turns) {
        ++of.taken;
        return true;
    }
    of.line.push_back(&waiter);
    return false;
}

void Upstream::give_turn_back(Line line) {
    Impl::Turns& of = impl_->turns_of(line);
    if (of.line.empty()) {
        --of.taken;
        return;
    }
    UpstreamTurn* next = of.line.front();
    of.line.pop_front();
    next->begin();
}

void Upstream::leave_line(UpstreamTurn& waiter, Line line) {
    std::erase(impl_->turns_of(line).line, &waiter);
}

void Upstream::watch() {
    impl_->loop.wheel().schedule(*this, impl_->loop.now());
}

void Upstream::due(session::TimePoint now) {
    Impl& impl = *impl_;
    const Stats& stats = impl.loop.stats();
    impl.loop.wheel().schedule(*this, now + watch_interval);
    if (impl.probe != nullptr) {  // no answer since the last time
        impl.loop.sockets().abort(*impl.probe);
        impl.probe = nullptr;
        attempted(nullptr);
    } else if (stats.upstream_connects == impl.attempts_seen || stats.upstream_connects == 0) {
        impl.probe_next = 0;
        probe_next_address();
    }
    impl.attempts_seen = stats.upstream_connects;
}

void Upstream::on_lost(UpgradedSocket&, bool) {
    impl_->probe = nullptr;
    probe_next_address();
}

void Upstream::probe_next_address() {
    Impl& impl = *impl_;
    while (impl.probe_next < impl.addresses.size()) {
        const int fd = begin_connect(impl.addresses[impl.probe_next++]);
        if (fd < 0) continue;
        impl.probe = &impl.loop.sockets().add(fd, *this, UpgradedSockets::Start::connecting);
        return;
    }
    attempted(nullptr);
    impl.attempts_seen = impl.loop.stats().upstream_connects;
}

void Upstream::on_drained(UpgradedSocket& socket) {
    Impl& impl = *impl_;
    impl.loop.sockets().abort(socket);
    impl.probe = nullptr;
    attempted(impl.probe_next <= impl.addresses.size() ? &impl.addresses[impl.probe_next - 1] : nullptr);
    impl.attempts_seen = impl.loop.stats().upstream_connects;
}

void Upstream::on_bytes(UpgradedSocket&, std::string_view) {}

std::string host_of(const UpstreamUrl& url) {
    std::string host = url.host.find(':') == std::string::npos ? url.host : '[' + url.host + ']';
    if (url.port != 80) host += ':' + std::to_string(url.port);
    return host;
}

int begin_connect(const SocketAddress& address) noexcept {
    UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return -1;
    const auto* to = reinterpret_cast<const sockaddr*>(&address.storage);
    if (::connect(fd.get(), to, address.size) != 0 && errno != EINPROGRESS) return -1;
    return fd.release();
}

}  // namespace forestay::net
