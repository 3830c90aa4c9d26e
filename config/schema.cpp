#include "config/schema.h"

#include <algorithm>

namespace forestay::config {
namespace {

Schema& child(Schema& parent, std::string_view name) {
    for (auto& [known, schema] : parent.children) {
        if (known == name) return schema;
    }
    return parent.children.emplace_back(Schema::Child{name, {}}).schema;
}

Schema build() {
    Schema root;
    for (const Key& key : keys()) {
        Schema* at = &root;
        for (std::string_view rest = key.path; !rest.empty();) {
            std::string_view name = rest.substr(0, rest.find('.'));
            rest.remove_prefix(std::min(name.size() + 1, rest.size()));
            if (name.ends_with("[]")) name.remove_suffix(2);
            at = &child(*at, name);
        }
        at->key = &key;
    }
    return root;
}

// How many insertions, deletions, replacements and swaps of neighbours lead from one to the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1,
                                   rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
            }
        }
    }
    return rows[a.size()][b.size()];
}

}  // namespace

const Schema* Schema::find(std::string_view name) const {
    for (const auto& [known, schema] : children) {
        if (known == name) return &schema;
    }
    return nullptr;
}

const Schema& schema() {
    static const Schema root = build();
    return root;
}

std::vector<std::string_view> split_words(std::string_view words) {
    std::vector<std::string_view> out;
    while (!words.empty()) {
        out.push_back(words.substr(0, words.find('|')));
        words.remove_prefix(std::min(out.back().size() + 1, words.size()));
    }
    return out;
}

std::pair<std::string_view, std::string_view> split_range(std::string_view bounds) {
    const auto dots = bounds.find("..");
    return {bounds.substr(0, dots), bounds.substr(dots + 2)};
}

std::string_view name(Type type) {
    switch (type) {
        case Type::section:
            return "a map of keys";
        case Type::choice:
            return "a word";
        case Type::boolean:
            return "true or false";
        case Type::integer:
            return "a whole number";
        case Type::duration:
            return "a duration such as 30s";
        case Type::size:
            return "a size such as 64KiB";
        case Type::rate:
            return "a rate such as 100/s";
        case Type::percent:
            return "a share such as 50%";
        case Type::text:
            return "text";
        case Type::file:
            return "the path of a file";
        case Type::address:
            return "an address such as 0.0.0.0:8080";
        case Type::url:
            return "a URL such as http://127.0.0.1:5000";
        case Type::network:
            return "a network such as 10.0.0.0/8";
        case Type::path:
            return "a path such as /socket.io/";
        case Type::header:
            return "the name of a header";
        case Type::json:
            return "a JSON value";
        case Type::json_scalar:
            return "text, a number, true, false or null";
    }
    return {};
}

std::string suggestion(const Schema& parent, std::string_view unknown) {
    constexpr std::size_t longest = 40;
    if (unknown.size() > longest) return {};
    std::string_view best;
    std::size_t nearest = 3;  // more typing errors than two are another word
    for (const auto& [known, schema] : parent.children) {
        const std::size_t away = distance(unknown, known);
        if (known != "*" && away < nearest && away * 2 < known.size()) {
            best = known;
            nearest = away;
        }
    }
    if (!best.empty()) return std::string(best);
    // The right word in the wrong place.
    for (const Key& key : keys()) {
        if (key.path.size() > unknown.size() && key.path.ends_with(unknown) &&
            key.path[key.path.size() - unknown.size() - 1] == '.') {
            return std::string(key.path);
        }
    }
    return {};
}

}  // namespace forestay::config
