#include "tests/bench/world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace forestay::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t joining_max = 64;  // handshakes under way at once

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

// Blocking until it is connected: at once on loopback.
int connect_to(std::uint16_t port) {
    const int fd = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const sockaddr_in address = loopback(port);
    checked(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address),
            "connect to the proxy");
    // A reset at the end leaves no port in TIME_WAIT.
    const linger reset{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return no_delay(fd);
}

int set_non_blocking(int fd) {
    checked(::fcntl(fd, F_SETFL, O_NONBLOCK), "fcntl");
    return fd;
}

}  // namespace

World::World(std::uint16_t listen_port)
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      tls_(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free) {
    ::SSL_CTX_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    listener_ = checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(listen_port);
    checked(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    checked(::listen(listener_, 4096), "listen");
    epoll_event event{};
    event.events = EPOLLIN;
    checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event), "epoll_ctl");
}

World::~World() {
    clients_.clear();
    upstreams_.clear();
    ::close(listener_);
    ::close(epoll_);
}

ssl_st* World::secured(int fd) {
    ssl_st* tls = ::SSL_new(tls_.get());
    ::SSL_set_fd(tls, fd);
    if (::SSL_connect(tls) != 1) throw std::runtime_error("no TLS with the proxy");
    return tls;
}

std::vector<ClientPeer*> World::join(const Proxy& proxy, std::size_t count,
                                     const ClientPeer::Answered& answered) {
    const Clock::time_point end = Clock::now() + 30s;
    std::vector<ClientPeer*> joined, joining;
    while (joined.size() < count) {
        while (joining.size() < joining_max && joined.size() + joining.size() < count) {
            const int fd = connect_to(proxy.port);
            ssl_st* tls = proxy.name.ends_with("_tls") ? secured(fd) : nullptr;
            auto client = std::make_unique<ClientPeer>(epoll_, set_non_blocking(fd), answered, tls);
            joining.push_back(client.get());
            clients_.emplace(client.get(), std::move(client));
        }
        turn(Wait::block);
        const auto ready =
            std::partition(joining.begin(), joining.end(), [](auto* c) { return !c->ready(); });
        joined.insert(joined.end(), ready, joining.end());
        joining.erase(ready, joining.end());
        if (Clock::now() > end) throw std::runtime_error(proxy.name + ": users could not join in time");
    }
    return joined;
}

void World::leave() {
    clients_.clear();
    const Clock::time_point end = Clock::now() + 10s;
    while (!upstreams_.empty()) {
        turn(Wait::block);
        if (Clock::now() > end)
            throw std::runtime_error("the proxy keeps connections of users that have left");
    }
}

void World::add_upstream() {
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        auto peer = std::make_unique<UpstreamPeer>(epoll_, no_delay(fd));
        upstreams_.emplace(peer.get(), std::move(peer));
    }
}

void World::turn(Wait wait) {
    std::array<epoll_event, 256> events;
    const int count =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait == Wait::spin ? 0 : 10);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* peer = static_cast<Peer*>(event.data.ptr);
        if (peer == nullptr) {
            add_upstream();
        } else if (!peer->on_events(event.events)) {
            if (clients_.erase(peer) > 0)
                throw std::runtime_error("a user was cut off or got a wrong answer");
            upstreams_.erase(peer);
        }
    }
}

}  // namespace forestay::bench
