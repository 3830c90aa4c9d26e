// What a session is told to do and within which bounds. Immutable; one for all sessions of a configuration.
#pragma once

#include <cstddef>
#include <string>

#include "proxy/session/time.h"
#include "rules/rule_set.h"

namespace forestay::session {

// Every bound of a session: its name, its unit, its default. What happens when it is hit is counted
// (stats.h).
struct Limits {
    std::size_t message_bytes = 1 << 20;  // one message of either direction, attachments included
    std::size_t fragments = 1024;         // frames of one message
    std::size_t payload_packets = 16384;  // Engine.IO packets in one POST of a client
    std::size_t answer_packets = 16;      // packets in one answer to a GET: python clients refuse more
    // What waits for a client that does not take it, and what waits for the upstream leg, per session. At
    // half of it the other side is not read any more; one message beyond it ends the session.
    std::size_t outbox_bytes = 1 << 20;
    std::size_t held_bytes = 1 << 20;
    std::size_t namespaces = 16;       // joined or joining, per session
    std::size_t outstanding = 1024;    // tracked requests, per session
    std::size_t tombstones = 1024;     // requests remembered after their fallback, per session
    std::size_t upstream_acks = 1024;  // ack ids the upstream waits for, per session
    std::size_t json_depth = 64;       // nesting
    std::size_t attachments = 10;      // of one packet
    std::size_t event_name_bytes = 128;
    unsigned control_frames_per_second = 20;  // pings and pongs of a client
    unsigned control_frames_burst = 40;
    Duration slow_client_timeout{30'000};    // a client that takes nothing for this long is closed
    Duration first_connect_timeout{10'000};  // from the OPEN packet to the first CONNECT
    Duration connect_reply_timeout{10'000};  // from a CONNECT to the upstream's reply
    Duration attachment_timeout{10'000};     // from a binary header to its last attachment
    Duration message_timeout{30'000};        // from the first byte of a message to its last
    Duration close_timeout{5'000};           // from our close frame to the peer's
    Duration tombstone_age{600'000};         // how long a late answer is recognised
    Duration probe_timeout{10'000};          // from a probing socket's handshake to "5"
    Duration noop_delay{50};                 // how long a GET may hang while the client upgrades
};

struct Policy {
    rules::RuleSet rules;
    Limits limits;
    Duration ping_interval{25'000};  // ours, to the client
    Duration ping_timeout{20'000};
    Duration upstream_open_timeout{
        10'000};  // from the upstream's 101 to its OPEN packet (upstream.handshake_timeout)
    Duration upstream_stall{300'000};     // an open but silent upstream is stalled, not lost, for this long
    Duration auth_refusal_linger{5'000};  // from a refused CONNECT to our close
};

}  // namespace forestay::session
