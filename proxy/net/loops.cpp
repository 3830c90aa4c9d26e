#include "proxy/net/loops.h"

#include <thread>
#include <utility>

#include "proxy/net/engineio_endpoint.h"

namespace forestay::net {

Loops::Loops(const Shared& shared) {
    std::vector<Loop*> loops;
    for (unsigned i = 0; i < shared.loops; ++i) {
        loops_.push_back(std::make_unique<Loop>(shared, i));
        loops.push_back(loops_.back().get());
    }
    for (Loop* loop : loops) loop->introduce(loops);
    gathering_ = std::make_unique<StatsGathering>(loops);
    std::vector<Server*> servers;
    for (Loop* loop : loops) {
        servers_.push_back(std::make_unique<Server>(*loop, servers.empty() ? nullptr : servers.front()));
        servers.push_back(servers_.back().get());
    }
    if (servers.size() > 1) Server::introduce(servers);
}

Loops::~Loops() {
    for (const auto& server : servers_) server->end();
}

void Loops::run() {
    std::vector<std::jthread> threads;
    // Whatever ends this function stops all loops, and then the threads are joined.
    const auto stop_all = [](Loops* loops) { loops->stop(); };
    const std::unique_ptr<Loops, decltype(stop_all)> stopping(this, stop_all);
    for (std::size_t i = 1; i < loops_.size(); ++i) {
        threads.emplace_back([loop = loops_[i].get()] { loop->run(); });
    }
    loops_.front()->run();
}

void Loops::stop() {
    for (const auto& loop : loops_) loop->stop();
}

void Loops::shed(std::size_t bytes) {
    const std::size_t share = bytes / loops_.size() + 1;
    for (std::size_t i = 0; i < loops_.size(); ++i)
        loops_[i]->post([this, i, share] { servers_[i]->endpoint().shed(share); });
}

void Loops::drain(std::function<void()> done) {
    draining_ = true;
    drained_ = std::move(done);
    undrained_ = loops_.size();
    const auto one_less = [this] {
        if (--undrained_ == 0) drained_();
    };
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        loops_[i]->post([this, i, one_less] {
            servers_[i]->drain([this, one_less] { loops_.front()->post(one_less); });
        });
    }
}

}  // namespace forestay::net
