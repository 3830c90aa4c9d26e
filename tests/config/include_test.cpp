#include <boost/test/unit_test.hpp>

#include "config/access.h"
#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

namespace {

std::string rule(const std::string& name, const std::string& event) {
    return "  - {name: " + name + ", match: {event: " + event + "}, timeout: 1s, fallback: {ack: []}}\n";
}

Lines rule_names(const Loaded& got) {
    Lines out;
    for (const auto& one : got.config.session.rules.rules()) out.push_back(one.name);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(including)

BOOST_AUTO_TEST_CASE(this_file_goes_over_what_it_includes) {
    Given given = with("include: [a.yaml, b.yaml]\nheartbeat: {ping_interval: 3s}\n");
    given.files["a.yaml"] = "heartbeat: {ping_interval: 1s, ping_timeout: 1s}\nlogging: {level: debug}\n";
    given.files["b.yaml"] = "heartbeat: {ping_interval: 2s, ping_timeout: 2s}\n";
    CHECK_LINES(given.problems(), {});
    const Node effective = given.load().effective;
    BOOST_CHECK_EQUAL(text(effective, "heartbeat.ping_interval"), "3s");
    BOOST_CHECK_EQUAL(text(effective, "heartbeat.ping_timeout"), "2s");
    BOOST_CHECK_EQUAL(text(effective, "logging.level"), "debug");
}

BOOST_AUTO_TEST_CASE(rules_of_this_file_come_first_because_the_first_match_wins) {
    Given given = with("include: [a.yaml, b.yaml]\nrequests:\n" + rule("own", "x"));
    given.files["a.yaml"] = "requests:\n" + rule("of_a", "x");
    given.files["b.yaml"] = "requests:\n" + rule("of_b1", "x") + rule("of_b2", "y");
    CHECK_LINES(rule_names(given.load()), {"own", "of_b1", "of_b2", "of_a"});
}

BOOST_AUTO_TEST_CASE(other_lists_are_replaced) {
    Given given = with("include: a.yaml\nsocketio: {paths: [/b/]}\n");
    given.files["a.yaml"] = "socketio: {paths: [/a/, /c/]}\n";
    CHECK_LINES(given.load().config.net.socketio_paths, {"/b/"});
}

BOOST_AUTO_TEST_CASE(paths_begin_at_the_file_that_names_them) {
    Given given = with("include: rules/a.yaml\n");
    given.files["rules/a.yaml"] = "auth: {protect: /, any_of: [{flask_session: {secret_key_file: key}}]}\n";
    given.files["rules/key"] = "k";
    CHECK_LINES(given.problems(), {});
}

BOOST_AUTO_TEST_CASE(problems_say_in_which_file) {
    Given given = with("include: [a.yaml]\nfoo: 1\n");
    given.files["a.yaml"] = "heartbeat: {ping_interval: 1}\nrequests:\n  - {name: a}\n";
    CHECK_LINES(given.problems(),
                {"4:1: unknown key \"foo\"",
                 "a.yaml:1:28: heartbeat.ping_interval: \"1\" has no unit: write 500ms, 30s, 5m, 24h or 31d",
                 "a.yaml:3:5: requests[0].match is missing: a map of keys is expected",
                 "a.yaml:3:5: requests[0].timeout is missing: a duration such as 30s is expected",
                 "a.yaml:3:5: requests[0].fallback is missing: a map of keys is expected"});
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_included) {
    Given given = with("include: [missing.yaml, [x], \"${NOT_SET}\", a.yaml, broken.yaml]\n");
    given.files["a.yaml"] = "include: [f.yaml]\n";
    given.files["broken.yaml"] = "a: [\n";
    CHECK_LINES(
        given.problems(),
        {"3:11: cannot read \"missing.yaml\": No such file or directory",
         "3:25: include: the path of a file is expected",
         "3:30: the environment variable NOT_SET is not set, and ${NOT_SET} has no default: "
         "${NOT_SET:-default}",
         "a.yaml:1:10: include: an included file cannot include others",
         "broken.yaml:2:1: this is not YAML: end of sequence flow not found (indentation, a missing colon or "
         "bracket, or a bare * or & that needs quotes?)"});
}

BOOST_AUTO_TEST_CASE(a_configuration_that_is_not_there) {
    const auto got = load({"/nonexistent/f.yaml", {}}, {});
    BOOST_CHECK(!got.good);
    BOOST_REQUIRE_EQUAL(got.problems.size(), 1U);
    BOOST_CHECK_EQUAL(to_string(got.problems[0]),
                      "/nonexistent/f.yaml: cannot read \"/nonexistent/f.yaml\": No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
