// Stats of a loop that has seen something of everything.
#pragma once

#include "proxy/net/stats.h"

namespace forestay::telemetry {

inline net::Stats busy_stats() {
    using namespace std::chrono_literals;
    net::Stats stats;
    session::RuleStats rule;
    rule.started = 7;
    rule.outstanding = 2;
    rule.answered_by_upstream = 3;
    rule.answered_by_fallback = 1;
    rule.abandoned = 1;
    rule.late = 1;
    rule.queued = 1;
    rule.aborted = 1;
    rule.progress = 30;
    rule.resent = 3;
    rule.joined = 4;
    rule.repeated = 2;
    rule.invalid = 5;
    rule.fallbacks[static_cast<std::size_t>(rules::Code::timeout_idle)] = 1;
    rule.duration.observe(20ms);
    rule.duration.observe(20ms);
    rule.duration.observe(45s);
    rule.duration.observe(700s);
    stats.sessions.rules = {rule};
    rules::GateStats gate;
    gate.running = 4;
    gate.waiting = 17;
    gate.breaker = rules::Breakers::half_open;
    gate.opened = 2;
    gate.retries = 8;
    gate.retries_refused = 1;
    gate.refused_queue_full = 3;
    gate.refused_queue_timeout = 5;
    gate.refused_rate = 6;
    gate.refused_breaker = 7;
    stats.gates = {gate};
    stats.sessions.sessions = 5;
    stats.sessions.client_legs[2] = 4;
    stats.sessions.upstream_legs[2] = 3;
    stats.sessions.upstream_legs[3] = 1;
    stats.sessions.from_client = {10, 1000};
    stats.sessions.to_client = {11, 1100};
    stats.sessions.closes[1][1] = 1;
    stats.sessions.count(session::Drop::late_answer);
    stats.sessions.count(session::Shield::nan);
    stats.sessions.reports[1] = 5;
    stats.sessions.replayed = 21;
    stats.sessions.outage.observe(1500ms);
    stats.sessions.absence.observe(7s);
    stats.client_connections[2] = 4;
    stats.http_requests[2] = 9;
    stats.http_duration.observe(1ms);
    stats.head_refusals["bad_host"] = 2;
    stats.origin_refusals[1] = 6;
    stats.auth_refusals[5] = 8;
    stats.auth_cache = {40, 2};
    stats.forward_auth = {7, 3, 1};
    stats.forward_auth_duration.observe(3ms);
    stats.handshake_failures[4] = 1;
    stats.upstream_connects = 12;
    stats.upstream_connect_failures = 2;
    stats.upstream_up = true;
    stats.upstreams = {{4, 9, 0, true}, {1, 3, 2, false}};
    stats.handovers = 6;
    stats.loop_lag.observe(100us);
    return stats;
}

}  // namespace forestay::telemetry
