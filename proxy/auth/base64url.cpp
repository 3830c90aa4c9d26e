#include "proxy/auth/base64url.h"

#include <array>
#include <cstdint>

namespace forestay::auth {
namespace {

using Table = std::array<std::int8_t, 256>;

constexpr Table make_table(std::string_view last_two) {
    Table table{};
    table.fill(-1);
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    for (std::size_t i = 0; i < last_two.size(); ++i) {
        table[static_cast<unsigned char>(last_two[i])] = static_cast<std::int8_t>(alphabet.size() + i);
    }
    return table;
}

constexpr Table url_table = make_table("-_");
constexpr Table standard_table = make_table("+/");

std::optional<std::string> decode(std::string_view text, const Table& table) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned count = 0;  // valid low bits of `bits`
    for (const char c : text) {
        const int value = table[static_cast<unsigned char>(c)];
        if (value < 0) return std::nullopt;
        bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<char>(bits >> count & 0xFF));
        }
    }
    if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
    return bytes;
}

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
    return decode(text, url_table);
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    return decode(text, standard_table);
}

}  // namespace forestay::auth
