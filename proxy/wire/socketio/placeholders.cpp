#include "proxy/wire/socketio/placeholders.h"

#include <cstdint>
#include <optional>

#include "proxy/wire/json/string_scan.h"

namespace forestay::wire::socketio {
namespace {

constexpr std::string_view mark = "_placeholder";

// Reads tokens of valid JSON off the front of a text.
class Tokens {
  public:
    explicit Tokens(std::string_view text) noexcept : p_(text.data()), end_(p_ + text.size()) {}

    // Steps over `token` if it comes next.
    bool take(std::string_view token) noexcept {
        p_ = json::skip_space(p_, end_);
        if (!std::string_view(p_, static_cast<std::size_t>(end_ - p_)).starts_with(token)) return false;
        p_ += token.size();
        return true;
    }

    // A number of one or two digits.
    std::optional<unsigned> take_number() noexcept {
        p_ = json::skip_space(p_, end_);
        const char* start = p_;
        unsigned value = 0;
        while (p_ < end_ && json::is_digit(*p_) && p_ - start < 2)
            value = value * 10 + static_cast<unsigned>(*p_++ - '0');
        if (p_ == start) return std::nullopt;
        return value;
    }

    [[nodiscard]] const char* position() const noexcept { return p_; }

  private:
    const char* p_;
    const char* end_;
};

struct Placeholder {
    unsigned num = 0;
    const char* end = nullptr;
};

// The placeholder that starts with the '{' at the front of `text`. Spelled without escapes, as every encoder
// does.
std::optional<Placeholder> read_placeholder(std::string_view text) noexcept {
    Tokens tokens(text);
    if (!tokens.take("{")) return std::nullopt;
    const bool mark_first = tokens.take("\"_placeholder\"");
    if (mark_first && !(tokens.take(":") && tokens.take("true") && tokens.take(","))) return std::nullopt;
    if (!tokens.take("\"num\"") || !tokens.take(":")) return std::nullopt;
    const auto num = tokens.take_number();
    if (!num) return std::nullopt;
    if (!mark_first &&
        !(tokens.take(",") && tokens.take("\"_placeholder\"") && tokens.take(":") && tokens.take("true"))) {
        return std::nullopt;
    }
    if (!tokens.take("}")) return std::nullopt;
    return Placeholder{*num, tokens.position()};
}

}  // namespace

bool has_exact_placeholders(std::string_view payload, unsigned attachments) noexcept {
    std::uint32_t seen = 0;
    const char* p = payload.data();
    const char* end = p + payload.size();
    while (p < end) {
        if (*p == '{') {
            const auto found = read_placeholder({p, static_cast<std::size_t>(end - p)});
            if (!found) {
                ++p;
                continue;
            }
            if (found->num >= attachments || (seen >> found->num & 1U) != 0) return false;
            seen |= 1U << found->num;
            p = found->end;
        } else if (*p == '"') {
            const char* start = p;
            p = json::skip_string(p, end);
            if (p == nullptr) return false;
            const char* behind = json::skip_space(p, end);
            const bool key = behind < end && *behind == ':';
            if (key && json::spells({start + 1, static_cast<std::size_t>(p - start - 2)}, mark)) return false;
        } else {
            ++p;
        }
    }
    return attachments < 32 && seen == (1U << attachments) - 1U;
}

}  // namespace forestay::wire::socketio
