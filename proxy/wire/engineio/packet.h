// Engine.IO packets, revisions 3 and 4.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/wire/errc.h"

namespace forestay::wire::engineio {

enum class Revision : std::uint8_t { v3 = 3, v4 = 4 };

enum class PacketType : char {
    open = '0',
    close = '1',
    ping = '2',
    pong = '3',
    message = '4',
    upgrade = '5',
    noop = '6'
};

// One packet. Binary ones are messages; `data` is then the raw bytes (without EIO3's leading 0x04).
struct Packet {
    PacketType type = PacketType::noop;
    bool binary = false;
    std::string_view data;  // text after the type digit, or the binary bytes
};

// Reads a packet from a WebSocket text frame. Does not decode base64 ('b...'): a client that can send binary
// frames has no reason to, errc::unknown_packet_type. errc::empty_packet for zero length.
[[nodiscard]] result<Packet> parse_text_packet(std::string_view text);

// Reads a packet from a WebSocket binary frame. EIO4: the frame is the data. EIO3: one type byte (0x04)
// precedes it.
[[nodiscard]] result<Packet> parse_binary_packet(Revision revision, std::string_view bytes);

// Polling bodies. Packets decoded from base64 live in `storage` of the result; views stay valid while it and
// `body` do, also after a move.
struct Payload {
    std::vector<Packet> packets;
    std::vector<std::unique_ptr<std::string>> storage;
};

struct PayloadLimits {
    std::size_t packets = 16;  // python-engineio discards the whole body from 17 on
};

// Reads a whole polling body, all or nothing: one bad packet refuses the body.
// EIO4: packets separated by 0x1e. EIO3: "<len>:<packet>", lengths in UTF-16 units.
[[nodiscard]] result<Payload> parse_payload(Revision revision, std::string_view body, PayloadLimits limits);

// Reads EIO3's binary form of a body (application/octet-stream).
[[nodiscard]] result<Payload> parse_binary_payload_v3(std::string_view body, PayloadLimits limits);

// Appends one packet to a polling body (with the separator when `out` is not empty; binary as base64).
// EIO3: non-ASCII text inside is written as \uXXXX first, so that every way of counting lengths agrees.
void append_to_payload(std::string& out, Revision revision, const Packet& packet);

// The OPEN packet (as data after the '0').
struct Open {
    std::string sid;
    bool upgrade_to_websocket = false;  // "upgrades":["websocket"] or []
    std::chrono::milliseconds ping_interval{25000};
    std::chrono::milliseconds ping_timeout{20000};
    std::uint64_t max_payload = 0;  // bytes; 0: the field is left out
};

[[nodiscard]] std::string write_open(const Open& open);
// Lenient: any key order, unknown keys skipped; sid, pingInterval and pingTimeout are required.
[[nodiscard]] result<Open> parse_open(std::string_view json);

}  // namespace forestay::wire::engineio
