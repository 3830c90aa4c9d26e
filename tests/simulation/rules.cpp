#include "tests/simulation/rules.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace forestay::simulation {

using namespace std::chrono_literals;
using rules::Duration;
using rules::LateAnswer;
using rules::RuleSpec;

namespace {

// What a fallback says of itself: the client checks it.
const std::string words =
    R"("status":"timeout","code":"{{code}}","tries":"{{attempt}}","elapsed":"{{elapsed_ms}}")";

void add_fallbacks(RuleSpec& spec, const std::string& answer, const std::string& id) {
    const auto fallback = [&](const std::string& more) {
        rules::FallbackSpec made;
        made.event = answer;
        const std::string data = "{" + id + words + more + "}";
        if (answer.empty())
            made.ack = "[" + data + "]";
        else
            made.data = data;
        return made;
    };
    spec.fallback = fallback("");
    if (!spec.partial.event.empty()) spec.abort = fallback(R"(,"abort":1)");
}

RuleSpec make_spec(RuleIndex index, bool parts) {
    RuleSpec spec;
    std::string answer, id;
    switch (index) {
        case ask_rule:
            spec.name = spec.match.event = "ask";
            spec.timeout = 2000ms;
            break;
        case chat_rule:
            spec.name = spec.match.event = "chat";
            spec.match.where = {{"/mode", "\"think\""}};
            spec.id = "/message_id";
            spec.timeout = 3000ms;
            answer = "response";
            id = R"("message_id":"{{id}}",)";
            break;
        case line_rule:
            spec.name = spec.match.event = "line";
            spec.id = "order";
            spec.timeout = 1500ms;
            answer = "line_done";
            break;
        case any_rule:
        case rule_count:
            spec.name = "any";
            spec.match.event = "*";
            spec.match.ack = true;
            spec.timeout = 1000ms;
            break;
    }
    if (!answer.empty()) spec.answer.event = {answer};
    if (parts) spec.partial.event = {spec.name + "_part"};
    add_fallbacks(spec, answer, id);
    return spec;
}

rules::RuleSet compile(const std::vector<RuleSpec>& specs) {
    std::vector<rules::Problem> problems;
    auto set = rules::RuleSet::compile(specs, problems);
    if (!problems.empty())
        throw std::logic_error("simulation rules: " + problems[0].field + ": " + problems[0].message);
    return set;
}

void set_late(RuleSpec& spec, LateAnswer late) {
    if (late == LateAnswer::deliver) spec.late_answer = "deliver";
    if (late == LateAnswer::rename) spec.late_rename = "late_reply";
}

Duration some(Random& random, Duration low, Duration high) {
    return Duration(
        random.between(static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())));
}

void choose_patience(RuleSpec& spec, Random& random) {
    if (random.chance(40)) spec.progress.event = {spec.name + "_progress"};
    const bool signs = !spec.progress.event.empty() || !spec.partial.event.empty();
    if (random.chance(50)) spec.idle_first = some(random, 50ms, spec.timeout * 9 / 10);
    if (signs && random.chance(60)) spec.idle_next = some(random, 50ms, spec.timeout * 9 / 10);
}

void choose_retry(RuleSpec& spec, Random& random) {
    if (random.chance(60)) spec.retry.on.emplace_back("upstream_lost");
    if (spec.idle_first > 0ms && random.chance(60)) spec.retry.on.emplace_back("timeout");
    spec.repeatable = !spec.retry.on.empty();
    spec.retry.attempts = static_cast<unsigned>(random.between(1, 3));
    spec.retry.backoff = some(random, 0ms, 1000ms);
}

void choose_repeat(RuleSpec& spec, Random& random) {
    spec.repeat.window = random.chance(60) ? Duration{600'000} : some(random, 300ms, 6000ms);
    spec.repeat.by = spec.id == "ack" || random.chance(40) ? "content" : "id";
}

void choose_gate(RuleSpec& spec, Random& random) {
    if (random.chance(40)) {
        spec.concurrency = static_cast<unsigned>(random.between(1, 3));
        spec.queue.given = random.chance(80);
    }
    if (spec.queue.given) {
        spec.queue.max = static_cast<unsigned>(random.chance(50) ? random.below(4) : 100);
        spec.queue.timeout = some(random, 50ms, 5000ms);
        spec.queue.status_every = some(random, 100ms, 1000ms);
        if (random.chance(60)) {
            spec.queue.status.event = spec.name + "_status";
            spec.queue.status.data = R"({"place":"{{place}}","waiting":"{{waiting}}","id":"{{id}}"})";
        }
    }
    if (random.chance(30)) {
        auto& breaker = spec.breaker;
        breaker.given = true;
        if (random.chance(70)) breaker.failures = static_cast<unsigned>(random.between(1, 3));
        if (breaker.failures == 0 || random.chance(30))
            breaker.share = static_cast<double>(random.between(3, 10)) / 10;
        breaker.minimum = static_cast<unsigned>(random.between(1, 4));
        breaker.window = some(random, 1000ms, 10'000ms);
        breaker.open = some(random, 200ms, 5000ms);
    }
    if (random.chance(15)) {
        spec.rate.per_second = static_cast<double>(random.between(1, 10)) / 2;
        spec.rate.burst = static_cast<double>(random.between(1, 4));
    }
}

RuleSpec random_spec(RuleIndex index, Random& random, bool repeats) {
    RuleSpec spec = make_spec(index, random.chance(30));
    if (random.chance(60)) spec.timeout = some(random, 200ms, 8000ms);
    set_late(spec, static_cast<LateAnswer>(random.below(3)));
    if (random.chance(40)) spec.on_upstream_lost = "answer";
    if (random.chance(50)) choose_patience(spec, random);
    if (random.chance(40)) choose_retry(spec, random);
    if (repeats && index != line_rule && random.chance(50)) choose_repeat(spec, random);
    if (random.chance(60)) choose_gate(spec, random);
    if ((index == ask_rule || index == chat_rule) && random.chance(20))
        spec.schema = R"({"type":"object","properties":{"bad":{"type":"string"}}})";
    return spec;
}

}  // namespace

// Compiling is the slow part of making a world.
const rules::RuleSet& plain_rules(LateAnswer late) {
    const auto make = [](LateAnswer how) {
        std::vector<RuleSpec> specs;
        for (const RuleIndex index : {ask_rule, chat_rule, line_rule}) {
            specs.push_back(make_spec(index, false));
            set_late(specs.back(), how);
        }
        return compile(specs);
    };
    static const rules::RuleSet drop = make(LateAnswer::drop);
    static const rules::RuleSet deliver = make(LateAnswer::deliver);
    static const rules::RuleSet rename = make(LateAnswer::rename);
    return late == LateAnswer::drop ? drop : late == LateAnswer::deliver ? deliver : rename;
}

rules::RuleSet random_rules(Random& random, bool repeats) {
    std::vector<RuleSpec> specs;
    for (const RuleIndex index : {ask_rule, chat_rule, line_rule})
        specs.push_back(random_spec(index, random, repeats));
    if (random.chance(30)) specs.push_back(random_spec(any_rule, random, repeats));
    return compile(specs);
}

}  // namespace forestay::simulation
