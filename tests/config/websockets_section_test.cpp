#include "config/websockets_section.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay;
using namespace forestay::config;
using namespace forestay::config::test;
using namespace std::chrono_literals;

namespace {

Given websocket(const std::string& keys) {
    return with("websockets: [{path: /ws, format: json" + keys + "}]\n");
}
std::string rendered(const rules::MessageTemplate& words) {
    std::string out;
    rules::TemplateValues values;
    values.code = rules::Code::protocol_schema;
    values.detail = "/a is missing";
    values.request = R"({"t":17})";
    words.render(out, values);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websockets_section)

BOOST_AUTO_TEST_CASE(a_json_websocket_needs_nothing_but_its_path) {
    const Loaded got = loaded("websockets: [{path: /raw, format: opaque}, {path: /ws, format: json}]\n");
    BOOST_REQUIRE_EQUAL(got.config.net.websockets.size(), 2U);
    BOOST_CHECK(!got.config.net.websockets[0].json.has_value());
    BOOST_CHECK(got.config.net.websockets[1].json == 0U);
    BOOST_REQUIRE_EQUAL(got.config.session.json_websockets.size(), 1U);
    const session::JsonWebsocket& one = got.config.session.json_websockets[0];
    BOOST_CHECK_EQUAL(one.path, "/ws");
    BOOST_CHECK_EQUAL(one.type.text(), "/type");
    BOOST_CHECK_EQUAL(rendered(one.error),
                      R"({"type":"error","code":"protocol_schema","message":"the message does not have the )"
                      R"(expected shape","detail":"/a is missing"})");
    BOOST_CHECK(one.objects_only);
    BOOST_CHECK(one.binary);
    BOOST_CHECK_EQUAL(one.ping, "");
    BOOST_CHECK(one.heartbeat == 0ms);
    BOOST_CHECK(one.idle_timeout == 0ms);
}

BOOST_AUTO_TEST_CASE(each_key_arrives) {
    const Loaded got = loaded(
        "websockets:\n"
        "  - path: /ws/{request_id}/{x}\n"
        "    format: json\n"
        "    type: /kind/name\n"
        "    error: {kind: bad, why: [\"{{code}}\", \"{{/t}}\"]}\n"
        "    objects_only: false\n"
        "    binary: false\n"
        "    ping: {type: ping, reply: {kind: pong, t: \"{{/t}}\"}}\n"
        "    heartbeat: {interval: 30s, message: {kind: heartbeat, n: 1}, response: heartbeat_response}\n"
        "    idle_timeout: 5m\n");
    const session::JsonWebsocket& one = got.config.session.json_websockets.at(0);
    BOOST_CHECK_EQUAL(one.path, "/ws/{request_id}/{x}");
    BOOST_CHECK_EQUAL(one.type.text(), "/kind/name");
    BOOST_CHECK_EQUAL(rendered(one.error), R"({"kind":"bad","why":["protocol_schema",17]})");
    BOOST_CHECK(!one.objects_only);
    BOOST_CHECK(!one.binary);
    BOOST_CHECK_EQUAL(one.ping, "ping");
    BOOST_CHECK_EQUAL(rendered(one.pong), R"({"kind":"pong","t":17})");
    BOOST_CHECK(one.heartbeat == 30s);
    BOOST_CHECK_EQUAL(one.heartbeat_message, R"({"kind":"heartbeat","n":1})");
    BOOST_CHECK_EQUAL(one.heartbeat_response, "heartbeat_response");
    BOOST_CHECK(one.idle_timeout == 5min);
}

BOOST_AUTO_TEST_CASE(what_only_json_has_is_refused_on_opaque_ones) {
    CHECK_LINES(with("websockets:\n"
                     "  - path: /ws\n"
                     "    format: opaque\n"
                     "    type: /type\n"
                     "    error: {}\n"
                     "    objects_only: true\n"
                     "    ping: {type: p, reply: 1}\n"
                     "    heartbeat: {interval: 1s, message: 1}\n"
                     "    idle_timeout: 5m\n")
                    .problems(),
                {"6:11: websockets[0].type: is for format: json only",
                 "7:12: websockets[0].error: is for format: json only",
                 "8:19: websockets[0].objects_only: is for format: json only",
                 "9:11: websockets[0].ping: is for format: json only",
                 "10:16: websockets[0].heartbeat: is for format: json only",
                 "11:19: websockets[0].idle_timeout: is for format: json only"});
}

BOOST_AUTO_TEST_CASE(values_that_cannot_be) {
    CHECK_LINES(websocket(", type: kind").problems(),
                {"3:46: websockets[0].type: \"kind\" is no JSON Pointer; write it like /type"});
    CHECK_LINES(websocket(", ping: {type: p}, heartbeat: {interval: 1s}").problems(),
                {"3:46: websockets[0].ping.reply is missing: a JSON value is expected",
                 "3:68: websockets[0].heartbeat.message is missing: a JSON value is expected"});
    CHECK_LINES(
        websocket(", heartbeat: {interval: 1s, message: {a: \"{{id}}\"}}").problems(),
        {"3:75: websockets[0].heartbeat.message: has a placeholder, and there is nothing that it could stand "
         "for"});
    CHECK_LINES(websocket(", ping: {type: a, reply: 1}, heartbeat: {interval: 1s, message: 1, response: a}")
                    .problems(),
                {"3:115: websockets[0].heartbeat.response: is the type of ping too: the two could not be "
                 "told apart"});
    const Lines problems = websocket(", error: [\"{{place}}\"]").problems();
    BOOST_REQUIRE_EQUAL(problems.size(), 1U);
    BOOST_CHECK(problems[0].starts_with("3:47: websockets[0].error: "));
}

BOOST_AUTO_TEST_CASE(names_in_paths_are_whole_segments) {
    const auto path = [](const std::string& text) {
        return with("websockets: [{path: \"" + text + "\", format: opaque}]\n").problems();
    };
    for (const char* good : {"/", "/ws", "/ws/", "/ws/{a}", "/{a}/{b_2}/x"}) CHECK_LINES(path(good), {});
    for (const std::string bad : {"/ws/{}", "/ws/a{b}", "/{a}b", "/{a", "/a}", "/{a-b}", "/{{a}}"})
        CHECK_LINES(path(bad), {"3:21: websockets[0].path: \"" + bad +
                                "\" has braces that are no whole segment: write /ws/{name}"});
}

BOOST_AUTO_TEST_CASE(a_client_that_is_closed_before_it_is_asked_is_a_warning) {
    CHECK_LINES(
        websocket(", idle_timeout: 30s, heartbeat: {interval: 30s, message: 1, response: a}").problems(),
        {"3:54: warning: websockets[0].idle_timeout is not longer than heartbeat.interval: a quiet client "
         "is closed before it is asked for a sign of life"});
}

BOOST_AUTO_TEST_CASE(the_answer_to_a_ping_has_no_code_to_tell) {
    const Lines got = websocket(", ping: {type: p, reply: {type: pong, code: \"{{code}}\"}}").problems();
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    BOOST_CHECK(got[0].find("ping.reply: has the placeholder {{code}}, which says nothing here") !=
                std::string::npos);
    CHECK_LINES(websocket(", error: {type: e, rule: \"{{rule}}\", id: \"{{id}}\"}").problems(), {});
}

BOOST_AUTO_TEST_SUITE_END()
