// The listeners and the connections behind them: everything clients see of forestay on one loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/options.h"

namespace forestay::net {

class EngineIoEndpoint;
class Loop;

class Server {
  public:
    // Binds and listens on all of Options::listen, and accepts as soon as the loop runs. `loop` outlives
    // this, and its Shared has an authenticator and an origin policy. Throws std::runtime_error naming the
    // address that cannot be had. `first`: the server of another loop, at whose addresses this one listens
    // too; unix sockets stay with the first, which deals out their clients.
    explicit Server(Loop& loop, Server* first = nullptr);
    // Closes everything. On the loop's thread, or when it does not run.
    ~Server();
    // Ends the connections. Of several servers each does before the first is destroyed: what a connection's
    // end sets off may concern the others.
    void end();

    // Tells the servers of a process of each other, by the index of their loops. Before these run.
    static void introduce(const std::vector<Server*>& servers);

    // What was bound, port 0 replaced.
    [[nodiscard]] const std::vector<Endpoint>& bound() const noexcept;
    // Stops accepting, says goodbye to every session, lets requests in flight finish within drain_timeout,
    // cuts the rest. `done` is called once, on the loop. On the loop's thread.
    void drain(std::function<void()> done);
    [[nodiscard]] bool draining() const noexcept;
    [[nodiscard]] std::size_t connections() const noexcept;
    [[nodiscard]] EngineIoEndpoint& endpoint() noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// "127.0.0.1:8080", "[::1]:8080" or "unix:/path".
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

}  // namespace forestay::net
