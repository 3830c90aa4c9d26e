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

BOOST_AUTO_TEST_CASE(answers_that_every_page_can_read_are_a_warning) {
    CHECK_LINES(
        with("socketio: {jsonp: true}\n").problems(),
        {"3:19: warning: every web page can read what JSONP answers to its visitors' cookies, whatever "
         "cors.allowed_origins says: scripts are fetched without Origin"});
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
    CHECK_LINES(
        with("limits: {max_message: 2MiB, outbox: 1MiB}\nresume: {upstream: {max_bytes: 2MiB}}\n").problems(),
        {"3:37: limits.outbox is smaller than limits.max_message: such a message could never be "
         "sent, set it to "
         "at least that"});
}

BOOST_AUTO_TEST_CASE(several_upstreams) {
    const auto upstream = [](const std::string& value) {
        return Given{"listen: 127.0.0.1:1\nupstream: " + value + '\n', {}, {}, {}, false};
    };
    const Loaded got = upstream("[http://a:1, http://a:2]").load();
    BOOST_CHECK(got.good);
    BOOST_REQUIRE_EQUAL(got.config.net.upstream.urls.size(), 2U);
    BOOST_CHECK_EQUAL(got.config.net.upstream.urls[1].port, 2);
    BOOST_CHECK_EQUAL(
        upstream("{url: [http://a:1, http://b:1], stall: 5s}").load().config.net.upstream.urls.size(), 2U);
    CHECK_LINES(upstream("[http://a:1, http://b, http://a:1/]").problems(),
                {"2:34: upstream.url: http://a:1/ is there twice"});
    CHECK_LINES(upstream("[]").problems(), {"2:11: upstream.url: at least one URL is expected"});
    CHECK_LINES(upstream("[http://a:1, a:2]").problems(),
                {"2:24: upstream.url[1]: \"a:2\" is not a URL of the form http://host:port/prefix"});
    std::string many = "[http://a:1";
    for (int i = 2; i <= 65; ++i) many += ", http://a:" + std::to_string(i);
    const auto problems = upstream(many + ']').problems();
    BOOST_REQUIRE_EQUAL(problems.size(), 1U);
    BOOST_CHECK(problems[0].ends_with("upstream.url: more than 64 of them"));
}

BOOST_AUTO_TEST_CASE(a_websocket_is_named_once) {
    CHECK_LINES(with("websockets:\n- {path: /ws, format: json}\n- {path: /ws, format: opaque}\n"
                     "- {path: /socket.io/, format: json}\n")
                    .problems(),
                {"5:10: websockets: /ws is there twice", "6:10: websockets: /socket.io/ is there twice"});
    CHECK_LINES(
        with("websockets: [{path: \"/a/{x}\", format: json}, {path: \"/a/{y}\", format: json}]\n").problems(),
        {"3:53: websockets: /a/{y} is there twice"});
}

BOOST_AUTO_TEST_CASE(the_same_address_twice) {
    CHECK_LINES(with("admin: {listen: 127.0.0.1:8080}\n").problems(),
                {"3:17: admin.listen: 127.0.0.1:8080 is there twice"});
    CHECK_LINES(
        (Given{"listen: [127.0.0.1:0, 127.0.0.1:0]\nupstream: http://a:1\n", {}, {}, {}, false}.problems()),
        {});
}

BOOST_AUTO_TEST_SUITE_END()
