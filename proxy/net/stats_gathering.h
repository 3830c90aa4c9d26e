// Every loop's Stats, for whoever shows them: a copy is fetched from each loop on its own thread, so that
// counting needs no lock and nobody waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/net/options.h"
#include "proxy/net/stats.h"
#include "proxy/net/timer_wheel.h"

namespace forestay::net {

class Loop;

class StatsGathering final : TimerEntry {
  public:
    // By loop; good during the call.
    using Done = std::function<void(const std::vector<const Stats*>&)>;

    // The loops outlive this, and this their running. A loop that does not answer within `patience` is
    // represented by the last copy of it.
    explicit StatsGathering(std::vector<Loop*> loops, Duration patience = Duration(1000));

    // On the first loop's thread, which is where `done` is called, perhaps before this returns.
    void gather(Done done);

  private:
    void arrived(std::size_t loop, std::uint64_t round, std::shared_ptr<const Stats> copy);
    void finish();
    void due(session::TimePoint now) override;

    const std::vector<Loop*> loops_;
    const Duration patience_;
    std::vector<std::shared_ptr<const Stats>> copies_;  // the first loop's is not used
    std::vector<Done> waiting_;
    std::uint64_t round_ = 0;
    std::size_t missing_ = 0;
};

}  // namespace forestay::net
