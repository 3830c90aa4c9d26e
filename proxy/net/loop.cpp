#include "proxy/net/loop.h"

#include <openssl/rand.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <stdexcept>

#include "proxy/net/forward_auth.h"
#include "proxy/net/shared_gate.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upgraded_sockets.h"
#include "proxy/net/upstream_set.h"

namespace forestay::net {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {
constexpr std::chrono::milliseconds tick_interval{500};
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static_assert(alphabet.size() == Loop::max);

template <std::size_t N>
std::array<unsigned char, N> random_bytes() {
    std::array<unsigned char, N> bytes;
    if (RAND_bytes(bytes.data(), static_cast<int>(N)) != 1) throw std::runtime_error("RAND_bytes failed");
    return bytes;
}

std::string random_key() {
    const auto bytes = random_bytes<32>();
    return {bytes.begin(), bytes.end()};
}
}  // namespace

struct Loop::Impl {
    Impl(const Shared& s, unsigned i)
        : shared(s),
          index(i),
          verdicts(random_key(), auth::VerdictCache::most_entries / s.loops,
                   auth::VerdictCache::most_bytes / s.loops) {
        stats.sessions.rules.resize(s.policy.rules.rules().size());
    }

    void arm();
    void on_wake();
    void tick();
    void report(const char* what) const {
        if (shared.journal)
            shared.journal({Level::error, "internal_error", {{"where", "loop"}, {"what", what}}});
    }

    const Shared& shared;
    const unsigned index;
    std::vector<Loop*> loops;
    Stats stats;
    session::Workspace workspace;
    auth::VerdictCache verdicts;
    session::TimePoint now = Clock::now();
    TimerWheel wheel{now};
    asio::io_context context{1};       // with it go the coroutines that are left, and with them their streams
    asio::steady_timer wake{context};  // the wheel's
    session::TimePoint armed = session::never;
    asio::steady_timer ticker{context};
    std::unique_ptr<SharedGate> gate;
    std::unique_ptr<ForwardAuth> forward_auth;
    std::unique_ptr<UpgradedSockets> sockets;
    std::unique_ptr<UpstreamSet> upstreams;  // before the sockets when it goes
};

Loop::Loop(const Shared& shared, unsigned index) : impl_(std::make_unique<Impl>(shared, index)) {
    if (shared.authenticator && shared.authenticator->options().forward) {
        impl_->forward_auth = std::make_unique<ForwardAuth>(*this, *shared.authenticator->options().forward);
    }
    impl_->gate = std::make_unique<SharedGate>(*this);
    impl_->sockets = std::make_unique<UpgradedSockets>(*this);
    impl_->upstreams = std::make_unique<UpstreamSet>(*this);
    impl_->wheel.on_earlier = [impl = impl_.get()] { impl->arm(); };
}

Loop::~Loop() = default;

// One Asio timer for the whole wheel, moved only when the next wake-up comes earlier than the one it is set
// to.
void Loop::Impl::arm() {
    const session::TimePoint next = wheel.next_wake();
    if (next >= armed) return;
    armed = next;
    wake.expires_at(next);
    wake.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_wake();
    });
}

void Loop::Impl::on_wake() {
    now = Clock::now();
    armed = session::never;
    try {
        while (TimerEntry* entry = wheel.pop_due(now)) entry->due(now);
    } catch (const std::exception& error) {
        report(error.what());
    }
    arm();
}

void Loop::Impl::tick() {
    ticker.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        now = Clock::now();
        stats.loop_lag.observe(now - ticker.expiry());
        ticker.expires_at(now + tick_interval);
        tick();
    });
}

unsigned Loop::index() const noexcept {
    return impl_->index;
}
asio::io_context& Loop::context() {
    return impl_->context;
}
const Shared& Loop::shared() const {
    return impl_->shared;
}
Stats& Loop::stats() {
    return impl_->stats;
}
session::Workspace& Loop::workspace() {
    return impl_->workspace;
}
auth::VerdictCache& Loop::verdicts() {
    return impl_->verdicts;
}
ForwardAuth* Loop::forward_auth() {
    return impl_->forward_auth.get();
}
UpgradedSockets& Loop::sockets() {
    return *impl_->sockets;
}
TimerWheel& Loop::wheel() {
    return impl_->wheel;
}
UpstreamSet& Loop::upstreams() {
    return *impl_->upstreams;
}
SharedGate& Loop::gate() {
    return *impl_->gate;
}
session::TimePoint Loop::now() const {
    return impl_->now;
}
void Loop::read_clock() {
    impl_->now = Clock::now();
}

// 15 bytes: 20 characters of base64url, as the reference server's. 114 bits are left to chance.
std::string Loop::new_sid() {
    const auto bytes = random_bytes<15>();
    std::string sid;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const unsigned group = static_cast<unsigned>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
        for (unsigned shift : {18U, 12U, 6U, 0U}) sid += alphabet[group >> shift & 63U];
    }
    sid.front() = alphabet[impl_->index];
    return sid;
}

unsigned Loop::index_in(std::string_view sid) noexcept {
    const std::size_t index = sid.empty() ? alphabet.npos : alphabet.find(sid.front());
    return index == alphabet.npos ? max : static_cast<unsigned>(index);
}

std::uint64_t Loop::new_seed() {
    std::uint64_t seed = 0;
    for (const unsigned char byte : random_bytes<8>()) seed = seed << 8 | byte;
    return seed;
}

void Loop::run() {
    impl_->ticker.expires_after(tick_interval);
    impl_->tick();
    impl_->upstreams->watch();
    for (;;) {
        try {
            impl_->context.run();
            return;
        } catch (const std::exception& error) {
            impl_->report(error.what());
        }
    }
}

void Loop::introduce(std::vector<Loop*> loops) {
    impl_->loops = std::move(loops);
}

Loop& Loop::peer(unsigned index) {
    return index < impl_->loops.size() ? *impl_->loops[index] : *this;
}

void Loop::tell_others(const std::function<void(Loop&)>& task) {
    for (Loop* other : impl_->loops) {
        if (other != this) other->post([other, task] { task(*other); });
    }
}

void Loop::post(std::function<void()> task) {
    asio::post(impl_->context, std::move(task));
}

void Loop::stop() {
    impl_->context.stop();
}

std::int64_t unix_now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

}  // namespace forestay::net
