#include "proxy/wire/engineio/base64.h"

#include <array>
#include <cstdint>

namespace forestay::wire::engineio {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t bad = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(bad);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}
constexpr auto values = make_values();

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
    out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::uint32_t group =
            byte_at(bytes, i) << 16U | byte_at(bytes, i + 1) << 8U | byte_at(bytes, i + 2);
        out += alphabet[group >> 18U];
        out += alphabet[group >> 12U & 0x3FU];
        out += i + 1 < bytes.size() ? alphabet[group >> 6U & 0x3FU] : '=';
        out += i + 2 < bytes.size() ? alphabet[group & 0x3FU] : '=';
    }
}

bool decode_base64(std::string& out, std::string_view text) {
    if (text.size() % 4 != 0) return false;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    out.reserve(out.size() + text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const std::size_t pads = i + 4 == text.size() ? padding : 0;
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const std::uint8_t value =
                k < 4 - pads ? values[static_cast<unsigned char>(text[i + k])] : std::uint8_t{0};
            if (value == bad) return false;
            group = group << 6U | value;
        }
        for (std::size_t k = 0; k < 3; ++k) {
            const auto byte = static_cast<char>(group >> (16U - 8U * k) & 0xFFU);
            if (k < 3 - pads)
                out += byte;
            else if (byte != 0)
                return false;
        }
    }
    return true;
}

}  // namespace forestay::wire::engineio
