#include "tests/siege/attacks.h"

namespace forestay::siege {
namespace {

constexpr std::string_view polling = "/socket.io/?EIO=4&transport=polling";
constexpr std::string_view websocket = "/socket.io/?EIO=4&transport=websocket";

std::string head(std::string_view method, std::string_view target, std::string_view more) {
    return std::string(method) + ' ' + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
           std::string(more);
}

std::string upgrade(std::string_view target, std::string_view more = {}) {
    return head("GET", target,
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n") +
           std::string(more) + "\r\n";
}

// A client's frame, masked with zeros; what it declares may be more than it has. `first`: FIN, RSV and
// opcode.
std::string frame(unsigned first, std::string_view payload, std::size_t declared = 0) {
    const std::size_t size = declared > 0 ? declared : payload.size();
    std::string out(1, static_cast<char>(first));
    const auto length = [&](unsigned code, unsigned bytes) {
        out += static_cast<char>(0x80U | code);
        while (bytes-- > 0) out += static_cast<char>(size >> (8 * bytes));
    };
    if (size < 126)
        length(static_cast<unsigned>(size), 0);
    else if (size < (1 << 16))
        length(126, 2);
    else
        length(127, 8);
    return out + std::string(4, '\0') + std::string(payload);
}

std::string times(std::size_t count, std::string_view text) {
    std::string out;
    out.reserve(count * text.size());
    while (count-- > 0) out += text;
    return out;
}

// 64 MiB of zeros, deflated, would be about as long and of one byte; nothing of it is ever read.
std::string bomb() {
    return frame(0xc1, std::string(65'000, '\x42'));
}

}  // namespace

const std::vector<Attack>& attacks() {
    constexpr std::size_t million = 1'000'000;
    static const std::vector<Attack> all{
        {.name = "half_heads",
         .connections = 5000,
         .connects_per_second = 2500,
         .opening = head("GET", "/", "X-Slow: "),
         .drip = "x"},
        {.name = "half_bodies",
         .connections = 2500,
         .connects_per_second = 1000,
         .opening = head("GET", polling, "\r\n"),
         .then = head("POST", std::string(polling) + "&sid=@sid@", "Content-Length: 60000\r\n\r\n") +
                 std::string(1000, '4'),
         .drip = "x"},
        {.name = "half_uploads",
         .connections = 2000,
         .connects_per_second = 1000,
         .opening = head("POST", "/upload", "Content-Length: 60000\r\n\r\n") + std::string(1000, 'a'),
         .drip = "a"},
        {.name = "half_handshakes",
         .connections = 5000,
         .connects_per_second = 1000,
         .opening = upgrade(websocket),
         .then = frame(0x81, "40{\"a\":\"", 100),
         .drip = "x"},
        {.name = "never_read",
         .connections = 2000,
         .connects_per_second = 500,
         .opening = upgrade(std::string(websocket) + "&talk=1"),
         .then = frame(0x81, "40"),
         .reads = false,
         .receive_buffer = 4096},
        {.name = "connect_flood",
         .connections = 2000,
         .connects_per_second = 10'000,
         .addresses = 1,
         .opening = upgrade(websocket),
         .once = true},
        {.name = "declared_1gib",
         .connections = 50,
         .connects_per_second = 1000,
         .opening = upgrade(websocket),
         .then = frame(0x82, std::string(256 << 10, 'x'), 1 << 30)},
        {.name = "deflate_bomb",
         .connections = 50,
         .connects_per_second = 1000,
         .opening = upgrade(websocket, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
         .then = bomb()},
        {.name = "ping_flood",
         .connections = 4,
         .connects_per_second = 20,
         .opening = upgrade(websocket),
         .then = times(million, frame(0x89, ""))},
        {.name = "ping_flood_plain",
         .connections = 4,
         .connects_per_second = 20,
         .opening = upgrade("/ws"),
         .then = times(million, frame(0x89, ""))},
        {.name = "pong_flood",
         .connections = 4,
         .connects_per_second = 20,
         .opening = upgrade(websocket),
         .then = frame(0x81, "40") + times(million, frame(0x81, "3")),
         .endless = true},
        {.name = "message_flood",
         .connections = 4,
         .connects_per_second = 20,
         .opening = upgrade(websocket),
         .then = frame(0x81, "40") + times(million, frame(0x81, "42[\"n\"]"))},
    };
    return all;
}

}  // namespace forestay::siege
