#include <algorithm>
#include <functional>

#include "tests/rules/specs.h"

using namespace forestay::rules;
using std::chrono::milliseconds;

namespace {

// The fields that have problems, in order, joined by spaces.
std::string problem_fields(const std::vector<RuleSpec>& specs) {
    std::vector<Problem> problems;
    const auto rules = RuleSet::compile(specs, problems);
    std::string fields;
    for (const Problem& problem : problems) {
        BOOST_TEST(!problem.message.empty());
        fields += (fields.empty() ? "" : " ") + problem.field;
    }
    return fields;
}

std::string with(RuleSpec spec, const std::function<void(RuleSpec&)>& change) {
    change(spec);
    return problem_fields({spec});
}

}  // namespace

BOOST_AUTO_TEST_CASE(good_rules_compile) {
    RuleSpec order = by_pointer("in_order");
    order.id = "order";
    RuleSpec acked = by_pointer("acked");
    acked.match.ack = true;
    acked.fallback = {"", "[]", {}, ""};
    RuleSpec renamed = by_ack("renamed");
    renamed.late_rename = "late";
    const auto rules = compiled({by_pointer(), by_ack(), order, acked, renamed});
    BOOST_REQUIRE(rules.rules().size() == 5U);
    BOOST_TEST(rules.rules()[0].id.text() == "/message_id");
    BOOST_TEST((rules.rules()[0].id_source == IdSource::pointer));
    BOOST_TEST((rules.rules()[1].id_source == IdSource::ack));
    BOOST_TEST(rules.rules()[1].fallback.event == "");
    BOOST_TEST((rules.rules()[2].id_source == IdSource::order));
    BOOST_TEST((rules.rules()[4].late_answer == LateAnswer::rename));
    BOOST_TEST(rules.rules()[4].late_name == "late");
}

BOOST_AUTO_TEST_CASE(a_name_is_a_metric_label) {
    for (const std::string& bad :
         {std::string(), std::string("Ask"), std::string("1a"), std::string("_a"), std::string("a-b"),
          std::string("a b"), std::string("\xc3\xa9"), std::string(65, 'a')}) {
        BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { s.name = bad; }) == "name", bad);
    }
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.name = std::string(64, 'a'); }) == "");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.name = "a_1"; }) == "");
}

BOOST_AUTO_TEST_CASE(two_rules_of_one_name_are_refused) {
    BOOST_TEST(problem_fields({by_ack("a"), by_ack("a")}) == "name");
}

BOOST_AUTO_TEST_CASE(what_a_rule_matches_is_checked) {
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.event = ""; }) == "match.event");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.event = "disconnect"; }) == "match.event");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.event = "*"; }) == "");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.nsp = "chat"; }) == "match.namespace");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.where = {{"mode", "1"}}; }) == "match.where");
    for (const std::string bad : {"[1]", "{}", "x", "", " [1]", "1 2"}) {
        BOOST_TEST(with(by_ack(),
                        [&](RuleSpec& s) {
                            s.match.where = {{"/mode", bad}};
                        }) == "match.where",
                   bad);
    }
    for (const std::string good : {"1", "\"x\"", "true", "null", " 1 "}) {
        BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { s.match.where = {{"/mode", good}}; }) == "", good);
    }
}

BOOST_AUTO_TEST_CASE(an_ack_is_its_own_answer) {
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.answer.event = {"response"}; }) == "answer");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.answer.id = "/id"; }) == "answer");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.ack = false; }) == "id");
}

BOOST_AUTO_TEST_CASE(an_event_answer_has_a_name_and_perhaps_an_id) {
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.answer.event.clear(); }) == "answer.event");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.answer.event = {""}; }) == "answer.event");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.answer.event = {"connect"}; }) == "answer.event");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.answer.id = "id"; }) == "answer.id");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.answer.id = "/in/reply/to"; }) == "");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.id = "message_id"; }) == "id");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.id = "/a~2"; }) == "id");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.id = ""; }) == "id");
    const auto order = [](RuleSpec& s) {
        s.id = "order";
        s.answer.id = "/id";
    };
    BOOST_TEST(with(by_pointer(), order) == "answer.id");
}

