// Polling bodies: several packets in one.
#include <algorithm>
#include <charconv>
#include <optional>

#include "proxy/wire/engineio/base64.h"
#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/json/scan.h"
#include "proxy/wire/websocket/utf8.h"

namespace forestay::wire::engineio {
namespace {

using boost::system::error_code;

constexpr char separator = '\x1e';
// Longer than any body: more digits are refused before they are added up.
constexpr std::size_t length_digits_max = 9;

error_code add_binary(Payload& payload, std::string_view base64) {
    auto bytes = std::make_unique<std::string>();
    if (!decode_base64(*bytes, base64)) return errc::bad_base64;
    payload.packets.push_back({PacketType::message, true, *bytes});
    payload.storage.push_back(std::move(bytes));
    return {};
}

// Adds one packet as it stands in a text body: 'b' packets are base64, in EIO3 with a type digit in between.
error_code add_text(Payload& payload, Revision revision, std::string_view text) {
    if (text.starts_with('b')) {
        text.remove_prefix(1);
        if (revision == Revision::v4) return add_binary(payload, text);
        if (!text.starts_with('4')) return errc::unknown_packet_type;
        return add_binary(payload, text.substr(1));
    }
    const auto packet = parse_text_packet(text);
    if (!packet) return packet.error();
    payload.packets.push_back(*packet);
    return {};
}

error_code read_v4(Payload& payload, std::string_view body, PayloadLimits limits) {
    for (;;) {
        if (payload.packets.size() == limits.packets) return errc::too_many_packets;
        const std::size_t end = body.find(separator);
        if (const auto error = add_text(payload, Revision::v4, body.substr(0, end))) return error;
        if (end == std::string_view::npos) return {};
        body.remove_prefix(end + 1);
    }
}

// Bytes of the first `units` UTF-16 units of `text` (valid UTF-8); nullopt when it ends before, or inside a
// pair.
std::optional<std::size_t> utf16_prefix(std::string_view text, std::size_t units) {
    std::size_t i = 0;
    while (units > 0) {
        if (i >= text.size()) return std::nullopt;
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t width = lead >= 0xF0 ? 2 : 1;
        if (width > units) return std::nullopt;
        units -= width;
        i += lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U;
    }
    return i;
}

std::size_t utf16_units(std::string_view text) {
    std::size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) != 0x80) units += byte >= 0xF0 ? 2 : 1;
    }
    return units;
}

error_code read_v3(Payload& payload, std::string_view body, PayloadLimits limits) {
    while (!body.empty()) {
        if (payload.packets.size() == limits.packets) return errc::too_many_packets;
        std::size_t units = 0;
        const auto digits = body.substr(0, length_digits_max);
        const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), units);
        const auto colon = static_cast<std::size_t>(end - digits.data());
        if (failure != std::errc{} || colon >= body.size() || body[colon] != ':')
            return errc::bad_payload_length;
        body.remove_prefix(colon + 1);
        const auto size = utf16_prefix(body, units);
        if (!size) return errc::bad_payload_length;
        if (const auto error = add_text(payload, Revision::v3, body.substr(0, *size))) return error;
        body.remove_prefix(*size);
    }
    return {};
}

// One packet of the binary form: 0 or 1, the length in digits of one byte each, 0xff, the bytes.
error_code read_one_binary_v3(Payload& payload, std::string_view& body) {
    const char kind = body.front();
    if (kind != 0 && kind != 1) return errc::unknown_packet_type;
    std::size_t at = 1;
    std::size_t length = 0;
    for (; at < body.size() && body[at] >= 0 && body[at] <= 9; ++at) {
        if (at > length_digits_max) return errc::bad_payload_length;
        length = length * 10 + static_cast<std::size_t>(body[at]);
    }
    if (at == 1 || at == body.size() || body[at] != '\xff') return errc::bad_payload_length;
    body.remove_prefix(at + 1);
    if (length > body.size()) return errc::bad_payload_length;
    const std::string_view bytes = body.substr(0, length);
    body.remove_prefix(length);

    const bool text = kind == 0;
    if (text && !websocket::is_utf8(bytes)) return errc::invalid_utf8;
    const auto packet = text ? parse_text_packet(bytes) : parse_binary_packet(Revision::v3, bytes);
    if (!packet) return packet.error();
    payload.packets.push_back(*packet);
    return {};
}

}  // namespace

result<Payload> parse_payload(Revision revision, std::string_view body, PayloadLimits limits) {
    if (body.empty()) return errc::empty_packet;
    if (!websocket::is_utf8(body)) return errc::invalid_utf8;
    Payload payload;
    const auto error =
        revision == Revision::v4 ? read_v4(payload, body, limits) : read_v3(payload, body, limits);
    if (error) return error;
    return payload;
}

result<Payload> parse_binary_payload_v3(std::string_view body, PayloadLimits limits) {
    if (body.empty()) return errc::empty_packet;
    Payload payload;
    while (!body.empty()) {
        if (payload.packets.size() == limits.packets) return errc::too_many_packets;
        if (const auto error = read_one_binary_v3(payload, body)) return error;
    }
    return payload;
}

void append_to_payload(std::string& out, Revision revision, const Packet& packet) {
    if (revision == Revision::v4) {
        if (!out.empty()) out += separator;
        if (packet.binary) {
            out += 'b';
            append_base64(out, packet.data);
        } else {
            out += static_cast<char>(packet.type);
            out += packet.data;
        }
        return;
    }
    std::string text;
    if (packet.binary) {
        text = "b4";
        append_base64(text, packet.data);
    } else {
        // Only JSON can be escaped. What stands before it is a namespace, and stays as it is.
        const std::size_t json = std::min(packet.data.find_first_of("[{\""), packet.data.size());
        text += static_cast<char>(packet.type);
        text += packet.data.substr(0, json);
        json::append_ascii(text, packet.data.substr(json));
    }
    out += std::to_string(utf16_units(text));
    out += ':';
    out += text;
}

}  // namespace forestay::wire::engineio
