// The rules of a seed: always the same requests, with all that rules can say about them at random.
#pragma once

#include "rules/rule_set.h"
#include "tests/simulation/random.h"

namespace forestay::simulation {

// The rules of the policy, by index.
enum RuleIndex : std::uint32_t {
    ask_rule,   // answered by ACK
    chat_rule,  // by an event with its id
    line_rule,  // by an event, in order
    any_rule,   // whatever else has an ack; not in every policy
    rule_count
};

// Answers and fallbacks, and no more.
[[nodiscard]] const rules::RuleSet& plain_rules(rules::LateAnswer late);
// `repeats`: the client may ask for the same again.
[[nodiscard]] rules::RuleSet random_rules(Random& random, bool repeats);

}  // namespace forestay::simulation
