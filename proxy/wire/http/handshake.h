// The client's WebSocket handshake (RFC 6455 section 4.2.1), checked before anybody is contacted.
#pragma once

#include <string_view>
#include <vector>

#include "proxy/wire/http/head.h"

namespace forestay::wire::http {

struct HandshakeRequest {
    std::string_view key;
    std::vector<std::string_view> protocols;  // offered, at most 16
};

// Only for heads with upgrade_websocket. Refusals: 400; 426 for a foreign version (the answer carries
// Sec-WebSocket-Version: 13).
struct HandshakeResult {
    bool ok = false;
    HandshakeRequest request;
    HeadRefusal refusal;
};
[[nodiscard]] HandshakeResult check_handshake(const RequestHead& head);

}  // namespace forestay::wire::http
