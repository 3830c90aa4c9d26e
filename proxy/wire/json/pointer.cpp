// Finding values by following the structure only: nothing is checked that is not needed to find the way.

#include "proxy/wire/json/scan.h"
#include "proxy/wire/json/string_scan.h"

namespace forestay::wire::json {
namespace {

std::string_view between(const char* from, const char* to) {
    return {from, static_cast<std::size_t>(to - from)};
}

// Behind the container that opens at `p`, or nullptr when it does not end. Brackets are counted, not matched.
const char* skip_container(const char* p, const char* end) noexcept {
    std::size_t open = 0;
    while (p < end) {
        switch (*p) {
            case '"':
                p = skip_string(p, end);
                if (p == nullptr) return nullptr;
                continue;
            case '[':
            case '{':
                ++open;
                break;
            case ']':
            case '}':
                if (--open == 0) return p + 1;
                break;
            default:
                break;
        }
        ++p;
    }
    return nullptr;
}

// Behind the value that starts at `p`, or nullptr when there is none.
const char* skip_value(const char* p, const char* end) noexcept {
    if (p == end) return nullptr;
    if (*p == '"') return skip_string(p, end);
    if (*p == '[' || *p == '{') return skip_container(p, end);
    const char* start = p;
    while (p < end && !is_space(*p) && std::string_view(",:]}[{\"").find(*p) == std::string_view::npos) ++p;
    return p == start ? nullptr : p;
}

// Walks the members of a container. For objects `key` is the raw literal before each value.
class Members {
  public:
    explicit Members(std::string_view container, char opener) noexcept
        : p_(container.data()), end_(p_ + container.size()), object_(opener == '{') {
        p_ = skip_space(p_, end_);
        done_ = p_ == end_ || *p_ != opener;
        if (!done_) ++p_;
    }

    // False behind the last member, or where the structure makes no sense.
    bool next() noexcept {
        if (done_) return false;
        done_ = true;
        p_ = skip_space(p_, end_);
        if (object_) {
            const char* start = p_;
            if (p_ == end_ || *p_ != '"' || (p_ = skip_string(p_, end_)) == nullptr) return false;
            key = between(start, p_);
            p_ = skip_space(p_, end_);
            if (p_ == end_ || *p_ != ':') return false;
            p_ = skip_space(p_ + 1, end_);
        }
        const char* start = p_;
        if ((p_ = skip_value(p_, end_)) == nullptr) return false;
        value = between(start, p_);
        p_ = skip_space(p_, end_);
        if (p_ < end_ && *p_ == ',') {
            ++p_;
            done_ = false;
        }
        return true;
    }

    std::string_view key;
    std::string_view value;

  private:
    const char* p_;
    const char* end_;
    bool object_;
    bool done_ = false;
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

std::optional<std::string_view> member(std::string_view object, std::string_view name) noexcept {
    Members members(object, '{');
    while (members.next()) {
        if (spells(members.key.substr(1, members.key.size() - 2), name)) return members.value;
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

std::optional<std::string_view> element(std::string_view array, std::size_t index) noexcept {
    Members members(array, '[');
    for (std::size_t i = 0; members.next(); ++i) {
        if (i == index) return members.value;
    }
    return std::nullopt;
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
    auto found = first_value(value);
    for (const std::string& token : tokens_) {
        if (!found) return std::nullopt;
        if (found->front() == '{') {
            found = member(*found, token);
        } else if (const auto index = parse_index(token)) {
            found = element(*found, *index);
        } else {
            return std::nullopt;
        }
    }
    return found;
}

}  // namespace forestay::wire::json
