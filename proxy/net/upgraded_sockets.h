// The loop's epoll set for websockets: who is readable, one shared buffer to read into, what could not be
// written yet.
//
// A socket is added once, edge-triggered, and never modified; Asio awaits only the set's own descriptor. Per
// message that makes one recv and one send: a short read means drained, so there is no recv that fails with
// EAGAIN, and no epoll_ctl. A socket that has more than its share of one event goes to the end of a list and
// waits for the others.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/net/socket.h"

namespace forestay::net {

class Loop;
class UpgradedSocket;  // a socket of the set; valid until close(), abort(), release() or on_lost()

// Whose socket it is. Calls come from the loop's batches only, never from within a call to the set; in each
// of them the owner may call the set and may destroy itself.
class SocketOwner {
  public:
    // Views into the shared buffer: gone when the call returns.
    virtual void on_bytes(UpgradedSocket& socket, std::string_view bytes) = 0;
    // Connected, or all that waited has gone out.
    virtual void on_drained(UpgradedSocket& socket) = 0;
    // End of file, or an error. The socket is gone.
    virtual void on_lost(UpgradedSocket& socket, bool reset) = 0;

  protected:
    ~SocketOwner() = default;
};

class UpgradedSockets {
  public:
    static constexpr std::size_t buffer_bytes = 32 << 10;  // measured: smaller and larger ones cost more
    static constexpr int buffers_per_event = 8;            // then it is the others' turn

    explicit UpgradedSockets(Loop& loop);
    ~UpgradedSockets();

    enum class Start : std::uint8_t { connected, connecting };
    // Makes it non-blocking and sets TCP_NODELAY. One that is connecting is connected when TLS, if it has it,
    // is up.
    UpgradedSocket& add(Socket socket, SocketOwner& owner, Start start);
    // One gathered write; what the kernel does not take waits here. Returns the bytes that wait now. A socket
    // that turns out to be dead is reported by on_lost() later.
    std::size_t send(UpgradedSocket& socket, std::span<const iovec> spans);
    // A paused socket is not read, and its end is seen after resume(); a reset with nothing before it at
    // once.
    void pause(UpgradedSocket& socket);
    void resume(UpgradedSocket& socket);
    // Writes what waits, says FIN, waits for the peer's (a close with unread bytes would be a reset that eats
    // our last words), all of it for 5 s at most. No call to the owner follows.
    void close(UpgradedSocket& socket);
    void abort(UpgradedSocket& socket);
    // It is another's from here on, with all that waits in it.
    void give(UpgradedSocket& socket, SocketOwner& owner);
    // Something of what was sent is not written yet.
    [[nodiscard]] static bool waits(const UpgradedSocket& socket) noexcept;
    // Leaves the set.
    [[nodiscard]] Socket release(UpgradedSocket& socket);

    [[nodiscard]] std::size_t size() const noexcept;

  private:
    friend class UpgradedSocket;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::net
