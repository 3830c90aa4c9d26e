// The upstream's answer to our WebSocket handshake (RFC 6455 section 4.1), checked before a byte behind it is
// believed.
//
// Anything but a faultless 101 opens no websocket. Another status is an ordinary HTTP answer, which is read
// whole so that it can be relayed; interim ones (100, 103) are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/wire/http/forwarding.h"

namespace forestay::wire::http {

struct HandshakeExpectation {
    std::string accept;                  // the Sec-WebSocket-Accept that fits our key
    std::vector<std::string> protocols;  // offered
    std::size_t head_bytes = 64 << 10;
    std::size_t body_bytes = 64 << 10;  // of a refusal
};

enum class HandshakeVerdict : std::uint8_t {
    incomplete,   // bring more bytes
    upgraded,     // a websocket from here on
    refused,      // another status; the answer is whole
    malformed,    // no HTTP answer, or over head_bytes
    bad_upgrade,  // 101 without Upgrade: websocket or Connection: upgrade
    bad_accept,   // 101 with a wrong, missing or doubled Sec-WebSocket-Accept
    unoffered,    // 101 with a protocol or an extension that nobody asked for
};

struct HandshakeResponse {
    HandshakeVerdict verdict = HandshakeVerdict::incomplete;
    unsigned status = 0;   // once the head is there
    OwnedFields fields;    // as sent; so is the order
    std::string protocol;  // upgraded: the selected one, or empty
    std::string body;      // refused: decoded; empty when it is longer than body_bytes
    std::size_t size = 0;  // upgraded: bytes of the head, the websocket's follow
};

// Reads from the front of all bytes so far; `closed`: no more will come.
[[nodiscard]] HandshakeResponse parse_handshake_response(std::string_view bytes, bool closed,
                                                         const HandshakeExpectation& expected);

}  // namespace forestay::wire::http
