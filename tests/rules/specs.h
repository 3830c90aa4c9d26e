// Rules as a user writes them, for the tests of this folder.
#pragma once

#include <boost/test/unit_test.hpp>
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

inline RuleSet compiled(const std::vector<RuleSpec>& specs) {
    std::vector<Problem> problems;
    auto rules = RuleSet::compile(specs, problems);
    for (const Problem& problem : problems) BOOST_TEST_MESSAGE(problem.field << ": " << problem.message);
    BOOST_REQUIRE(problems.empty());
    return rules;
}

inline wire::socketio::Packet client_packet(std::string_view text) {
    return wire::socketio::parse_client_packet(text, wire::engineio::Revision::v4).value();
}

}  // namespace forestay::rules
