#include "proxy/net/upstream.h"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/net/loop.h"
#include "proxy/net/server.h"
#include "proxy/net/unique_fd.h"
#include "proxy/net/upstream_set.h"

namespace forestay::net {

namespace asio = boost::asio;
using session::TimePoint;

namespace {

constexpr std::chrono::seconds look_interval{5};
constexpr std::chrono::milliseconds first_look_while_down{100};
constexpr std::chrono::milliseconds last_look_while_down{1'000};
constexpr std::chrono::seconds resolve_interval{1};
// How long new sessions avoid one that took a connection and then did not answer.
constexpr std::chrono::seconds broken_time{2};
// Whoever finds out what the app speaks goes alone for so long.
constexpr std::chrono::seconds learning_time{1};

std::vector<SocketAddress> resolve_now(const UpstreamUrl& url, bool literal) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | (literal ? AI_NUMERICHOST : 0);
    addrinfo* found = nullptr;
    std::vector<SocketAddress> addresses;
    if (getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found) != 0)
        return addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        SocketAddress& address = addresses.emplace_back();
        std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
        address.size = each->ai_addrlen;
    }
    freeaddrinfo(found);
    return addresses;
}

Upstream::Speaks told_to_speak(UpstreamTransport transport) {
    switch (transport) {
        case UpstreamTransport::automatic:
            break;
        case UpstreamTransport::websocket:
            return Upstream::Speaks::websocket;
        case UpstreamTransport::polling:
            return Upstream::Speaks::polling;
    }
    return Upstream::Speaks::unknown;
}

}  // namespace

struct Upstream::Impl {
    Impl(Loop& l, UpstreamSet& s, std::size_t i)
        : loop(l),
          set(s),
          index(i),
          url(l.shared().options.upstream.urls[i]),
          resolver(l.context()),
          speaks(told_to_speak(l.shared().options.upstream.transport)) {}

    UpstreamStats& stats() const { return loop.stats().upstreams[index]; }
    bool finds_out() const {
        return loop.shared().options.upstream.transport == UpstreamTransport::automatic;
    }
    void resolve_again();
    void tell_others(bool up);
    void tell(bool up);

    Loop& loop;
    UpstreamSet& set;
    const std::size_t index;
    const UpstreamUrl& url;
    asio::ip::tcp::resolver resolver;
    bool literal = false;
    bool resolving = false;
    TimePoint resolved_at;
    std::vector<SocketAddress> addresses;

    std::optional<TimePoint> down_since;
    TimePoint broken_until{};
    Speaks speaks;
    TimePoint learning_until{};

    UpgradedSocket* probe = nullptr;
    TimePoint probe_deadline;
    std::size_t probe_next = 0;         // index of the address after the one that is tried
    std::uint64_t attempts_seen = 0;    // at the last look: somebody else tells when it has moved
    std::chrono::milliseconds pause{};  // until the next look, while it is down
};

Upstream::Upstream(Loop& loop, UpstreamSet& set, std::size_t index)
    : impl_(std::make_unique<Impl>(loop, set, index)) {
    impl_->addresses = resolve_now(impl_->url, true);
    impl_->literal = !impl_->addresses.empty();
    if (!impl_->literal) impl_->addresses = resolve_now(impl_->url, false);
    impl_->resolved_at = loop.now();
}

Upstream::~Upstream() {
    if (impl_->probe != nullptr) impl_->loop.sockets().abort(*impl_->probe);
}

const UpstreamUrl& Upstream::url() const noexcept {
    return impl_->url;
}
const std::vector<SocketAddress>& Upstream::addresses() const noexcept {
    return impl_->addresses;
}
UpstreamStats& Upstream::stats() const noexcept {
    return impl_->stats();
}
std::optional<TimePoint> Upstream::down_since() const noexcept {
    return impl_->down_since;
}
bool Upstream::healthy(TimePoint now) const noexcept {
    return !impl_->down_since && now >= impl_->broken_until;
}

Socket Upstream::begin_connect(const SocketAddress& address) const {
    UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return {};
    const auto* to = reinterpret_cast<const sockaddr*>(&address.storage);
    if (::connect(fd.get(), to, address.size) != 0 && errno != EINPROGRESS) return {};
    const TlsClient* tls = impl_->url.tls.get();
    if (tls == nullptr) return Socket(std::move(fd));
    TlsHandle connection = tls->new_connection();
    return connection ? Socket(std::move(fd), std::move(connection)) : Socket();
}

void Upstream::attempted(const SocketAddress* good) {
    Impl& impl = *impl_;
    Stats& stats = impl.loop.stats();
    ++stats.upstream_connects;
    ++impl.stats().connects;
    if (good == nullptr) {
        ++stats.upstream_connect_failures;
        ++impl.stats().failures;
        impl.resolve_again();
        if (heard(false)) impl.tell(false);
        return;
    }
    const auto at = static_cast<std::size_t>(good - impl.addresses.data());
    if (at > 0 && at < impl.addresses.size()) std::swap(impl.addresses[0], impl.addresses[at]);
    if (heard(true)) impl.tell(true);
}

