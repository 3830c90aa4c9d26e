#include "tests/simulation/scenario.h"

namespace forestay::simulation {

using namespace std::chrono_literals;

std::string_view name(Kind kind) noexcept {
    switch (kind) {
        case Kind::polling:
            return "polling";
        case Kind::upgrade:
            return "upgrade";
        case Kind::websocket:
            return "websocket";
        case Kind::polling3:
            return "polling3";
        case Kind::upgrade3:
            return "upgrade3";
        case Kind::websocket3:
            return "websocket3";
        case Kind::plain:
            return "plain";
    }
    return "?";
}

namespace {

void choose_troubles(Troubles& troubles, Random& random, unsigned percent) {
    for (bool* trouble :
         {&troubles.freeze, &troubles.client_blocks, &troubles.upstream_blocks, &troubles.exchange_lost,
          &troubles.get_twice, &troubles.probe_fails, &troubles.late_written, &troubles.upstream_stalls,
          &troubles.upstream_interleaves, &troubles.upstream_garbage, &troubles.client_oddities})
        *trouble = random.chance(percent);
    // What may end the session is rarer, or hardly a session would live to its end.
    for (bool* trouble : {&troubles.client_too_slow, &troubles.upstream_half_binary,
                          &troubles.upstream_bad_frame, &troubles.upstream_closes, &troubles.upstream_refuses,
                          &troubles.connect_refused, &troubles.connect_unanswered, &troubles.never_opens,
                          &troubles.client_crashes, &troubles.client_hostile, &troubles.shutdown})
        *trouble = random.chance(percent / 8);
    // The troubles that sessions are there for.
    troubles.upstream_crashes = random.chance(40);
    troubles.client_blinks = random.chance(25);
}

void choose_resumption(session::Policy& policy, Random& random) {
    auto& upstream = policy.resume_upstream;
    upstream.hold = random.chance(25) ? Duration{0} : Duration(random.between(2'000, 30'000));
    upstream.on_return = static_cast<session::OnReturn>(random.below(3));
    if (random.chance(70)) upstream.rebuild = {"msg", "note"};
    upstream.max_bytes = random.chance(70) ? 1 << 20 : 4096;
    upstream.max_messages = random.chance(70) ? 1000 : random.between(1, 20);
    upstream.max_age = Duration(random.between(500, 40'000));
    auto& client = policy.resume_client;
    client.recovery = static_cast<session::Recovery>(random.below(3));
    client.hold = Duration(random.between(2'000, 30'000));
    client.left_hold = client.hold / 4;
    client.max_bytes = random.chance(70) ? 1 << 20 : 4096;
    client.max_messages = random.chance(70) ? 1000 : random.between(1, 50);
}

}  // namespace

Scenario make_scenario(std::uint64_t seed, bool blinks) {
    Random random(seed);
    Scenario scenario;
    scenario.seed = seed;
    scenario.kind = static_cast<Kind>(random.below(7));
    const auto late = static_cast<rules::LateAnswer>(random.below(3));
    session::Policy& policy = scenario.policy;
    policy.ping_interval = Duration(random.between(1'000, 25'000));
    policy.ping_timeout = Duration(random.between(4'000, 20'000));
    policy.limits.message_bytes = random.chance(50) ? 1 << 20 : 4096;
    policy.limits.outbox_bytes = random.chance(50) ? 1 << 20 : 8192;
    policy.limits.held_bytes = random.chance(50) ? 1 << 20 : 8192;
    policy.limits.outstanding = random.chance(80) ? 1024 : 4;
    policy.limits.tombstones = random.chance(80) ? 1024 : 3;
    policy.limits.attachment_timeout = Duration(random.between(4'000, 10'000));
    policy.limits.slow_client_timeout = Duration(random.between(5'000, 30'000));
    choose_troubles(scenario.troubles, random, static_cast<unsigned>(random.below(60)));
    choose_resumption(policy, random);
    scenario.upstream_polling = scenario.kind != Kind::plain && random.chance(20);
    // All that comes in one answer must fit: it can not be paused in the middle.
    if (scenario.upstream_polling) policy.limits.outbox_bytes = 1 << 20;
    scenario.credential = !is_v3(scenario.kind) && scenario.kind != Kind::plain && random.chance(25);
    scenario.credential_good = random.chance(85);
    scenario.tick_lateness = random.chance(50) ? 0ms : Duration(random.between(1, 110));
    scenario.client_latency = random.pause(1ms, 80ms);
    scenario.upstream_latency = random.pause(0ms, 5ms);
    scenario.length = Duration(random.between(2'000, 60'000));
    scenario.client_pace = Duration(random.between(20, 1'500));
    scenario.upstream_pace = Duration(random.between(20, 1'500));
    if (random.chance(30)) {
        // Pausing, and the rhythm of GETs, legitimately depend on how bytes came in.
        scenario.comparable = true;
        scenario.kind = static_cast<Kind>(std::uint64_t{2} + 2 * random.below(3));
        if (scenario.kind == Kind::upgrade3) scenario.kind = Kind::websocket3;
        policy.limits.outbox_bytes = policy.limits.held_bytes = policy.limits.message_bytes = 1 << 20;
        scenario.troubles.client_blocks = scenario.troubles.upstream_blocks = false;
        scenario.troubles.client_too_slow = false;
        scenario.tick_lateness = 0ms;             // a part of what is late is enough to be told that it is
        scenario.troubles.client_blinks = false;  // where the markers are depends on it too
        scenario.credential = scenario.credential && scenario.kind == Kind::websocket;
    }
    if (scenario.kind == Kind::plain) policy.resume_upstream.hold = 0ms;  // both legs end together
    if (!blinks) scenario.troubles.client_blinks = false;
    scenario.full_rules = scenario.kind != Kind::plain && random.chance(60);
    if (!scenario.full_rules) {
        policy.rules = plain_rules(late);
        return scenario;
    }
    // A client that comes back is told again what it may not have heard: then nobody can count answers.
    policy.rules = random_rules(random, !scenario.troubles.client_blinks);
    if (policy.rules.rules().size() > any_rule) policy.resume_upstream.rebuild = {"msg"};
    scenario.crowd = random.chance(50);
    scenario.gate_latency = random.pause(0ms, random.chance(80) ? 2ms : 300ms);
    if (random.chance(20)) policy.limits.repeat_records = 2;
    if (random.chance(20)) policy.limits.joined = 1;
    return scenario;
}

}  // namespace forestay::simulation
