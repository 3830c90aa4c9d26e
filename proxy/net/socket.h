// A connected stream socket, and TLS over it where the connection has it.
//
// Non-blocking, with the conventions of recv(2) and send(2): a call that would have to wait gives -1 and
// EAGAIN. TLS is OpenSSL on the descriptor itself: no buffer of ours, none of its own while the connection is
// idle. It never renegotiates, so that reading waits for bytes to come and writing for room, as without it.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "proxy/net/tls_context.h"
#include "proxy/net/unique_fd.h"

namespace forestay::net {

class Socket {
  public:
    Socket() = default;
    explicit Socket(UniqueFd fd) noexcept;
    // `tls`: null, or a connection of TlsServer's or TlsClient's that has not begun.
    Socket(UniqueFd fd, TlsHandle tls) noexcept;
    Socket(Socket&&) noexcept = default;
    Socket& operator=(Socket&& other) noexcept;
    // Says goodbye (close_notify) where nothing has gone wrong.
    ~Socket();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
    [[nodiscard]] bool encrypted() const noexcept { return tls_ != nullptr; }
    // The handshake is over.
    [[nodiscard]] bool secured() const noexcept;
    // Null without TLS.
    [[nodiscard]] ssl_st* tls() const noexcept { return tls_.get(); }

    enum class Handshake : std::uint8_t { done, wants_read, wants_write, failed };
    // One step of it; done at once without TLS, and after it.
    [[nodiscard]] Handshake handshake() noexcept;
    // What the last call said, for what tells why a handshake failed: SSL_get_error()'s argument.
    [[nodiscard]] int last_result() const noexcept { return last_result_; }

    // 0: the peer has closed; with TLS only when it has said so, else it is ECONNRESET: somebody else may
    // have cut it.
    [[nodiscard]] ssize_t recv(char* to, std::size_t size) noexcept;
    // As recv(), of one byte that stays there.
    [[nodiscard]] ssize_t peek() noexcept;
    // As much as the kernel takes. After EAGAIN the next call begins with the same bytes.
    [[nodiscard]] ssize_t send(std::span<const iovec> spans) noexcept;
    // Bytes may be here that the kernel does not have any more: no event will tell of them.
    [[nodiscard]] bool pending() const noexcept;
    // No more writing; the peer sees the end behind the last byte.
    void finish_writing() noexcept;
    // From now on it ends without a goodbye, so that the peer knows that something is missing.
    void spoil() noexcept { spoiled_ = true; }

  private:
    ssize_t outcome(int result) noexcept;
    ssize_t send_encrypted(std::span<const iovec> spans) noexcept;
    void say_goodbye() noexcept;

    UniqueFd fd_;
    TlsHandle tls_;  // after the descriptor: goes first
    int last_result_ = 1;
    bool spoiled_ = false;  // an error, or said goodbye: nothing more may be written
};

}  // namespace forestay::net
