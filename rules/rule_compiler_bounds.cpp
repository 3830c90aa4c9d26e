// How long, how often, how many at once.

#include <algorithm>
#include <cmath>

#include "rules/rule_compiler.h"

namespace forestay::rules {

namespace {

constexpr Duration shortest{10};
constexpr Duration longest = std::chrono::hours(24);
constexpr Duration backoff_longest{30'000};
constexpr unsigned attempts_max = 5;
constexpr unsigned count_max = 100'000;
constexpr double rate_max = 1e6;

std::string written(Duration value) {
    const auto ms = value.count();
    if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
    if (ms % 1000 == 0) return std::to_string(ms / 1000) + "s";
    return std::to_string(ms) + "ms";
}

}  // namespace

void RuleCompiler::between(const std::string& field, Duration value, Duration least, Duration most) {
    if (value < least || value > most)
        problem(field, "must be between " + written(least) + " and " + written(most));
}

void RuleCompiler::timeout() {
    rule_.timeout = spec_.timeout;
    rule_.idle_first = spec_.idle_first;
    rule_.idle_next = spec_.idle_next;
    if (spec_.timeout == Duration{0})
        problem("timeout",
                "is needed: how long may the answer take? (A rule with a schema alone needs none.)");
    else
        between("timeout", spec_.timeout, shortest, longest);
    const auto idle = [&](const std::string& field, Duration value) {
        if (value == Duration{0}) return;
        between(field, value, shortest, longest);
        if (value >= spec_.timeout && spec_.timeout >= shortest)
            problem(field,
                    "has no effect: timeout comes first; make it shorter than " + written(spec_.timeout));
    };
    idle("idle_timeout.first", spec_.idle_first);
    if (spec_.idle_next == Duration{0} || spec_.idle_next == spec_.idle_first)
        return;  // one for both: told once
    idle("idle_timeout.next", spec_.idle_next);
    if (rule_.progress.names.empty() && rule_.partial.names.empty())
        problem("idle_timeout.next", "needs progress or partial: nothing else is a sign of progress");
}

// A rule with a schema and no timeout tracks nothing: whatever is about tracking says that one was forgotten.
// What breaks the schema is refused: by a fallback, or on a JSON websocket by its error message.
void RuleCompiler::only_checks() {
    rule_.tracks = false;
    rule_.id_source = IdSource::order;  // no message needs an id
    const RuleSpec plain;
    const std::pair<bool, const char*> others[] = {
        {spec_.id != plain.id, "id"},
        {!spec_.answer.event.empty() || !spec_.answer.id.empty(), "answer"},
        {!spec_.progress.event.empty() || !spec_.progress.id.empty(), "progress"},
        {!spec_.partial.event.empty() || !spec_.partial.id.empty() || spec_.abort.given(), "partial"},
        {spec_.fallback.given() && rule_.match.json, "fallback"},
        {spec_.idle_first + spec_.idle_next > Duration{0}, "idle_timeout"},
        {spec_.late_rename || spec_.late_answer != plain.late_answer, "late_answer"},
        {spec_.on_upstream_lost != plain.on_upstream_lost, "on_upstream_lost"},
        {spec_.repeatable, "repeatable"},
        {!spec_.retry.on.empty(), "retry"},
        {spec_.repeat.window > Duration{0}, "repeat"},
        {spec_.concurrency > 0, "concurrency"},
        {spec_.queue.given, "queue"},
        {spec_.breaker.given || spec_.breaker.failures > 0 || spec_.breaker.share > 0, "breaker"},
        {spec_.rate.per_second > 0, "rate"}};
    std::string found;
    for (const auto& [given, what] : others) {
        if (given) found += (found.empty() ? "" : ", ") + std::string(what);
    }
    if (!found.empty()) {
        return problem("timeout", "is needed with " + found +
                                      "; a rule without it only checks its schema and has nothing else");
    }
    if (spec_.fallback.ack && spec_.match.ack != true) {
        return problem("fallback.ack",
                       "needs match: {ack: true}: a rule without timeout only checks its schema, with and "
                       "without an ack (or was the timeout forgotten?)");
    }
    if (!rule_.match.json)
        rule_.fallback = fallback("fallback", spec_.fallback, Purpose::checked_fallback, true);
}

void RuleCompiler::upstream_lost() {
    if (spec_.on_upstream_lost == "answer")
        rule_.on_upstream_lost = OnUpstreamLost::answer;
    else if (spec_.on_upstream_lost != "hold")
        problem("on_upstream_lost", "must be hold or answer");
}

void RuleCompiler::retry() {
    const auto& given = spec_.retry;
    if (given.on.empty()) return;
    Retry& made = rule_.retry;
    made.attempts = given.attempts;
    made.backoff = given.backoff;
    for (const std::string& cause : given.on) {
        if (cause == "upstream_lost")
            made.upstream_lost = true;
        else if (cause == "timeout")
            made.timeout = true;
        else
            problem("retry.on", "\"" + cause + "\" must be upstream_lost or timeout");
    }
    if (given.attempts < 1 || given.attempts > attempts_max) problem("retry.attempts", "must be 1 to 5");
    between("retry.backoff", given.backoff, Duration{0}, backoff_longest);
    if (made.timeout && spec_.idle_first == Duration{0})
        problem("retry.on", "timeout needs idle_timeout: how long without a sign of progress is too long?");
    if (!spec_.repeatable) {
        problem("retry",
                "sends the request to an app that may have done the work already: say repeatable: true if "
                "doing it twice is safe");
    }
}

void RuleCompiler::repeat() {
    const auto& given = spec_.repeat;
    if (given.window == Duration{0}) return;
    between("repeat.window", given.window, shortest, longest);
    rule_.repeat.window = given.window;
    if (given.by == "content")
        rule_.repeat.by = RepeatBy::content;
    else if (given.by != "id")
        problem("repeat.by", "must be id or content");
    if (rule_.id_source == IdSource::order)
        problem("repeat.by", "can not work with id: order: answers are told apart by their order alone");
    else if (rule_.id_source == IdSource::ack && given.by == "id" && !rule_.match.json)
        problem("repeat.by", "must be content with id: ack: each repetition has an ack id of its own");
}

void RuleCompiler::queue() {
    const auto& given = spec_.queue;
    rule_.concurrency = spec_.concurrency;
    if (spec_.concurrency > count_max) problem("concurrency", "must be at most 100000");
    if (!given.given) return;
    if (spec_.concurrency == 0) problem("queue", "needs concurrency: how many may be with the app at once?");
    if (given.max > count_max) problem("queue.max", "must be at most 100000");
    between("queue.timeout", given.timeout, shortest, longest);
    between("queue.status_every", given.status_every, Duration{100}, std::chrono::hours(1));
    rule_.queue.max = given.max;
    rule_.queue.timeout = given.timeout;
    rule_.queue.status_every = given.status_every;
    if (given.status.given())
        rule_.queue.status = fallback("queue.status", given.status, Purpose::status, false);
}

void RuleCompiler::breaker() {
    const auto& given = spec_.breaker;
    Breaker& made = rule_.breaker;
    made = {given.failures, given.share, given.minimum, given.window, given.open};
    if (!made.on() && !given.given) return;
    if (!made.on()) problem("breaker", "needs failures or failure_share: without either it never opens");
    if (given.failures > count_max) problem("breaker.failures", "must be at most 100000");
    if (!(given.share >= 0 && given.share <= 1))
        problem("breaker.failure_share", "must be more than 0 and at most 1, or 100 %");
    if (given.minimum < 1 || given.minimum > count_max) problem("breaker.minimum", "must be 1 to 100000");
    between("breaker.window", given.window, Duration{1'000}, std::chrono::hours(1));
    between("breaker.open", given.open, shortest, std::chrono::hours(1));
}

void RuleCompiler::rate() {
    rule_.rate = spec_.rate;
    if (spec_.rate.per_second == 0) return;
    if (!(spec_.rate.per_second > 0 && spec_.rate.per_second <= rate_max))
        problem("rate", "must be at most 1000000/s");
    rule_.rate.burst = std::max(1.0, spec_.rate.burst);
    if (!std::isfinite(spec_.rate.burst)) problem("rate", "must be a number of requests in a time");
}

}  // namespace forestay::rules
