#include "config/yaml_text.h"

#include <algorithm>

#include "config/yaml_tree.h"
#include "proxy/wire/websocket/utf8.h"

namespace forestay::config {

Lines::Lines(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n') starts_.push_back(i + 1);
    }
}

std::string_view Lines::line(std::size_t number) const {
    if (number >= starts_.size()) return {};
    const std::size_t end = number + 1 < starts_.size() ? starts_[number + 1] - 1 : text_.size();
    return text_.substr(starts_[number], end - starts_[number]);
}

std::string_view Lines::rest(std::size_t number, std::size_t byte) const {
    const std::string_view all = line(number);
    return byte > all.size() ? std::string_view{} : all.substr(byte);
}

unsigned Lines::column(std::size_t number, std::size_t byte) {
    if (number != counted_line_ || byte < counted_bytes_) {
        counted_line_ = number;
        counted_bytes_ = 0;
        counted_column_ = 1;
    }
    const std::string_view all = line(number);
    for (; counted_bytes_ < std::min(byte, all.size()); ++counted_bytes_) {
        const bool begins_a_character = (static_cast<unsigned char>(all[counted_bytes_]) & 0xC0U) != 0x80U;
        if (begins_a_character) ++counted_column_;
    }
    return counted_column_;
}

std::size_t Lines::line_of(std::size_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

std::optional<Unreadable> find_unreadable(std::string_view text) {
    if (text.size() > yaml_bytes_max) return Unreadable{"larger than 1 MiB", {}};
    if (!wire::websocket::is_utf8(text)) return Unreadable{"not UTF-8", {}};
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        return Unreadable{"a NUL character", nul};
    const auto directive = text.starts_with('%') ? 0 : text.find("\n%");
    if (directive == std::string_view::npos) return std::nullopt;
    return Unreadable{"directives (%NAME) are not supported",
                      text[directive] == '%' ? directive : directive + 1};
}

}  // namespace forestay::config
