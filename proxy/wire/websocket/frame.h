// WebSocket frame heads: bytes <-> values (RFC 6455 section 5.2).
//
// Sans I/O and stateless; what a sequence of frames may look like is message.h's business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/wire/errc.h"

namespace forestay::wire::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(Opcode opcode) noexcept {
    return (static_cast<unsigned>(opcode) & 8U) != 0;
}

// Who wrote the frames. Clients mask, servers do not (5.1).
enum class Sender : std::uint8_t { client, server };

using MaskKey = std::array<std::uint8_t, 4>;  // in wire order

struct FrameHead {
    Opcode opcode{};
    bool fin = false;
    std::optional<MaskKey> mask;
    std::uint64_t payload_size = 0;  // bytes, as declared
    std::size_t head_size = 0;       // bytes, 2 to 14
};

// Reads one head from the front of `bytes`. errc::incomplete when it is cut; refuses a bad head as soon as
// the offending byte is visible. Checks everything one frame can show alone; never looks at the payload.
[[nodiscard]] result<FrameHead> parse_frame_head(std::string_view bytes, Sender sender);

// Appends one whole frame. With a key the payload is masked (client to server).
void write_frame(std::string& out, Opcode opcode, std::string_view payload, std::optional<MaskKey> mask,
                 bool fin = true);

// XORs `size` bytes with the key, word by word; `offset` is the position of data[0] in the payload.
void apply_mask(char* data, std::size_t size, MaskKey key, std::size_t offset = 0) noexcept;

// Unmasks while copying: to payload.size() bytes at `target`, or appended to `out`. True when all of it is
// ASCII: text that need not be looked at again.
[[nodiscard]] bool copy_unmasked(char* target, std::string_view payload, MaskKey key) noexcept;
void append_unmasked(std::string& out, std::string_view payload, MaskKey key);

}  // namespace forestay::wire::websocket
