#include "rules/rule_compiler.h"

#include <algorithm>
#include <set>

namespace forestay::rules {

using wire::json::Pointer;
namespace json = wire::json;
namespace socketio = wire::socketio;

namespace {

constexpr std::size_t name_bytes = 64;

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes && name.front() >= 'a' && name.front() <= 'z' &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

std::optional<Rule> RuleCompiler::compile() {
    const std::size_t before = problems_.size();
    name();
    match();
    schema();
    if (spec_.timeout == Duration{0} && !spec_.schema.empty()) {
        only_checks();
    } else {
        id();
        answer();
        progress();
        partial();
        heard_once();
        timeout();
        rule_.fallback = fallback("fallback", spec_.fallback,
                                  rule_.schema ? Purpose::checked_fallback : Purpose::fallback, true);
        late_answer();
        upstream_lost();
        retry();
        repeat();
        queue();
        breaker();
        rate();
    }
    if (problems_.size() != before) return std::nullopt;
    return std::move(rule_);
}

void RuleCompiler::problem(std::string field, std::string message) {
    problems_.push_back({index_, std::move(field), std::move(message)});
}

void RuleCompiler::word(const std::string& field, const std::string& name) {
    if (name.empty())
        problem(field, rule_.match.json ? "must name a type" : "must name an event");
    else if (!rule_.match.json && socketio::is_reserved(name))
        problem(field, "\"" + name + "\" is reserved by Socket.IO: no peer may emit it");
}

std::optional<Pointer> RuleCompiler::pointer(const std::string& field, const std::string& text) {
    auto parsed = text.empty() ? std::nullopt : Pointer::parse(text);
    if (!parsed) problem(field, "\"" + text + "\" is no JSON Pointer; write it like /message_id");
    return parsed;
}

void RuleCompiler::name() {
    rule_.name = spec_.name;
    if (!is_name(spec_.name)) {
        problem("name",
                "must be a-z, 0-9 and _, begin with a letter, at most 64 characters: it is a metric label");
    }
}

void RuleCompiler::match() {
    const auto& given = spec_.match;
    Match& made = rule_.match;
    made.json = !given.type.empty();
    made.name = made.json ? given.type : given.event;
    if (made.json && !given.event.empty())
        problem("match.type", "stands beside match.event: a rule is about one of them; make two rules");
    else if (made.name.empty())
        problem("match.event",
                "is needed: which event? (Of a JSON websocket: match.type, the type of the message.)");
    else
        word(made.json ? "match.type" : "match.event", made.name);

    made.nsp = given.nsp;
    if (given.nsp && made.json)
        problem("match.namespace", "belongs to Socket.IO, and match.type to JSON websockets; remove one");
    else if (given.nsp && !given.nsp->starts_with('/'))
        problem("match.namespace", "must begin with /");
    else if (given.nsp && given.nsp->find_first_of(",?") != std::string::npos)
        problem("match.namespace", "never matches: no namespace has a comma, and a query is no part of it");
    made.ack = given.ack;
    if (given.ack && made.json)
        problem("match.ack", "belongs to Socket.IO, and match.type to JSON websockets; remove one");
    made.path = given.path;
    if (!given.path.empty() && !given.path.starts_with('/')) problem("match.path", "must begin with /");
    made.who = given.who;
    if (std::find(given.who.begin(), given.who.end(), "") != given.who.end())
        problem("match.who", "must name a subject, or be \"*\" for any that is known");
    for (const ConditionSpec& one : given.where) where(one);
}

void RuleCompiler::where(const ConditionSpec& given) {
    Condition made;
    if (auto at = pointer("match.where", given.pointer)) made.pointer = std::move(*at);
    if (given.equals) {
        if (auto value = scalar(*given.equals)) made.one_of.push_back(std::move(*value));
        if (!given.one_of.empty())
            problem("match.where",
                    given.pointer + " has both a value and one_of; put the value into the list");
    }
    for (const std::string& one : given.one_of) {
        if (auto value = scalar(one)) made.one_of.push_back(std::move(*value));
    }
    made.exists = given.exists;
    if (given.matches) {
        std::string why;
        made.matches = compile_pattern(*given.matches, why);
        if (!made.matches) problem("match.where", given.pointer + ": matches " + why);
    }
    if (made.exists == false && (!made.one_of.empty() || made.matches))
        problem("match.where", given.pointer + " can not have a value and not exist; remove one");
    if (!given.equals && given.one_of.empty() && !given.exists && !given.matches)
        problem("match.where", given.pointer + " asks for nothing; give a value, one_of, exists or matches");
    rule_.match.where.push_back(std::move(made));
}

std::optional<std::string> RuleCompiler::scalar(const std::string& given) {
    const auto value = json::validate(given) ? std::nullopt : json::first_value(given);
    if (value && value->front() != '[' && value->front() != '{') return std::string(*value);
    problem("match.where", "compares with a scalar, not with " + given);
    return std::nullopt;
}

void RuleCompiler::schema() {
    if (spec_.schema.empty()) return;
    std::string why;
    rule_.schema = Schema::compile(spec_.schema, why);
    if (!rule_.schema) problem("schema", why);
}

void RuleCompiler::id() {
    if (spec_.id == "ack") {
        rule_.id_source = IdSource::ack;
        if (rule_.match.json)
            problem("id", "is needed: a JSON Pointer such as /message_id, or order");
        else if (spec_.match.ack == false)
            problem("id", "`ack` contradicts match.ack: false");
    } else if (spec_.id == "order") {
        rule_.id_source = IdSource::order;
    } else {
        rule_.id_source = IdSource::pointer;
        if (auto at = pointer("id", spec_.id)) rule_.id = std::move(*at);
    }
}

void RuleCompiler::answer() {
    if (rule_.id_source == IdSource::ack && !rule_.match.json) {
        if (!spec_.answer.event.empty() || !spec_.answer.id.empty()) {
            problem("answer",
                    "with id: ack the ACK is the answer; remove it, or say where the id is in the request");
        }
        return;
    }
    if (spec_.answer.event.empty()) {
        problem("answer.event", rule_.match.json ? "is needed: a message of which type answers the request?"
                                                 : "is needed: which event answers the request?");
    }
    signal("answer", spec_.answer, rule_.answer);
}

void RuleCompiler::progress() {
    if (!spec_.progress.id.empty() && spec_.progress.event.empty())
        problem("progress.event", "is needed: what is a sign of progress?");
    signal("progress", spec_.progress, rule_.progress);
}

void RuleCompiler::partial() {
    const SignalSpec& given = spec_.partial;
    if (given.event.empty() && given.id.empty() && !spec_.abort.given()) return;
    signal("partial", given, rule_.partial);
    if (given.event.empty()) {
        if (spec_.progress.event.empty())
            problem("partial.event",
                    "is needed: which are parts of the answer? (Without it all progress is.)");
        // Whatever is progress is a part: it is heard once, as that.
        rule_.partial.names = std::exchange(rule_.progress.names, {});
        if (!rule_.partial.id) rule_.partial.id = std::exchange(rule_.progress.id, std::nullopt);
    }
    if (!spec_.abort.given()) {
        problem("partial.fallback", "is needed: what is said when the rest of the answer does not come?");
        return;
    }
    rule_.abort = fallback("partial.fallback", spec_.abort, Purpose::fallback, true);
}

void RuleCompiler::signal(const std::string& field, const SignalSpec& given, Signal& made) {
    for (const std::string& name : given.event) {
        word(field + ".event", name);
        if (name == "*") problem(field + ".event", "must be names; \"*\" for any is for match only");
    }
    made.names = given.event;
    if (given.id.empty()) return;
    if (rule_.id_source == IdSource::pointer)
        made.id = pointer(field + ".id", given.id);
    else
        problem(field + ".id", "has no meaning with id: " + spec_.id + "; remove it");
}

// A message of the app is one thing to a rule: what it is must be clear from its name.
void RuleCompiler::heard_once() {
    std::set<std::string_view> seen;
    const auto once = [&](const std::string& field, const Signal& signal) {
        for (const std::string& name : signal.names) {
            if (!seen.insert(name).second)
                problem(field,
                        "\"" + name + "\" stands here or in another list already; a name says one thing");
        }
    };
    once("answer.event", rule_.answer);
    once("progress.event", rule_.progress);
    once("partial.event", rule_.partial);
}

}  // namespace forestay::rules
