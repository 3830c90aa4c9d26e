// What a JSON websocket has beyond its legs (session_json.cpp, session_json_messages.cpp). Internal to the
// session.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/session/json_record.h"
#include "proxy/session/policy.h"
#include "proxy/session/request_desk.h"
#include "proxy/session/time.h"

namespace forestay::session {

struct JsonState {
    JsonState(const Policy& policy, const JsonWebsocket& configured, Stats& stats, ActionList& actions,
              std::uint64_t seed)
        : websocket(configured),
          record(policy.resume_client.max_bytes, policy.resume_client.max_messages),
          desk(policy, stats, actions, seed),
          numbering(policy.resume_client.envelope) {}

    const JsonWebsocket& websocket;
    JsonRecord record;
    RequestDesk desk;
    bool renewing = false;            // a fresh credential is being judged
    bool numbering;                   // false: no envelope, or the app uses our field's name; no recovery
    TimePoint first_due = never;      // the first message is awaited, until then; never: no more
    std::uint64_t position = 0;       // the last message seen by a client that looks for its session
    std::uint64_t replayed_from = 0;  // the position of the last replay
    unsigned replays = 0;             // from that position, one after the other
    TimePoint ping_due = never;       // websocket pings of ours, with an envelope
    TimePoint pong_due = never;
    TimePoint heartbeat_due = never;  // JsonWebsocket::heartbeat
    TimePoint idle_due = never;       // JsonWebsocket::idle_timeout
    std::size_t unread = 0;           // bytes of ours to a client that takes nothing

    // The client is there: its clocks start.
    void client_here(const Policy& policy, TimePoint now) {
        if (policy.resume_client.envelope) ping_due = now + policy.ping_interval;
        if (websocket.heartbeat > Duration{0}) heartbeat_due = now + websocket.heartbeat;
        heard(now);
    }
    void heard(TimePoint now) {
        if (websocket.idle_timeout > Duration{0}) idle_due = now + websocket.idle_timeout;
    }
    void client_away() {
        ping_due = pong_due = heartbeat_due = idle_due = never;
        unread = 0;
    }

    template <class Archive>
    void archive(Archive& archive) {
        archive(record, desk, numbering, first_due, position, replayed_from, replays);
        archive(ping_due, pong_due, heartbeat_due, idle_due, unread, renewing);
    }
};

}  // namespace forestay::session
