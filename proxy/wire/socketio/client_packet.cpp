// The strict reader: what a client may send. Everything on which python and JavaScript parsers disagree is
// refused, so that the app reads what forestay has read.
#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/grammar.h"
#include "proxy/wire/socketio/packet.h"
#include "proxy/wire/socketio/placeholders.h"

namespace forestay::wire::socketio {
namespace {

using boost::system::error_code;

// Bytes of the query that clients of the first two major versions put behind a namespace.
constexpr std::size_t nsp_query_max = 4096;

bool is_nsp_char(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7F;
}

// A query is there in CONNECT packets of the old protocol only.
bool is_nsp(std::string_view nsp, bool may_have_query, std::size_t size_max) {
    const std::size_t query = std::min(nsp.find('?'), nsp.size());
    if (query != nsp.size() && !may_have_query) return false;
    if (query > size_max || nsp.size() - query > nsp_query_max) return false;
    return std::all_of(nsp.begin(), nsp.end(), is_nsp_char);
}

// Takes "/name," off the front of `text`. The old python client leaves the comma out where nothing follows.
error_code take_nsp(Packet& packet, std::string_view& text, engineio::Revision revision,
                    const GrammarLimits& limits) {
    if (!text.starts_with('/')) return {};
    const bool old = revision == engineio::Revision::v3;
    const std::size_t comma = text.find(',');
    const bool bare = comma == std::string_view::npos;
    const bool may_be_bare =
        old && (packet.type == PacketType::connect || packet.type == PacketType::disconnect);
    if (bare && !may_be_bare) return errc::bad_grammar;
    packet.nsp = text.substr(0, comma);
    text = bare ? std::string_view() : text.substr(comma + 1);
    if (!is_nsp(packet.nsp, old && packet.type == PacketType::connect, limits.nsp)) return errc::bad_grammar;
    return {};
}

// The order of the parts: type [attachments "-"] [nsp ","] [id] [payload].
error_code take_parts(Packet& packet, std::string_view text, engineio::Revision revision,
                      const GrammarLimits& limits) {
    if (text.empty() || text.front() < '0' || text.front() > '6') return errc::bad_grammar;
    packet.type = static_cast<PacketType>(text.front());
    text.remove_prefix(1);

    std::string_view attachments;
    if (is_binary(packet.type)) {
        attachments = take_attachments(text);
        if (attachments.empty()) return errc::bad_grammar;
        packet.attachments = static_cast<unsigned>(to_number(attachments));
    }

    if (const auto error = take_nsp(packet, text, revision, limits)) return error;

    const std::string_view id = take_digits(text, ack_id_digits_max);
    if (id.size() > 1 && id.front() == '0') return errc::bad_grammar;
    if (!id.empty()) packet.id = to_number(id);

    if (!id.empty() && text.starts_with('-')) return errc::bad_attachment_count;
    if (!text.empty() && text.front() != '[' && text.front() != '{') return errc::bad_grammar;
    packet.payload = text;

    if (attachments.size() > 1 && attachments.starts_with('0')) return errc::bad_attachment_count;
    if (packet.attachments > limits.attachments) return errc::bad_attachment_count;
    if (attachments == "0" && limits.refuse_zero_attachments) return errc::zero_attachments;
    return {};
}

// What the parts may be for the type.
error_code check_shape(const Packet& packet) {
    if (packet.id && *packet.id > ack_id_max) return errc::bad_ack_id;
    const char first = packet.payload.empty() ? '\0' : packet.payload.front();
    switch (packet.type) {
        case PacketType::connect_error:
            return errc::connect_error_from_client;
        case PacketType::connect:
            if (packet.id) return errc::id_not_allowed;
            if (first == '[') return errc::bad_payload;
            return {};
        case PacketType::disconnect:
            if (packet.id) return errc::id_not_allowed;
            if (first != '\0') return errc::bad_payload;
            return {};
        case PacketType::ack:
        case PacketType::binary_ack:
            if (!packet.id) return errc::ack_without_id;
            [[fallthrough]];
        case PacketType::event:
        case PacketType::binary_event:
            if (first != '[') return errc::bad_payload;
            return {};
    }
    return errc::bad_grammar;
}

error_code check_event(Packet& packet, const GrammarLimits& limits) {
    if (!find_event(packet) || packet.event.size() > limits.event_name) return errc::bad_event_name;
    if (limits.refuse_reserved_events && has_reserved_name(packet)) return errc::reserved_event;
    return {};
}

}  // namespace

result<Packet> parse_client_packet(std::string_view text, engineio::Revision revision,
                                   const GrammarLimits& limits) {
    Packet packet;
    if (const auto error = take_parts(packet, text, revision, limits)) return error;
    if (const auto error = check_shape(packet)) return error;
    if (packet.payload.empty()) return packet;
    if (const auto error = json::validate(packet.payload, limits.json_depth)) return error;
    if (is_event(packet.type)) {
        if (const auto error = check_event(packet, limits)) return error;
    }
    if (packet.attachments > 0 && limits.check_placeholders &&
        !has_exact_placeholders(packet.payload, packet.attachments)) {
        return errc::bad_placeholders;
    }
    return packet;
}

}  // namespace forestay::wire::socketio
