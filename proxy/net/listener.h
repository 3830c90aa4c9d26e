// One listening socket: bound at construction, accepts while it is started.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proxy/net/options.h"

namespace forestay::net {

class Loop;

class Listener {
  public:
    // A client's socket: non-blocking, TCP_NODELAY; `peer` is its address without the port, 127.0.0.1 for a
    // unix socket.
    using Accepted = std::function<void(int fd, std::string peer)>;

    // Throws std::runtime_error; a port that another process has is refused whatever that one allows.
    Listener(Loop& loop, const Endpoint& endpoint, Accepted accepted);
    // One more at the TCP address of `first`, for another loop: the kernel deals out the clients among them
    // (SO_REUSEPORT). Before either loop runs.
    Listener(Loop& loop, Listener& first, Accepted accepted);
    // A unix socket's file goes, too.
    ~Listener();

    [[nodiscard]] const Endpoint& bound() const noexcept;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace forestay::net
