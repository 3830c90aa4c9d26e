#include "config/check.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

namespace {

// On every address of the machine, and with something to check credentials by.
Given open_to_all(const std::string& yaml) {
    Given given{
        "listen: 0.0.0.0:8080\nupstream: http://a:1\n"
        "auth: {protect: /, any_of: [{flask_session: {secret_key_file: key}}]}\n" +
            yaml,
        {{"key", "k"}},
        {},
        {},
        false};
    return given;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checks)

BOOST_AUTO_TEST_CASE(risky_settings_are_warnings_and_no_more) {
    const Given given = open_to_all("cors: {allowed_origins: \"*\", dev: true}\n");
    CHECK_LINES(given.problems(),
                {"4:25: warning: every web page may use its visitors' cookies here: name the origins, or set "
                 "cors.allow_credentials: false",
                 "4:35: warning: cors.dev lets every page served on a visitor's own machine in, and others "
                 "can reach the "
                 "listener: use it on 127.0.0.1 only"});
    BOOST_CHECK(given.load().good);
    CHECK_LINES(open_to_all("cors: {allowed_origins: \"*\", allow_credentials: false}\n").problems(), {});
    CHECK_LINES(with("cors: {dev: true}\n").problems(), {});
}

BOOST_AUTO_TEST_CASE(an_open_listener_without_credentials_is_a_warning) {
    CHECK_LINES(
        (Given{"listen: [127.0.0.1:1, 0.0.0.0:8080]\nupstream: http://a:1\n", {}, {}, {}, false}.problems()),
        {"1:9: warning: everybody who reaches this address may use the app: auth.protect is empty"});
}

BOOST_AUTO_TEST_CASE(methods_without_anything_to_protect_are_a_warning) {
    Given given = with("auth: {any_of: [{flask_session: {secret_key_file: key}}]}\n");
    given.files["key"] = "k";
    CHECK_LINES(given.problems(), {"3:16: warning: auth.protect is empty: no path asks for a credential"});
}

BOOST_AUTO_TEST_CASE(credentials_in_the_query_are_a_warning) {
    CHECK_LINES(with("auth: {from: {query: [token]}}\n").problems(),
                {"3:22: warning: credentials in the query end up in logs and browser histories: prefer "
                 "auth.from.connect or a cookie"});
}

BOOST_AUTO_TEST_CASE(a_fallback_that_nobody_waits_for_is_a_warning) {
    const auto rule = [](const std::string& timeout) {
        return with("requests: [{name: a, match: {event: x}, timeout: " + timeout +
                    ", fallback: {ack: []}}]\n");
    };
    CHECK_LINES(rule("10m").problems(), {});
    CHECK_LINES(rule("11m").problems(),
                {"3:50: warning: nobody waits longer than ten minutes: the fallback comes to a "
                 "client that has given up"});
}

BOOST_AUTO_TEST_CASE(an_open_admin_listener_needs_a_token) {
    const std::string message =
        ": admin.listen: others can reach this address: set admin.token_file, or listen on 127.0.0.1";
    CHECK_LINES(with("admin: {listen: 0.0.0.0:9901}\n").problems(), {"3:17" + message});
    Given given = with("admin: {listen: 0.0.0.0:9901, token_file: token}\n");
    given.files["token"] = "abc\n";
    CHECK_LINES(given.problems(), {});
    BOOST_CHECK_EQUAL(given.load().config.net.admin_token_sha256,
                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    given.files.clear();
    CHECK_LINES(given.problems(), {"3:43: cannot read \"token\": No such file or directory"});
}

BOOST_AUTO_TEST_CASE(the_admin_listener_can_be_off) {
    const Loaded got = loaded("admin: {listen: off}\n");
    BOOST_CHECK(got.config.net.admin_listen.empty());
    CHECK_LINES(with("admin: {listen: [off, 127.0.0.1:1]}\n").problems(),
                {"3:18: admin.listen: off stands alone"});
}

BOOST_AUTO_TEST_CASE(an_outbox_that_holds_no_message) {
    CHECK_LINES(with("limits: {max_message: 2MiB, outbox: 1MiB}\n").problems(),
                {"3:37: limits.outbox is smaller than limits.max_message: such a message could never be "
                 "sent, set it to "
                 "at least that"});
}

BOOST_AUTO_TEST_CASE(the_same_address_twice) {
    CHECK_LINES(with("admin: {listen: 127.0.0.1:8080}\n").problems(),
                {"3:17: admin.listen: 127.0.0.1:8080 is there twice"});
    CHECK_LINES(
        (Given{"listen: [127.0.0.1:0, 127.0.0.1:0]\nupstream: http://a:1\n", {}, {}, {}, false}.problems()),
        {});
}

BOOST_AUTO_TEST_SUITE_END()
