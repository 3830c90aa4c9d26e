// WebSocket close frames: codes and reasons (RFC 6455 section 7.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/wire/errc.h"
#include "proxy/wire/websocket/frame.h"

namespace forestay::wire::websocket {

// The codes forestay itself sends. 1005, 1006 and 1015 never go on the wire.
enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    invalid_payload = 1007,
    policy_violation = 1008,
    too_big = 1009,
    internal_error = 1011,
    service_restart = 1012,
    try_again_later = 1013,
    token_expired = 4401,
};

struct CloseReason {
    std::optional<std::uint16_t> code;  // absent: the frame had no payload ("1005")
    std::string_view reason;            // UTF-8, at most 123 bytes; a view into the payload
};

// Reads the payload of a close frame. 1-byte payloads, codes outside 1000-1003, 1007-1013, 3000-4999 and
// reasons that are not UTF-8 are refused (7.4.1, 7.4.2): what it returns may go on to the other side as it
// is.
[[nodiscard]] result<CloseReason> parse_close(std::string_view payload);

// Appends a close frame. Reasons over 123 bytes are cut at a character boundary.
void write_close(std::string& out, std::uint16_t code, std::string_view reason, std::optional<MaskKey> mask);
inline void write_close(std::string& out, CloseCode code, std::string_view reason,
                        std::optional<MaskKey> mask) {
    write_close(out, static_cast<std::uint16_t>(code), reason, mask);
}

// The close code with which a violation is answered: 1002, 1007, 1009 or 1008.
[[nodiscard]] CloseCode close_code_for(errc error) noexcept;

}  // namespace forestay::wire::websocket
