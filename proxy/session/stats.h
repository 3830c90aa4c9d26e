// What sessions count: plain integers, one struct per loop, read by telemetry at scrape time.
//
// Single writer (the loop). Readers on other threads copy under the loop, not beside it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/code.h"

namespace forestay::session {

// Where a session's client leg is.
enum class ClientState : std::uint8_t { polling, probing, websocket, away };
constexpr std::array<std::string_view, 4> client_state_names{"polling", "probing", "websocket", "away"};

// Where a session's upstream leg is. `stalled`: silent, but its connection is open.
enum class UpstreamState : std::uint8_t { idle, connecting, attached, stalled, lost, reattaching };
constexpr std::array<std::string_view, 6> upstream_state_names{"idle",    "connecting", "attached",
                                                               "stalled", "lost",       "reattaching"};

// Who ended a session.
enum class CloseSide : std::uint8_t { client, upstream, forestay };
constexpr std::array<std::string_view, 3> close_side_names{"client", "upstream", "forestay"};

// Why a session ended.
enum class CloseReason : std::uint8_t {
    goodbye,             // a clean close: Engine.IO "1", a close frame, or the app's disconnect
    connection_lost,     // EOF or reset without a goodbye
    ping_timeout,        // no pong, or no GET of a polling client, in time
    protocol_violation,  // bytes that the protocol does not allow
    limit,               // a bound of Limits
    slow_client,         // took nothing for slow_client_timeout, or outbox_bytes
    refused,             // the upstream refused the handshake or the CONNECT
    unauthorised,        // the credential in CONNECT was refused
    token_expired,       // the identity ended
    upstream_timeout,    // no connection, OPEN packet or CONNECT reply in time
    upstream_stalled,    // silent for upstream.stall
    away_too_long,       // the client did not come back within resume.client.hold
    superseded,          // the client came back and got a fresh session
    shutdown,            // forestay is going away
    internal_error,      // a bug; one session dies, not the process
    idle,                // the client said nothing for websockets[].idle_timeout
};
constexpr std::array<std::string_view, 16> close_reason_names{
    "goodbye",       "connection_lost",  "ping_timeout",     "protocol_violation",
    "limit",         "slow_client",      "refused",          "unauthorised",
    "token_expired", "upstream_timeout", "upstream_stalled", "away_too_long",
    "superseded",    "shutdown",         "internal_error",   "idle"};

// Things dropped or refused, each with its counter: nothing is lost in silence.
enum class Drop : std::uint8_t {
    late_answer,         // an answer after the fallback
    unsolicited_pong,    // a pong nobody asked for
    unknown_ack,         // a client's ACK for an id the upstream does not wait for
    duplicate_connect,   // CONNECT to a namespace that is joined
    upstream_violation,  // a packet of the upstream that clients would choke on
    binary_interleaved,  // a text packet of the upstream between a header and its attachments; reordered
    disconnect_payload,  // payload of a DISCONNECT of the upstream; stripped
    untracked_request,   // a rule matched, but there was no id, or no room (limits.outstanding)
    held_overflow,       // resume.upstream.max_bytes or max_messages: the oldest
    outbox_overflow,     // limits.outbox_bytes
    tombstone_overflow,  // limits.tombstones: the oldest is forgotten
    left_namespace,      // of a client, for a namespace that the upstream has closed meanwhile
    in_doubt,            // sent to an upstream that was lost before it showed that it had read them
    held_expired,        // waited for the upstream longer than resume.upstream.max_age, or to the end
    stale_ack,           // a client's ACK of an event of a lost upstream
    record_overflow,  // of an absent client: resume.client.max_bytes or max_messages, and what its loss made
                      // useless
    upstream_binary,  // a binary packet of the upstream that its loss cut off
    repeat_overflow,  // limits.repeat_bytes or repeat_records: the oldest answer that could be given again
    invalid_message,  // of a client: breaks a schema, and too many refusals wait already to be said
    refused_event,    // of a client: not allowed by socketio.allowed_events or blocked_events
};
constexpr std::array<std::string_view, 20> drop_names{
    "late_answer",        "unsolicited_pong",   "unknown_ack",        "duplicate_connect",
    "upstream_violation", "binary_interleaved", "disconnect_payload", "untracked_request",
    "held_overflow",      "outbox_overflow",    "tombstone_overflow", "left_namespace",
    "in_doubt",           "held_expired",       "stale_ack",          "record_overflow",
    "upstream_binary",    "repeat_overflow",    "invalid_message",    "refused_event"};

// What forestay sets right or keeps away because apps or clients of known versions stumble over it, each with
// its counter. Most can be switched off (ShieldSwitches).
enum class Shield : std::uint8_t {
    pong_flood,          // a pong of a client that nobody asked for
    reserved_events,     // an event named connect, disconnect, ...
    zero_attachments,    // a binary packet that says it has no attachments
    attachments,         // more than ten, not those that the packet names, or something else in their place
    unknown_acks,        // a client's ACK with an id, mostly 0, that the app does not wait for
    nan,                 // NaN and Infinity in what the app says
    disconnect_payload,  // of a DISCONNECT of the app
    interleaved_binary,  // a text packet of the app between a header and its attachments
    underscore_headers,  // header fields that WSGI servers take for others
    smuggling            // a request that two servers could end at different places
};
constexpr std::array<std::string_view, 10> shield_names{
    "pong_flood", "reserved_events",    "zero_attachments",   "attachments",        "unknown_acks",
    "nan",        "disconnect_payload", "interleaved_binary", "underscore_headers", "smuggling"};

// A bound on a client that was hit: it was slowed down, cut off or refused (Limits). The shells have more of
// them.
enum class Limit : std::uint8_t {
    message_rate,           // it was not read for a while
    max_message,            // message_bytes, of either side
    fragments,              // of a message, of either side
    message_timeout,        // a message was not finished
    outbox,                 // too much waits for it
    slow_client_timeout,    // something waits for it too long
    control_frames,         // pings and pongs a second
    namespaces,             // of a session
    first_connect_timeout,  // no CONNECT came
    held,                   // too much came before it was known whose session it takes up
    memory_shed             // limits.memory: one of the heaviest when there was hardly any left
};
constexpr std::array<std::string_view, 11> limit_names{
    "message_rate",        "max_message",    "fragments",  "message_timeout",       "outbox",
    "slow_client_timeout", "control_frames", "namespaces", "first_connect_timeout", "held",
    "memory_shed"};

// What a session tells the operator while it lives (action::Report).
enum class ReportKind : std::uint8_t {
    upstream_lost,     // count: messages in doubt
    upstream_back,     // count: messages that waited; duration: of the outage
    messages_dropped,  // count: untracked messages that waited for the upstream and fell out
    client_away,
    client_back,          // count: messages replayed; duration: of the absence
    recovery_refused,     // the position of a returning client is unknown; it gets a fresh session
    replay_given_up,      // the client failed twice at the same position
    envelope_name_taken,  // the app itself uses the field that our number is in: choose another
    rate_limited,         // the client says more than limits.message_rate; at most once a minute
    shield_hit,           // which one is in the report
    event_refused,        // socketio.allowed_events or blocked_events
    limit_hit,            // which one is in the report; message_rate has a report of its own
};
constexpr std::array<std::string_view, 12> report_names{
    "upstream_lost", "upstream_back",    "messages_dropped", "client_away",
    "client_back",   "recovery_refused", "replay_given_up",  "envelope_name_taken",
    "rate_limited",  "shield_hit",       "event_refused",    "limit_hit"};

// Seconds, upper bounds; the last bucket is +Inf.
constexpr std::array<double, 15> duration_bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                 2.5,   5,    10,    30,   60,  120,  600};

