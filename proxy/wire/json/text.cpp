// The text of JSON strings: escapes resolved, written, and compared.

#include "proxy/wire/json/scan.h"
#include "proxy/wire/json/string_scan.h"

namespace forestay::wire::json {
namespace {

constexpr char32_t replacement = 0xFFFD;

void append_unit(std::string& out, unsigned unit) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += hex[unit >> shift & 0xFU];
}

// \uXXXX, as a surrogate pair above U+FFFF.
void append_code_point(std::string& out, char32_t c) {
    if (c < 0x10000) return append_unit(out, c);
    c -= 0x10000;
    append_unit(out, 0xD800U + (c >> 10U));
    append_unit(out, 0xDC00U + (c & 0x3FFU));
}

void append_control(std::string& out, char c) {
    switch (c) {
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            append_unit(out, static_cast<unsigned char>(c));
    }
}

bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

}  // namespace

Utf8 encode_utf8(char32_t c) noexcept {
    Utf8 out;
    const auto add = [&out](char32_t byte) { out.bytes[out.size++] = static_cast<char>(byte); };
    const auto tail = [&](int shift) { add(0x80U | (c >> shift & 0x3FU)); };
    if (c < 0x80) {
        add(c);
    } else if (c < 0x800) {
        add(0xC0U | c >> 6U);
        tail(0);
    } else if (c < 0x10000) {
        add(0xE0U | c >> 12U);
        tail(6);
        tail(0);
    } else {
        add(0xF0U | c >> 18U);
        tail(12);
        tail(6);
        tail(0);
    }
    return out;
}

char32_t decode_utf8(const char*& p, const char* end) noexcept {
    const auto lead = static_cast<unsigned char>(*p++);
    if (lead < 0x80) return lead;
    const int tails = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || end - p < tails) return replacement;
    char32_t c = lead & (0x3FU >> tails);
    for (int i = 0; i < tails; ++i) {
        const auto byte = static_cast<unsigned char>(p[i]);
        if ((byte & 0xC0U) != 0x80) return replacement;
        c = c << 6U | (byte & 0x3FU);
    }
    constexpr char32_t lowest[] = {0, 0x80, 0x800, 0x10000};
    if (c < lowest[tails] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return replacement;
    p += tails;
    return c;
}

std::string_view Unescaper::next() noexcept {
    if (failed_ || p_ == end_) return {};
    if (*p_ == '\\') return escape();
    const char* start = p_;
    while (p_ < end_) {
        p_ = find_string_stop(p_, end_);
        if (p_ == end_ || *p_ == '\\') break;
        ++p_;  // a quote or a control: not ours to judge
    }
    return {start, static_cast<std::size_t>(p_ - start)};
}

std::string_view Unescaper::escape() noexcept {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    ++p_;
    const char letter = p_ < end_ ? *p_++ : '\0';
    if (const std::size_t i = letters.find(letter); i != std::string_view::npos) return meanings.substr(i, 1);
    const int unit = letter == 'u' ? read_hex4(p_, end_) : -1;
    if (unit < 0) {
        failed_ = true;
        return {};
    }
    p_ += 4;
    auto c = static_cast<char32_t>(unit);
    if (c >= 0xD800 && c < 0xE000) {
        const bool pair = c < 0xDC00 && end_ - p_ >= 6 && p_[0] == '\\' && p_[1] == 'u';
        const int low = pair ? read_hex4(p_ + 2, end_) : -1;
        if (low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10U) + static_cast<char32_t>(low - 0xDC00);
            p_ += 6;
        } else {
            c = replacement;
        }
    }
    character_ = encode_utf8(c);
    return character_.view();
}

std::optional<std::string_view> inside_of(std::string_view literal) noexcept {
    if (literal.size() < 2 || literal.front() != '"') return std::nullopt;
    const char* end = literal.data() + literal.size();
    if (skip_string(literal.data(), end) != end) return std::nullopt;
    return literal.substr(1, literal.size() - 2);
}

bool same_text(std::string_view a, std::string_view b) noexcept {
    Unescaper left(a);
    Unescaper right(b);
    std::string_view x;
    std::string_view y;
    for (;;) {
        if (x.empty()) x = left.next();
        if (y.empty()) y = right.next();
        if (x.empty() || y.empty()) return x.empty() && y.empty() && !left.failed() && !right.failed();
        const std::size_t n = x.size() < y.size() ? x.size() : y.size();
        if (x.substr(0, n) != y.substr(0, n)) return false;
        x.remove_prefix(n);
        y.remove_prefix(n);
    }
}

bool spells(std::string_view inside, std::string_view text) noexcept {
    Unescaper unescaper(inside);
    for (std::string_view piece = unescaper.next(); !piece.empty(); piece = unescaper.next()) {
        if (text.substr(0, piece.size()) != piece) return false;
        text.remove_prefix(piece.size());
    }
    return text.empty() && !unescaper.failed();
}

std::optional<std::string> unescape(std::string_view literal) {
    const auto inside = inside_of(literal);
    if (!inside) return std::nullopt;
    std::string text;
    Unescaper unescaper(*inside);
    for (std::string_view piece = unescaper.next(); !piece.empty(); piece = unescaper.next()) text += piece;
    if (unescaper.failed()) return std::nullopt;
    return text;
}

void append_escaped(std::string& out, std::string_view text, bool ascii_only) {
    const char* p = text.data();
    const char* end = p + text.size();
    while (p < end) {
        if (*p == '"' || *p == '\\') {
            out += '\\';
            out += *p++;
        } else if (static_cast<unsigned char>(*p) < 0x20) {
            append_control(out, *p++);
        } else if (is_ascii(*p) || !ascii_only) {
            out += *p++;
        } else {
            append_code_point(out, decode_utf8(p, end));
        }
    }
}

void append_ascii(std::string& out, std::string_view json) {
    const char* p = json.data();
    const char* end = p + json.size();
    while (p < end) {
        if (is_ascii(*p)) {
            out += *p++;
        } else {
            append_code_point(out, decode_utf8(p, end));
        }
    }
}

bool same_scalar(std::string_view a, std::string_view b) {
    const auto left = inside_of(a);
    const auto right = inside_of(b);
    if (left && right) return same_text(*left, *right);
    if (left || right || a.empty() || a.front() == '[' || a.front() == '{') return false;
    return a == b;
}

}  // namespace forestay::wire::json
