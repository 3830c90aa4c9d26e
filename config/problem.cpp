#include "config/problem.h"

#include <algorithm>
#include <tuple>

#include "proxy/wire/json/scan.h"

namespace forestay::config {

std::string to_string(const Place& place) {
    if (!place.source) return {};
    if (place.line == 0) return place.source->name;
    return place.source->name + ':' + std::to_string(place.line) + ':' + std::to_string(place.column);
}

std::string to_string(const Problem& problem) {
    std::string out = to_string(problem.at);
    if (!out.empty()) out += ": ";
    if (problem.severity == Severity::warning) out += "warning: ";
    return out + problem.message;
}

std::string quote(std::string_view text) {
    constexpr std::size_t shown_max = 120;
    std::string out = "\"";
    wire::json::append_escaped(out, text.substr(0, shown_max));
    return out + (text.size() > shown_max ? "...\"" : "\"");
}

std::vector<Problem> Problems::sorted() const {
    std::vector<Problem> out = all_;
    const auto key = [](const Problem& p) {
        return std::tuple(p.at.source ? p.at.source->order : -1, p.at.line, p.at.column);
    };
    std::stable_sort(out.begin(), out.end(),
                     [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
    return out;
}

void Problems::add(Severity severity, const Place& at, std::string message) {
    // A hostile file cannot make the list longer than somebody would read.
    constexpr std::size_t problems_max = 1000;
    if (severity == Severity::error) ++errors_;
    if (all_.size() < problems_max) all_.push_back({severity, at, std::move(message)});
}

}  // namespace forestay::config
