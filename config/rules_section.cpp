#include "config/rules_section.h"

#include <algorithm>
#include <string>
#include <utility>

#include "config/access.h"
#include "config/json_text.h"
#include "config/schema.h"

namespace forestay::config {
namespace {

// What conform() let through can be written as JSON.
std::string json(const Node& node) {
    Problems none;
    return to_json(node, none).value_or("null");
}

rules::RuleSpec read_rule(const Node& rule) {
    rules::RuleSpec spec;
    spec.name = text(rule, "name");
    spec.match.event = text(rule, "match.event");
    if (find_node(rule, "match.namespace")) spec.match.nsp = text(rule, "match.namespace");
    if (find_node(rule, "match.ack")) spec.match.ack = boolean(rule, "match.ack");
    if (const Node* where = find_node(rule, "match.where")) {
        for (const auto& [pointer, at, value] : where->entries)
            spec.match.where.push_back({pointer, json(value), {}, {}, {}});
    }
    spec.id = text(rule, "id");
    spec.answer.event = texts(rule, "answer.event");
    spec.answer.id = text(rule, "answer.id");
    spec.timeout = duration(rule, "timeout");
    spec.fallback.event = text(rule, "fallback.event");
    if (const Node* ack = find_node(rule, "fallback.ack")) spec.fallback.ack = json(*ack);
    if (const Node* data = find_node(rule, "fallback.data")) spec.fallback.data = json(*data);
    if (find_node(rule, "late_answer.rename")) {
        spec.late_rename = text(rule, "late_answer.rename");
    } else {
        spec.late_answer = text(rule, "late_answer");
    }
    spec.on_upstream_lost = text(rule, "on_upstream_lost");
    spec.repeatable = boolean(rule, "repeatable");
    spec.retry.on = texts(rule, "retry.on");
    if (find_node(rule, "retry"))
        spec.retry.attempts = static_cast<unsigned>(integer(rule, "retry.attempts"));
    return spec;
}

// Walks as far towards `field` as the file goes, for the place of a problem. `told`: on the way something is
// missing that must be there, so that its absence has been told.
const Node* nearest(const Node& rule, std::string_view field, bool& told) {
    const Node* at = &rule;
    const Schema* schema = config::schema().find("requests");
    while (!field.empty()) {
        const std::string_view key = field.substr(0, field.find('.'));
        field.remove_prefix(std::min(key.size() + 1, field.size()));
        const Node* next = at->find(key);
        schema = schema ? schema->find(key) : nullptr;
        if (!next) {
            told = schema && schema->key->is(traits::required);
            return at;
        }
        at = next;
    }
    return at;
}

// The rules speak of `nsp` and `late_rename` as their structs do.
std::string field_in_file(std::string field) {
    if (field == "match.nsp") return "match.namespace";
    if (field == "late_rename") return "late_answer.rename";
    return field;
}

}  // namespace

rules::RuleSet read_rules(const Node& root, Problems& problems) {
    const std::vector<Node>& written = items(root, "requests");
    std::vector<rules::RuleSpec> specs;
    for (const Node& rule : written) specs.push_back(read_rule(rule));
    std::vector<rules::Problem> found;
    auto compiled = rules::RuleSet::compile(specs, found);
    for (const rules::Problem& problem : found) {
        const std::string field = field_in_file(problem.field);
        bool told = false;
        const Node* at = nearest(written.at(problem.rule), field, told);
        if (told) continue;
        std::string path = "requests[" + std::to_string(problem.rule) + ']';
        if (!field.empty()) path += '.' + field;
        problems.error(at->at, path + ": " + problem.message);
    }
    return compiled;
}

}  // namespace forestay::config
