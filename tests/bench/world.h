// All sockets of the bench: the app's listener, its connections, and the users of the proxy that is measured.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/bench/peer.h"

struct ssl_ctx_st;

namespace forestay::bench {

struct Proxy {
    std::string name;  // one that ends in _tls speaks it with its users
    std::uint16_t port = 0;
    pid_t pid = 0;
};

enum class Wait : std::uint8_t { spin, block };  // block: for at most 10 ms

class World {
  public:
    explicit World(std::uint16_t listen_port);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Users behind the proxy, joined; throws when they are not within 30 s. They ask nothing by themselves.
    std::vector<ClientPeer*> join(const Proxy& proxy, std::size_t count,
                                  const ClientPeer::Answered& answered);
    // Closes all users and waits until the proxy has left the app, too.
    void leave();
    // One look at the sockets. Throws when a user lost its connection.
    void turn(Wait wait);

  private:
    void add_upstream();

    ssl_st* secured(int fd);  // a user's TLS handshake, blocking

    int epoll_;
    int listener_;
    std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> tls_;
    std::unordered_map<Peer*, std::unique_ptr<ClientPeer>> clients_;
    std::unordered_map<Peer*, std::unique_ptr<UpstreamPeer>> upstreams_;
};

}  // namespace forestay::bench
