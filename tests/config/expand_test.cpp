#include "config/expand.h"

#include <boost/test/unit_test.hpp>

#include "config/access.h"
#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

BOOST_AUTO_TEST_SUITE(expanding)

BOOST_AUTO_TEST_CASE(variables_stand_inside_values) {
    Given given{"listen: 127.0.0.1:${PORT}\nupstream: http://${HOST:-localhost}:${APP_PORT:-5000}${PREFIX}\n",
                {},
                {{"PORT", "8081"}, {"HOST", "app"}, {"PREFIX", ""}},
                {},
                false};
    CHECK_LINES(given.problems(), {});
    const Config config = given.load().config;
    BOOST_CHECK_EQUAL(config.net.listen.at(0).port, 8081);
    BOOST_CHECK_EQUAL(config.net.upstream.urls.front().host, "app");
    BOOST_CHECK_EQUAL(config.net.upstream.urls.front().port, 5000);
}

BOOST_AUTO_TEST_CASE(a_default_stands_in_for_an_empty_variable_too) {
    Given given = with("logging: {level: \"${LEVEL:-debug}\"}\n");
    given.variables["LEVEL"] = "";
    BOOST_CHECK_EQUAL(text(given.load().effective, "logging.level"), "debug");
}

BOOST_AUTO_TEST_CASE(a_variable_that_is_not_set_is_one_problem_not_two) {
    CHECK_LINES(
        with("logging: {level: \"${LEVEL}\"}\nheartbeat: {ping_interval: \"${PING}\"}\n").problems(),
        {"3:18: the environment variable LEVEL is not set, and ${LEVEL} has no default: ${LEVEL:-default}",
         "4:28: the environment variable PING is not set, and ${PING} has no default: ${PING:-default}"});
}

BOOST_AUTO_TEST_CASE(what_looks_like_a_variable_and_is_none) {
    CHECK_LINES(
        with("logging: {level: \"${}\", format: \"${a-b}\"}\nheartbeat: {ping_interval: \"${PING\"}\n")
            .problems(),
        {"3:18: \"${}\" is not ${NAME} or ${NAME:-default}; a plain ${ is written $${",
         "3:33: \"${a-b}\" is not ${NAME} or ${NAME:-default}; a plain ${ is written $${",
         "4:28: ${ without its closing brace; a plain ${ is written $${"});
}

BOOST_AUTO_TEST_CASE(two_dollars_are_one) {
    const Loaded got = loaded("auth: {identity_headers: {X-A: \"a$${b}$${\", X-B: $5, X-C: $$}}\n");
    BOOST_REQUIRE_EQUAL(got.config.auth.identity_headers.size(), 3U);
    BOOST_CHECK_EQUAL(got.config.auth.identity_headers[0].second, "a${b}${");
    BOOST_CHECK_EQUAL(got.config.auth.identity_headers[1].second, "$5");
    BOOST_CHECK_EQUAL(got.config.auth.identity_headers[2].second, "$$");
}

BOOST_AUTO_TEST_CASE(what_a_variable_holds_is_text) {
    // Neither a variable again, nor YAML that could add a key.
    Given given = with("auth: {identity_headers: {X-A: \"${A}\"}}\n");
    given.variables = {{"A", "${B}, X-B: c}"}, {"B", "secret"}};
    CHECK_LINES(given.problems(), {});
    const auto headers = given.load().config.auth.identity_headers;
    BOOST_REQUIRE_EQUAL(headers.size(), 1U);
    BOOST_CHECK_EQUAL(headers[0].second, "${B}, X-B: c}");
}

BOOST_AUTO_TEST_CASE(keys_are_not_expanded) {
    Given given = with("\"${A}\": 1\n");
    given.variables = {{"A", "threads"}};
    CHECK_LINES(given.problems(), {"3:1: unknown key \"${A}\""});
}

BOOST_AUTO_TEST_CASE(numbers_and_booleans_may_come_from_the_environment_in_quotes) {
    Given given = with("limits: {max_connections: \"${N}\"}\ncors: {dev: \"${DEV}\"}\n");
    given.variables = {{"N", "80"}, {"DEV", "true"}};
    CHECK_LINES(given.problems(), {});
    BOOST_CHECK_EQUAL(given.load().config.net.limits.connections, 80U);
}

BOOST_AUTO_TEST_CASE(a_message_never_shows_what_the_environment_gave) {
    Given given = with(
        "logging: {level: \"${A}\"}\nheartbeat: {ping_interval: \"${A}\"}\nsocketio: {paths: \"${A}\"}\n");
    given.variables = {{"A", "hunter2"}};
    CHECK_LINES(given.problems(),
                {"3:18: logging.level: what the environment gives is not a word (debug|info|warning|error)",
                 "4:28: heartbeat.ping_interval: what the environment gives is not a duration such as "
                 "30s (1s..10m)",
                 "5:19: socketio.paths: what the environment gives is not a path such as /socket.io/"});
}

BOOST_AUTO_TEST_CASE(expansion_is_bounded) {
    Given given = with("auth: {identity_headers: {X-A: \"${A}${A}${A}\"}}\n");
    given.variables = {{"A", std::string(600'000, 'x')}};
    CHECK_LINES(given.problems(), {"3:32: longer than 1 MiB with what the environment gives"});
}

BOOST_AUTO_TEST_SUITE_END()
