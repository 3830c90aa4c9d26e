#include "proxy/wire/websocket/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
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

#ifdef __SSE2__
// Bit i: byte i of the 16 at `p` is not ASCII.
unsigned others(const char* p) noexcept {
    __m128i block;
    std::memcpy(&block, p, sizeof block);
    return static_cast<unsigned>(_mm_movemask_epi8(block));
}
#endif

// The first byte in [p, end) that is not ASCII, or `end`. By 16 bytes where the machine can; the last 16
// overlap with those before, in which there was none.
const char* skip_ascii(const char* p, const char* end) noexcept {
#ifdef __SSE2__
    if (end - p >= 16) {
        const char* last = end - 16;
        for (; p <= last; p += 16) {
            if (const unsigned found = others(p); found != 0) return p + std::countr_zero(found);
        }
        const unsigned found = others(last);
        return found != 0 ? last + std::countr_zero(found) : end;
    }
#endif
    for (; end - p >= 8; p += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, sizeof word);
        if ((word & 0x8080808080808080U) != 0) break;
    }
    while (p < end && static_cast<unsigned char>(*p) < 0x80) ++p;
    return p;
}

}  // namespace

bool Utf8Validator::feed(std::string_view piece) noexcept {
    std::uint32_t state = state_;
    const char* p = piece.data();
    const char* end = p + piece.size();
    while (p < end && state != refused) {
        if (state == 0) {
            p = skip_ascii(p, end);
            if (p == end) break;
        }
        const auto byte = static_cast<unsigned char>(*p++);
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
