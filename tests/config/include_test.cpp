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

BOOST_AUTO_TEST_CASE(a_pack_brings_its_websockets_along) {
    const std::string json = "format: json, ping: {type: p, reply: ";
    Given given =
        with("include: [packs/a.yaml, packs/b.yaml]\nwebsockets:\n  - {path: /own, format: json}\n" +
             ("  - {path: /shared, " + json) + "own}}\n");
    given.files["packs/a.yaml"] =
        "websockets:\n  - {path: /shared, " + json + "a}}\n  - {path: /a, " + json + "a}}\n";
    given.files["packs/b.yaml"] = "websockets:\n  - {path: /a, " + json + "b}, idle_timeout: 5m}\n";
    CHECK_LINES(given.problems(), {});
    Lines got;
    for (const auto& one : given.load().config.session.json_websockets) {
        std::string reply;
        one.pong.render(reply, {});
        got.push_back(one.path + ' ' + reply + (one.idle_timeout.count() > 0 ? " idle" : ""));
    }
    // The entry that goes over another replaces it whole.
    CHECK_LINES(got, {"/own ", "/shared \"own\"", "/a \"b\" idle"});
}

BOOST_AUTO_TEST_CASE(a_section_with_every_line_commented_out_takes_nothing_from_the_pack) {
    Given given = with("include: a.yaml\nrequests:\n#  - {name: own}\nwebsockets:\nheartbeat:\n");
    given.files["a.yaml"] = "requests:\n" + rule("a", "x") +
                            "websockets: [{path: /a, format: json}]\nheartbeat: {ping_interval: 3s}\n";
    CHECK_LINES(given.problems(), {});
    const Loaded got = given.load();
    CHECK_LINES(rule_names(got), {"a"});
    BOOST_CHECK_EQUAL(got.config.net.websockets.size(), 1U);
    BOOST_CHECK(got.config.session.ping_interval == std::chrono::seconds(3));
}

BOOST_AUTO_TEST_CASE(websockets_of_one_file_that_have_the_same_path_stay_a_mistake) {
    Given given = with("include: a.yaml\nwebsockets:\n");
    given.files["a.yaml"] =
        "websockets: [{path: /a, format: json}, {path: /a, format: opaque}, {format: json}]\n";
    CHECK_LINES(given.problems(),
                {"a.yaml:1:47: websockets: /a is there twice",
                 "a.yaml:1:68: websockets[2].path is missing: a path such as /socket.io/ is expected"});
}

BOOST_AUTO_TEST_CASE(a_pack_in_a_folder_of_its_own) {
    Given given{
        "include: rules/packs/chat.yaml\n"
        "listen: 127.0.0.1:8080\n"
        "upstream: http://127.0.0.1:5000\n"
        "requests:\n" +
            rule("own", "ask"),
        {},
        {},
        {},
        false};
    given.variables["MODEL"] = "llama";
    given.files["rules/packs/chat.yaml"] =
        "auth:\n"
        "  protect: [/socket.io/]\n"
        "  any_of:\n"
        "    - flask_session: {secret_key_file: \"${KEY_FILE:-keys/flask}\"}\n"
        "heartbeat: {ping_interval: \"${INTERVAL:-20s}\"}\n"
        "requests:\n"
        "  - name: chat\n"
        "    match: {event: chat}\n"
        "    timeout: 45s\n"
        "    fallback: {ack: [{model: \"${MODEL}\"}]}\n";
    given.files["rules/packs/keys/flask"] = "k";
    CHECK_LINES(given.problems(), {});
    const Loaded got = given.load();
    CHECK_LINES(rule_names(got), {"own", "chat"});
    BOOST_CHECK(got.config.session.ping_interval == std::chrono::seconds(20));
    std::string said;
    got.config.session.rules.rules().at(1).fallback.data.render(said, {});
    BOOST_CHECK_EQUAL(said, "[{\"model\":\"llama\"}]");

    given.variables = {{"KEY_FILE", "/run/key"}, {"INTERVAL", "20"}};
    CHECK_LINES(
        given.problems(),
        {"rules/packs/chat.yaml:4:40: cannot read \"/run/key\": No such file or directory",
         "rules/packs/chat.yaml:5:28: heartbeat.ping_interval: what the environment gives is not a duration "
         "such as 30s (1s..10m)",
         "rules/packs/chat.yaml:10:30: the environment variable MODEL is not set, and ${MODEL} has no "
         "default: "
         "${MODEL:-default}"});
}

BOOST_AUTO_TEST_CASE(problems_say_in_which_file) {
    Given given = with("include: [a.yaml]\nfoo: 1\n");
    given.files["a.yaml"] = "heartbeat: {ping_interval: 1}\nrequests:\n  - {name: a}\n";
    CHECK_LINES(given.problems(),
                {"4:1: unknown key \"foo\"",
                 "a.yaml:1:28: heartbeat.ping_interval: \"1\" has no unit: write 500ms, 30s, 5m, 24h or 31d",
                 "a.yaml:3:5: requests[0].match is missing: a map of keys is expected",
                 "a.yaml:3:5: requests[0].timeout: is needed: how long may the answer take? (A rule with a "
                 "schema alone "
                 "needs none.)",
                 "a.yaml:3:5: requests[0].fallback: is needed: {event: NAME, data: ...} or {ack: [...]}"});
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
