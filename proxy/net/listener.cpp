#include "proxy/net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "proxy/net/loop.h"
#include "proxy/net/server.h"
#include "proxy/net/unique_fd.h"

namespace forestay::net {

namespace asio = boost::asio;

namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_wakeup = 64;  // then it is the others' turn
constexpr std::chrono::milliseconds pause_time{100};

[[noreturn]] void fail(const Endpoint& endpoint, const char* what) {
    throw std::runtime_error("cannot listen on " + to_string(endpoint) + ": " + what);
}

UniqueFd listen_on(const Endpoint& endpoint, const sockaddr* address, socklen_t size) {
    UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) fail(endpoint, std::strerror(errno));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), backlog) != 0) {
        fail(endpoint, std::strerror(errno));
    }
    return fd;
}

UniqueFd listen_unix(const Endpoint& endpoint) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.unix_path.size() >= sizeof address.sun_path) fail(endpoint, "path too long");
    std::memcpy(address.sun_path, endpoint.unix_path.c_str(), endpoint.unix_path.size() + 1);
    // A socket that a process before us has left behind is in the way; a file of another kind is somebody's,
    // and so is a socket that still answers.
    struct stat status {};
    if (::lstat(address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            fail(endpoint, "somebody else listens there");
        }
        ::unlink(address.sun_path);
    }
    return listen_on(endpoint, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

UniqueFd listen_tcp(const Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(endpoint.port);
    const int error =
        ::getaddrinfo(endpoint.host.empty() ? nullptr : endpoint.host.c_str(), port.c_str(), &hints, &found);
    if (error != 0) fail(endpoint, ::gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
    return listen_on(endpoint, addresses->ai_addr, addresses->ai_addrlen);
}

// The first socket of an address binds and listens without SO_REUSEPORT, so that the kernel says no when
// another process is there; only then it lets the others in, which come right behind it.
UniqueFd listen_beside(const Endpoint& endpoint, int first) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(first, reinterpret_cast<sockaddr*>(&address), &size);
    const int on = 1;
    UniqueFd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd || ::setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(fd.get(), backlog) != 0) {
        fail(endpoint, std::strerror(errno));
    }
    return fd;
}

std::uint16_t bound_port(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    if (address.ss_family == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

std::string peer_text(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr, text.data(),
                    text.size());
        return text.data();
    }
    if (address.ss_family != AF_INET6) return "127.0.0.1";
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        ::inet_ntop(AF_INET, v6.s6_addr + 12, text.data(), text.size());
    } else {
        ::inet_ntop(AF_INET6, &v6, text.data(), text.size());
    }
    return text.data();
}

UniqueFd reserve() {
    return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
    Impl(Loop& l, const Endpoint& e, UniqueFd fd, Accepted a)
        : loop(l),
          endpoint(e),
          accepted(std::move(a)),
          descriptor(l.context()),
          pause(l.context()),
          spare(reserve()) {
        if (e.unix_path.empty()) endpoint.port = bound_port(fd.get());
        descriptor.assign(fd.release());
    }
    void wait();
    void accept();
    void hand_over(int fd, std::string peer);
    void out_of_descriptors();

    Loop& loop;
    Endpoint endpoint;
    Accepted accepted;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer pause;
    UniqueFd spare;  // given up to tell one client that we are full
};

Listener::Listener(Loop& loop, const Endpoint& endpoint, Accepted accepted)
    : impl_(std::make_shared<Impl>(loop, endpoint,
                                   endpoint.unix_path.empty() ? listen_tcp(endpoint) : listen_unix(endpoint),
                                   std::move(accepted))) {
    impl_->wait();
}

Listener::Listener(Loop& loop, Listener& first, Accepted accepted)
    : impl_(std::make_shared<Impl>(loop, first.bound(),
                                   listen_beside(first.bound(), first.impl_->descriptor.native_handle()),
                                   std::move(accepted))) {
    impl_->wait();
}

Listener::~Listener() {
    impl_->accepted = nullptr;
    impl_->pause.cancel();
    boost::system::error_code ignored;
    impl_->descriptor.close(ignored);
    if (!impl_->endpoint.unix_path.empty()) ::unlink(impl_->endpoint.unix_path.c_str());
}

const Endpoint& Listener::bound() const noexcept {
    return impl_->endpoint;
}

void Listener::Impl::wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                              if (!error && self->accepted) self->accept();
                          });
}

void Listener::Impl::accept() {
    loop.read_clock();
    for (int i = 0; i < accepts_per_wakeup && accepted; ++i) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        const int fd = ::accept4(descriptor.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            const int on = 1;
            if (endpoint.unix_path.empty()) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            hand_over(fd, peer_text(address));
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return out_of_descriptors();
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        // ECONNABORTED and its like: that client is gone, the next may be fine.
    }
    if (accepted) wait();
}

// One client that cannot be taken must not be the last one.
void Listener::Impl::hand_over(int fd, std::string peer) {
    try {
        accepted(fd, std::move(peer));
    } catch (const std::exception& error) {
        const Journal& journal = loop.shared().journal;
        if (journal) journal({Level::error, "internal_error", {{"where", "accept"}, {"what", error.what()}}});
    }
}

// The queue stays readable: without a pause we would spin. One client a time is taken with the spare
// descriptor and dropped, so that the queue does not fill with the dead.
void Listener::Impl::out_of_descriptors() {
    const Journal& journal = loop.shared().journal;
    if (journal) {
        journal({Level::warning,
                 "out_of_descriptors",
                 {{"listen", to_string(endpoint)}, {"limit", "descriptors"}}});
    }
    ++loop.stats().connections_refused;
    loop.stats().hit(LimitHit::descriptors);
    spare.reset();
    UniqueFd(::accept4(descriptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare = reserve();
    pause.expires_after(pause_time);
    pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error && self->accepted) self->accept();
    });
}

}  // namespace forestay::net
