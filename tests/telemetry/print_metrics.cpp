// Prints a whole exposition, for promtool.
#include <iostream>

#include "proxy/telemetry/metrics.h"
#include "tests/telemetry/busy_stats.h"

int main() {
    using namespace forestay;
    const net::Stats stats = telemetry::busy_stats();
    const net::Stats* loops[] = {&stats};
    const std::string rules[] = {"think_tank"};
    const std::string upstreams[] = {"127.0.0.1:5000", "[::1]:5001/app"};
    std::cout << telemetry::render_metrics({loops,
                                            rules,
                                            upstreams,
                                            {"0.1.0", telemetry::compiler_name()},
                                            0,
                                            telemetry::read_process_stats(),
                                            0,
                                            {}});
}
