// The pieces that both readers of Socket.IO packets share. Private to this library.
#pragma once

#include <algorithm>
#include <string_view>

#include "proxy/wire/socketio/packet.h"

namespace forestay::wire::socketio {

constexpr std::uint64_t ack_id_max = 9007199254740991U;  // 2^53-1: what JavaScript can count
constexpr std::size_t ack_id_digits_max = 16;
constexpr std::size_t attachment_digits_max = 9;

constexpr bool is_binary(PacketType type) {
    return type == PacketType::binary_event || type == PacketType::binary_ack;
}

// Takes the ASCII digits off the front of `text`, at most `max` of them.
inline std::string_view take_digits(std::string_view& text, std::size_t max) {
    std::size_t n = 0;
    while (n < text.size() && n < max && text[n] >= '0' && text[n] <= '9') ++n;
    const std::string_view digits = text.substr(0, n);
    text.remove_prefix(n);
    return digits;
}

// `digits` are at most 16.
constexpr std::uint64_t to_number(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
    return value;
}

// Takes "<digits>-" off the front. Empty when there is none; digits without a dash are an ack id.
inline std::string_view take_attachments(std::string_view& text) {
    std::string_view rest = text;
    const std::string_view digits = take_digits(rest, attachment_digits_max);
    if (digits.empty() || !rest.starts_with('-')) return {};
    text = rest.substr(1);
    return digits;
}

// Sets event and event_escaped from the payload's first element, if that is a string.
[[nodiscard]] bool find_event(Packet& packet) noexcept;
[[nodiscard]] bool has_reserved_name(const Packet& packet);

}  // namespace forestay::wire::socketio
