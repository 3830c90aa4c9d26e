#include "config/rule_warnings.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

namespace {

std::string rule(const std::string& name, const std::string& match, const std::string& more = "") {
    return "- {name: " + name + ", match: {" + match + "}, timeout: 60s, fallback: {ack: []}" + more + "}\n";
}
// What is said about the last of two rules.
std::string about_the_second(const std::string& first, const std::string& second) {
    const Lines all = with("auth: {protect: /, any_of: [{token: {sha256: " + std::string(64, 'a') +
                           "}}]}\nrequests:\n" + first + second)
                          .problems();
    BOOST_CHECK_LE(all.size(), 1U);
    return all.empty() ? "" : all[0];
}
void shadowed(const std::string& first, const std::string& second) {
    const std::string got = about_the_second(rule("a", first), rule("b", second));
    BOOST_CHECK_MESSAGE(
        got.ends_with("warning: requests[1].match: never matches: \"a\" stands before it and takes "
                      "every message that it could"),
        first + " before " + second + ": " + got);
}
void both_match(const std::string& first, const std::string& second) {
    BOOST_CHECK_EQUAL(about_the_second(rule("a", first), rule("b", second)), "");
}
// One rule with an id in its body.
Lines warnings(const std::string& keys) {
    return with("requests:\n- {name: a, match: {event: x}, answer: {event: y}, fallback: {event: y},\n" +
                keys + "}\n")
        .problems();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rule_warnings)

BOOST_AUTO_TEST_CASE(a_rule_behind_one_that_takes_everything) {
    shadowed("event: x", "event: x");
    shadowed("event: \"*\"", "event: x");
    shadowed("event: x", "event: x, namespace: /n");
    shadowed("event: x, namespace: /n", "event: x, namespace: /n");
    shadowed("event: x", "event: x, who: a");
    shadowed("event: x, who: \"*\"", "event: x, who: a");
    shadowed("event: x, who: [a, b]", "event: x, who: b");
    shadowed("event: x", "event: x, where: {/a: 1}");
    shadowed("event: x, where: {/a: 1}", "event: x, where: {/a: 1, /b: 2}");
    shadowed("event: x, where: {/a: {one_of: [1, 2]}}", "event: x, where: {/a: 2}");
    shadowed("event: x, where: {/a: {exists: true}}", "event: x, where: {/a: {matches: b}}");
    shadowed("event: x, where: {/a: {exists: false}}", "event: x, where: {/a: {exists: false}}");
    shadowed("event: x, where: {/a: {matches: b}}", "event: x, where: {/a: {matches: b, one_of: [b, bb]}}");
}

BOOST_AUTO_TEST_CASE(a_rule_that_may_get_something) {
    both_match("event: x", "event: y");
    both_match("event: x", "event: \"*\"");
    both_match("event: x, namespace: /n", "event: x");
    both_match("event: x, namespace: /n", "event: x, namespace: /m");
    both_match("event: x, who: a", "event: x");
    both_match("event: x, who: \"*\"", "event: x");
    both_match("event: x, who: a", "event: x, who: [a, b]");
    both_match("event: x, who: a", "event: x, who: \"*\"");
    both_match("event: x, path: /socket.io/", "event: x");
    both_match("event: x, where: {/a: 1}", "event: x");
    both_match("event: x, where: {/a: 1}", "event: x, where: {/a: 2}");
    both_match("event: x, where: {/a: 1}", "event: x, where: {/b: 1}");
    both_match("event: x, where: {/a: 1}", "event: x, where: {/a: {one_of: [1, 2]}}");
    both_match("event: x, where: {/a: {exists: true}}", "event: x, where: {/a: {exists: false}}");
    both_match("event: x, where: {/a: {exists: false}}", "event: x, where: {/a: 1}");
    both_match("event: x, where: {/a: {matches: b}}", "event: x, where: {/a: b}");
}

BOOST_AUTO_TEST_CASE(a_rule_for_acks_leaves_the_rest) {
    const std::string by_id =
        "- {name: b, match: {event: x}, id: /id, answer: {event: y}, timeout: 60s, fallback: "
        "{event: y}}\n";
    BOOST_CHECK_EQUAL(about_the_second(rule("a", "event: x"), by_id), "");
    const std::string first =
        "- {name: a, match: {event: x}, id: /id, answer: {event: y}, timeout: 60s, fallback: "
        "{event: y}}\n";
    BOOST_CHECK(about_the_second(first, rule("b", "event: x")).find("never matches") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(events_and_messages_do_not_meet) {
    CHECK_LINES(with("websockets: [{path: /ws, format: json}]\nrequests:\n" + rule("a", "event: \"*\"") +
                     "- {name: b, match: {type: x}, id: /id, answer: {type: y}, timeout: 60s, fallback: "
                     "{message: 1}}\n")
                    .problems(),
                {});
}

BOOST_AUTO_TEST_CASE(nobody_and_nowhere_to_match) {
    CHECK_LINES(with("requests:\n" + rule("a", "event: x, who: a")).problems(),
                {"4:36: warning: requests[0].match.who: never matches: auth.any_of is empty, so that nobody "
                 "is known"});
    CHECK_LINES(with("requests:\n" + rule("a", "event: x, path: /chat")).problems(),
                {"4:37: warning: requests[0].match.path: never matches: it is not in socketio.paths"});
    const auto json = [](const std::string& path, const std::string& websockets) {
        return with("requests:\n- {name: b, match: {type: x" + path +
                    "}, id: /id, answer: {type: y}, timeout: 60s, fallback: {message: 1}}\n" + websockets)
            .problems();
    };
    CHECK_LINES(json("", ""),
                {"4:27: warning: requests[0].match.type: never matches: no websocket in websockets has "
                 "format: json"});
    CHECK_LINES(
        json(", path: /b", "websockets: [{path: /a, format: json}, {path: /b, format: opaque}]\n"),
        {"4:36: warning: requests[0].match.path: never matches: it is not the path of a websocket with "
         "format: json as websockets has it"});
    CHECK_LINES(json(", path: /a", "websockets: [{path: /a, format: json}]\n"), {});
    CHECK_LINES(json(", path: \"/a/{b}\"", "websockets: [{path: \"/a/{b}\", format: json}]\n"), {});
    CHECK_LINES(
        json(", path: /a/7", "websockets: [{path: \"/a/{b}\", format: json}]\n"),
        {"4:36: warning: requests[0].match.path: never matches: it is not the path of a websocket with "
         "format: json as websockets has it"});
    CHECK_LINES(with("requests:\n" + rule("a", "event: x, path: /socket.io")).problems(), {});
}

BOOST_AUTO_TEST_CASE(a_fallback_that_nobody_waits_for) {
    CHECK_LINES(warnings("id: /id, timeout: 10m"), {});
    CHECK_LINES(warnings("id: /id, timeout: 11m"),
                {"5:19: warning: requests[0].timeout: nobody waits longer than ten minutes without a sign of "
                 "life: the "
                 "fallback comes to a client that has given up; see idle_timeout"});
    CHECK_LINES(warnings("id: /id, timeout: 1h, idle_timeout: 15s, progress: {event: p}"), {});
}

BOOST_AUTO_TEST_CASE(order_is_risky) {
    CHECK_LINES(warnings("id: order, timeout: 5s"), {"5:5: warning: requests[0].id: with order, after one "
                                                     "answer that is lost each later one is taken for "
                                                     "the one before: use an id if the messages have one"});
}

BOOST_AUTO_TEST_CASE(bounds_that_never_come_first) {
    CHECK_LINES(
        warnings("id: /id, timeout: 5s, concurrency: 1, queue: {timeout: 5s}"),
        {"5:56: warning: requests[0].queue.timeout: is not shorter than the rule's timeout, which counts the "
         "time in line: it never comes first"});
    // A default that is longer is nobody's mistake.
    CHECK_LINES(warnings("id: /id, timeout: 5s, concurrency: 1, queue: {max: 5}"), {});
    CHECK_LINES(
        warnings(
            "id: /id, timeout: 5s, idle_timeout: 2s, repeatable: true, retry: {on: timeout, attempts: 3}"),
        {"5:66: warning: requests[0].retry: timeout comes before the last of the attempts: each but the "
         "first "
         "comes after an idle_timeout"});
    CHECK_LINES(
        warnings(
            "id: /id, timeout: 5s, idle_timeout: 2s, repeatable: true, retry: {on: timeout, attempts: 2}"),
        {});
    CHECK_LINES(warnings("id: /id, timeout: 2m, breaker: {failures: 3}"),
                {"5:32: warning: requests[0].breaker: learns only at the deadline, after more than a minute, "
                 "that the "
                 "app does not answer: an idle_timeout tells it sooner"});
    CHECK_LINES(warnings("id: /id, timeout: 2m, idle_timeout: 10s, breaker: {failures: 3}"), {});
}

BOOST_AUTO_TEST_CASE(retries_that_never_come) {
    CHECK_LINES(warnings("id: /id, timeout: 5s, repeatable: true"),
                {"5:35: warning: requests[0].repeatable: does nothing without retry"});
    CHECK_LINES(with("resume: {upstream: {hold: 0s}}\nrequests:\n" +
                     rule("a", "event: x", ", repeatable: true, retry: {on: upstream_lost}"))
                    .problems(),
                {"5:97: warning: requests[0].retry.on: upstream_lost never happens: with "
                 "resume.upstream.hold: 0s the "
                 "session ends"});
}

BOOST_AUTO_TEST_SUITE_END()