struct Histogram {
    std::array<std::uint64_t, duration_bounds.size() + 1> buckets{};  // not cumulative
    double sum = 0;                                                   // seconds
    void observe(std::chrono::nanoseconds value) noexcept {
        const double seconds = std::chrono::duration<double>(value).count();
        std::size_t i = 0;
        while (i < duration_bounds.size() && seconds > duration_bounds[i]) ++i;
        ++buckets[i];
        sum += seconds;
    }
};

struct RuleStats {
    std::uint64_t started = 0;
    std::uint64_t outstanding = 0;  // gauge; in line or at the app
    std::uint64_t queued = 0;       // gauge: of these, in line
    std::uint64_t answered_by_upstream = 0;
    std::uint64_t answered_by_fallback = 0;
    std::uint64_t abandoned = 0;  // the session ended first
    std::uint64_t aborted = 0;    // of the fallbacks: after parts of the answer
    std::uint64_t late = 0;       // answers after the fallback
    std::uint64_t progress = 0;   // signs of it, parts included
    std::uint64_t resent = 0;     // said again to the app
    std::uint64_t joined = 0;     // the same request again while it was outstanding
    std::uint64_t repeated = 0;   // answered again from the record
    std::uint64_t invalid = 0;    // broke the rule's schema
    std::array<std::uint64_t, rules::code_names.size()> fallbacks{};  // by rules::Code
    Histogram duration;                                               // receipt to answer, whoever gave it
};

struct Traffic {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

struct Stats {
    std::array<std::uint64_t, client_state_names.size()> client_legs{};      // gauge
    std::array<std::uint64_t, upstream_state_names.size()> upstream_legs{};  // gauge
    std::uint64_t sessions = 0;                                              // started
    Traffic from_client, to_client, from_upstream, to_upstream;              // messages; payload bytes
    std::array<std::array<std::uint64_t, close_reason_names.size()>, close_side_names.size()> closes{};
    std::array<std::uint64_t, drop_names.size()> drops{};
    std::array<std::uint64_t, shield_names.size()> shields{};
    std::array<std::uint64_t, report_names.size()> reports{};  // how often each was said
    std::array<std::uint64_t, limit_names.size()> limits{};    // how often each was hit
    std::uint64_t replayed = 0;                                // messages, to returned clients
    Histogram outage;                                          // of a session's upstream leg, loss to return
    Histogram absence;                                         // of a client leg, loss to return
    std::vector<RuleStats> rules;                              // by rule index

    void count(Drop what) noexcept { ++drops[static_cast<std::size_t>(what)]; }
    void count(Shield what) noexcept { ++shields[static_cast<std::size_t>(what)]; }
    void count(Limit what) noexcept { ++limits[static_cast<std::size_t>(what)]; }
};

}  // namespace forestay::session
