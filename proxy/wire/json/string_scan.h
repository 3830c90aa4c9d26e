// Inside JSON strings: finding their end quickly, and reading their escapes one character at a time.
//
// Private to the JSON library. Nothing here allocates.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace forestay::wire::json {

#ifdef __SSE2__
// Bit i: byte i of the 16 at `p` is '"', '\\' or a control character.
inline unsigned string_stops(const char* p) noexcept {
    __m128i block;
    std::memcpy(&block, p, sizeof block);
    const __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    const __m128i backslashes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
    const __m128i stops = _mm_or_si128(_mm_or_si128(quotes, backslashes), controls);
    return static_cast<unsigned>(_mm_movemask_epi8(stops));
}
#endif

// The first '"', '\' or control character in [p, end), or `end`. By 16 bytes where the machine can; the last
// 16 overlap with those before, in which there was none.
inline const char* find_string_stop(const char* p, const char* end) noexcept {
#ifdef __SSE2__
    if (end - p >= 16) {
        const char* last = end - 16;
        for (; p <= last; p += 16) {
            if (const unsigned stops = string_stops(p); stops != 0) return p + std::countr_zero(stops);
        }
        const unsigned stops = string_stops(last);
        return stops != 0 ? last + std::countr_zero(stops) : end;
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20) ++p;
    return p;
}

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

inline const char* skip_space(const char* p, const char* end) noexcept {
    while (p < end && is_space(*p)) ++p;
    return p;
}

// Behind the string literal that opens at `p`, or nullptr when it does not end. Escapes are stepped over, not
// checked.
inline const char* skip_string(const char* p, const char* end) noexcept {
    ++p;
    for (;;) {
        p = find_string_stop(p, end);
        if (p == end) return nullptr;
        if (*p == '"') return p + 1;
        if (*p == '\\' && ++p == end) return nullptr;
        ++p;
    }
}

// Value of four hexadecimal digits at `p`, or -1.
inline int read_hex4(const char* p, const char* end) noexcept {
    if (end - p < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; ++i) {
        const char c = p[i];
        int digit = 0;
        if (is_digit(c))
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

// One character in UTF-8.
struct Utf8 {
    char bytes[4]{};
    unsigned size = 0;
    [[nodiscard]] std::string_view view() const noexcept { return {bytes, size}; }
};
[[nodiscard]] Utf8 encode_utf8(char32_t code_point) noexcept;

// Reads one character of UTF-8 at `p` and steps over it; a bad byte is U+FFFD and one step.
[[nodiscard]] char32_t decode_utf8(const char*& p, const char* end) noexcept;

// Reads the inside of a string literal piece by piece: runs without escapes as they stand, escapes resolved.
class Unescaper {
  public:
    explicit Unescaper(std::string_view inside) noexcept : p_(inside.data()), end_(p_ + inside.size()) {}
    // The next piece, valid until the next call; empty at the end or after a bad escape (failed()).
    [[nodiscard]] std::string_view next() noexcept;
    [[nodiscard]] bool failed() const noexcept { return failed_; }

  private:
    [[nodiscard]] std::string_view escape() noexcept;

    const char* p_;
    const char* end_;
    Utf8 character_;
    bool failed_ = false;
};

// The inside of a string literal, still escaped; empty optional when `literal` is none.
[[nodiscard]] std::optional<std::string_view> inside_of(std::string_view literal) noexcept;

// True when two insides of string literals spell the same text. Does not allocate.
[[nodiscard]] bool same_text(std::string_view a, std::string_view b) noexcept;
// The same for an inside and plain text.
[[nodiscard]] bool spells(std::string_view inside, std::string_view text) noexcept;

}  // namespace forestay::wire::json