BOOST_AUTO_TEST_CASE(a_timeout_is_neither_an_instant_nor_for_ever) {
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.timeout = milliseconds(0); }) == "timeout");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.timeout = milliseconds(9); }) == "timeout");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.timeout = milliseconds(10); }) == "");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.timeout = std::chrono::hours(24); }) == "");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.timeout = std::chrono::hours(24) + milliseconds(1); }) ==
               "timeout");
}

BOOST_AUTO_TEST_CASE(a_fallback_has_exactly_one_form) {
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback = {}; }) == "fallback");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback.event = "response"; }) == "fallback");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback.data = "{}"; }) == "fallback.data");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback.ack = "{}"; }) == "fallback.ack");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback.ack = "[1"; }) == "fallback.ack");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback.ack = " [] "; }) == "");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.fallback.data = "{"; }) == "fallback.data");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.fallback.data = ""; }) == "");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.fallback.event = "disconnect"; }) == "fallback.event");
    // An ack can only be given where the client asked for one.
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.fallback = {"", "[]", {}, ""}; }) == "fallback.ack");
}

BOOST_AUTO_TEST_CASE(a_late_answer_is_dropped_delivered_or_renamed) {
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.late_answer = "deliver"; }) == "");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.late_answer = "maybe"; }) == "late_answer");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.late_rename = "connect"; }) == "late_answer.rename");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.late_rename = ""; }) == "late_answer.rename");
}

BOOST_AUTO_TEST_CASE(only_what_is_repeatable_is_sent_again) {
    const auto retried = [](RuleSpec& s) {
        s.repeatable = true;
        s.retry.on = {"upstream_lost"};
    };
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.retry.on = {"upstream_lost"}; }) == "retry");
    BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { retried(s), s.retry.attempts = 6; }) == "retry.attempts");
    BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { retried(s), s.retry.attempts = 0; }) == "retry.attempts");
    BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { retried(s), s.retry.on = {"error"}; }) == "retry.on");
    BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { retried(s), s.retry.on = {"timeout"}; }) == "retry.on");
    BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { retried(s), s.retry.backoff = milliseconds(30001); }) ==
               "retry.backoff");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.on_upstream_lost = "resend"; }) == "on_upstream_lost");
    RuleSpec spec = by_ack();
    spec.repeatable = true;
    BOOST_TEST(compiled({spec}).rules()[0].retry.attempts == 0U);
    BOOST_TEST(!compiled({spec}).rules()[0].gated());
    spec.retry.on = {"upstream_lost", "timeout"};
    spec.retry.attempts = 5;
    spec.retry.backoff = milliseconds(0);
    spec.idle_first = spec.idle_next = milliseconds(1000);
    spec.on_upstream_lost = "answer";
    const RuleSet rules = compiled({spec});
    const Rule& rule = rules.rules()[0];
    BOOST_TEST(rule.retry.attempts == 5U);
    BOOST_TEST(rule.retry.upstream_lost);
    BOOST_TEST(rule.retry.timeout);
    BOOST_TEST(rule.gated());
    BOOST_TEST((rule.on_upstream_lost == OnUpstreamLost::answer));
}

BOOST_AUTO_TEST_CASE(every_problem_of_every_rule_is_reported) {
    RuleSpec broken;
    broken.name = "Bad Name";
    broken.id = "id";
    std::vector<Problem> problems;
    const auto rules = RuleSet::compile({by_ack(), broken, by_pointer()}, problems);
    std::vector<std::string> fields;
    for (const Problem& problem : problems) {
        BOOST_TEST(problem.rule == 1U);
        fields.push_back(problem.field);
    }
    const std::vector<std::string> expected{"name",         "match.event", "id",
                                            "answer.event", "timeout",     "fallback"};
    BOOST_TEST(fields == expected, boost::test_tools::per_element());
    BOOST_TEST(rules.rules().size() == 2U);
}
