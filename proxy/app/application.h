// The composition root: builds all from a configuration, in order; drains and takes it down in reverse.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"

namespace forestay::app {

class Application {
  public:
    // Binds every listener. Throws std::exception with a clear text when something cannot be had.
    explicit Application(config::Config config);
    ~Application();

    // The bound addresses, as JSON: {"pid":N,"listen":[...],"admin":[...]}.
    [[nodiscard]] std::string ready_json() const;
    // Serves until the first SIGINT or SIGTERM, drains, and returns. A second signal cuts the draining.
    void run();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace forestay::app
