// Writing and reading the Socket.IO packets of the models: as little as they need.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forestay::simulation {

// The number behind `key` ("\"n\":"), if it is there.
inline std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
    const auto at = text.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    std::uint64_t number = 0;
    const char* begin = text.data() + at + key.size();
    if (std::from_chars(begin, text.data() + text.size(), number).ec != std::errc()) return std::nullopt;
    return number;
}

// A packet and what follows it. `arguments` is what stands between the brackets, without placeholders.
struct SioPacket {
    char type = '2';  // of the form without attachments; 5 and 6 are made from 2 and 3
    std::string_view nsp = "/";
    std::optional<std::uint64_t> id;
    std::string arguments;
    std::vector<std::string> attachments;
};

inline std::string header_of(const SioPacket& packet) {
    std::string text;
    if (packet.attachments.empty()) {
        text += packet.type;
    } else {
        text += static_cast<char>(packet.type + 3);
        text += std::to_string(packet.attachments.size()) + "-";
    }
    if (packet.nsp != "/") text += std::string(packet.nsp) + ",";
    if (packet.id) text += std::to_string(*packet.id);
    text += "[" + packet.arguments;
    for (std::size_t i = 0; i < packet.attachments.size(); ++i)
        text += ",{\"_placeholder\":true,\"num\":" + std::to_string(i) + "}";
    return text + "]";
}

// Attachments that say whose they are, so that the other side can tell when they get mixed up.
inline std::vector<std::string> attachments_of(std::uint64_t number, std::size_t count, std::size_t padding) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back(std::to_string(number) + ":" + std::to_string(i) + ";" + std::string(padding, '\xfe'));
    return all;
}

inline bool is_attachment_of(std::string_view bytes, std::uint64_t number, std::size_t index) {
    return bytes.starts_with(std::to_string(number) + ":" + std::to_string(index) + ";");
}

}  // namespace forestay::simulation
