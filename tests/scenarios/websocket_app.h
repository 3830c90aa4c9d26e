// The app's end of a websocket, played by the test.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "proxy/wire/websocket/message.h"
#include "tests/scenarios/harness.h"

namespace forestay::scenarios {

// The answer to the handshake that the proxy sends.
inline std::string switching(const Request& asked) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           accept_for(asked.field("Sec-WebSocket-Key")) + "\r\n\r\n";
}
inline std::string switching(Peer& app) {
    return switching(read_request(app));
}

inline std::string server_frame(std::string_view text) {
    std::string bytes;
    wire::websocket::write_frame(bytes, wire::websocket::Opcode::text, text, std::nullopt);
    return bytes;
}

// One short text frame of the proxy, or a client's own that it passed on.
inline std::string read_masked(Peer& app) {
    const std::string head = app.read_exactly(2);
    std::string bytes = head + app.read_exactly(4 + (static_cast<unsigned char>(head[1]) & 0x7fU));
    std::string_view rest = bytes;
    std::string scratch;
    wire::websocket::MessageReader reader(wire::websocket::Sender::client, {});
    const auto message = reader.next(rest, scratch);
    if (!message || !*message) throw std::runtime_error("no frame of the proxy");
    return std::string((*message)->payload);
}

// What stands in `text` behind `from`, up to `to`.
inline std::string between(std::string_view text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from) + from.size();
    return std::string(text.substr(at, text.find(to, at) - at));
}

}  // namespace forestay::scenarios
