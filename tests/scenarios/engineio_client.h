// What an Engine.IO client says over HTTP and over its websocket.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "proxy/wire/websocket/frame.h"
#include "tests/scenarios/harness.h"

namespace forestay::scenarios {

inline const std::string handshake = "/socket.io/?EIO=4&transport=polling";

inline std::string request(const std::string& method, const std::string& target,
                           const std::string& fields = {}, const std::string& body = {}) {
    std::string bytes = method + " " + target + " HTTP/1.1\r\nHost: app.example\r\n" + fields;
    if (method == "POST") bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return bytes + "\r\n" + body;
}
inline std::string upgrade(const std::string& target, const std::string& fields = {}) {
    return request("GET", target,
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                       fields);
}
inline std::string sid_of(const Answer& open) {
    const std::size_t at = open.body.find("\"sid\":\"") + 7;
    return open.body.substr(at, open.body.find('"', at) - at);
}
// One text frame of the server.
inline std::string read_text(Peer& peer) {
    const std::string head = peer.read_exactly(2);
    BOOST_REQUIRE(head.size() == 2U);
    BOOST_REQUIRE((head[0] & 0x0f) == 1);
    std::size_t size = static_cast<unsigned char>(head[1]);
    if (size == 126) {
        const std::string more = peer.read_exactly(2);
        size = static_cast<unsigned char>(more[0]) * 256U + static_cast<unsigned char>(more[1]);
    }
    return peer.read_exactly(size);
}
inline std::string text_frame(std::string_view text) {
    std::string bytes;
    wire::websocket::write_frame(bytes, wire::websocket::Opcode::text, text,
                                 wire::websocket::MaskKey{1, 2, 3, 4});
    return bytes;
}

}  // namespace forestay::scenarios
