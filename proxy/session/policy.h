// What a session is told to do and within which bounds. Immutable; one for all sessions of a configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/session/time.h"
#include "proxy/session/token_bucket.h"
#include "rules/message_template.h"
#include "rules/rule_set.h"

namespace forestay::session {

// Every bound of a session: its name, its unit, its default. What happens when it is hit is counted
// (stats.h).
struct Limits {
    std::size_t message_bytes = 1 << 20;  // one message of either direction, attachments included
    std::size_t fragments = 1024;         // frames of one message
    std::size_t payload_packets = 16384;  // Engine.IO packets in one POST of a client
    std::size_t answer_packets = 16;      // packets in one answer to a GET: python clients refuse more
    // What waits for a client that does not take it, and for an upstream that is there and does not take it,
    // per session. At half of it the other side is not read any more; an outbox one message beyond it ends
    // the client leg. What waits for an upstream that is lost has bounds of its own (ResumeUpstream).
    std::size_t outbox_bytes = 1 << 20;
    std::size_t held_bytes = 1 << 20;
    std::size_t namespaces = 16;         // joined or joining, per session
    std::size_t outstanding = 1024;      // tracked requests, per session
    std::size_t tombstones = 1024;       // requests remembered after their fallback, per session
    std::size_t repeat_bytes = 1 << 20;  // of answers that are kept to be given again, per session
    std::size_t repeat_records = 256;    // of these; beyond either the oldest is forgotten
    std::size_t joined = 16;             // repeats that wait for one answer with an ack id of their own
    std::size_t upstream_acks = 1024;    // ack ids the upstream waits for, per session
    std::size_t json_depth = 64;         // nesting
    std::size_t attachments = 10;        // of one packet
    std::size_t unshielded_attachments = 1024;  // of one packet, without ShieldSwitches::attachments
    std::size_t event_name_bytes = 128;
    unsigned control_frames_per_second = 20;  // pings and pongs of a client
    unsigned control_frames_burst = 40;
    // limits.message_rate: messages of a client, attachments not counted. One that says more is not read
    // until it may say the next; of a polling one the answer to its POST waits.
    Rate message_rate;
    Duration slow_client_timeout{30'000};    // a client that takes nothing for this long is closed
    Duration first_connect_timeout{10'000};  // from the OPEN packet to the first CONNECT
    Duration connect_reply_timeout{10'000};  // from a CONNECT to the upstream's reply
    Duration attachment_timeout{10'000};     // from a binary header to its last attachment
    Duration message_timeout{30'000};        // from the first byte of a message to its last
    Duration close_timeout{5'000};           // from our close frame to the peer's
    Duration tombstone_age{600'000};         // how long a late answer is recognised
    Duration probe_timeout{10'000};          // from a probing socket's handshake to "5"
    Duration noop_delay{50};                 // how long a GET may hang while the client upgrades
    Duration reconnect_wait{1'000};  // JSON websockets: how long the app's first words wait for the client's
};

// The shields that can be switched off (shields.*, stats.h). Off: what they keep away goes on as it came.
struct ShieldSwitches {
    bool pong_flood = true;
    bool reserved_events = true;
    bool zero_attachments = true;
    bool attachments = true;
    bool unknown_acks = true;
    bool nan = true;
    bool disconnect_payload = true;
};

// socketio.allowed_events, blocked_events: which events of clients the app hears. Names, unescaped.
struct EventFilter {
    std::vector<std::string> allowed;  // empty: all
    std::vector<std::string> blocked;

    [[nodiscard]] bool any() const noexcept { return !allowed.empty() || !blocked.empty(); }
};

// What the client is told when a lost upstream is back (resume.upstream.on_return).
enum class OnReturn : std::uint8_t {
    reannounce,  // a second CONNECT reply: stock clients fire `connect` again, and the app's code rejoins
    rebuild,     // nothing; what the fresh app must know is said again (ResumeUpstream::rebuild)
    close        // its transport is closed
};

// resume.upstream: what happens while the upstream leg is lost.
struct ResumeUpstream {
    Duration hold{30'000};  // how long a session lives without an upstream; 0: it ends with its leg
    OnReturn on_return = OnReturn::reannounce;
    std::vector<std::string> rebuild;  // events whose last instance is said again
    std::size_t max_bytes = 1 << 20;   // of what waits, per session; beyond it the oldest falls out
    std::size_t max_messages = 1000;
    Duration max_age{30'000};
    bool sid_alias = false;  // the app's sid and the one the client knows are exchanged in text
};

// resume.client.recovery for Socket.IO: how a client holds its position.
enum class Recovery : std::uint8_t {
    off,
    marker,  // an event of ours behind each burst; only onAny() sees it
    append   // one more argument at the end of each event, as Node's server does
};

// The words of the envelope on JSON websockets (resume.client.envelope). Each is 1 to 64 of letters,
// digits, "_", "-", "." and ":", so that none needs escaping; the types differ from each other, and so do the
// fields.
struct EnvelopeNames {
    std::string type = "type";  // the field that says what a message is
    // Types: of the client's messages to us, and of our first one to it.
    std::string ack = "ack";              // {"type":"ack","message_id":7}
    std::string reconnect = "reconnect";  // {"type":"reconnect","session":"...","last_message_id":7}
    std::string established = "connection_established";  // {"type":"connection_established","session":"..."}
    // Fields.
    std::string message_id = "message_id";  // in each message to the client
    std::string session = "session";
    std::string last_message_id = "last_message_id";
};

// resume.client: what happens while the client leg is away.
struct ResumeClient {
    Recovery recovery = Recovery::off;  // Engine.IO 4 only
    bool envelope = false;              // JSON websockets: message ids, ack, reconnect
    EnvelopeNames names;                // of that
    Duration hold{120'000};
    Duration left_hold{10'000};  // after a close frame without a goodbye: a page that was closed or reloaded
    std::size_t max_bytes = 1 << 20;  // of the record, per session
    std::size_t max_messages = 1000;
};

// The end of a client's identity (auth.on_expiry, auth.refresh): the session ends with it.
struct Expiry {
    Duration warning{0};        // how long before that the client is told; 0: it is not
    std::string refresh_event;  // with this event, or type, it brings a fresh credential; empty: it can not
    std::string refresh_field;  // where that is: a member of the first argument, or of the JSON message
};

// A JSON websocket as the configuration describes it (websockets[] with format: json).
struct JsonWebsocket {
    std::string path;          // exact, or with {names} for whole segments: /ws/{request_id}
    wire::json::Pointer type;  // where the type of a message is
    rules::MessageTemplate
        error;                 // what a message that is no JSON object, or breaks a schema, is answered with
    bool objects_only = true;  // what is no JSON object gets `error` and goes nowhere; false: it is passed on
    bool binary = true;        // clients may send binary messages, which go on as they came
    std::string ping;          // messages of this type get `pong` and go nowhere; empty: none do
    rules::MessageTemplate pong;
    // Ours to the client, whenever so much time has passed since the last; 0: none.
    Duration heartbeat{0};
    std::string heartbeat_message;   // JSON, whole
    std::string heartbeat_response;  // the type of the client's answer, which goes nowhere; empty: none comes
    Duration idle_timeout{0};        // a client that says nothing for so long is closed; 0: never
};

struct Policy {
    rules::RuleSet rules;
    std::vector<JsonWebsocket> json_websockets;
    Limits limits;
    ResumeUpstream resume_upstream;
    ResumeClient resume_client;
    Expiry expiry;
    ShieldSwitches shields;
    EventFilter events;
    Duration ping_interval{25'000};  // ours, to the client
    Duration ping_timeout{20'000};
    Duration upstream_open_timeout{
        10'000};  // from the upstream's 101 to its OPEN packet (upstream.handshake_timeout)
    Duration upstream_stall{300'000};     // an open but silent upstream is stalled, not lost, for this long
    Duration auth_refusal_linger{5'000};  // from a refused CONNECT to our close
};

}  // namespace forestay::session
