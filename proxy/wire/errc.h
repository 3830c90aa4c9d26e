// Why bytes from a peer were refused: one value per thing a peer can do wrong.
//
// All parsers of this library return these as values and never throw. `incomplete` is no fault: it says "not
// yet, bring more bytes".
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace forestay::wire {

enum class errc {
    incomplete = 1,  // not an error: the bytes end before the value does

    // WebSocket frames (RFC 6455)
    reserved_bits_set,        // RSV1-3 without a negotiated extension (5.2)
    reserved_opcode,          // opcode 3-7 or 11-15 (5.2)
    unmasked_client_frame,    // a client must mask (5.1)
    masked_server_frame,      // a server must not mask (5.1)
    fragmented_control,       // control frame without FIN (5.5)
    oversized_control,        // control frame over 125 bytes (5.5)
    non_minimal_length,       // length written longer than needed (5.2)
    length_overflow,          // 64-bit length with the top bit set (5.2)
    unexpected_continuation,  // continuation without a start (5.4)
    expected_continuation,    // new data frame inside a fragmented message (5.4)
    too_many_fragments,       // limits.fragments exceeded
    message_too_big,          // declared or summed length over limits.message_bytes
    invalid_utf8,             // text message or payload is not UTF-8 (8.1)
    bad_close_payload,        // one-byte close payload, or a reason that is not UTF-8 (5.5.1)
    bad_close_code,           // a close code that must not be on the wire (7.4)

    // Engine.IO
    empty_packet,          // zero-length packet, empty body, doubled separator
    unknown_packet_type,   // first character is no packet type of this revision and direction
    bad_base64,            // 'b' packet that does not decode
    bad_payload_length,    // EIO3 length prefix missing, not a number, or beyond the body
    too_many_packets,      // more packets in one body than limits.payload_packets
    bad_open_packet,       // OPEN without the fields a client needs
    bad_query,             // query cannot be decoded
    duplicate_parameter,   // sid, transport, EIO, j, t or token given twice
    unsupported_revision,  // EIO missing or neither 3 nor 4
    unknown_transport,     // transport other than polling and websocket
    bad_sid,               // sid with foreign characters or longer than 64
    jsonp_refused,         // j= is cross-site readable and stays off

    // Socket.IO
    bad_grammar,                // not a packet of the strict grammar
    bad_attachment_count,       // more than 10, or on a type that has none
    zero_attachments,           // a binary packet that says it has none: python waits for ever
    bad_ack_id,                 // above 2^53-1: JavaScript would answer another one
    id_not_allowed,             // CONNECT or DISCONNECT with an ack id
    ack_without_id,             // ACK needs an id
    bad_payload,                // payload missing or of the wrong JSON type
    bad_json,                   // payload is not JSON
    json_too_deep,              // nested deeper than limits.json_depth
    bad_event_name,             // first element is no string, or longer than limits.event_name
    reserved_event,             // connect, disconnect, ...: python would run the app's handler
    bad_placeholders,           // not exactly num 0..n-1, each once
    connect_error_from_client,  // type 4 is for servers
};

const boost::system::error_category& error_category() noexcept;

inline boost::system::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

template <class T>
using result = boost::system::result<T>;

}  // namespace forestay::wire

template <>
struct boost::system::is_error_code_enum<forestay::wire::errc> : std::true_type {};
