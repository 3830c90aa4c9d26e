// Prints a whole exposition, for promtool.
#include <iostream>

#include "proxy/telemetry/metrics.h"
#include "tests/telemetry/busy_stats.h"

int main() {
    using namespace forestay;
    const net::Stats stats = telemetry::busy_stats();
    const net::Stats* loops[] = {&stats};
    const std::string rules[] = {"think_tank"};
    std::cout << telemetry::render_metrics(
        {loops, rules, {"0.1.0", telemetry::compiler_name()}, 0, telemetry::read_process_stats()});
}
