#include "proxy/wire/errc.h"

#include <string>

namespace forestay::wire {
namespace {

const char* message_of(errc e) noexcept {
    switch (e) {
        case errc::incomplete:
            return "more bytes are needed";
        case errc::reserved_bits_set:
            return "a WebSocket frame has reserved bits set, but no extension was agreed";
        case errc::reserved_opcode:
            return "a WebSocket frame has a reserved opcode";
        case errc::unmasked_client_frame:
            return "a client sent a WebSocket frame that is not masked";
        case errc::masked_server_frame:
            return "a server sent a WebSocket frame that is masked";
        case errc::fragmented_control:
            return "a WebSocket control frame is fragmented";
        case errc::oversized_control:
            return "a WebSocket control frame is longer than 125 bytes";
        case errc::non_minimal_length:
            return "a WebSocket frame writes its length longer than needed";
        case errc::length_overflow:
            return "a WebSocket frame declares more than 2^63-1 bytes";
        case errc::unexpected_continuation:
            return "a continuation frame came without a message to continue";
        case errc::expected_continuation:
            return "a new message began before the last one was finished";
        case errc::too_many_fragments:
            return "a message has more fragments than allowed";
        case errc::message_too_big:
            return "a message is bigger than allowed";
        case errc::invalid_utf8:
            return "text is not valid UTF-8";
        case errc::bad_close_payload:
            return "the payload of a close frame is malformed";
        case errc::bad_close_code:
            return "a close frame has a code that must not be sent";
        case errc::empty_packet:
            return "an Engine.IO packet is empty";
        case errc::unknown_packet_type:
            return "an Engine.IO packet has an unknown type";
        case errc::bad_base64:
            return "a binary packet is not valid base64";
        case errc::bad_payload_length:
            return "a polling body has a wrong or missing length";
        case errc::too_many_packets:
            return "a polling body has more packets than allowed";
        case errc::bad_open_packet:
            return "an OPEN packet lacks a field that is needed";
        case errc::bad_query:
            return "the query string cannot be decoded";
        case errc::duplicate_parameter:
            return "a query parameter of the protocol is given twice";
        case errc::unsupported_revision:
            return "the Engine.IO revision is missing or neither 3 nor 4";
        case errc::unknown_transport:
            return "the transport is neither polling nor websocket";
        case errc::bad_sid:
            return "the session id is malformed";
        case errc::jsonp_refused:
            return "JSONP polling is refused";
        case errc::bad_grammar:
            return "a Socket.IO packet is malformed";
        case errc::bad_attachment_count:
            return "a Socket.IO packet has a wrong number of attachments";
        case errc::zero_attachments:
            return "a binary Socket.IO packet has no attachments";
        case errc::bad_ack_id:
            return "a Socket.IO ack id is malformed or too big";
        case errc::id_not_allowed:
            return "a Socket.IO packet has an ack id that its type does not allow";
        case errc::ack_without_id:
            return "a Socket.IO ACK has no id";
        case errc::bad_payload:
            return "the payload of a Socket.IO packet is missing or of the wrong type";
        case errc::bad_json:
            return "text is not valid JSON";
        case errc::json_too_deep:
            return "JSON is nested deeper than allowed";
        case errc::bad_event_name:
            return "the name of a Socket.IO event is no string or too long";
        case errc::reserved_event:
            return "the name of a Socket.IO event is reserved";
        case errc::bad_placeholders:
            return "the placeholders of a binary packet do not match its attachments";
        case errc::connect_error_from_client:
            return "a client sent a CONNECT_ERROR, which only servers may";
    }
    return "unknown error";
}

class Category final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "forestay.wire"; }
    std::string message(int value) const override { return message_of(static_cast<errc>(value)); }
    const char* message(int value, char*, std::size_t) const noexcept override {
        return message_of(static_cast<errc>(value));
    }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

}  // namespace forestay::wire
