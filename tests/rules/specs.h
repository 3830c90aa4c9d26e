// Rules as a user writes them, for the tests of this folder.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "rules/rule_set.h"

namespace forestay::rules {

// An event with an id in its argument, answered by another event.
inline RuleSpec by_pointer(std::string name = "think_tank") {
    RuleSpec spec;
    spec.name = std::move(name);
    spec.match.event = "chat_message";
    spec.id = "/message_id";
    spec.answer.event = {"response"};
    spec.timeout = std::chrono::seconds(45);
    spec.fallback.event = "response";
    spec.fallback.data = R"({"message_id":"{{id}}","status":"timeout"})";
    return spec;
}

// An event that asks for an acknowledgement.
inline RuleSpec by_ack(std::string name = "ask") {
    RuleSpec spec;
    spec.name = std::move(name);
    spec.match.event = "ask";
    spec.timeout = std::chrono::seconds(5);
    spec.fallback.ack = R"([{"error":"timeout"}])";
    return spec;
}

// A message of a JSON websocket.
inline RuleSpec by_type(std::string name = "ingest") {
    RuleSpec spec;
    spec.name = std::move(name);
    spec.match.type = "ingest";
    spec.id = "/id";
    spec.answer.event = {"ingested"};
    spec.timeout = std::chrono::seconds(60);
    spec.fallback.message = R"({"type":"failed","id":"{{id}}","code":"{{code}}"})";
    return spec;
}

inline RuleSet compiled(const std::vector<RuleSpec>& specs) {
    std::vector<Problem> problems;
    auto rules = RuleSet::compile(specs, problems);
    for (const Problem& problem : problems) BOOST_TEST_MESSAGE(problem.field << ": " << problem.message);
    BOOST_REQUIRE(problems.empty());
    return rules;
}

// The fields that have problems, in order, joined by spaces.
inline std::string problem_fields(const std::vector<RuleSpec>& specs) {
    std::vector<Problem> problems;
    const auto rules = RuleSet::compile(specs, problems);
    std::string fields;
    for (const Problem& problem : problems) {
        BOOST_TEST(!problem.message.empty());
        fields += (fields.empty() ? "" : " ") + problem.field;
    }
    return fields;
}

inline std::string fields_of(RuleSpec spec, const std::function<void(RuleSpec&)>& change) {
    change(spec);
    return problem_fields({spec});
}

inline Rule made(RuleSpec spec, const std::function<void(RuleSpec&)>& change) {
    change(spec);
    return compiled({spec}).rules()[0];
}

inline wire::socketio::Packet client_packet(std::string_view text) {
    return wire::socketio::parse_client_packet(text, wire::engineio::Revision::v4).value();
}

}  // namespace forestay::rules
