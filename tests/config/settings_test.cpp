#include "config/settings.h"

#include <boost/test/unit_test.hpp>

#include "config/access.h"
#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

namespace {

Given set(const std::string& yaml, const std::string& key, const std::string& value) {
    Given given = with(yaml);
    given.settings.push_back({"--set " + key, key, value});
    return given;
}

const std::string one_rule =
    "requests:\n"
    "  - {name: a, match: {event: x}, timeout: 1s, fallback: {ack: []}}\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(setting)

BOOST_AUTO_TEST_CASE(a_flag_goes_over_the_file) {
    const auto given =
        set("heartbeat: {ping_interval: 1s, ping_timeout: 2s}\n", "heartbeat.ping_interval", "20s");
    CHECK_LINES(given.problems(), {});
    BOOST_CHECK_EQUAL(text(given.load().effective, "heartbeat.ping_interval"), "20s");
    BOOST_CHECK_EQUAL(text(given.load().effective, "heartbeat.ping_timeout"), "2s");
}

BOOST_AUTO_TEST_CASE(flags_alone_are_a_configuration) {
    const auto got = load(
        {"", {{"--listen", "listen", "'127.0.0.1:1'"}, {"--upstream", "upstream.url", "'http://a:2'"}}}, {});
    BOOST_CHECK(got.good);
    BOOST_CHECK_EQUAL(got.config.net.upstream.urls.front().host, "a");
}

BOOST_AUTO_TEST_CASE(a_key_below_the_short_form_of_the_upstream_keeps_its_url) {
    const auto given = set("", "upstream.connect_timeout", "7s");
    CHECK_LINES(given.problems(), {});
    CHECK_LINES(texts(given.load().effective, "upstream.url"), {"http://127.0.0.1:5000"});
    BOOST_CHECK_EQUAL(text(given.load().effective, "upstream.connect_timeout"), "7s");
}

BOOST_AUTO_TEST_CASE(elements_of_lists_have_numbers) {
    const auto given = set(one_rule, "requests.0.timeout", "5s");
    CHECK_LINES(given.problems(), {});
    BOOST_CHECK(given.load().config.session.rules.rules().at(0).timeout == std::chrono::seconds(5));
    CHECK_LINES(set(one_rule, "requests.2.timeout", "5s").problems(),
                {"--set requests.2.timeout: there are only 1 elements"});
    CHECK_LINES(set(one_rule, "requests.x", "5s").problems(),
                {"--set requests.x: \"x\" is not a whole number: write digits only"});
}

BOOST_AUTO_TEST_CASE(values_are_yaml) {
    const auto given = set("", "socketio.paths", "[/a/, /b/]");
    CHECK_LINES(given.load().config.net.socketio_paths, {"/a/", "/b/"});
    const auto rule =
        set("", "requests",
            R"([{"name":"a","match":{"event":"x"},"timeout":"1s","fallback":{"ack":[1,"{{id}}"]}}])");
    CHECK_LINES(rule.problems(), {});
    BOOST_CHECK_EQUAL(rule.load().config.session.rules.rules().size(), 1U);
}

BOOST_AUTO_TEST_CASE(a_list_can_be_begun_and_continued) {
    Given given = with("");
    given.settings = {{"--set", "trusted_proxies.0", "10.0.0.0/8"},
                      {"--set", "trusted_proxies.1", "192.0.2.1"}};
    CHECK_LINES(given.problems(), {});
    BOOST_CHECK_EQUAL(given.load().config.net.trusted_proxies.size(), 2U);
}

BOOST_AUTO_TEST_CASE(problems_of_flags_name_the_flag_and_not_its_value) {
    CHECK_LINES(set("", "heartbeat.ping_intervall", "20s").problems(),
                {"--set heartbeat.ping_intervall: unknown key \"ping_intervall\" in heartbeat: did you mean "
                 "\"ping_interval\"?"});
    CHECK_LINES(set("", "heartbeat.ping_interval", "20").problems(),
                {"--set heartbeat.ping_interval: heartbeat.ping_interval: \"20\" has no unit: write 500ms, "
                 "30s, 5m, 24h "
                 "or 31d"});
    CHECK_LINES(set("", "heartbeat", "").problems(), {});
    CHECK_LINES(
        set("", "heartbeat.ping_interval", "").problems(),
        {"--set heartbeat.ping_interval: heartbeat.ping_interval: a duration such as 30s is expected, not "
         "nothing"});
    CHECK_LINES(set("", "listen.x", "1").problems(), {"--set listen.x: what stands there is a single value"});
    CHECK_LINES(set("", "heartbeat..x", "1").problems(),
                {"--set heartbeat..x: a key is a dotted path such as heartbeat.ping_interval"});
    CHECK_LINES(set("", "a.b.c", "*").problems(), {"--set a.b.c: this is not YAML: alias not found after * "
                                                   "(indentation, a missing colon or bracket, or a "
                                                   "bare * or & that needs quotes?)"});
}

BOOST_AUTO_TEST_CASE(a_path_is_not_endless) {
    std::string key = "a";
    for (int i = 0; i < 100; ++i) key += ".a";
    CHECK_LINES(set("", key, "1").problems(), {"--set " + key + ": nested too deeply"});
}

BOOST_AUTO_TEST_SUITE_END()
