#include <algorithm>
#include <cstdint>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/json/string_scan.h"

namespace forestay::wire::json {
namespace {

// Reads one JSON text from left to right. Containers are remembered as one bit each, so depth costs no
// memory.
class Validator {
  public:
    Validator(std::string_view text, std::size_t depth) noexcept
        : p_(text.data()), end_(p_ + text.size()), depth_(std::min(depth, max_depth)) {}

    boost::system::error_code run() noexcept {
        for (;;) {
            // A value is due.
            space();
            if (p_ == end_) return errc::bad_json;
            switch (*p_) {
                case '"':
                    if (!string()) return errc::bad_json;
                    break;
                case '{':
                case '[':
                    if (level_ == depth_) return errc::json_too_deep;
                    if (open()) {
                        if (in_object() && !key()) return errc::bad_json;
                        continue;
                    }
                    break;
                case 't':
                    if (!word("true")) return errc::bad_json;
                    break;
                case 'f':
                    if (!word("false")) return errc::bad_json;
                    break;
                case 'n':
                    if (!word("null")) return errc::bad_json;
                    break;
                default:
                    if (!number()) return errc::bad_json;
            }
            // A value has ended: close containers until a comma asks for another one.
            for (;;) {
                space();
                if (level_ == 0) {
                    if (p_ == end_) return {};
                    return errc::bad_json;
                }
                if (p_ == end_) return errc::bad_json;
                const char c = *p_++;
                if (c == ',') {
                    if (in_object() && !key()) return errc::bad_json;
                    break;
                }
                if (c != closer()) return errc::bad_json;
                close();
            }
        }
    }

  private:
    static bool is_short_escape(char letter) noexcept {
        switch (letter) {
            case '"':
            case '\\':
            case '/':
            case 'b':
            case 'f':
            case 'n':
            case 'r':
            case 't':
                return true;
            default:
                return false;
        }
    }

    void space() noexcept {
        while (p_ < end_ && is_space(*p_)) ++p_;
    }

    [[nodiscard]] bool in_object() const noexcept { return (objects_ & 1U) != 0; }
    [[nodiscard]] char closer() const noexcept { return in_object() ? '}' : ']'; }

    // Enters the container at p_. False when it is empty, and then already left.
    bool open() noexcept {
        objects_ = objects_ << 1U | (*p_ == '{' ? 1U : 0U);
        ++level_;
        ++p_;
        space();
        if (p_ == end_ || *p_ != closer()) return true;
        ++p_;
        close();
        return false;
    }

    void close() noexcept {
        objects_ >>= 1U;
        --level_;
    }

    bool key() noexcept {
        space();
        if (p_ == end_ || *p_ != '"' || !string()) return false;
        space();
        return p_ < end_ && *p_++ == ':';
    }

    bool string() noexcept {
        ++p_;
        for (;;) {
            p_ = find_string_stop(p_, end_);
            if (p_ == end_) return false;
            const char stop = *p_++;
            if (stop == '"') return true;
            if (stop != '\\' || p_ == end_) return false;
            const char escape = *p_++;
            if (escape == 'u') {
                if (read_hex4(p_, end_) < 0) return false;
                p_ += 4;
            } else if (!is_short_escape(escape)) {
                return false;
            }
        }
    }

    bool word(std::string_view expected) noexcept {
        if (std::string_view(p_, static_cast<std::size_t>(end_ - p_)).substr(0, expected.size()) != expected)
            return false;
        p_ += expected.size();
        return true;
    }

    bool digits() noexcept {
        const char* start = p_;
        while (p_ < end_ && is_digit(*p_)) ++p_;
        return p_ != start;
    }

    bool number() noexcept {
        if (*p_ == '-') ++p_;
        if (p_ < end_ && *p_ == '0')
            ++p_;
        else if (!digits())
            return false;
        if (p_ < end_ && *p_ == '.') {
            ++p_;
            if (!digits()) return false;
        }
        if (p_ < end_ && (*p_ == 'e' || *p_ == 'E')) {
            ++p_;
            if (p_ < end_ && (*p_ == '+' || *p_ == '-')) ++p_;
            if (!digits()) return false;
        }
        return true;
    }

    const char* p_;
    const char* end_;
    std::size_t depth_;
    std::size_t level_ = 0;
    std::uint64_t objects_ = 0;  // one bit per open container, the innermost lowest: 1 for an object
    static_assert(max_depth <= 64);
};

}  // namespace

boost::system::error_code validate(std::string_view text, std::size_t depth) noexcept {
    return Validator(text, depth).run();
}

}  // namespace forestay::wire::json
