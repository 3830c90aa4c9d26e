// The loops of the process, each with a server: they listen at the same addresses, a session stays on one of
// them for life, and a connection that asks for a session of another goes there.
//
// The first loop runs on the thread that calls run() and has what there is only one of: signals, the admin
// listener, the end of a drain. The others have a thread each.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/server.h"
#include "proxy/net/stats_gathering.h"

namespace forestay::net {

class Loops {
  public:
    // As many as `shared` says. Binds and listens; throws as Server does.
    explicit Loops(const Shared& shared);
    // When run() has returned or was never called.
    ~Loops();

    [[nodiscard]] std::size_t size() const noexcept { return loops_.size(); }
    [[nodiscard]] Loop& at(std::size_t index) { return *loops_[index]; }
    // What was bound, port 0 replaced.
    [[nodiscard]] const std::vector<Endpoint>& bound() const noexcept { return servers_.front()->bound(); }

    void run();   // until stop(), which may come first
    void stop();  // from any thread

    // Ends sessions that hold so many bytes between them, each loop its share, in its own time. From any
    // thread.
    void shed(std::size_t bytes);

    // These three on the first loop's thread. Server::drain on all of them; `done` is called once all have.
    void drain(std::function<void()> done);
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    // StatsGathering::gather.
    void gather_stats(StatsGathering::Done done) { gathering_->gather(std::move(done)); }

  private:
    std::vector<std::unique_ptr<Loop>> loops_;
    std::unique_ptr<StatsGathering> gathering_;
    std::vector<std::unique_ptr<Server>> servers_;  // first to go: they finish what hangs on the rest
    bool draining_ = false;
    std::size_t undrained_ = 0;
    std::function<void()> drained_;
};

}  // namespace forestay::net
