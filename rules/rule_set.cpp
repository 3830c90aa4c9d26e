#include "rules/rule_set.h"

#include <algorithm>
#include <set>

#include "rules/rule_compiler.h"

namespace forestay::rules {

using wire::json::Pointer;
namespace json = wire::json;

namespace {

constexpr std::size_t id_bytes = 256;

// A string counts without its escapes: the other side may write it with others.
bool may_be_id(std::string_view raw) {
    if (raw.empty() || raw.front() == '[' || raw.front() == '{' || raw == "null") return false;
    if (raw.size() <= id_bytes || raw.front() != '"') return raw.size() <= id_bytes;
    constexpr std::size_t escape = 6;  // \u0061
    if (raw.size() > escape * id_bytes) return false;
    const auto text = json::unescape(raw);
    return text && text->size() + 2 <= id_bytes;
}

// Engine.IO endpoints are reached with and without their last slash.
bool same_path(std::string_view a, std::string_view b, bool json) {
    if (json) return a == b;
    const auto bare = [](std::string_view path) { return path.substr(0, path.size() - path.ends_with('/')); };
    return bare(a) == bare(b);
}

bool holds(const Condition& condition, std::string_view body) {
    const auto found = condition.pointer.find(body);
    if (condition.exists && *condition.exists != found.has_value()) return false;
    if (!condition.one_of.empty()) {
        const auto same = [&](const std::string& one) { return json::same_scalar(*found, one); };
        if (!found || std::none_of(condition.one_of.begin(), condition.one_of.end(), same)) return false;
    }
    return !condition.matches || (found && matches(condition.matches, *found));
}

bool is_one_of(const std::vector<std::string>& subjects, std::string_view who) {
    return !who.empty() && std::any_of(subjects.begin(), subjects.end(),
                                       [&](const std::string& one) { return one == "*" || one == who; });
}

// All but the dialect and the name, which led to this rule.
bool is_about(const Rule& rule, const Message& message, const Peer& peer) {
    const Match& match = rule.match;
    if (rule.id_source == IdSource::ack && !message.ack) return false;
    if (match.ack && *match.ack != message.ack) return false;
    if (match.nsp && message.nsp != *match.nsp) return false;
    if (!match.path.empty() && !same_path(match.path, peer.path, match.json)) return false;
    if (!match.who.empty() && !is_one_of(match.who, peer.who)) return false;
    return std::all_of(match.where.begin(), match.where.end(),
                       [&](const Condition& condition) { return holds(condition, message.body); });
}

}  // namespace

RuleSet RuleSet::compile(const std::vector<RuleSpec>& specs, std::vector<Problem>& problems) {
    RuleSet made;
    std::set<std::string> names;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        auto rule = RuleCompiler(i, specs[i], problems).compile();
        if (!names.insert(specs[i].name).second) {
            problems.push_back(
                {i, "name",
                 "\"" + specs[i].name + "\" is the name of another rule; names are metric labels"});
        } else if (rule) {
            made.add(std::move(*rule));
        }
    }
    return made;
}

void RuleSet::add(Rule rule) {
    const auto at = static_cast<std::uint32_t>(rules_.size());
    const bool json = rule.match.json;
    (json ? any_json_ : any_socketio_) = true;
    if (rule.match.name == "*") {
        for_any_[json].push_back(at);
        for (auto& [name, candidates] : requests_[json]) candidates.push_back(at);
    } else {
        const auto [found, first] = requests_[json].try_emplace(rule.match.name);
        if (first) found->second = for_any_[json];
        found->second.push_back(at);
    }
    const auto listen = [&](const Signal& signal, SignalKind kind) {
        for (const std::string& name : signal.names) signals_[json][name].push_back({at, kind});
    };
    listen(rule.answer, SignalKind::answer);
    listen(rule.progress, SignalKind::progress);
    listen(rule.partial, SignalKind::partial);
    rules_.push_back(std::move(rule));
}

std::optional<std::size_t> RuleSet::match(const Message& message, const Peer& peer) const {
    if (!any(message.json)) return std::nullopt;
    const auto& by_name = requests_[message.json];
    const auto found = by_name.find(message.name);
    for (const std::uint32_t at : found == by_name.end() ? for_any_[message.json] : found->second) {
        if (is_about(rules_[at], message, peer)) return at;
    }
    return std::nullopt;
}

std::span<const Hearing> RuleSet::hearing(const Message& message) const {
    const auto& by_name = signals_[message.json];
    if (by_name.empty()) return {};
    const auto found = by_name.find(message.name);
    if (found == by_name.end()) return {};
    return found->second;
}

std::optional<std::string_view> id_text(const Pointer& pointer, std::string_view body) {
    const auto found = pointer.find(body);
    return found && may_be_id(*found) ? found : std::nullopt;
}

std::optional<std::string> id_key(const Pointer& pointer, std::string_view body) {
    const auto text = id_text(pointer, body);
    if (!text) return std::nullopt;
    if (text->front() != '"') return std::string(*text);
    auto unescaped = json::unescape(*text);
    if (!unescaped) return std::nullopt;
    return '"' + *unescaped;  // the quote tells a string from a number that reads the same
}

}  // namespace forestay::rules
