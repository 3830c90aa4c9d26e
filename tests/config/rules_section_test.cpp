#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay;
using namespace forestay::config;
using namespace forestay::config::test;

namespace {

std::string rendered(const rules::Rule& rule, std::string_view id) {
    std::string out;
    rule.fallback.data.render(out, {id, "chat_message", rule.name, std::chrono::milliseconds(45'000)});
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rules_section)

BOOST_AUTO_TEST_CASE(a_rule_arrives_whole) {
    const Loaded got = loaded(
        "requests:\n"
        "  - name: think_tank\n"
        "    match: {event: chat_message, namespace: /chat, ack: false, where: {/mode: think_tank, /n: 1, "
        "/s: \"1\"}}\n"
        "    id: /message_id\n"
        "    answer: {event: [response, error], id: /re}\n"
        "    timeout: 45s\n"
        "    fallback: {event: response, data: {message_id: \"{{id}}\", n: 7, t: \"{{rule}} "
        "{{elapsed_ms}}\"}}\n"
        "    late_answer: {rename: late_response}\n");
    BOOST_REQUIRE_EQUAL(got.config.session.rules.rules().size(), 1U);
    const rules::Rule& rule = got.config.session.rules.rules()[0];
    BOOST_CHECK_EQUAL(rule.name, "think_tank");
    BOOST_CHECK_EQUAL(rule.match.name, "chat_message");
    BOOST_CHECK_EQUAL(rule.match.nsp.value(), "/chat");
    BOOST_CHECK_EQUAL(rule.match.ack.value(), false);
    BOOST_REQUIRE_EQUAL(rule.match.where.size(), 3U);
    BOOST_CHECK_EQUAL(rule.match.where[0].pointer.text(), "/mode");
    BOOST_CHECK_EQUAL(rule.match.where[0].one_of.at(0), "\"think_tank\"");
    BOOST_CHECK_EQUAL(rule.match.where[1].one_of.at(0), "1");
    BOOST_CHECK_EQUAL(rule.match.where[2].one_of.at(0), "\"1\"");
    BOOST_CHECK(rule.id_source == rules::IdSource::pointer);
    BOOST_CHECK_EQUAL(rule.id.text(), "/message_id");
    CHECK_LINES(rule.answer.names, {"response", "error"});
    BOOST_CHECK_EQUAL(rule.answer.id.value().text(), "/re");
    BOOST_CHECK(rule.timeout == std::chrono::seconds(45));
    BOOST_CHECK_EQUAL(rule.fallback.event, "response");
    BOOST_CHECK_EQUAL(rendered(rule, "\"x\\u0031\""),
                      "{\"message_id\":\"x\\u0031\",\"n\":7,\"t\":\"think_tank 45000\"}");
    BOOST_CHECK(rule.late_answer == rules::LateAnswer::rename);
    BOOST_CHECK_EQUAL(rule.late_name, "late_response");
}

BOOST_AUTO_TEST_CASE(an_ack_is_the_simplest_rule) {
    const Loaded got = loaded(
        "requests: [{name: a, match: {event: ask}, timeout: 5s, fallback: {ack: [{error: timeout}, "
        "\"{{event}}\"]}}]\n");
    const rules::Rule& rule = got.config.session.rules.rules().at(0);
    BOOST_CHECK(rule.id_source == rules::IdSource::ack);
    BOOST_CHECK_EQUAL(rule.fallback.event, "");
    BOOST_CHECK_EQUAL(rendered(rule, "7"), "[{\"error\":\"timeout\"},\"chat_message\"]");
    BOOST_CHECK(rule.late_answer == rules::LateAnswer::drop);
    BOOST_CHECK(!rule.match.ack.has_value());
}

BOOST_AUTO_TEST_CASE(problems_of_rules_stand_where_the_field_is) {
    CHECK_LINES(
        with("requests:\n"
             "  - name: Think Tank\n"
             "    match: {event: chat_message, where: {mode: x}}\n"
             "    id: message_id\n"
             "    answer: {event: response, id: re}\n"
             "    timeout: 45s\n"
             "    fallback: {event: response, data: {a: \"{{idd}}\"}}\n")
            .problems(),
        {"4:11: requests[0].name: must be a-z, 0-9 and _, begin with a letter, at most 64 "
         "characters: it is a "
         "metric label",
         "5:41: requests[0].match.where: \"mode\" is no JSON Pointer; write it like /message_id",
         "6:9: requests[0].id: \"message_id\" is no JSON Pointer; write it like /message_id",
         "7:35: requests[0].answer.id: \"re\" is no JSON Pointer; write it like /message_id",
         "9:39: requests[0].fallback.data: has the unknown placeholder {{idd}}; allowed are {{id}}, "
         "{{event}}, "
         "{{rule}}, {{elapsed_ms}}, {{code}}, {{reason}}, {{attempt}}, and pointers into the request such as "
         "{{/message_id}}"});
}

BOOST_AUTO_TEST_CASE(what_happens_to_a_request_of_a_lost_upstream) {
    const auto rule = [](const std::string& keys) {
        return with("requests: [{name: a, match: {event: x}, timeout: 1s, fallback: {ack: []}" + keys +
                    "}]\n");
    };
    const auto compiled = [&](const std::string& keys) {
        return rule(keys).load().config.session.rules.rules().at(0);
    };
    BOOST_CHECK(compiled("").on_upstream_lost == rules::OnUpstreamLost::hold);
    BOOST_CHECK_EQUAL(compiled("").retry.attempts, 0U);
    BOOST_CHECK(compiled(", on_upstream_lost: answer").on_upstream_lost == rules::OnUpstreamLost::answer);
    BOOST_CHECK_EQUAL(compiled(", repeatable: true, retry: {on: upstream_lost}").retry.attempts, 1U);
    BOOST_CHECK_EQUAL(
        compiled(", repeatable: true, retry: {on: [upstream_lost], attempts: 5}").retry.attempts, 5U);
    CHECK_LINES(rule(", repeatable: true").problems(),
                {"3:87: warning: requests[0].repeatable: does nothing without retry"});
    CHECK_LINES(
        rule(", retry: {on: upstream_lost}").problems(),
        {"3:82: requests[0].retry: sends the request to an app that may have done the work already: say "
         "repeatable: true if doing it twice is safe"});
    CHECK_LINES(
        rule(", repeatable: true, retry: {on: timeout, attempts: 6}").problems(),
        {"3:105: requests[0].retry.on: timeout needs idle_timeout: how long without a sign of progress is "
         "too long?",
         "3:124: requests[0].retry.attempts: \"6\" is not between 1 and 5"});
    CHECK_LINES(rule(", on_upstream_lost: resend").problems(),
                {"3:93: requests[0].on_upstream_lost: \"resend\" is none of: hold, answer"});
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_told_once) {
    CHECK_LINES(with("requests:\n  - {name: a}\n  - {match: {}, timeout: 1, fallback: {}}\n").problems(),
                {"4:5: requests[0].match is missing: a map of keys is expected",
                 "4:5: requests[0].timeout: is needed: how long may the answer take? (A rule with a schema "
                 "alone needs none.)",
                 "4:5: requests[0].fallback: is needed: {event: NAME, data: ...} or {ack: [...]}",
                 "5:5: requests[1].name is missing: text is expected",
                 "5:13: requests[1].match.event: is needed: which event? (Of a JSON websocket: match.type, "
                 "the type of the message.)",
                 "5:26: requests[1].timeout: \"1\" has no unit: write 500ms, 30s, 5m, 24h or 31d",
                 "5:39: requests[1].fallback: is needed: {event: NAME, data: ...} or {ack: [...]}"});
}

BOOST_AUTO_TEST_CASE(rules_with_the_same_name_share_no_metric) {
    CHECK_LINES(with("requests:\n"
                     "  - {name: a, match: {event: x}, timeout: 1s, fallback: {ack: []}}\n"
                     "  - {name: a, match: {event: y}, timeout: 1s, fallback: {ack: []}}\n")
                    .problems(),
                {"5:12: requests[1].name: \"a\" is the name of another rule; names are metric labels"});
}

BOOST_AUTO_TEST_CASE(conditions_are_scalars) {
    CHECK_LINES(
        with(
            "requests:\n"
            "  - {name: a, match: {event: x, where: {/a: [1], /b: 010}}, timeout: 1s, fallback: {ack: []}}\n")
            .problems(),
        {"4:45: requests[0].match.where.\"/a\": text, a number, true, false or null is expected, not a list",
         "4:54: \"010\" is no JSON number, though it looks like one: quote it if it is text"});
}

BOOST_AUTO_TEST_SUITE_END()
