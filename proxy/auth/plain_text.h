// Text that may go on into headers and logs.
#pragma once

#include <cstddef>
#include <string_view>

namespace forestay::auth {

constexpr std::size_t max_subject_bytes = 256;

// 1 to `max_bytes`, no control characters (C1 in UTF-8 neither), and no white space at the ends, which
// whoever reads a header takes off: " root" would become "root".
inline bool is_plain(std::string_view text, std::size_t max_bytes) {
    if (text.empty() || text.size() > max_bytes || text.front() == ' ' || text.back() == ' ') return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c == 0x7F) return false;
        if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;
    }
    return true;
}

}  // namespace forestay::auth
