// The composition root: builds all from a configuration, in order; drains and takes it down in reverse.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/problem.h"
#include "rules/learner.h"

namespace forestay::app {

class Application {
  public:
    // Binds every listener, and takes SIGINT and SIGTERM from here on. Throws std::exception with a clear
    // text when something cannot be had. `warnings`: what the configuration's check had to say; it goes to
    // the log.
    Application(config::Config config, std::vector<config::Problem> warnings);
    ~Application();

    // The bound addresses, as JSON: {"pid":N,"listen":[...],"admin":[...]}.
    [[nodiscard]] std::string ready_json() const;
    // Serves until the first SIGINT or SIGTERM, drains, and returns. A second signal cuts the draining.
    void run();

    // The same, but it ends by itself after a while, and learners watch. What they have learnt.
    struct Learning {
        rules::Learner::Options options;
        std::chrono::milliseconds length{0};
        // Called about each second, with what is left and how many messages there were; may be empty.
        std::function<void(std::chrono::milliseconds left, std::uint64_t messages)> progress;
    };
    [[nodiscard]] rules::Learner learn(const Learning& learning);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::app
