#include <algorithm>
#include <functional>

#include "tests/rules/specs.h"

using namespace forestay::rules;

namespace {

std::string with(RuleSpec spec, const std::function<void(RuleSpec&)>& change) {
    return fields_of(std::move(spec), change);
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
    for (const char* bad : {"chat", "/a,b", "/chat?token=x"})
        BOOST_TEST(with(by_ack(), [&](RuleSpec& s) { s.match.nsp = bad; }) == "match.namespace", bad);
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
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.answer.event = {"*"}; }) == "answer.event");
    const auto order = [](RuleSpec& s) {
        s.id = "order";
        s.answer.id = "/id";
    };
    BOOST_TEST(with(by_pointer(), order) == "answer.id");
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

BOOST_AUTO_TEST_CASE(a_rule_is_about_events_or_about_messages) {
    BOOST_TEST(with(by_type(), [](RuleSpec&) {}) == "");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.match.event = "ask"; }) == "match.type");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.match.type = "connect", s.answer.event = {"error"}; }) ==
               "");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.match.nsp = "/"; }) == "match.namespace");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.match.ack = true; }) == "match.ack");
    BOOST_TEST(made(by_type(), [](RuleSpec&) {}).match.json);
    BOOST_TEST(!made(by_ack(), [](RuleSpec&) {}).match.json);
}

BOOST_AUTO_TEST_CASE(a_message_says_where_its_id_is) {
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.id = "ack"; }) == "id");  // the default
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.id = "order"; }) == "");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.answer.event.clear(); }) == "answer.event");
}

BOOST_AUTO_TEST_CASE(the_fallback_of_a_message_is_a_message) {
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.fallback = {}; }) == "fallback");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.fallback.message = "{"; }) == "fallback.message");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.fallback.event = "e"; }) == "fallback.event");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.fallback.ack = "[]"; }) == "fallback.ack");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.fallback.data = "1"; }) == "fallback.data");
    BOOST_TEST(with(by_type(), [](RuleSpec& s) { s.fallback = {"e", {}, {}, ""}; }) == "fallback.event");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback.message = "{}"; }) == "fallback.message");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback = {"", {}, "{}", ""}; }) == "fallback.message");
    const Rule rule = made(by_type(), [](RuleSpec& s) { s.fallback.message = R"(["{{/id}}"])"; });
    BOOST_TEST((rule.fallback.event.empty() && rule.quotes_request()));
}

BOOST_AUTO_TEST_CASE(who_asks_and_where) {
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.path = "/socket.io/"; }) == "");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.path = "socket.io"; }) == "match.path");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.who = {"*", "ada"}; }) == "");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.match.who = {"ada", ""}; }) == "match.who");
}

BOOST_AUTO_TEST_CASE(a_condition_asks_for_something_possible) {
    const auto where = [](ConditionSpec one) {
        one.pointer = "/a";
        return with(by_ack(), [&](RuleSpec& s) { s.match.where = {one}; });
    };
    BOOST_TEST(where({.pointer = ""}) == "match.where");
    BOOST_TEST(where({.pointer = "", .one_of = {"1", "\"x\"", "null"}}) == "");
    BOOST_TEST(where({.pointer = "", .one_of = {"1", "[]"}}) == "match.where");
    BOOST_TEST(where({.pointer = "", .equals = "1", .one_of = {"2"}}) == "match.where");
    BOOST_TEST(where({.pointer = "", .exists = false}) == "");
    BOOST_TEST(where({.pointer = "", .exists = true, .matches = "^a"}) == "");
    BOOST_TEST(where({.pointer = "", .equals = "1", .exists = false}) == "match.where");
    BOOST_TEST(where({.pointer = "", .exists = false, .matches = "a"}) == "match.where");
    BOOST_TEST(where({.pointer = "", .matches = "("}) == "match.where");
}

