#include "proxy/wire/websocket/utf8.h"

#include <cstddef>
#include <cstring>

namespace forestay::wire::websocket {
namespace {

// The state between two bytes: 0 between characters; else how many continuation bytes are missing, and the
// bounds of the next one (only the second byte of a character has narrower bounds than 80..BF: no overlong
// forms, no surrogates, nothing above U+10FFFF; RFC 3629 section 4).
constexpr std::uint32_t state_of(unsigned missing, unsigned low, unsigned high) noexcept {
    return missing | low << 8 | high << 16;
}
constexpr std::uint32_t refused = ~std::uint32_t{0};

constexpr std::uint32_t after_lead(unsigned byte) noexcept {
    if (byte < 0x80) return 0;
    if (byte < 0xc2) return refused;
    if (byte < 0xe0) return state_of(1, 0x80, 0xbf);
    if (byte == 0xe0) return state_of(2, 0xa0, 0xbf);
    if (byte == 0xed) return state_of(2, 0x80, 0x9f);
    if (byte < 0xf0) return state_of(2, 0x80, 0xbf);
    if (byte == 0xf0) return state_of(3, 0x90, 0xbf);
    if (byte < 0xf4) return state_of(3, 0x80, 0xbf);
    if (byte == 0xf4) return state_of(3, 0x80, 0x8f);
    return refused;
}

constexpr std::uint32_t after_continuation(std::uint32_t state, unsigned byte) noexcept {
    if (byte < (state >> 8 & 0xff) || byte > (state >> 16 & 0xff)) return refused;
    const unsigned missing = (state & 0xff) - 1;
    return missing == 0 ? 0 : state_of(missing, 0x80, 0xbf);
}

constexpr std::uint64_t high_bits = 0x8080808080808080ULL;

std::uint64_t word_at(const char* data) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, data, sizeof word);
    return word;
}

// How many bytes at the front are ASCII: by four words, then by one, then by bytes.
std::size_t ascii_bytes(const char* data, std::size_t size) noexcept {
    std::size_t i = 0;
    for (; i + 32 <= size; i += 32) {
        const char* block = data + i;
        const auto all = word_at(block) | word_at(block + 8) | word_at(block + 16) | word_at(block + 24);
        if ((all & high_bits) != 0) break;
    }
    for (; i + 8 <= size; i += 8)
        if ((word_at(data + i) & high_bits) != 0) break;
    while (i < size && static_cast<unsigned char>(data[i]) < 0x80) ++i;
    return i;
}

}  // namespace

bool Utf8Validator::feed(std::string_view piece) noexcept {
    std::uint32_t state = state_;
    std::size_t i = 0;
    while (i < piece.size() && state != refused) {
        if (state == 0) {
            i += ascii_bytes(piece.data() + i, piece.size() - i);
            if (i == piece.size()) break;
        }
        const auto byte = static_cast<unsigned char>(piece[i++]);
        state = state == 0 ? after_lead(byte) : after_continuation(state, byte);
    }
    state_ = state;
    return state != refused;
}

bool is_utf8(std::string_view text) noexcept {
    Utf8Validator validator;
    return validator.feed(text) && validator.complete();
}

}  // namespace forestay::wire::websocket
