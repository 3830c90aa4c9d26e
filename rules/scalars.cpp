#include "rules/scalars.h"

#include <optional>
#include <utility>

#include "proxy/wire/json/scan.h"

namespace forestay::rules {
namespace {

namespace json = wire::json;

constexpr std::size_t pointer_bytes = 200;

class Walk {
  public:
    explicit Walk(std::size_t most) : most_(most) {}

    // `text` begins with an object. `depth` bounds the recursion.
    void object(std::string_view text, const std::string& prefix, unsigned depth) {
        skip_to('{', text);
        while (members_ > 0 && found_.size() < most_) {
            --members_;
            const auto key = json::first_value(text);
            if (!key || !key->starts_with('"') || !step_over(*key, text) || !skip_to(':', text)) return;
            const auto value = json::first_value(text);
            if (!value || !step_over(*value, text)) return;
            member(*key, *value, prefix, depth);
            if (!skip_to(',', text)) return;
        }
    }

    std::vector<Scalar> take() { return std::move(found_); }

  private:
    void member(std::string_view key, std::string_view value, const std::string& prefix, unsigned depth) {
        const bool number = value.front() == '-' || (value.front() >= '0' && value.front() <= '9');
        const bool nested = value.front() == '{' && depth > 1;
        if (!number && !nested && value.front() != '"') return;
        std::string pointer = prefix + '/' + token(key);
        if (pointer.size() > pointer_bytes) return;
        if (nested)
            object(value, pointer, depth - 1);
        else
            found_.push_back({std::move(pointer), value});
    }

    static std::string token(std::string_view key) {
        std::string out;
        for (const char c : json::unescape(key).value_or("")) {
            if (c == '~')
                out += "~0";
            else if (c == '/')
                out += "~1";
            else
                out += c;
        }
        return out;
    }
    static bool step_over(std::string_view piece, std::string_view& text) {
        text.remove_prefix(static_cast<std::size_t>(piece.data() - text.data()) + piece.size());
        return !text.empty();
    }
    static bool skip_to(char wanted, std::string_view& text) {
        const auto at = text.find_first_not_of(" \t\r\n");
        if (at == std::string_view::npos || text[at] != wanted) return false;
        text.remove_prefix(at + 1);
        return true;
    }

    std::vector<Scalar> found_;
    std::size_t most_;
    std::size_t members_ = 256;
};

}  // namespace

std::vector<Scalar> scalars(std::string_view body, unsigned depth, std::size_t most) {
    Walk walk(most);
    const auto at = body.find_first_not_of(" \t\r\n");
    if (at != std::string_view::npos && body[at] == '{') walk.object(body.substr(at), {}, depth);
    return walk.take();
}

}  // namespace forestay::rules
