#include "rules/rule_set.h"

#include <algorithm>
#include <set>

namespace forestay::rules {

using wire::json::Pointer;
namespace json = wire::json;
namespace socketio = wire::socketio;

namespace {

constexpr std::size_t name_bytes = 64;
constexpr std::size_t id_bytes = 256;
constexpr unsigned attempts_max = 5;
constexpr std::chrono::milliseconds shortest{10};
constexpr std::chrono::milliseconds longest = std::chrono::hours(24);

bool is_scalar(std::string_view raw) {
    return !raw.empty() && raw.front() != '[' && raw.front() != '{';
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes && name.front() >= 'a' && name.front() <= 'z' &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// Compiles one specification; what is wrong goes to the list.
class Compiler {
  public:
    Compiler(std::size_t index, const RuleSpec& spec, std::vector<Problem>& problems)
        : index_(index), spec_(spec), problems_(problems) {}

    std::optional<Rule> compile() {
        const std::size_t before = problems_.size();
        name();
        match();
        id();
        answer();
        timeout();
        fallback();
        late_answer();
        upstream_lost();
        if (problems_.size() != before) return std::nullopt;
        return std::move(rule_);
    }

  private:
    void problem(std::string field, std::string message) {
        problems_.push_back({index_, std::move(field), std::move(message)});
    }
    void event_name(const std::string& field, const std::string& name) {
        if (name.empty())
            problem(field, "must name an event");
        else if (socketio::is_reserved(name))
            problem(field, "\"" + name + "\" is reserved by Socket.IO: no peer may emit it");
    }
    std::optional<Pointer> pointer(const std::string& field, const std::string& text) {
        auto parsed = text.empty() ? std::nullopt : Pointer::parse(text);
        if (!parsed) problem(field, "\"" + text + "\" is no JSON Pointer; write it like /message_id");
        return parsed;
    }

    void name() {
        rule_.name = spec_.name;
        if (!is_name(spec_.name)) {
            problem(
                "name",
                "must be a-z, 0-9 and _, begin with a letter, at most 64 characters: it is a metric label");
        }
    }
    void match() {
        event_name("match.event", spec_.match.event);
        rule_.match.name = spec_.match.event;
        rule_.match.nsp = spec_.match.nsp;
        rule_.match.ack = spec_.match.ack;
        if (spec_.match.nsp && !spec_.match.nsp->starts_with('/')) {
            problem("match.namespace", "must begin with /");
        }
        for (const ConditionSpec& one : spec_.match.where) {
            auto at = pointer("match.where", one.pointer);
            const std::string equals = one.equals.value_or("null");
            const auto value = json::validate(equals) ? std::nullopt : json::first_value(equals);
            if (!value || !is_scalar(*value))
                problem("match.where", "compares with a scalar, not with " + equals);
            else if (at)
                rule_.match.where.push_back({std::move(*at), {std::string(*value)}, {}, {}});
        }
    }
    void id() {
        if (spec_.id == "ack") {
            rule_.id_source = IdSource::ack;
            if (spec_.match.ack == false) problem("id", "`ack` contradicts match.ack: false");
        } else if (spec_.id == "order") {
            rule_.id_source = IdSource::order;
        } else {
            rule_.id_source = IdSource::pointer;
            if (auto at = pointer("id", spec_.id)) rule_.id = std::move(*at);
        }
    }
    void answer() {
        for (const std::string& event : spec_.answer.event) event_name("answer.event", event);
        rule_.answer.names = spec_.answer.event;
        if (rule_.id_source == IdSource::ack) {
            if (!spec_.answer.event.empty() || !spec_.answer.id.empty()) {
                problem(
                    "answer",
                    "with id: ack the ACK is the answer; remove it, or say where the id is in the request");
            }
            return;
        }
        if (spec_.answer.event.empty())
            problem("answer.event", "is needed: which event answers the request?");
        if (spec_.answer.id.empty()) return;
        if (rule_.id_source == IdSource::order)
            problem("answer.id", "has no meaning with id: order; remove it");
        else
            rule_.answer.id = pointer("answer.id", spec_.answer.id);
    }
    void timeout() {
        rule_.timeout = spec_.timeout;
        if (spec_.timeout < shortest || spec_.timeout > longest)
            problem("timeout", "must be between 10ms and 24h");
    }
    void fallback() {
        const auto& given = spec_.fallback;
        if (given.ack.has_value() == !given.event.empty()) {
            problem("fallback", given.ack ? "is either an event or an ack, not both"
                                          : "is needed: {event: NAME, data: ...} or {ack: [...]}");
            return;
        }
        std::string why;
        if (given.ack) {
            if (rule_.id_source != IdSource::ack && spec_.match.ack != true) {
                problem("fallback.ack", "needs an ack id in every request: id: ack, or match: {ack: true}");
            }
            if (!given.data.empty())
                problem("fallback.data",
                        "belongs to the event form; the values of an ack are in fallback.ack");
            const std::size_t first = given.ack->find_first_not_of(" \t\r\n");
            if (first == std::string::npos || (*given.ack)[first] != '[') {
                problem("fallback.ack", "must be a list: the values that the client's callback gets");
                return;
            }
            auto data = MessageTemplate::compile(*given.ack, why);
            if (!data) return problem("fallback.ack", why);
            rule_.fallback.data = std::move(*data);
            return;
        }
        event_name("fallback.event", given.event);
        rule_.fallback.event = given.event;
        auto data = MessageTemplate::compile(given.data.empty() ? "null" : given.data, why);
        if (!data) return problem("fallback.data", why);
        rule_.fallback.data = std::move(*data);
    }
    void late_answer() {
        if (spec_.late_rename) {
            rule_.late_answer = LateAnswer::rename;
            rule_.late_name = *spec_.late_rename;
            event_name("late_answer.rename", *spec_.late_rename);
        } else if (spec_.late_answer == "drop") {
            rule_.late_answer = LateAnswer::drop;
        } else if (spec_.late_answer == "deliver") {
            rule_.late_answer = LateAnswer::deliver;
        } else {
            problem("late_answer", "must be drop, deliver or {rename: NAME}");
        }
    }

    void upstream_lost() {
        if (spec_.on_upstream_lost == "answer") {
            rule_.on_upstream_lost = OnUpstreamLost::answer;
        } else if (spec_.on_upstream_lost != "hold") {
            problem("on_upstream_lost", "must be hold or answer");
        }
        if (spec_.retry.on.empty()) return;
        rule_.retry.attempts = spec_.retry.attempts;
        rule_.retry.upstream_lost = true;
        if (spec_.retry.attempts < 1 || spec_.retry.attempts > attempts_max)
            problem("retry.attempts", "must be 1 to 5");
        if (!spec_.repeatable) {
            problem(
                "retry",
                "sends the request to an app that may have done the work already: say repeatable: true if "
                "doing it twice is safe");
        }
    }

    std::size_t index_;
    const RuleSpec& spec_;
    std::vector<Problem>& problems_;
    Rule rule_;
};

bool holds(const Condition& condition, const Message& message) {
    const auto found = condition.pointer.find(message.body);
    return found && is_scalar(*found) && json::same_scalar(*found, condition.one_of.front());
}

bool matches(const Rule& rule, const Message& message) {
    const Match& match = rule.match;
    if (rule.id_source == IdSource::ack && !message.ack) return false;
    if (match.ack && *match.ack != message.ack) return false;
    if (match.nsp && message.nsp != *match.nsp) return false;
    if (match.name != "*" && message.name != match.name) return false;
    return std::all_of(match.where.begin(), match.where.end(),
                       [&](const Condition& condition) { return holds(condition, message); });
}

}  // namespace

RuleSet RuleSet::compile(const std::vector<RuleSpec>& specs, std::vector<Problem>& problems) {
    RuleSet made;
    std::set<std::string> names;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        auto rule = Compiler(i, specs[i], problems).compile();
        if (!names.insert(specs[i].name).second) {
            problems.push_back(
                {i, "name",
                 "\"" + specs[i].name + "\" is the name of another rule; names are metric labels"});
        } else if (rule) {
            const auto at = static_cast<std::uint32_t>(made.rules_.size());
            for (const std::string& event : rule->answer.names)
                made.signals_[rule->match.json][event].push_back({at, SignalKind::answer});
            made.rules_.push_back(std::move(*rule));
        }
    }
    return made;
}

std::optional<std::size_t> RuleSet::match(const Message& message, const Peer&) const {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (matches(rules_[i], message)) return i;
    }
    return std::nullopt;
}

std::span<const Hearing> RuleSet::hearing(const Message& message) const {
    const auto& by_name = signals_[message.json];
    const auto found = by_name.find(message.name);
    if (found == by_name.end()) return {};
    return found->second;
}

std::optional<std::string_view> id_text(const Pointer& pointer, std::string_view body) {
    const auto found = pointer.find(body);
    if (!found || !is_scalar(*found) || *found == "null" || found->size() > id_bytes) return std::nullopt;
    return found;
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
