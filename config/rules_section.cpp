#include "config/rules_section.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config/access.h"
#include "config/json_text.h"

namespace forestay::config {
namespace {

// What conform() let through can be written as JSON.
std::string json(const Node& node) {
    Problems none;
    return to_json(node, none).value_or("null");
}
std::string json(const Node& map, std::string_view path) {
    const Node* node = find_node(map, path);
    return node ? json(*node) : std::string{};
}

unsigned count(const Node& map, std::string_view path) {
    return static_cast<unsigned>(integer(map, path));
}

bool is_json(const Node& rule) {
    return find_node(rule, "match.type") != nullptr;
}

rules::ConditionSpec read_condition(const std::string& pointer, const Node& value) {
    rules::ConditionSpec out;
    out.pointer = pointer;
    if (!value.is_map()) {
        out.equals = json(value);
        return out;
    }
    if (const Node* equals = value.find("equals")) out.equals = json(*equals);
    for (const Node& one : items(value, "one_of")) out.one_of.push_back(json(one));
    if (value.find("exists")) out.exists = boolean(value, "exists");
    if (value.find("matches")) out.matches = text(value, "matches");
    return out;
}

void read_match(const Node& rule, rules::RuleSpec& spec) {
    spec.match.event = text(rule, "match.event");
    spec.match.type = text(rule, "match.type");
    if (find_node(rule, "match.namespace")) spec.match.nsp = text(rule, "match.namespace");
    if (find_node(rule, "match.ack")) spec.match.ack = boolean(rule, "match.ack");
    spec.match.path = text(rule, "match.path");
    spec.match.who = texts(rule, "match.who");
    if (const Node* where = find_node(rule, "match.where")) {
        for (const auto& [pointer, at, value] : where->entries)
            spec.match.where.push_back(read_condition(pointer, value));
    }
}

rules::SignalSpec read_signal(const Node& rule, const std::string& key) {
    return {texts(rule, key + (is_json(rule) ? ".type" : ".event")), text(rule, key + ".id")};
}

rules::FallbackSpec read_fallback(const Node& rule, const std::string& key) {
    rules::FallbackSpec out;
    out.event = text(rule, key + ".event");
    out.data = json(rule, key + ".data");
    if (const Node* ack = find_node(rule, key + ".ack")) out.ack = json(*ack);
    if (const Node* message = find_node(rule, key + ".message")) out.message = json(*message);
    return out;
}

void read_patience(const Node& rule, rules::RuleSpec& spec) {
    spec.timeout = duration(rule, "timeout");
    const Node* idle = rule.find("idle_timeout");
    if (!idle) return;
    spec.idle_first = duration(rule, idle->is_map() ? "idle_timeout.first" : "idle_timeout");
    spec.idle_next = duration(rule, idle->is_map() ? "idle_timeout.next" : "idle_timeout");
}

void read_queue(const Node& rule, rules::RuleSpec& spec) {
    spec.concurrency = count(rule, "concurrency");
    spec.queue.given = rule.find("queue") != nullptr;
    if (!spec.queue.given) return;
    spec.queue.max = count(rule, "queue.max");
    spec.queue.timeout = duration(rule, "queue.timeout");
    spec.queue.status = read_fallback(rule, "queue.status");
    spec.queue.status_every = duration(rule, "queue.status_every");
}

void read_breaker(const Node& rule, rules::RuleSpec& spec) {
    spec.breaker.given = rule.find("breaker") != nullptr;
    if (!spec.breaker.given) return;
    spec.breaker.failures = count(rule, "breaker.failures");
    spec.breaker.share = static_cast<double>(percent(rule, "breaker.failure_share")) / 100;
    spec.breaker.minimum = count(rule, "breaker.minimum");
    spec.breaker.window = duration(rule, "breaker.window");
    spec.breaker.open = duration(rule, "breaker.open");
}

rules::RuleSpec read_rule(const Node& rule) {
    rules::RuleSpec spec;
    spec.name = text(rule, "name");
    read_match(rule, spec);
    spec.schema = json(rule, "schema");
    if (rule.find("id")) spec.id = text(rule, "id");
    spec.answer = read_signal(rule, "answer");
    spec.progress = read_signal(rule, "progress");
    spec.partial = read_signal(rule, "partial");
    spec.fallback = read_fallback(rule, "fallback");
    spec.abort = read_fallback(rule, "partial.fallback");
    read_patience(rule, spec);
    if (find_node(rule, "late_answer.rename")) {
        spec.late_rename = text(rule, "late_answer.rename");
    } else {
        spec.late_answer = text(rule, "late_answer");
    }
    spec.on_upstream_lost = text(rule, "on_upstream_lost");
    spec.repeatable = boolean(rule, "repeatable");
    spec.retry.on = texts(rule, "retry.on");
    if (rule.find("retry")) {
        spec.retry.attempts = count(rule, "retry.attempts");
        spec.retry.backoff = duration(rule, "retry.backoff");
    }
    if (rule.find("repeat")) {
        spec.repeat.window = duration(rule, "repeat.window");
        spec.repeat.by = text(rule, "repeat.by");
    }
    read_queue(rule, spec);
    read_breaker(rule, spec);
    const Rate most = rate(rule, "rate");
    spec.rate = {most.per_second(), static_cast<double>(most.count)};
    return spec;
}

// Walks as far towards `field` as the file goes, for the place of a problem. `told`: what is there, or should
// be, has a problem of its own that was told already.
const Node* nearest(const Node& rule, std::string_view field, bool& told) {
    const Node* at = &rule;
    while (!field.empty()) {
        // Pointers may have dots in them; they come last.
        const std::string_view key = field.front() == '/' ? field : field.substr(0, field.find('.'));
        field.remove_prefix(std::min(key.size() + 1, field.size()));
        const Node* next = at->find(key);
        if (!next) {
            told = std::find(at->lost.begin(), at->lost.end(), key) != at->lost.end();
            return at;
        }
        at = next;
    }
    told = at->broken && at != &rule;
    return at;
}

void replace_prefix(std::string& text, std::string_view prefix, std::string_view by) {
    if (text.starts_with(prefix)) text.replace(0, prefix.size(), by);
}

// The rules speak of some fields as their structs do.
std::string field_in_file(std::string field, const Node& rule) {
    if (is_json(rule)) {
        for (const char* event : {"match.event", "answer.event", "progress.event", "partial.event"}) {
            if (field == event) field.replace(field.size() - 5, 5, "type");
        }
    }
    replace_prefix(field, "match.nsp", "match.namespace");
    replace_prefix(field, "abort", "partial.fallback");
    replace_prefix(field, "idle_first", "idle_timeout.first");
    replace_prefix(field, "idle_next", "idle_timeout.next");
    replace_prefix(field, "late_rename", "late_answer.rename");
    replace_prefix(field, "breaker.share", "breaker.failure_share");
    return field;
}

// `event` is for Socket.IO and `type` for JSON websockets; both end up in the same field of a rule.
void check_dialect(const Node& rule, const std::string& path, Problems& problems) {
    const std::string wrong = is_json(rule) ? ".event" : ".type";
    const std::string advice = is_json(rule) ? "this rule is about messages of JSON websockets (match.type): "
                                               "write type"
                                             : "this rule is about Socket.IO events: write event";
    for (const char* key : {"answer", "progress", "partial"}) {
        if (const Node* node = find_node(rule, key + wrong))
            problems.error(node->at, path + '.' + key + wrong + ": " + advice);
    }
}

}  // namespace

std::vector<rules::RuleSpec> read_specs(const Node& root) {
    std::vector<rules::RuleSpec> out;
    for (const Node& rule : items(root, "requests")) out.push_back(read_rule(rule));
    return out;
}

rules::RuleSet read_rules(const Node& root, Problems& problems) {
    const std::vector<Node>& written = items(root, "requests");
    for (std::size_t i = 0; i < written.size(); ++i)
        check_dialect(written[i], "requests[" + std::to_string(i) + ']', problems);
    std::vector<rules::Problem> found;
    auto compiled = rules::RuleSet::compile(read_specs(root), found);
    for (const rules::Problem& problem : found) {
        const Node& rule = written.at(problem.rule);
        const std::string field = field_in_file(problem.field, rule);
        bool told = false;
        const Node* at = nearest(rule, field, told);
        if (told) continue;
        std::string path = "requests[" + std::to_string(problem.rule) + ']';
        if (!field.empty()) path += '.' + field;
        problems.error(at->at, path + ": " + problem.message);
    }
    return compiled;
}

}  // namespace forestay::config
