// The key numbers of the process as JSON, for people and scripts without Prometheus: /api/stats. The same
// sources as the metrics, and fewer of them; names of rules, upstreams and literals of ours.
#pragma once

#include <string>

#include "proxy/telemetry/metrics.h"

namespace forestay::telemetry {

// `uptime_seconds`: of the process.
[[nodiscard]] std::string render_stats(const MetricsInput& input, double uptime_seconds);

}  // namespace forestay::telemetry
