// Finding values by following the structure only: nothing is checked that is not needed to find the way.

#include <algorithm>
#include <array>
#include <cstdint>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/json/string_scan.h"

namespace forestay::wire::json {
namespace {

std::string_view between(const char* from, const char* to) {
    return {from, static_cast<std::size_t>(to - from)};
}

// Which bytes end a scalar, and which matter inside a container that is stepped over.
enum Kind : std::uint8_t { ends_scalar = 1, structural = 2 };
constexpr std::array<std::uint8_t, 256> make_kinds() {
    std::array<std::uint8_t, 256> kinds{};
    for (const char c : std::string_view(" \t\r\n,:")) kinds[static_cast<unsigned char>(c)] = ends_scalar;
    for (const char c : std::string_view("[]{}\""))
        kinds[static_cast<unsigned char>(c)] = ends_scalar | structural;
    return kinds;
}
constexpr auto kinds = make_kinds();

const char* find_kind(const char* p, const char* end, Kind kind) noexcept {
    while (p < end && (kinds[static_cast<unsigned char>(*p)] & kind) == 0) ++p;
    return p;
}

// Behind the container that opens at `p`, or nullptr when it does not end. Brackets are counted, not matched.
const char* skip_container(const char* p, const char* end) noexcept {
    std::size_t open = 0;
    for (;;) {
        p = find_kind(p, end, structural);
        if (p == end) return nullptr;
        if (*p == '"') {
            p = skip_string(p, end);
            if (p == nullptr) return nullptr;
            continue;
        }
        if (*p == '[' || *p == '{')
            ++open;
        else if (--open == 0)
            return p + 1;
        ++p;
    }
}

// Behind the value that starts at `p`, or nullptr when there is none.
const char* skip_value(const char* p, const char* end) noexcept {
    if (p == end) return nullptr;
    if (*p == '"') return skip_string(p, end);
    if (*p == '[' || *p == '{') return skip_container(p, end);
    const char* behind = find_kind(p, end, ends_scalar);
    return behind == p ? nullptr : behind;
}

// Walks the members of a container. A member's value is stepped over only when the next one is asked for:
// whoever has found his way need not know where it ends.
class Members {
  public:
    Members(std::string_view container, char opener) noexcept
        : p_(container.data()), end_(p_ + container.size()), object_(opener == '{') {
        p_ = skip_space(p_, end_);
        if (p_ == end_ || *p_ != opener)
            p_ = nullptr;
        else
            ++p_;
    }

    // False behind the last member, or where the structure makes no sense.
    bool next() noexcept {
        if (p_ == nullptr) return false;
        if (!first_ && !step_over_value()) return false;
        first_ = false;
        p_ = skip_space(p_, end_);
        if (object_ && !read_key()) return false;
        return p_ < end_ && std::string_view(",:]}").find(*p_) == std::string_view::npos;
    }

    [[nodiscard]] std::string_view key() const noexcept { return key_; }  // inside of the literal
    // From the member's value to the end of the text.
    [[nodiscard]] std::string_view rest() const noexcept { return between(p_, end_); }

  private:
    bool step_over_value() noexcept {
        p_ = skip_value(p_, end_);
        if (p_ == nullptr) return false;
        p_ = skip_space(p_, end_);
        return p_ < end_ && *p_++ == ',';
    }

    bool read_key() noexcept {
        const char* start = p_;
        if (p_ == end_ || *p_ != '"' || (p_ = skip_string(p_, end_)) == nullptr) return false;
        key_ = between(start + 1, p_ - 1);
        p_ = skip_space(p_, end_);
        if (p_ == end_ || *p_++ != ':') return false;
        p_ = skip_space(p_, end_);
        return true;
    }

    const char* p_;
    const char* end_;
    std::string_view key_;
    bool object_;
    bool first_ = true;
};

// An array index as RFC 6901 writes it: no sign, no leading zero.
std::optional<std::size_t> parse_index(std::string_view token) noexcept {
    if (token.empty() || token.size() > 9 || (token.size() > 1 && token.front() == '0')) return std::nullopt;
    std::size_t index = 0;
    for (const char c : token) {
        if (!is_digit(c)) return std::nullopt;
        index = index * 10 + static_cast<std::size_t>(c - '0');
    }
    return index;
}

std::optional<std::string_view> from_member(std::string_view object, std::string_view name) noexcept {
    Members members(object, '{');
    while (members.next()) {
        if (spells(members.key(), name)) return members.rest();
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string_view> first_value(std::string_view text) noexcept {
    const char* end = text.data() + text.size();
    const char* start = skip_space(text.data(), end);
    const char* behind = skip_value(start, end);
    if (behind == nullptr) return std::nullopt;
    return between(start, behind);
}

std::optional<std::string_view> from_element(std::string_view array, std::size_t index) noexcept {
    Members members(array, '[');
    for (std::size_t i = 0; members.next(); ++i) {
        if (i == index) return members.rest();
    }
    return std::nullopt;
}

std::optional<std::string_view> element(std::string_view array, std::size_t index) noexcept {
    const auto found = from_element(array, index);
    return found ? first_value(*found) : std::nullopt;
}

std::optional<std::string_view> member(std::string_view object, std::string_view name) noexcept {
    const auto found = from_member(object, name);
    return found ? first_value(*found) : std::nullopt;
}

std::optional<Pointer> Pointer::parse(std::string_view text) {
    Pointer pointer;
    pointer.text_ = text;
    if (text.empty()) return pointer;
    if (text.front() != '/') return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '/') {
            pointer.tokens_.emplace_back();
        } else if (text[i] != '~') {
            pointer.tokens_.back() += text[i];
        } else {
            const char escape = ++i < text.size() ? text[i] : '\0';
            if (escape != '0' && escape != '1') return std::nullopt;
            pointer.tokens_.back() += escape == '0' ? '~' : '/';
        }
    }
    return pointer;
}

std::optional<std::string_view> Pointer::find(std::string_view value) const noexcept {
    value.remove_prefix(std::min(value.find_first_not_of(" \t\r\n"), value.size()));
    for (const std::string& token : tokens_) {
        const auto index = parse_index(token);
        const auto found = value.starts_with('{') ? from_member(value, token)
                           : index                ? from_element(value, *index)
                                                  : std::nullopt;
        if (!found) return std::nullopt;
        value = *found;
    }
    return first_value(value);
}

bool Pointer::is_ambiguous(std::string_view value) const noexcept {
    value.remove_prefix(std::min(value.find_first_not_of(" \t\r\n"), value.size()));
    for (const std::string& token : tokens_) {
        const auto index = parse_index(token);
        std::optional<std::string_view> found;
        if (value.starts_with('{')) {
            Members members(value, '{');
            while (members.next()) {
                if (!spells(members.key(), token)) continue;
                if (found) return true;
                found = members.rest();
            }
        } else if (index) {
            found = from_element(value, *index);
        }
        if (!found) return false;
        value = *found;
    }
    return false;
}

}  // namespace forestay::wire::json
