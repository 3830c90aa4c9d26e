// Socket.IO packets, by scanning: no JSON tree is built.
//
// Two readers for two trusts. From clients the strict grammar of the protocol's servers and ours, on which
// python and JavaScript agree. From upstreams only what forestay needs to know; the rest is forwarded
// untouched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/errc.h"

namespace forestay::wire::socketio {

enum class PacketType : char {
    connect = '0',
    disconnect = '1',
    event = '2',
    ack = '3',
    connect_error = '4',
    binary_event = '5',
    binary_ack = '6'
};

constexpr bool is_event(PacketType type) {
    return type == PacketType::event || type == PacketType::binary_event;
}
constexpr bool is_ack(PacketType type) {
    return type == PacketType::ack || type == PacketType::binary_ack;
}

// Views into the packet's text. The text is what follows the Engine.IO '4'.
struct Packet {
    PacketType type{};
    unsigned attachments = 0;         // binary messages that follow
    std::string_view nsp = "/";       // "/" when not written; EIO3 clients may have "?query" behind it
    std::optional<std::uint64_t> id;  // ack id
    std::string_view payload;         // JSON text, empty when there is none
    std::string_view event;      // inside of the name's string literal, still escaped; empty for other types
    bool event_escaped = false;  // the name contains '\' or a control: compare with event_is() only
};

struct GrammarLimits {
    std::size_t attachments = 10;
    std::size_t json_depth = 64;
    std::size_t event_name = 128;  // bytes of the name as written
    std::size_t nsp = 128;         // bytes
    // What known bugs of apps and clients stumble over; each may be let through.
    bool refuse_reserved_events = true;
    bool refuse_zero_attachments = true;  // "450-": python waits for ever
    bool check_placeholders = true;       // of clients: exactly num 0..n-1, each once
};

// Client to server, strict: every byte is checked, JSON and placeholders included. EIO3 clients may have a
// query behind the namespace and white space rules are the same.
[[nodiscard]] result<Packet> parse_client_packet(std::string_view text, engineio::Revision revision,
                                                 const GrammarLimits& limits = {});

// Server to client, lenient: type, attachments, namespace, id, event name; the payload is not validated.
// Accepts what python writes: "0/nsp" without comma, white space inside JSON, numeric event names, "1" with a
// payload.
[[nodiscard]] result<Packet> scan_server_packet(std::string_view text, const GrammarLimits& limits = {});

// True when the event name, unescaped, equals `name`.
[[nodiscard]] bool event_is(const Packet& packet, std::string_view name);
// The event name, unescaped.
[[nodiscard]] std::string event_name(const Packet& packet);

// The raw JSON text of argument `index` of an event (0 is what follows the name) or of an ack (0 is its first
// value).
[[nodiscard]] std::optional<std::string_view> argument(const Packet& packet, std::size_t index);
// The same, and all of the payload that follows it: where a Pointer is to look (json::from_element).
[[nodiscard]] std::optional<std::string_view> from_argument(const Packet& packet, std::size_t index);

// Names that no peer may emit: connect, connect_error, disconnect, disconnecting, newListener,
// removeListener.
[[nodiscard]] bool is_reserved(std::string_view name) noexcept;

// Writing. All append the text that follows the Engine.IO '4'.
void write_connect_reply(std::string& out, std::string_view nsp, std::string_view sid);
void write_connect_error(std::string& out, std::string_view nsp, std::string_view message,
                         std::string_view data_json);
void write_disconnect(std::string& out, std::string_view nsp);
void write_event(std::string& out, std::string_view nsp, std::string_view event,
                 std::string_view argument_json);
// `values_json` is an array.
void write_ack(std::string& out, std::string_view nsp, std::uint64_t id, std::string_view values_json);
// Copies a packet under another ack id, or under none: all else byte for byte.
void write_with_id(std::string& out, const Packet& packet, std::optional<std::uint64_t> id);
// Copies an event packet's text under another name: the payload but for the name byte for byte. Not for
// packets whose name is a number (their `event` is empty and points nowhere).
void write_renamed(std::string& out, const Packet& packet, std::string_view event);

}  // namespace forestay::wire::socketio