BOOST_AUTO_TEST_CASE(a_schema_is_checked_when_it_is_loaded) {
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.schema = R"({"type":"thing"})"; }) == "schema");
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.schema = "{"; }) == "schema");
    const Rule rule = made(by_ack(), [](RuleSpec& s) {
        s.schema = R"({"type":"object"})";
        s.fallback.ack = R"(["{{detail}}"])";
    });
    BOOST_TEST((rule.schema && rule.tracks));
    BOOST_TEST(rule.schema->problem("1").has_value());
    // Without a schema there is nothing to tell.
    BOOST_TEST(with(by_ack(), [](RuleSpec& s) { s.fallback.ack = R"(["{{detail}}"])"; }) == "fallback.ack");
}

BOOST_AUTO_TEST_CASE(progress_has_names_and_perhaps_an_id) {
    const auto progress = [](const std::string& event, const std::string& id) {
        return [=](RuleSpec& s) {
            if (!event.empty()) s.progress.event = {event};
            s.progress.id = id;
        };
    };
    BOOST_TEST(with(by_pointer(), progress("progress", "/in/reply/to")) == "");
    BOOST_TEST(with(by_pointer(), progress("progress", "")) == "");
    BOOST_TEST(with(by_pointer(), progress("progress", "id")) == "progress.id");
    BOOST_TEST(with(by_pointer(), progress("", "/id")) == "progress.event");
    BOOST_TEST(with(by_pointer(), progress("disconnect", "")) == "progress.event");
    BOOST_TEST(with(by_ack(), progress("progress", "")) == "");  // of whatever is outstanding
    BOOST_TEST(with(by_ack(), progress("progress", "/id")) == "progress.id");
    const Rule rule = made(by_pointer(), progress("progress", "/re"));
    BOOST_TEST(rule.progress.names == std::vector<std::string>{"progress"}, boost::test_tools::per_element());
    BOOST_TEST(rule.progress.id.value().text() == "/re");
}

BOOST_AUTO_TEST_CASE(parts_of_an_answer_have_an_end_of_their_own) {
    const auto parts = [](RuleSpec& s) {
        s.partial.event = {"token"};
        s.abort = {"stopped", {}, {}, R"({"id":"{{id}}"})"};
    };
    BOOST_TEST(with(by_pointer(), parts) == "");
    BOOST_TEST(with(by_pointer(), [&](RuleSpec& s) { parts(s), s.abort = {}; }) == "partial.fallback");
    BOOST_TEST(with(by_pointer(), [&](RuleSpec& s) { parts(s), s.partial.event = {}; }) == "partial.event");
    BOOST_TEST(with(by_pointer(), [&](RuleSpec& s) { parts(s), s.partial.id = "id"; }) == "partial.id");
    BOOST_TEST(with(by_pointer(), [&](RuleSpec& s) { parts(s), s.abort.data = "{"; }) ==
               "partial.fallback.data");
    BOOST_TEST(with(by_pointer(), [&](RuleSpec& s) { parts(s), s.abort.event = "connect"; }) ==
               "partial.fallback.event");
    const Rule own = made(by_pointer(), parts);
    BOOST_TEST(own.partial.names.at(0) == "token");
    BOOST_TEST(own.abort.value().event == "stopped");
    const Rule all = made(by_pointer(), [&](RuleSpec& s) {
        parts(s);
        s.partial.event.clear();
        s.progress = {{"progress"}, "/re"};
    });
    BOOST_TEST(all.progress.names.empty());
    BOOST_TEST(all.partial.names.at(0) == "progress");
    BOOST_TEST(all.partial.id.value().text() == "/re");
}

BOOST_AUTO_TEST_CASE(a_name_of_the_app_says_one_thing) {
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.progress.event = {"response"}; }) == "progress.event");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) { s.answer.event = {"a", "a"}; }) == "answer.event");
    BOOST_TEST(with(by_pointer(), [](RuleSpec& s) {
                   s.progress.event = {"p"};
                   s.partial.event = {"p"};
                   s.abort.event = "stopped";
               }) == "partial.event");
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
