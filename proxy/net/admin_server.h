// The admin listener: plain HTTP for probes, Prometheus and the operator, on addresses of its own. It runs on
// a loop, so that /live says whether that loop turns.
#pragma once

#include <memory>
#include <vector>

#include "proxy/net/admin_routes.h"
#include "proxy/net/options.h"

namespace forestay::net {

class Loop;

class AdminServer {
  public:
    static constexpr std::size_t connections_max = 64;  // then the eldest that asks nothing makes room

    // `loop` outlives this. Binds and listens on all of `listen`; throws std::runtime_error naming
    // the address that it cannot have.
    AdminServer(Loop& loop, const std::vector<Endpoint>& listen, AdminRoutes::Options options);
    // Closes everything. On the loop's thread, or after run().
    ~AdminServer();

    // What was bound: port 0 has become a real one.
    [[nodiscard]] const std::vector<Endpoint>& bound() const noexcept;

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // its connections hold it too
};

}  // namespace forestay::net
