#include "proxy/net/byte_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"

namespace forestay::net {

namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;

namespace {

constexpr std::size_t scratch_bytes = 64 << 10;
constexpr std::size_t pieces_max = 8;

// One per thread: a stream that waits needs no buffer of its own.
char* scratch() {
    static thread_local std::array<char, scratch_bytes> bytes;
    return bytes.data();
}

}  // namespace

struct ByteStream::Impl final : TimerEntry, std::enable_shared_from_this<ByteStream::Impl> {
    Impl(Loop& l, Socket s) : loop(l), descriptor(l.context()), socket(std::move(s)) {
        descriptor.assign(socket.fd());
    }
    ~Impl() { forget(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    // The socket closes the descriptor, Asio only waits for it.
    void forget() {
        if (descriptor.is_open()) (void)descriptor.release();
    }

    void due(session::TimePoint) override {
        timed_out = true;
        boost::system::error_code ignored;
        descriptor.cancel(ignored);
    }
    Task<Io> wait(Wait what, Duration timeout);
    // As wait(), until `deadline`. Pieces of a TLS record are no reason to begin anew.
    Task<Io> wait_until(Wait what, session::TimePoint deadline);
    session::TimePoint deadline_in(Duration timeout) {
        loop.read_clock();
        return loop.now() + timeout;
    }
    void start_watch();
    void tell_watcher(bool closed);

    Loop& loop;
    asio::posix::stream_descriptor descriptor;
    Socket socket;
    std::string buffer;
    bool waiting = false;
    bool timed_out = false;
    bool interrupted = false;
    bool ended = false;   // a read has seen the end
    bool broken = false;  // ended by an error, not by a FIN
    bool aborted = false;
    bool watch_waits = false;  // a watch's wait is with the reactor, wanted or not
    std::function<void(bool)> watcher;
    std::uint64_t written = 0;
};

Task<Io> ByteStream::Impl::wait(Wait what, Duration timeout) {
    const std::shared_ptr<Impl> alive = shared_from_this();
    if (aborted) co_return Io::closed;
    timed_out = interrupted = false;
    waiting = true;
    loop.read_clock();
    loop.wheel().schedule(*this, loop.now() + timeout);
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await descriptor.async_wait(what, token);
    waiting = false;
    loop.read_clock();
    loop.wheel().cancel(*this);
    if (interrupted) co_return Io::interrupted;
    if (timed_out) co_return Io::timed_out;
    co_return error ? Io::closed : Io::ok;
}

Task<Io> ByteStream::Impl::wait_until(Wait what, session::TimePoint deadline) {
    loop.read_clock();
    if (loop.now() >= deadline) co_return Io::timed_out;
    co_return co_await wait(what, std::chrono::duration_cast<Duration>(deadline - loop.now()));
}

StreamGroup::~StreamGroup() {
    for (ByteStream* stream : open_) stream->group_ = nullptr;
}

void StreamGroup::abort_all() {
    aborted_ = true;
    for (ByteStream* stream : open_) stream->abort();
}

ByteStream::ByteStream(Loop& loop, StreamGroup& group, Socket socket)
    : group_(&group), impl_(std::make_shared<Impl>(loop, std::move(socket))) {
    group.open_.insert(this);
    impl_->aborted = impl_->ended = group.aborted_;
}

ByteStream::~ByteStream() {
    if (group_ != nullptr) group_->open_.erase(this);
    impl_->watcher = nullptr;
    impl_->loop.wheel().cancel(*impl_);
    impl_->forget();
    if (impl_->aborted) impl_->socket.spoil();
    impl_->socket = {};
}

std::string& ByteStream::buffer() noexcept {
    return impl_->buffer;
}

bool ByteStream::read_now(std::size_t max) {
    if (impl_->ended) return false;
    const ssize_t size = impl_->socket.recv(scratch(), std::min(max, scratch_bytes));
    if (size > 0) {
        impl_->buffer.append(scratch(), static_cast<std::size_t>(size));
        return true;
    }
    impl_->broken = size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    impl_->ended = size == 0 || impl_->broken;
    return false;
}

bool ByteStream::broken() const noexcept {
    return impl_->broken;
}

Task<Io> ByteStream::read(std::size_t max, Duration timeout) {
    const session::TimePoint deadline = impl_->deadline_in(timeout);
    while (!read_now(max)) {
        if (impl_->ended) co_return Io::closed;
        const Io waited = co_await impl_->wait_until(Wait::wait_read, deadline);
        if (waited != Io::ok) co_return waited;
    }
    co_return Io::ok;
}

Task<Io> ByteStream::handshake(Duration timeout) {
    const session::TimePoint deadline = impl_->deadline_in(timeout);
    while (true) {
        if (impl_->aborted) co_return Io::closed;
        const Socket::Handshake step = impl_->socket.handshake();
        if (step == Socket::Handshake::done) co_return Io::ok;
        if (step == Socket::Handshake::failed) co_return Io::closed;
        const Wait what = step == Socket::Handshake::wants_read ? Wait::wait_read : Wait::wait_write;
        const Io waited = co_await impl_->wait_until(what, deadline);
        if (waited != Io::ok) co_return waited;
    }
}

Task<Io> ByteStream::readable(Duration timeout) {
    if (!impl_->socket.encrypted()) co_return co_await impl_->wait(Wait::wait_read, timeout);
    const session::TimePoint deadline = impl_->deadline_in(timeout);
    // What comes may be of TLS alone: a ticket, a part of a record.
    while (impl_->socket.peek() < 0 && errno == EAGAIN) {
        const Io waited = co_await impl_->wait_until(Wait::wait_read, deadline);
        if (waited != Io::ok) co_return waited;
    }
    co_return Io::ok;
}

Task<Io> ByteStream::write(std::string_view bytes, Duration timeout) {
    const std::array<std::string_view, 1> pieces{bytes};
    co_return co_await write(std::span<const std::string_view>(pieces), timeout);
}

Task<Io> ByteStream::write(std::span<const std::string_view> pieces, Duration timeout) {
    std::array<iovec, pieces_max> vectors{};
    std::size_t count = 0;
    for (const std::string_view piece : pieces.first(std::min(pieces.size(), pieces_max))) {
        if (!piece.empty()) vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
    }
    for (std::size_t first = 0; first < count;) {
        if (impl_->aborted) co_return Io::closed;
        const ssize_t size = impl_->socket.send({&vectors[first], count - first});
        if (size < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) co_return Io::closed;
            const Io waited = co_await impl_->wait(Wait::wait_write, timeout);
            if (waited != Io::ok) co_return waited;
            continue;
        }
        impl_->written += static_cast<std::uint64_t>(size);
        for (auto left = static_cast<std::size_t>(size); left > 0;) {
            const std::size_t part = std::min(left, vectors[first].iov_len);
            vectors[first].iov_base = static_cast<char*>(vectors[first].iov_base) + part;
            vectors[first].iov_len -= part;
            left -= part;
            if (vectors[first].iov_len == 0) ++first;
        }
    }
    co_return Io::ok;
}

Task<Io> ByteStream::connected(Duration timeout) {
    const Io waited = co_await impl_->wait(Wait::wait_write, timeout);
    if (waited != Io::ok) co_return waited;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(impl_->socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    co_return error == 0 ? Io::ok : Io::closed;
}

void ByteStream::watch(std::function<void(bool)> happened) {
    impl_->watcher = std::move(happened);
    if (impl_->aborted) {
        impl_->tell_watcher(true);
        return;
    }
    if (impl_->socket.pending()) {
        const ssize_t size = impl_->socket.peek();
        if (size >= 0 || errno != EAGAIN) impl_->tell_watcher(size <= 0);
    }
    if (!impl_->watch_waits) impl_->start_watch();
}

// A wait that is not wanted any more stays with the reactor until something comes: taking it back would cost
// a system call for each piece of a body.
void ByteStream::Impl::start_watch() {
    watch_waits = true;
    descriptor.async_wait(Wait::wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
        const std::shared_ptr<Impl> self = weak.lock();
        if (!self) return;
        self->watch_waits = false;
        if (!self->watcher || !self->descriptor.is_open()) return;
        if (error) return self->start_watch();  // taken back together with another wait
        const ssize_t size = self->socket.peek();
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return self->start_watch();
        const std::function<void(bool)> happened = std::exchange(self->watcher, nullptr);
        happened(size <= 0);
    });
}

// Posted: the watcher may wake others, who are in the middle of something.
void ByteStream::Impl::tell_watcher(bool closed) {
    asio::post(loop.context(), [weak = weak_from_this(), closed] {
        const std::shared_ptr<Impl> self = weak.lock();
        if (!self || !self->watcher) return;
        const std::function<void(bool)> happened = std::exchange(self->watcher, nullptr);
        happened(closed);
    });
}

void ByteStream::abort() {
    impl_->aborted = impl_->ended = true;
    interrupt();
    if (impl_->watcher) impl_->tell_watcher(true);
}

void ByteStream::spoil() noexcept {
    impl_->socket.spoil();
}

void ByteStream::unwatch() {
    impl_->watcher = nullptr;
}

void ByteStream::interrupt() {
    if (!impl_->waiting) return;
    impl_->interrupted = true;
    boost::system::error_code ignored;
    impl_->descriptor.cancel(ignored);
}

bool ByteStream::quiet() const {
    if (!impl_->buffer.empty()) return false;
    return impl_->socket.peek() < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void ByteStream::finish_writing() {
    impl_->socket.finish_writing();
}

Socket ByteStream::release() {
    impl_->watcher = nullptr;
    impl_->forget();
    return std::exchange(impl_->socket, {});
}

const Socket& ByteStream::socket() const noexcept {
    return impl_->socket;
}

std::uint64_t ByteStream::bytes_written() const noexcept {
    return impl_->written;
}

}  // namespace forestay::net
