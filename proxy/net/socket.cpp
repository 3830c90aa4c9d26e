#include "proxy/net/socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace forestay::net {
namespace {

constexpr std::size_t record_bytes = 16 << 10;  // RFC 8446 section 5.1
constexpr std::size_t spans_max = 64;

// Small pieces go into one record: each has an overhead, and an encryption.
char* gathering() {
    static thread_local std::array<char, record_bytes> bytes;
    return bytes.data();
}

}  // namespace

Socket::Socket(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

Socket::Socket(UniqueFd fd, TlsHandle tls) noexcept : fd_(std::move(fd)), tls_(std::move(tls)) {
    if (tls_) SSL_set_fd(tls_.get(), fd_.get());
}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this == &other) return *this;
    say_goodbye();
    tls_ = std::move(other.tls_);
    fd_ = std::move(other.fd_);
    last_result_ = other.last_result_;
    spoiled_ = other.spoiled_;
    return *this;
}

Socket::~Socket() {
    say_goodbye();
}

bool Socket::secured() const noexcept {
    return tls_ && SSL_is_init_finished(tls_.get()) != 0;
}

void Socket::say_goodbye() noexcept {
    if (spoiled_ || !secured()) return;
    spoiled_ = true;
    ERR_clear_error();
    SSL_shutdown(tls_.get());  // one record, if there is room
}

Socket::Handshake Socket::handshake() noexcept {
    if (!tls_ || secured()) return Handshake::done;
    ERR_clear_error();
    last_result_ = SSL_do_handshake(tls_.get());
    if (last_result_ == 1) return Handshake::done;
    switch (SSL_get_error(tls_.get(), last_result_)) {
        case SSL_ERROR_WANT_READ:
            return Handshake::wants_read;
        case SSL_ERROR_WANT_WRITE:
            return Handshake::wants_write;
        default:
            spoiled_ = true;
            return Handshake::failed;
    }
}

// What recv(2) and send(2) would say.
ssize_t Socket::outcome(int result) noexcept {
    if (result > 0) return result;
    last_result_ = result;
    switch (SSL_get_error(tls_.get(), result)) {
        case SSL_ERROR_ZERO_RETURN:
            return 0;
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            errno = EAGAIN;
            return -1;
        default:
            spoiled_ = true;
            errno = ECONNRESET;
            return -1;
    }
}

ssize_t Socket::recv(char* to, std::size_t size) noexcept {
    if (!tls_) return ::recv(fd_.get(), to, size, 0);
    ERR_clear_error();
    return outcome(SSL_read(tls_.get(), to, static_cast<int>(std::min<std::size_t>(size, INT32_MAX))));
}

ssize_t Socket::peek() noexcept {
    char byte = 0;
    if (!tls_) return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    ERR_clear_error();
    return outcome(SSL_peek(tls_.get(), &byte, 1));
}

// One span, the usual case, needs no message header that the kernel would have to fetch.
ssize_t Socket::send(std::span<const iovec> spans) noexcept {
    if (tls_) return send_encrypted(spans);
    constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (spans.size() == 1) return ::send(fd_.get(), spans[0].iov_base, spans[0].iov_len, flags);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(spans.data());
    message.msg_iovlen = std::min(spans.size(), spans_max);
    return ::sendmsg(fd_.get(), &message, flags);
}

// A record that the kernel has not taken whole stays with OpenSSL, which wants to see the same bytes again:
// they count as not sent, and so the caller gives them first the next time.
ssize_t Socket::send_encrypted(std::span<const iovec> spans) noexcept {
    std::size_t total = 0;
    std::size_t skip = 0;  // of spans.front()
    while (true) {
        while (!spans.empty() && skip == spans.front().iov_len) {
            spans = spans.subspan(1);
            skip = 0;
        }
        if (spans.empty()) return static_cast<ssize_t>(total);
        const char* from = static_cast<const char*>(spans.front().iov_base) + skip;
        std::size_t size = spans.front().iov_len - skip;
        if (size < record_bytes && spans.size() > 1) {
            std::size_t gathered = 0;
            std::size_t offset = skip;
            for (std::size_t i = 0; i < spans.size() && gathered < record_bytes; ++i, offset = 0) {
                const std::size_t part = std::min(spans[i].iov_len - offset, record_bytes - gathered);
                if (part == 0) continue;
                std::memcpy(gathering() + gathered, static_cast<const char*>(spans[i].iov_base) + offset,
                            part);
                gathered += part;
            }
            from = gathering();
            size = gathered;
        }
        ERR_clear_error();
        const ssize_t sent =
            outcome(SSL_write(tls_.get(), from, static_cast<int>(std::min(size, record_bytes))));
        if (sent <= 0) {
            if (total > 0) return static_cast<ssize_t>(total);
            if (sent == 0) errno = EPIPE;
            return -1;
        }
        total += static_cast<std::size_t>(sent);
        for (auto left = static_cast<std::size_t>(sent); left > 0;) {
            const std::size_t part = std::min(left, spans.front().iov_len - skip);
            skip += part;
            left -= part;
            if (skip < spans.front().iov_len) break;
            spans = spans.subspan(1);
            skip = 0;
        }
    }
}

bool Socket::pending() const noexcept {
    return tls_ && SSL_has_pending(tls_.get()) != 0;
}

void Socket::finish_writing() noexcept {
    say_goodbye();
    ::shutdown(fd_.get(), SHUT_WR);
}

}  // namespace forestay::net
