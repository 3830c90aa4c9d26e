// The lenient reader, and what can be asked of a packet that has been read.
#include "proxy/wire/socketio/packet.h"

#include <array>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/json/string_scan.h"
#include "proxy/wire/socketio/grammar.h"

namespace forestay::wire::socketio {
namespace {

using boost::system::error_code;

// Clients drop their connection on each of these, so none may reach them.
error_code check_server_shape(Packet& packet, const GrammarLimits& limits) {
    const char first = packet.payload.empty() ? '\0' : packet.payload.front();
    switch (packet.type) {
        case PacketType::connect:
            if (first != '\0' && first != '{') return errc::bad_payload;
            return {};
        case PacketType::disconnect:
        case PacketType::connect_error:
            return {};
        case PacketType::ack:
        case PacketType::binary_ack:
            if (!packet.id) return errc::ack_without_id;
            if (first != '[') return errc::bad_payload;
            return {};
        case PacketType::event:
        case PacketType::binary_event:
            break;
    }
    if (first != '[') return errc::bad_payload;
    if (find_event(packet)) {
        if (limits.refuse_reserved_events && has_reserved_name(packet)) return errc::reserved_event;
        return {};
    }
    // A number is a name too, of events that no rule can speak of.
    const char* end = packet.payload.data() + packet.payload.size();
    const char* name = json::skip_space(packet.payload.data() + 1, end);
    if (name == end || !(json::is_digit(*name) || *name == '-')) return errc::bad_event_name;
    return {};
}

}  // namespace

bool find_event(Packet& packet) noexcept {
    const char* end = packet.payload.data() + packet.payload.size();
    const char* quote = json::skip_space(packet.payload.data() + 1, end);
    if (quote == end || *quote != '"') return false;
    const char* behind = json::skip_string(quote, end);
    if (behind == nullptr) return false;
    packet.event = {quote + 1, static_cast<std::size_t>(behind - quote - 2)};
    packet.event_escaped = json::find_string_stop(quote + 1, end) != behind - 1;
    return true;
}

result<Packet> scan_server_packet(std::string_view text, const GrammarLimits& limits) {
    if (text.empty() || text.front() < '0' || text.front() > '6') return errc::bad_grammar;
    Packet packet;
    packet.type = static_cast<PacketType>(text.front());
    text.remove_prefix(1);

    if (is_binary(packet.type)) {
        const std::string_view attachments = take_attachments(text);
        if (attachments.empty()) return errc::bad_attachment_count;
        packet.attachments = static_cast<unsigned>(to_number(attachments));
        if (packet.attachments > limits.attachments) return errc::bad_attachment_count;
        if (packet.attachments == 0 && limits.refuse_zero_attachments) return errc::zero_attachments;
    }
    if (text.starts_with('/')) {
        const std::size_t comma = std::min(text.find(','), text.size());
        packet.nsp = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    const std::string_view id = take_digits(text, ack_id_digits_max);
    if (!id.empty()) packet.id = to_number(id);
    if (!id.empty() && text.starts_with('-')) return errc::bad_attachment_count;
    if (!text.empty() && json::is_digit(text.front())) return errc::bad_ack_id;
    if (packet.id && *packet.id > ack_id_max) return errc::bad_ack_id;
    packet.payload = text;
    if (const auto error = check_server_shape(packet, limits)) return error;
    return packet;
}

bool has_reserved_name(const Packet& packet) {
    return packet.event_escaped ? is_reserved(event_name(packet)) : is_reserved(packet.event);
}

bool event_is(const Packet& packet, std::string_view name) {
    return packet.event_escaped ? json::spells(packet.event, name) : packet.event == name;
}

std::string event_name(const Packet& packet) {
    std::string name;
    json::Unescaper unescaper(packet.event);
    for (std::string_view piece = unescaper.next(); !piece.empty(); piece = unescaper.next()) name += piece;
    return name;
}

std::optional<std::string_view> from_argument(const Packet& packet, std::size_t index) {
    if (!is_event(packet.type) && !is_ack(packet.type)) return std::nullopt;
    return json::from_element(packet.payload, is_event(packet.type) ? index + 1 : index);
}

std::optional<std::string_view> argument(const Packet& packet, std::size_t index) {
    const auto found = from_argument(packet, index);
    return found ? json::first_value(*found) : std::nullopt;
}

bool is_reserved(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 6> reserved{"connect",       "connect_error", "disconnect",
                                                       "disconnecting", "newListener",   "removeListener"};
    return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

}  // namespace forestay::wire::socketio
