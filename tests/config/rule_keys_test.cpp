// Each key of `requests` arrives in the rule, and complains at its own place.
#include <boost/test/unit_test.hpp>

#include "config/effective.h"
#include "tests/config/given.h"

using namespace forestay;
using namespace forestay::config;
using namespace forestay::config::test;
using namespace std::chrono_literals;

namespace {

// One rule about an event with an id in its body; `keys` are more of its keys, in flow style.
Given events(const std::string& keys) {
    return with(
        "requests: [{name: a, match: {event: ask}, id: /id, answer: {event: told}, timeout: 60s,\n"
        " fallback: {event: told, data: no}" +
        (keys.empty() ? "" : ",\n" + keys) + "}]\n");
}
// The same for messages of a JSON websocket.
Given messages(const std::string& keys) {
    return with(
        "websockets: [{path: /ws, format: json}]\n"
        "requests: [{name: a, match: {type: ask}, id: /id, answer: {type: told}, timeout: 60s,\n"
        " fallback: {message: {type: told, id: \"{{id}}\"}}" +
        (keys.empty() ? "" : ",\n" + keys) + "}]\n");
}
rules::Rule rule(const Given& given) {
    const Loaded got = given.load();
    for (const Problem& problem : got.problems) BOOST_ERROR(to_string(problem));
    BOOST_REQUIRE_EQUAL(got.config.session.rules.rules().size(), 1U);
    return got.config.session.rules.rules()[0];
}
rules::Match match(const std::string& keys) {
    return rule(with("auth: {any_of: [{token: {sha256: " + std::string(64, 'a') +
                     "}}], protect: /}\n"
                     "requests: [{name: a, timeout: 5s, fallback: {ack: []}, match: {event: x, " +
                     keys + "}}]\n"))
        .match;
}
std::string said(const rules::Fallback& fallback) {
    std::string out;
    rules::TemplateValues values;
    values.id = "7";
    values.rule = "a";
    values.place = 3;
    fallback.data.render(out, values);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rule_keys)

BOOST_AUTO_TEST_CASE(who_and_where_from) {
    CHECK_LINES(match("who: alice").who, {"alice"});
    CHECK_LINES(match("who: [alice, \"*\"]").who, {"alice", "*"});
    BOOST_CHECK_EQUAL(match("path: /socket.io/").path, "/socket.io/");
    CHECK_LINES(events("").problems(), {});
}

BOOST_AUTO_TEST_CASE(conditions_are_a_value_or_a_map) {
    const rules::Match got = match(
        "where: {/a: x, /b: {equals: 1}, /c: {one_of: [x, 1, null]}, /d: {one_of: y}, /e: {exists: false}, "
        "/f: {exists: true, matches: '^a.c$'}}");
    BOOST_REQUIRE_EQUAL(got.where.size(), 6U);
    CHECK_LINES(got.where[0].one_of, {"\"x\""});
    CHECK_LINES(got.where[1].one_of, {"1"});
    CHECK_LINES(got.where[2].one_of, {"\"x\"", "1", "null"});
    CHECK_LINES(got.where[3].one_of, {"\"y\""});
    BOOST_CHECK(got.where[4].one_of.empty());
    BOOST_CHECK(got.where[4].exists == false);
    BOOST_CHECK(got.where[5].exists == true);
    BOOST_CHECK(got.where[5].matches);
    BOOST_CHECK(!got.where[4].matches);
}

BOOST_AUTO_TEST_CASE(conditions_that_are_none) {
    const auto where = [](const std::string& condition) {
        return with(
                   "requests: [{name: a, timeout: 5s, fallback: {ack: []}, match: {event: x, where: {/a.b: " +
                   condition + "}}}]\n")
            .problems();
    };
    CHECK_LINES(where("{equal: 1}"),
                {"3:81: requests[0].match.where: /a.b asks for nothing; give a value, one_of, "
                 "exists or matches",
                 "3:89: unknown key \"equal\" in requests[0].match.where.\"/a.b\": did you mean "
                 "\"equals\"?"});
    CHECK_LINES(
        where("{equals: {a: 1}}"),
        {"3:97: requests[0].match.where.\"/a.b\".equals: text, a number, true, false or null is expected, "
         "not a map"});
    CHECK_LINES(where("{one_of: [1, [2]]}"),
                {"3:101: requests[0].match.where.\"/a.b\".one_of[1]: text, a number, true, false or null is "
                 "expected, not a list"});
    CHECK_LINES(where("{exists: yes}"),
                {"3:97: requests[0].match.where.\"/a.b\".exists: \"yes\" is neither true nor false"});
    BOOST_CHECK_EQUAL(where("{matches: '('}").size(), 1U);
    BOOST_CHECK_EQUAL(where("{matches: '('}").at(0).find("3:"), 0U);
}

BOOST_AUTO_TEST_CASE(a_json_rule_arrives_whole) {
    const rules::Rule got =
        rule(messages("progress: {type: [working, thinking], id: /re}, partial: {type: part, id: /re, "
                      "fallback: {message: {type: "
                      "aborted}}}, late_answer: {rename: late}"));
    BOOST_CHECK(got.match.json);
    BOOST_CHECK_EQUAL(got.match.name, "ask");
    CHECK_LINES(got.answer.names, {"told"});
    CHECK_LINES(got.progress.names, {"working", "thinking"});
    BOOST_CHECK_EQUAL(got.progress.id.value().text(), "/re");
    CHECK_LINES(got.partial.names, {"part"});
    BOOST_CHECK_EQUAL(got.partial.id.value().text(), "/re");
    BOOST_CHECK_EQUAL(said(got.fallback), "{\"type\":\"told\",\"id\":7}");
    BOOST_REQUIRE(got.abort);
    BOOST_CHECK_EQUAL(said(*got.abort), "{\"type\":\"aborted\"}");
    BOOST_CHECK_EQUAL(got.late_name, "late");
}

BOOST_AUTO_TEST_CASE(progress_and_parts_of_events) {
    const rules::Rule got =
        rule(events("progress: {event: working}, partial: {event: [part], fallback: {event: aborted, data: "
                    "[\"{{rule}}\"]}}"));
    BOOST_CHECK(!got.match.json);
    CHECK_LINES(got.progress.names, {"working"});
    CHECK_LINES(got.partial.names, {"part"});
    BOOST_CHECK_EQUAL(got.abort.value().event, "aborted");
    BOOST_CHECK_EQUAL(said(*got.abort), "[\"a\"]");
}

BOOST_AUTO_TEST_CASE(event_and_type_are_not_mixed) {
    CHECK_LINES(events("progress: {type: p}").problems(),
                {"5:18: requests[0].progress.type: this rule is about Socket.IO events: write event"});
    CHECK_LINES(
        messages("progress: {event: p}").problems(),
        {"6:19: requests[0].progress.event: this rule is about messages of JSON websockets (match.type): "
         "write type"});
    CHECK_LINES(
        with("requests: [{name: a, match: {event: x, type: y}, timeout: 1s, fallback: {message: 1}, id: /a, "
             "answer: {type: z}}]\n"
             "websockets: [{path: /ws, format: json}]\n")
            .problems(),
        {"3:46: requests[0].match.type: stands beside match.event: a rule is about one of them; make two "
         "rules"});
}

BOOST_AUTO_TEST_CASE(problems_of_json_rules_speak_of_types) {
    CHECK_LINES(
        with("websockets: [{path: /ws, format: json}]\n"
             "requests:\n"
             "  - name: a\n"
             "    match: {type: ask, namespace: /x}\n"
             "    id: /id\n"
             "    answer: {id: /re}\n"
             "    timeout: 5s\n"
             "    fallback: {event: told, data: 1}\n")
            .problems(),
        {"6:35: requests[0].match.namespace: belongs to Socket.IO, and match.type to JSON websockets; remove "
         "one",
         "8:13: requests[0].answer.type: is needed: a message of which type answers the request?",
         "10:23: requests[0].fallback.event: belongs to Socket.IO; with match.type the whole message is in "
         "fallback.message",
         "10:35: requests[0].fallback.data: belongs to Socket.IO; with match.type the whole message is in "
         "fallback.message"});
    CHECK_LINES(
        with(
            "websockets: [{path: /ws, format: json}]\n"
            "requests: [{name: a, match: {type: ask}, answer: {type: told}, timeout: 1s, fallback: {message: "
            "{}}}]\n")
            .problems(),
        {"4:12: requests[0].id: is needed: a JSON Pointer such as /message_id, or order"});
}

BOOST_AUTO_TEST_CASE(patience_is_one_duration_or_two) {
    const rules::Rule none = rule(events(""));
    BOOST_CHECK(none.idle_first == 0ms);
    BOOST_CHECK(none.idle_next == 0ms);
    const rules::Rule both = rule(events("progress: {event: p}, idle_timeout: 15s"));
    BOOST_CHECK(both.timeout == 60s);
    BOOST_CHECK(both.idle_first == 15s);
    BOOST_CHECK(both.idle_next == 15s);
    const rules::Rule two = rule(events("progress: {event: p}, idle_timeout: {first: 20s, next: 5s}"));
    BOOST_CHECK(two.idle_first == 20s);
    BOOST_CHECK(two.idle_next == 5s);
    // Without progress there is only the first to wait for.
    BOOST_CHECK(rule(events("idle_timeout: 15s")).idle_first == 15s);
    BOOST_CHECK(rule(events("idle_timeout: {first: 15s}")).idle_next == 0ms);
    CHECK_LINES(
        events("idle_timeout: {first: 2m}").problems(),
        {"5:23: requests[0].idle_timeout.first: has no effect: timeout comes first; make it shorter than "
         "60s"});
    CHECK_LINES(
        events("idle_timeout: 2m").problems(),
        {"5:15: requests[0].idle_timeout.first: has no effect: timeout comes first; make it shorter than "
         "60s"});
    CHECK_LINES(events("idle_timeout: {first: 2, last: 3s}").problems(),
                {"5:23: requests[0].idle_timeout.first: \"2\" has no unit: write 500ms, 30s, 5m, 24h or 31d",
                 "5:26: unknown key \"last\" in requests[0].idle_timeout"});
    CHECK_LINES(events("idle_timeout: [1s]").problems(),
                {"5:15: requests[0].idle_timeout: a duration such as 30s is expected, not a list"});
}

BOOST_AUTO_TEST_CASE(retries) {
    const rules::Rule got =
        rule(events("idle_timeout: 5s, repeatable: true, retry: {on: [upstream_lost, timeout], attempts: 3, "
                    "backoff: 2s}"));
    BOOST_CHECK(got.retry.upstream_lost);
    BOOST_CHECK(got.retry.timeout);
    BOOST_CHECK_EQUAL(got.retry.attempts, 3U);
    BOOST_CHECK(got.retry.backoff == 2s);
    const rules::Rule plain = rule(events("repeatable: true, retry: {on: upstream_lost}"));
    BOOST_CHECK(!plain.retry.timeout);
    BOOST_CHECK_EQUAL(plain.retry.attempts, 1U);
    BOOST_CHECK(plain.retry.backoff == 500ms);
    CHECK_LINES(events("repeatable: true, retry: {on: [upstream_lost], backoff: 31s}").problems(),
                {"5:57: requests[0].retry.backoff: \"31s\" is not between 1ms and 30s"});
    CHECK_LINES(events("repeatable: true, retry: {attempts: 1}").problems(),
                {"5:26: requests[0].retry.on is missing: a word is expected"});
}

BOOST_AUTO_TEST_CASE(repetitions) {
    BOOST_CHECK(rule(events("")).repeat.window == 0ms);
    const rules::Rule plain = rule(events("repeat: {}"));
    BOOST_CHECK(plain.repeat.window == 10min);
    BOOST_CHECK(plain.repeat.by == rules::RepeatBy::id);
    const rules::Rule got = rule(events("repeat: {window: 30s, by: content}"));
    BOOST_CHECK(got.repeat.window == 30s);
    BOOST_CHECK(got.repeat.by == rules::RepeatBy::content);
    CHECK_LINES(events("repeat: {by: body}").problems(),
                {"5:14: requests[0].repeat.by: \"body\" is none of: id, content"});
    CHECK_LINES(
        with("requests: [{name: a, match: {event: x}, timeout: 1s, fallback: {ack: []}, repeat: {}}]\n")
            .problems(),
        {"3:83: requests[0].repeat.by: must be content with id: ack: each repetition has an ack id of its "
         "own"});
}

BOOST_AUTO_TEST_CASE(a_line) {
    BOOST_CHECK_EQUAL(rule(events("")).concurrency, 0U);
    const rules::Rule plain = rule(events("concurrency: 4"));
    BOOST_CHECK_EQUAL(plain.concurrency, 4U);
    BOOST_CHECK_EQUAL(plain.queue.max, 100U);
    BOOST_CHECK(plain.queue.timeout == 30s);
    BOOST_CHECK(!plain.queue.status);
    const rules::Rule got = rule(events(
        "concurrency: 1, queue: {max: 7, timeout: 20s, status: {event: place, data: {n: \"{{place}}\"}}, "
        "status_every: 5s}"));
    BOOST_CHECK_EQUAL(got.queue.max, 7U);
    BOOST_CHECK(got.queue.timeout == 20s);
    BOOST_CHECK(got.queue.status_every == 5s);
    BOOST_CHECK_EQUAL(got.queue.status.value().event, "place");
    BOOST_CHECK_EQUAL(said(*got.queue.status), "{\"n\":3}");
    const rules::Rule json =
        rule(messages("concurrency: 1, queue: {status: {message: {type: place, n: \"{{place}}\"}}}"));
    BOOST_CHECK_EQUAL(said(json.queue.status.value()), "{\"type\":\"place\",\"n\":3}");
    CHECK_LINES(events("queue: {max: 5}").problems(),
                {"5:8: requests[0].queue: needs concurrency: how many may be with the app at once?"});
    CHECK_LINES(events("concurrency: 0").problems(),
                {"5:14: requests[0].concurrency: \"0\" is not between 1 and 10000"});
    CHECK_LINES(
        events("concurrency: 1, queue: {status: {event: x, ack: []}}").problems(),
        {"5:44: unknown key \"ack\" in requests[0].queue.status: did you mean \"requests[].match.ack\"?"});
}

BOOST_AUTO_TEST_CASE(breakers) {
    BOOST_CHECK(!rule(events("")).breaker.on());
    const rules::Breaker plain = rule(events("breaker: {failures: 5}")).breaker;
    BOOST_CHECK_EQUAL(plain.failures, 5U);
    BOOST_CHECK_EQUAL(plain.share, 0);
    BOOST_CHECK_EQUAL(plain.minimum, 20U);
    BOOST_CHECK(plain.window == 30s);
    BOOST_CHECK(plain.open == 30s);
    const rules::Breaker got =
        rule(events("breaker: {failure_share: 50%, minimum: 10, window: 1m, open: 5s}")).breaker;
    BOOST_CHECK_EQUAL(got.failures, 0U);
    BOOST_CHECK_EQUAL(got.share, 0.5);
    BOOST_CHECK_EQUAL(got.minimum, 10U);
    BOOST_CHECK(got.window == 1min);
    BOOST_CHECK(got.open == 5s);
    CHECK_LINES(
        events("breaker: {open: 5s}").problems(),
        {"5:10: requests[0].breaker: needs failures or failure_share: without either it never opens"});
    CHECK_LINES(events("breaker: {failure_share: 0.5}").problems(),
                {"5:26: requests[0].breaker.failure_share: \"0.5\" is not a share: write 50%"});
    CHECK_LINES(events("breaker: {failure_share: 101%}").problems(),
                {"5:26: requests[0].breaker.failure_share: \"101%\" is not between 1% and 100%"});
}

BOOST_AUTO_TEST_CASE(rates_of_one_identity) {
    BOOST_CHECK_EQUAL(rule(events("")).rate.per_second, 0);
    BOOST_CHECK_EQUAL(rule(events("rate: 10/s")).rate.per_second, 10);
    BOOST_CHECK_EQUAL(rule(events("rate: 30/m")).rate.per_second, 0.5);
    BOOST_CHECK_EQUAL(rule(events("rate: 30/m")).rate.burst, 30);
    BOOST_CHECK_EQUAL(rule(events("rate: 7200/h")).rate.per_second, 2);
    CHECK_LINES(events("rate: 0/m").problems(),
                {"5:7: requests[0].rate: \"0/m\" is not between 1/h and 1000000/s"});
    CHECK_LINES(events("rate: 10").problems(),
                {"5:7: requests[0].rate: \"10\" is not a rate: write 100/s, 30/m or 10/h"});
}

BOOST_AUTO_TEST_CASE(a_schema_is_any_map) {
    const rules::Rule got =
        rule(messages("schema: {type: object, required: [id], properties: {id: {type: [string, integer]}, n: "
                      "{minimum: 1}}}"));
    BOOST_REQUIRE(got.schema);
    BOOST_CHECK(!got.schema->problem("{\"id\":\"1\"}"));
    BOOST_CHECK(got.schema->problem("{\"n\":1}"));
    const rules::Rule only_checks = rule(
        with("requests: [{name: a, match: {event: x}, schema: {type: object}, fallback: {event: no}}]\n"));
    BOOST_CHECK(!only_checks.tracks);
    const rules::Rule of_json =
        rule(with("websockets: [{path: /ws, format: json}]\n"
                  "requests: [{name: a, match: {type: x}, schema: {required: [id]}}]\n"));
    BOOST_CHECK(!of_json.tracks);
    const Lines problems = messages("schema: {typ: object}").problems();
    BOOST_REQUIRE_EQUAL(problems.size(), 1U);
    BOOST_CHECK(problems[0].starts_with("6:9: requests[0].schema: "));
}

BOOST_AUTO_TEST_CASE(what_is_in_force_reads_as_the_same) {
    const Given given = with(
        "websockets: [{path: \"/ws/{id}\", format: json, type: /kind, error: {kind: error}, objects_only: "
        "false, "
        "ping: {type: ping, reply: {kind: pong, t: \"{{/t}}\"}}, heartbeat: {interval: 30s, message: {kind: "
        "beat}, "
        "response: beaten}, idle_timeout: 5m}]\n"
        "requests:\n"
        "  - {name: a, match: {type: ask, where: {/a: {one_of: [1, \"1\"], matches: \"^$\"}}}, id: /id, "
        "answer: "
        "{type: t},\n"
        "     timeout: 60s, idle_timeout: {first: 5s}, fallback: {message: {a: \"{{id}}\"}}, concurrency: "
        "1,\n"
        "     queue: {max: 0, status: {message: \"{{place}}\"}}, breaker: {failure_share: 5%}, rate: 10/m,\n"
        "     schema: {type: object}, repeat: {by: content}}\n"
        "  - {name: b, match: {event: x}, timeout: 60s, fallback: {ack: [1]}}\n");
    CHECK_LINES(given.problems(), {});
    const std::string written = effective_yaml(given.load().effective);
    const Given again{written, {}, {}, {}, false};
    CHECK_LINES(again.problems(), {});
    BOOST_CHECK_EQUAL(effective_yaml(again.load().effective), written);
}

BOOST_AUTO_TEST_SUITE_END()
