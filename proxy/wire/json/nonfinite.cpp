// python's json module writes floats that are no numbers as NaN, Infinity and -Infinity. That is no JSON, and
// browsers throw on it.

#include <algorithm>
#include <array>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/json/string_scan.h"

namespace forestay::wire::json {
namespace {

#ifdef __SSE2__
// Bit i: "Na" or "In" begins at byte i of the 16 at `p`; the byte behind them can be read.
inline unsigned beginnings(const char* p) noexcept {
    __m128i first;
    __m128i second;
    std::memcpy(&first, p, sizeof first);
    std::memcpy(&second, p + 1, sizeof second);
    const __m128i nan =
        _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8('N')), _mm_cmpeq_epi8(second, _mm_set1_epi8('a')));
    const __m128i infinity =
        _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8('I')), _mm_cmpeq_epi8(second, _mm_set1_epi8('n')));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(nan, infinity)));
}
#endif

bool begins_one(const char* p, const char* end) noexcept {
    return end - p >= 2 && ((p[0] == 'N' && p[1] == 'a') || (p[0] == 'I' && p[1] == 'n'));
}

// Nearly all messages have none of the words, and are read once, by 16 bytes.
bool may_have_nonfinite(std::string_view text) noexcept {
    const char* p = text.data();
    const char* end = p + text.size();
#ifdef __SSE2__
    for (; end - p > 16; p += 16) {
        if (beginnings(p) != 0) return true;
    }
#endif
    for (; p < end; ++p) {
        if (begins_one(p, end)) return true;
    }
    return false;
}

// Bytes of the word that begins at `p`; 0: none does.
std::size_t nonfinite_at(const char* p, const char* end) noexcept {
    constexpr std::array<std::string_view, 3> words{"NaN", "Infinity", "-Infinity"};
    const std::string_view rest(p, static_cast<std::size_t>(end - p));
    const auto found =
        std::find_if(words.begin(), words.end(), [rest](std::string_view w) { return rest.starts_with(w); });
    return found == words.end() ? 0 : found->size();
}

}  // namespace

bool write_finite(std::string& out, std::string_view text) {
    if (!may_have_nonfinite(text)) return false;
    const char* end = text.data() + text.size();
    const char* copied = text.data();
    // Whether a word is in a string only the way there tells.
    for (const char* p = copied; p != nullptr && p < end;) {
        if (*p == '"') {
            p = skip_string(p, end);
            continue;
        }
        const std::size_t word = nonfinite_at(p, end);
        if (word > 0) {
            out.append(copied, p);
            out += "null";
            copied = p + word;
        }
        p += std::max<std::size_t>(word, 1);
    }
    if (copied == text.data()) return false;
    out.append(copied, end);
    return true;
}

}  // namespace forestay::wire::json
