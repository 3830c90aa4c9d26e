// What a seed decides before the first byte flows: who the client is, the policy, what may go wrong.
//
// Each kind of trouble is on or off for a whole seed: worlds with one trouble find other faults than worlds
// with all.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/session/policy.h"
#include "proxy/session/session.h"
#include "tests/simulation/random.h"
#include "tests/simulation/rules.h"

namespace forestay::simulation {

using session::Duration;

enum class Kind : std::uint8_t {
    polling,    // Engine.IO 4, never upgrades
    upgrade,    // Engine.IO 4, polling and then a websocket
    websocket,  // Engine.IO 4, websocket only
    polling3,   // the same with Engine.IO 3
    upgrade3,
    websocket3,
    plain  // a websocket without Engine.IO
};
[[nodiscard]] std::string_view name(Kind kind) noexcept;

struct Troubles {
    bool freeze = false;         // the network stops for a while, inside a frame
    bool client_blocks = false;  // the client does not read for a while
    bool upstream_blocks = false;
    bool client_too_slow = false;  // the client does not read for ever
    bool exchange_lost = false;    // answers of GETs do not arrive
    bool get_twice = false;        // a GET is retried while the first one hangs
    bool probe_fails = false;
    bool late_written = false;  // the shell hears late that an answer was written
    bool upstream_stalls = false;
    bool upstream_interleaves = false;  // text between a binary header and its attachments
    bool upstream_half_binary = false;  // attachments that never come
    bool upstream_garbage = false;      // packets that are none; the session goes on
    bool upstream_bad_frame = false;
    bool upstream_closes = false;  // "1", a close frame or "41"
    bool upstream_crashes = false;
    bool upstream_refuses = false;  // no 101
    bool connect_refused = false;   // CONNECT_ERROR
    bool connect_unanswered = false;
    bool never_opens = false;  // 101 and then silence
    bool client_crashes = false;
    bool client_blinks = false;    // loses its transport and comes back with another
    bool client_hostile = false;   // what the protocol forbids
    bool client_oddities = false;  // what it tolerates: unsolicited pongs, unknown ACKs, a second CONNECT
    bool shutdown = false;
};

struct Scenario {
    std::uint64_t seed = 0;
    Kind kind = Kind::websocket;
    session::Policy policy;
    bool full_rules = false;  // all that rules can say; else answers and fallbacks only
    bool crowd = false;       // other sessions are at the gate, too
    std::chrono::microseconds gate_latency{0};
    Troubles troubles;
    bool upstream_polling = false;  // it has no websockets
    bool credential = false;
    bool credential_good = true;
    Duration tick_lateness{0};  // how late the shell's timer may be
    std::chrono::microseconds client_latency{0}, upstream_latency{0};
    Duration length{0};                         // of the part with operations
    Duration client_pace{0}, upstream_pace{0};  // mean time between operations
    bool comparable =
        false;  // nothing depends on how bytes are cut: another cutting must give the same result
};

// `blinks`: clients lose their transport and come back, too.
[[nodiscard]] Scenario make_scenario(std::uint64_t seed, bool blinks);
[[nodiscard]] constexpr bool is_v3(Kind kind) noexcept {
    return kind >= Kind::polling3 && kind <= Kind::websocket3;
}
[[nodiscard]] constexpr bool starts_polling(Kind kind) noexcept {
    return kind != Kind::websocket && kind != Kind::websocket3 && kind != Kind::plain;
}
[[nodiscard]] constexpr bool upgrades(Kind kind) noexcept {
    return kind == Kind::upgrade || kind == Kind::upgrade3;
}

}  // namespace forestay::simulation
