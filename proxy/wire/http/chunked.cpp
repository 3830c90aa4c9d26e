#include "proxy/wire/http/chunked.h"

#include <algorithm>

namespace forestay::wire::http {
namespace {

constexpr std::size_t size_digits_max = 15;  // below 2^60: no overflow, and no honest chunk is larger
constexpr std::size_t extension_bytes_max = 256;
constexpr std::size_t trailer_bytes_max = 8 << 10;

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}
bool is_control(char c) noexcept {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

ChunkedReader::Step ChunkedReader::read(std::string_view bytes) noexcept {
    const auto bad = [](std::string_view reason) { return Step{State::bad, 0, {}, reason}; };
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        switch (where_) {
            case Where::size_first:
                left_ = 0;
                digits_ = 0;
                line_bytes_ = 0;
                if (hex_value(c) < 0) return bad("bad_chunk_size");
                where_ = Where::size;
                [[fallthrough]];
            case Where::size:
                if (const int value = hex_value(c); value >= 0) {
                    if (++digits_ > size_digits_max) return bad("bad_chunk_size");
                    left_ = left_ * 16 + static_cast<unsigned>(value);
                } else if (c == ';') {
                    where_ = Where::extension;
                } else if (c == '\r') {
                    where_ = Where::size_lf;
                } else {
                    return bad("bad_chunk_size");
                }
                break;
            case Where::extension:
                if (c == '\r') {
                    where_ = Where::size_lf;
                } else if (is_control(c) || ++line_bytes_ > extension_bytes_max) {
                    return bad("bad_chunk_extension");
                }
                break;
            case Where::size_lf:
                if (c != '\n') return bad("bad_chunk_size");
                where_ = left_ > 0 ? Where::data : Where::trailer_first;
                line_bytes_ = 0;
                break;
            case Where::data: {
                const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - i));
                left_ -= size;
                if (left_ == 0) where_ = Where::data_cr;
                return {State::data, i + size, bytes.substr(i, size), {}};
            }
            case Where::data_cr:
                if (c != '\r') return bad("bad_chunk_end");
                where_ = Where::data_lf;
                break;
            case Where::data_lf:
                if (c != '\n') return bad("bad_chunk_end");
                where_ = Where::size_first;
                break;
            case Where::trailer_first:
                if (c == '\r') {
                    where_ = Where::end_lf;
                    break;
                }
                where_ = Where::trailer;
                [[fallthrough]];
            case Where::trailer:
                if (++line_bytes_ > trailer_bytes_max) return bad("trailers_too_large");
                if (c == '\r') {
                    where_ = Where::trailer_lf;
                } else if (is_control(c)) {
                    return bad("bad_trailer");
                }
                break;
            case Where::trailer_lf:
                if (c != '\n') return bad("bad_trailer");
                where_ = Where::trailer_first;
                break;
            case Where::end_lf:
                if (c != '\n') return bad("bad_trailer");
                where_ = Where::over;
                return {State::done, i + 1, {}, {}};
            case Where::over:
                return {State::done, 0, {}, {}};
        }
    }
    return {where_ == Where::over ? State::done : State::more, bytes.size(), {}, {}};
}

}  // namespace forestay::wire::http
