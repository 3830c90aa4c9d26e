#include "proxy/wire/websocket/close.h"

#include "proxy/wire/websocket/utf8.h"

namespace forestay::wire::websocket {
namespace {

constexpr std::size_t reason_bytes_max = 123;  // 125 of a control frame less the code

// 1004, 1005, 1006 and 1015 are reserved; 1014 is a gateway's own and never an endpoint's; 1016 to 2999 are
// for future revisions; from 5000 on nothing is defined (7.4.1, 7.4.2).
constexpr bool may_be_received(unsigned code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1013) || (code >= 3000 && code <= 4999);
}

// The longest beginning of `text` within `size` bytes that does not end inside a character.
std::string_view cut_at_character(std::string_view text, std::size_t size) noexcept {
    if (text.size() <= size) return text;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
    return text.substr(0, size);
}

}  // namespace

result<CloseReason> parse_close(std::string_view payload) {
    if (payload.empty()) return CloseReason{};
    if (payload.size() == 1) return errc::bad_close_payload;
    const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                                 static_cast<unsigned char>(payload[1]));
    if (!may_be_received(code)) return errc::bad_close_code;
    const std::string_view reason = payload.substr(2);
    if (!is_utf8(reason)) return errc::bad_close_payload;
    return CloseReason{code, reason};
}

void write_close(std::string& out, std::uint16_t code, std::string_view reason, std::optional<MaskKey> mask) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    payload.append(cut_at_character(reason, reason_bytes_max));
    write_frame(out, Opcode::close, payload, mask);
}

CloseCode close_code_for(errc error) noexcept {
    switch (error) {
        case errc::reserved_bits_set:
        case errc::reserved_opcode:
        case errc::unmasked_client_frame:
        case errc::masked_server_frame:
        case errc::fragmented_control:
        case errc::oversized_control:
        case errc::non_minimal_length:
        case errc::unexpected_continuation:
        case errc::expected_continuation:
        case errc::bad_close_payload:
        case errc::bad_close_code:
            return CloseCode::protocol_error;
        case errc::invalid_utf8:
            return CloseCode::invalid_payload;
        case errc::length_overflow:
        case errc::message_too_big:
            return CloseCode::too_big;
        // No fault of framing: what the frames carry is against our rules.
        case errc::incomplete:
        case errc::too_many_fragments:
        case errc::empty_packet:
        case errc::unknown_packet_type:
        case errc::bad_base64:
        case errc::bad_payload_length:
        case errc::too_many_packets:
        case errc::bad_open_packet:
        case errc::bad_query:
        case errc::duplicate_parameter:
        case errc::unsupported_revision:
        case errc::unknown_transport:
        case errc::bad_sid:
        case errc::jsonp_refused:
        case errc::bad_grammar:
        case errc::bad_attachment_count:
        case errc::zero_attachments:
        case errc::bad_ack_id:
        case errc::id_not_allowed:
        case errc::ack_without_id:
        case errc::bad_payload:
        case errc::bad_json:
        case errc::json_too_deep:
        case errc::bad_event_name:
        case errc::reserved_event:
        case errc::bad_placeholders:
        case errc::connect_error_from_client:
            return CloseCode::policy_violation;
    }
    return CloseCode::policy_violation;
}

}  // namespace forestay::wire::websocket