bool Upstream::heard(bool up) {
    Impl& impl = *impl_;
    Stats& stats = impl.loop.stats();
    impl.stats().up = up;
    stats.upstream_up = std::any_of(stats.upstreams.begin(), stats.upstreams.end(),
                                    [](const UpstreamStats& each) { return each.up; });
    if (impl.down_since.has_value() == !up) return false;
    if (up) {
        impl.down_since.reset();
        impl.set.look_again();
        return true;
    }
    impl.down_since = impl.loop.now();
    learned(Speaks::unknown);
    impl.pause = first_look_while_down;
    if (impl.probe == nullptr) impl.loop.wheel().schedule(*this, impl.loop.now() + impl.pause);
    return true;
}

void Upstream::broke() {
    impl_->broken_until = impl_->loop.now() + broken_time;
}

// Told by each of its sessions when it dies: one look will do.
void Upstream::lost_a_leg() {
    Impl& impl = *impl_;
    learned(Speaks::unknown);
    if (impl.probe != nullptr || impl.down_since) return;
    impl.attempts_seen = impl.stats().connects;
    impl.loop.wheel().schedule(*this, impl.loop.now());
}

Upstream::Speaks Upstream::speaks() const noexcept {
    return impl_->speaks;
}

bool Upstream::is_being_learned(TimePoint now) const noexcept {
    return impl_->speaks == Speaks::unknown && now < impl_->learning_until;
}

void Upstream::begin_learning() {
    impl_->learning_until = impl_->loop.now() + learning_time;
}

void Upstream::learned(Speaks what) {
    if (!impl_->finds_out()) return;
    impl_->speaks = what;
    impl_->learning_until = {};
}

void Upstream::Impl::tell_others(bool up) {
    loop.tell_others([i = index, up](Loop& other) {
        other.read_clock();
        other.upstreams().heard(i, up);
    });
}

// Once when it goes, once when it is back; to the other loops, too.
void Upstream::Impl::tell(bool up) {
    tell_others(up);
    if (!loop.shared().journal) return;
    const Level level = up ? Level::info : Level::warning;
    loop.shared().journal({level,
                           up ? "upstream_up" : "upstream_down",
                           {{"upstream", to_string(Endpoint{url.host, url.port, {}})}}});
}

// The app may have moved: in a cluster a restart is a new address. Until the answer is there the old ones
// stay.
void Upstream::Impl::resolve_again() {
    if (literal || resolving || loop.now() - resolved_at < resolve_interval) return;
    resolving = true;
    resolver.async_resolve(
        url.host, std::to_string(url.port), asio::ip::resolver_base::numeric_service,
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

void Upstream::watch() {
    impl_->loop.wheel().schedule(*this, impl_->loop.now());
}

void Upstream::due(TimePoint now) {
    Impl& impl = *impl_;
    if (impl.probe != nullptr) {
        if (now < impl.probe_deadline) return impl.loop.wheel().schedule(*this, impl.probe_deadline);
        impl.loop.sockets().abort(*std::exchange(impl.probe, nullptr));
        return probed(nullptr);
    }
    // While it is down one loop looks for all.
    if (impl.down_since && impl.loop.index() != 0)
        return impl.loop.wheel().schedule(*this, now + look_interval);
    const bool tried = impl.stats().connects != impl.attempts_seen;
    if (tried && !impl.down_since) {
        impl.attempts_seen = impl.stats().connects;
        if (impl.loop.index() == 0) impl.tell_others(true);
        return impl.loop.wheel().schedule(*this, now + look_interval);
    }
    impl.probe_next = 0;
    impl.probe_deadline = now + impl.loop.shared().options.upstream.connect_timeout;
    impl.loop.wheel().schedule(*this, impl.probe_deadline);
    probe_next_address();
}

void Upstream::on_lost(UpgradedSocket&, bool) {
    impl_->probe = nullptr;
    probe_next_address();
}

void Upstream::probe_next_address() {
    Impl& impl = *impl_;
    while (impl.probe_next < impl.addresses.size()) {
        Socket socket = begin_connect(impl.addresses[impl.probe_next++]);
        if (!socket) continue;
        impl.probe = &impl.loop.sockets().add(std::move(socket), *this, UpgradedSockets::Start::connecting);
        return;
    }
    probed(nullptr);
}

void Upstream::on_drained(UpgradedSocket& socket) {
    Impl& impl = *impl_;
    impl.loop.sockets().abort(socket);
    impl.probe = nullptr;
    probed(impl.probe_next <= impl.addresses.size() ? &impl.addresses[impl.probe_next - 1] : nullptr);
}

void Upstream::on_bytes(UpgradedSocket&, std::string_view) {}

void Upstream::probed(const SocketAddress* good) {
    Impl& impl = *impl_;
    const bool was_down = impl.down_since.has_value();
    attempted(good);
    impl.attempts_seen = impl.stats().connects;
    if (was_down) impl.pause = std::min(impl.pause * 2, last_look_while_down);
    // News of two loops may have come to a third in the wrong order, and only this one looks while it is
    // down.
    if (!was_down && !impl.down_since && impl.loop.index() == 0) impl.tell_others(true);
    const std::chrono::milliseconds pause = impl.down_since ? impl.pause : look_interval;
    impl.loop.wheel().schedule(*this, impl.loop.now() + pause);
}

std::string host_of(const UpstreamUrl& url) {
    std::string host = url.host.find(':') == std::string::npos ? url.host : '[' + url.host + ']';
    if (url.port != (url.tls ? 443 : 80)) host += ':' + std::to_string(url.port);
    return host;
}

}  // namespace forestay::net
