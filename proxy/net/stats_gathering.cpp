#include "proxy/net/stats_gathering.h"

#include <utility>

#include "proxy/net/loop.h"
#include "proxy/net/shared_gate.h"

namespace forestay::net {

StatsGathering::StatsGathering(std::vector<Loop*> loops, Duration patience)
    : loops_(std::move(loops)), patience_(patience), copies_(loops_.size(), std::make_shared<Stats>()) {}

void StatsGathering::gather(Done done) {
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;  // under way
    missing_ = loops_.size() - 1;
    ++round_;
    for (std::size_t i = 1; i < loops_.size(); ++i) {
        loops_[i]->post([this, i, round = round_] {
            const auto copy = std::make_shared<const Stats>(loops_[i]->stats());
            loops_[0]->post([this, i, round, copy] { arrived(i, round, copy); });
        });
    }
    if (missing_ == 0) return finish();
    loops_[0]->read_clock();
    loops_[0]->wheel().schedule(*this, loops_[0]->now() + patience_);
}

void StatsGathering::arrived(std::size_t loop, std::uint64_t round, std::shared_ptr<const Stats> copy) {
    copies_[loop] = std::move(copy);
    if (round == round_ && missing_ > 0 && --missing_ == 0) finish();
}

void StatsGathering::finish() {
    missing_ = 0;
    loops_[0]->wheel().cancel(*this);
    loops_[0]->stats().gates = loops_[0]->gate().stats();
    std::vector<const Stats*> all{&loops_[0]->stats()};
    for (std::size_t i = 1; i < copies_.size(); ++i) all.push_back(copies_[i].get());
    for (const Done& done : std::exchange(waiting_, {})) done(all);
}

void StatsGathering::due(session::TimePoint) {
    finish();
}

}  // namespace forestay::net
