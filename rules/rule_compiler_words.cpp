// What is said to the client: fallbacks, its place in line, the new name of what comes late.

#include "rules/rule_compiler.h"

namespace forestay::rules {

MessageTemplate RuleCompiler::words(const std::string& field, const std::string& json, Purpose purpose) {
    std::string why;
    auto made = MessageTemplate::compile(json, why, purpose);
    if (made) return std::move(*made);
    problem(field, why);
    return {};
}

Fallback RuleCompiler::fallback(const std::string& field, const FallbackSpec& given, Purpose purpose,
                                bool ack_allowed) {
    if (rule_.match.json) return message(field, given, purpose);
    if (given.message)
        problem(field + ".message", "belongs to match.type; an event's fallback is {event: NAME, data: ...}" +
                                        std::string(ack_allowed ? " or {ack: [...]}" : ""));
    Fallback made;
    if (given.ack && !ack_allowed) {
        problem(field + ".ack", "would be the answer; it is {event: NAME, data: ...}");
    } else if (given.ack && !given.event.empty()) {
        problem(field, "is either an event or an ack, not both");
    } else if (given.ack) {
        if (!given.data.empty())
            problem(field + ".data",
                    "belongs to the event form; the values of an ack are in " + field + ".ack");
        ack_words(field + ".ack", *given.ack, purpose, made);
    } else if (!given.event.empty()) {
        word(field + ".event", given.event);
        made.event = given.event;
        made.data = words(field + ".data", given.data.empty() ? "null" : given.data, purpose);
    } else if (!given.message) {
        problem(field, ack_allowed ? "is needed: {event: NAME, data: ...} or {ack: [...]}"
                                   : "is needed: {event: NAME, data: ...}");
    }
    return made;
}

Fallback RuleCompiler::message(const std::string& field, const FallbackSpec& given, Purpose purpose) {
    const std::string elsewhere =
        "belongs to Socket.IO; with match.type the whole message is in " + field + ".message";
    if (!given.event.empty()) problem(field + ".event", elsewhere);
    if (given.ack) problem(field + ".ack", elsewhere);
    if (!given.data.empty()) problem(field + ".data", elsewhere);
    if (given.message) return {{}, words(field + ".message", *given.message, purpose)};
    if (!given.given()) problem(field, "is needed: {message: {...}}");
    return {};
}

void RuleCompiler::ack_words(const std::string& field, const std::string& json, Purpose purpose,
                             Fallback& made) {
    if (rule_.id_source != IdSource::ack && spec_.match.ack != true)
        problem(field, "needs an ack id in every request: id: ack, or match: {ack: true}");
    const std::size_t first = json.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || json[first] != '[')
        return problem(field, "must be a list: the values that the client's callback gets");
    made.data = words(field, json, purpose);
}

void RuleCompiler::late_answer() {
    if (spec_.late_rename) {
        rule_.late_answer = LateAnswer::rename;
        rule_.late_name = *spec_.late_rename;
        word("late_answer.rename", *spec_.late_rename);
    } else if (spec_.late_answer == "deliver") {
        rule_.late_answer = LateAnswer::deliver;
    } else if (spec_.late_answer != "drop") {
        problem("late_answer", "must be drop, deliver or {rename: NAME}");
    }
}

}  // namespace forestay::rules
