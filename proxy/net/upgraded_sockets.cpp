#include "proxy/net/upgraded_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/tls_handshakes.h"

namespace forestay::net {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds close_timeout{5};
// What is read and thrown away behind our close frame, so that it is not lost in a reset. Then there is one.
constexpr std::size_t leftovers_max = 1 << 20;
// In the kernel and not sent yet, of each socket. Else it takes up to tcp_wmem (4 MiB) for a client that
// reads nothing, outside of limits.outbox, and we learn late that it does.
constexpr int unsent_max = 128 << 10;
// Sockets read more than one buffer each only while their batch is younger: tiny messages are much work.
constexpr std::chrono::microseconds batch_time{100};
// Of one that has more than its share of an event, in each of its turns: 1,200 of the smallest messages, 50
// us.
constexpr std::size_t turn_bytes = 8 << 10;
constexpr std::size_t events_per_wait = 256;
constexpr int waits_per_wakeup = 4;  // then Asio's own sockets have their turn

// The kernel keeps what came before a reset.
bool has_bytes(const Socket& socket) {
    char byte = 0;
    return socket.pending() || ::recv(socket.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// What the kernel did not take. Exists only under back-pressure.
struct Waiting {
    std::string bytes;
    std::size_t sent = 0;
    [[nodiscard]] std::size_t left() const { return bytes.size() - sent; }
    void append(std::string_view more) {
        if (sent > bytes.size() / 2) {
            bytes.erase(0, sent);
            sent = 0;
        }
        bytes.append(more);
    }
};

}  // namespace

class UpgradedSocket final : public TimerEntry {
  public:
    UpgradedSocket(UpgradedSockets::Impl& its_set, Socket its_socket, SocketOwner* its_owner)
        : set(its_set), owner(its_owner), socket(std::move(its_socket)) {}
    void due(session::TimePoint now) override;

    UpgradedSockets::Impl& set;
    SocketOwner* owner;  // null: closing
    Socket socket;
    std::size_t index = 0;  // in Impl::sockets
    std::unique_ptr<Waiting> waiting;
    bool connecting = false;  // until TLS is up, too
    bool reached = false;     // while connecting: the peer has taken the connection
    bool paused = false;
    bool readable = false;  // an edge came and the bytes behind it are not all read
    bool hung_up = false;   // the peer's end is there: a short read is not the last
    bool in_ready = false;
    bool gone = false;  // in the graveyard
    std::size_t leftovers = 0;
};

struct UpgradedSockets::Impl {
    explicit Impl(Loop& l) : loop(l), set(l.context(), epoll_create1(EPOLL_CLOEXEC)) {
        buffer.resize(buffer_bytes);
    }

    void await();
    void batch();
    void take_turns();
    void guarded(UpgradedSocket& socket, void (Impl::*step)(UpgradedSocket&, std::uint32_t),
                 std::uint32_t events);
    void on_event(UpgradedSocket& socket, std::uint32_t events);
    void on_turn(UpgradedSocket& socket, std::uint32_t);
    void connected(UpgradedSocket& socket);
    void read(UpgradedSocket& socket, std::size_t most);
    void discard(UpgradedSocket& socket);
    void write(UpgradedSocket& socket);
    void finish_writing(UpgradedSocket& socket);
    void ready(UpgradedSocket& socket);
    void lost(UpgradedSocket& socket, bool reset);
    Socket bury(UpgradedSocket& socket);

    Loop& loop;
    asio::posix::stream_descriptor set;
    std::string buffer;
    std::vector<std::unique_ptr<UpgradedSocket>> sockets;
    // Sockets that went during this batch: events that were fetched before still point to them.
    std::vector<std::unique_ptr<UpgradedSocket>> graveyard;
    std::vector<UpgradedSocket*> ready_list;
    std::vector<UpgradedSocket*> turn;
    std::array<epoll_event, events_per_wait> events{};
    bool in_batch = false;
    bool posted = false;
};

// Closing, and its peer takes nothing: without a reset the kernel would keep what waits for minutes.
void UpgradedSocket::due(session::TimePoint) {
    const linger reset{1, 0};
    setsockopt(socket.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    set.bury(*this);
}

// Asio awaits the set's descriptor. Arming it again looks at the set once more, so no event can fall between.
void UpgradedSockets::Impl::await() {
    set.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        batch();
        await();
    });
}

void UpgradedSockets::Impl::batch() {
    loop.read_clock();
    in_batch = true;
    for (int i = 0; i < waits_per_wakeup; ++i) {
        const int count = epoll_wait(set.native_handle(), events.data(), events_per_wait, 0);
        for (int e = 0; e < count; ++e) {
            auto& socket = *static_cast<UpgradedSocket*>(events[static_cast<std::size_t>(e)].data.ptr);
            guarded(socket, &Impl::on_event, events[static_cast<std::size_t>(e)].events);
        }
        take_turns();
        graveyard.clear();
        if (count < static_cast<int>(events_per_wait)) break;
    }
    in_batch = false;
    if (!ready_list.empty()) ready(*ready_list.front());
}

// At least one; who has no turn because the batch is old is the first to have one in the next. So a flood of
// many keeps the others waiting for no longer than a flood of one.
void UpgradedSockets::Impl::take_turns() {
    turn.swap(ready_list);
    auto next = turn.begin();
    do {
        if (next == turn.end()) break;
        UpgradedSocket& socket = **next++;
        socket.in_ready = false;
        guarded(socket, &Impl::on_turn, 0);
    } while (std::chrono::steady_clock::now() - loop.now() < batch_time);
    turn.erase(turn.begin(), next);
    std::erase_if(turn, [](const UpgradedSocket* socket) { return socket->gone; });
    ready_list.insert(ready_list.begin(), turn.begin(), turn.end());
    turn.clear();
}

// A bug in what an event sets off must not eat the other events: they come once.
void UpgradedSockets::Impl::guarded(UpgradedSocket& socket,
                                    void (Impl::*step)(UpgradedSocket&, std::uint32_t), std::uint32_t what) {
    if (socket.gone) return;
    try {
        (this->*step)(socket, what);
    } catch (const std::exception& error) {
        if (loop.shared().journal) {
            loop.shared().journal(
                {Level::error, "internal_error", {{"where", "socket"}, {"what", error.what()}}});
        }
        if (!socket.gone) lost(socket, true);
    }
}

void UpgradedSockets::Impl::on_event(UpgradedSocket& socket, std::uint32_t what) {
    if (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket.hung_up = true;
    if (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket.readable = true;
    if (socket.connecting) {
        if (socket.reached || what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) connected(socket);
        if (socket.gone) return;
    } else if (what & EPOLLERR && socket.paused && !has_bytes(socket.socket)) {
        return lost(socket, true);
    }
    if (what & EPOLLOUT && socket.waiting) write(socket);
    if (!socket.gone && !socket.in_ready) read(socket, buffer.size());
}

void UpgradedSockets::Impl::on_turn(UpgradedSocket& socket, std::uint32_t) {
    read(socket, turn_bytes);
}

void UpgradedSockets::Impl::connected(UpgradedSocket& socket) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket.socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return lost(socket, true);
    socket.reached = true;
    switch (socket.socket.handshake()) {
        case Socket::Handshake::wants_read:
        case Socket::Handshake::wants_write:
            return;
        case Socket::Handshake::failed:
            tell_upstream_tls_failure(loop, socket.socket);
            return lost(socket, true);
        case Socket::Handshake::done:
            if (socket.socket.encrypted()) count_tls(loop, TlsSide::upstream);
            break;
    }
    socket.connecting = false;
    if (socket.owner != nullptr) socket.owner->on_drained(socket);
}

void UpgradedSockets::Impl::read(UpgradedSocket& socket, std::size_t most) {
    for (int i = 0; socket.readable && !socket.paused && !socket.connecting; ++i) {
        if (socket.owner == nullptr) return discard(socket);
        if (i == buffers_per_event || (i > 0 && std::chrono::steady_clock::now() - loop.now() > batch_time))
            return ready(socket);
        const ssize_t got = socket.socket.recv(buffer.data(), most);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            socket.readable = false;
            return;
        }
        if (got <= 0) return lost(socket, got < 0);
        const bool all = static_cast<std::size_t>(got) < most && !socket.socket.encrypted();
        if (all && !socket.hung_up) socket.readable = false;
        socket.owner->on_bytes(socket, {buffer.data(), static_cast<std::size_t>(got)});
        if (socket.gone) return;
    }
}

// Closing: what still comes is nobody's. One buffer a turn; TCP does not even copy it.
void UpgradedSockets::Impl::discard(UpgradedSocket& socket) {
    const ssize_t got = ::recv(socket.socket.fd(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        socket.readable = false;
        return;
    }
    if (got < 0 && errno == EINTR) return ready(socket);
    if (got <= 0) return lost(socket, got < 0);
    socket.leftovers += static_cast<std::size_t>(got);
    if (socket.leftovers > leftovers_max) return lost(socket, true);
    ready(socket);
}

void UpgradedSockets::Impl::write(UpgradedSocket& socket) {
    Waiting& waiting = *socket.waiting;
    iovec rest{waiting.bytes.data() + waiting.sent, waiting.left()};
    const ssize_t sent = socket.socket.send({&rest, 1});
    if (sent < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return;
        // Reading will tell the rest, after what the peer had sent before.
        socket.readable = socket.hung_up = true;
        return;
    }
    waiting.sent += static_cast<std::size_t>(sent);
    if (waiting.left() > 0) return;
    socket.waiting.reset();
    if (socket.owner != nullptr) return socket.owner->on_drained(socket);
    finish_writing(socket);
}

void UpgradedSockets::Impl::finish_writing(UpgradedSocket& socket) {
    socket.socket.finish_writing();
    socket.paused = false;
    if (socket.readable) ready(socket);  // discarded up to the peer's FIN
}

// Its turn comes at the end of this batch, or in one of its own.
void UpgradedSockets::Impl::ready(UpgradedSocket& socket) {
    if (!socket.in_ready) {
        socket.in_ready = true;
        ready_list.push_back(&socket);
    }
    if (in_batch || posted) return;
    posted = true;
    asio::post(loop.context(), [this] {
        posted = false;
        batch();
    });
}

void UpgradedSockets::Impl::lost(UpgradedSocket& socket, bool reset) {
    SocketOwner* owner = socket.owner;
    bury(socket) = {};
    if (owner != nullptr) owner->on_lost(socket, reset);
}

// Out of the set; the object stays until the batch has ended.
Socket UpgradedSockets::Impl::bury(UpgradedSocket& socket) {
    loop.wheel().cancel(socket);
    socket.gone = true;
    socket.owner = nullptr;
    socket.waiting.reset();
    if (socket.in_ready) std::erase(ready_list, &socket);
    if (!in_batch) graveyard.clear();
    auto& slot = sockets[socket.index];
    graveyard.push_back(std::move(slot));
    if (&slot != &sockets.back()) {
        slot = std::move(sockets.back());
        slot->index = socket.index;
    }
    sockets.pop_back();
    return std::move(socket.socket);
}

UpgradedSockets::UpgradedSockets(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {
    impl_->await();
}

UpgradedSockets::~UpgradedSockets() = default;

void UpgradedSockets::give(UpgradedSocket& socket, SocketOwner& owner) {
    socket.owner = &owner;
}

bool UpgradedSockets::waits(const UpgradedSocket& socket) noexcept {
    return socket.waiting != nullptr;
}

UpgradedSocket& UpgradedSockets::add(Socket added, SocketOwner& owner, Start start) {
    const int fd = added.fd();
    auto socket = std::make_unique<UpgradedSocket>(*impl_, std::move(added), &owner);
    socket->connecting = start == Start::connecting;
    const int flags = fcntl(fd, F_GETFL);
    if ((flags & O_NONBLOCK) == 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof unsent_max);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = socket.get();
    if (epoll_ctl(impl_->set.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
    socket->index = impl_->sockets.size();
    impl_->sockets.push_back(std::move(socket));
    UpgradedSocket& entered = *impl_->sockets.back();
    if (entered.socket.pending()) {
        entered.readable = true;
        impl_->ready(entered);
    }
    return entered;
}

std::size_t UpgradedSockets::send(UpgradedSocket& socket, std::span<const iovec> spans) {
    std::size_t skip = 0;  // bytes of spans.front() that are out
    while (!spans.empty() && !socket.waiting && !socket.connecting) {
        std::array<iovec, 64> part;
        const std::size_t count = std::min(spans.size(), part.size());
        std::copy_n(spans.begin(), count, part.begin());
        part[0].iov_base = static_cast<char*>(part[0].iov_base) + skip;
        part[0].iov_len -= skip;
        const ssize_t sent = socket.socket.send({part.data(), count});
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            socket.readable = socket.hung_up = true;
            impl_->ready(socket);
            return 0;
        }
        std::size_t left = sent < 0 ? 0 : static_cast<std::size_t>(sent);
        std::size_t whole = 0;
        while (whole < count && left >= part[whole].iov_len) left -= part[whole++].iov_len;
        if (whole > 0) skip = 0;
        skip += left;
        spans = spans.subspan(whole);
        if (whole < count) socket.waiting = std::make_unique<Waiting>();
    }
    if (!spans.empty() && !socket.waiting) socket.waiting = std::make_unique<Waiting>();
    for (const iovec& span : spans) {
        socket.waiting->append({static_cast<const char*>(span.iov_base) + skip, span.iov_len - skip});
        skip = 0;
    }
    return socket.waiting ? socket.waiting->left() : 0;
}

void UpgradedSockets::pause(UpgradedSocket& socket) {
    socket.paused = true;
}

void UpgradedSockets::resume(UpgradedSocket& socket) {
    socket.paused = false;
    if (socket.readable) impl_->ready(socket);
}

void UpgradedSockets::close(UpgradedSocket& socket) {
    if (socket.connecting) return abort(socket);
    socket.owner = nullptr;
    impl_->loop.wheel().schedule(socket, impl_->loop.now() + close_timeout);
    if (!socket.waiting) return impl_->finish_writing(socket);
    resume(socket);
}

void UpgradedSockets::abort(UpgradedSocket& socket) {
    impl_->bury(socket) = {};
}

Socket UpgradedSockets::release(UpgradedSocket& socket) {
    epoll_ctl(impl_->set.native_handle(), EPOLL_CTL_DEL, socket.socket.fd(), nullptr);
    return impl_->bury(socket);
}

std::size_t UpgradedSockets::size() const noexcept {
    return impl_->sockets.size();
}

}  // namespace forestay::net
