// JSON websockets without rules: what goes nowhere, what is answered here, what is sent by the clock.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using forestay::session::testing::Script;
using forestay::wire::websocket::Opcode;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

forestay::rules::MessageTemplate written(std::string_view json) {
    std::string problem;
    auto made = forestay::rules::MessageTemplate::compile(json, problem);
    if (!made) throw std::logic_error(problem);
    return *made;
}

Policy strict() {
    Policy policy = testing::policy();
    JsonWebsocket& shape = policy.json_websockets.emplace_back();
    shape.path = "/ws";
    shape.type = *forestay::wire::json::Pointer::parse("/type");
    shape.error =
        written(R"({"type":"error","code":"{{code}}","id":"{{id}}","of":"{{event}}","why":"{{detail}}"})");
    return policy;
}

Setup json() {
    Setup setup;
    setup.dialect = Dialect::json;
    setup.websocket = true;
    setup.path = "/ws";
    setup.secret = "OLD";
    return setup;
}

Script& open(Script& script) {
    script.input(input::ClientUpgraded{}).heard();
    return script;
}

std::string error(std::string_view why) {
    return R"(client: {"type":"error","code":"protocol_json","id":null,"of":"","why":")" + std::string(why) +
           "\"}";
}

std::string masked(std::string_view text) {
    std::string bytes;
    forestay::wire::websocket::write_frame(bytes, Opcode::text, text,
                                           forestay::wire::websocket::MaskKey{9, 8, 7, 6});
    return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_messages)

// Starlette's receive_json raises over them.
BOOST_AUTO_TEST_CASE(an_app_that_reads_text_gets_no_binary_message) {
    Policy policy = strict();
    policy.json_websockets.front().binary = false;
    Script script(json(), policy);
    open(script).client_sends("b");
    const Lines lines = script.heard();
    BOOST_REQUIRE(!lines.empty());
    BOOST_TEST(lines.front() == "client: CLOSE 1003 text only");
    BOOST_TEST(lines.back() == "end client protocol_violation");
    Script other(json(), strict());
    BOOST_TEST(open(other).client_sends("b").heard() == Lines{"upstream: <b>"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_no_object_gets_the_error_and_goes_nowhere) {
    Script script(json(), strict());
    open(script);
    for (const char* text : {"hi", "", R"({"a":1)", R"({"a":1} {})", "{\"a\":\"\x01\"}"}) {
        script.client_says(text);
        BOOST_TEST(script.heard() == Lines({error("not JSON")}));
    }
    script.client_says(" [1]").client_says("null").client_says("\"{}\"");
    BOOST_TEST(script.heard() ==
               Lines({error("not an object"), error("not an object"), error("not an object")}));
    script.client_says(R"({"a":)" + std::string(64, '[') + std::string(64, ']') + "}");
    BOOST_TEST(script.heard() == Lines({error("nested too deep")}));
    script.client_says(" { \"n\" : 1e999 }\n").client_sends("\x01{");
    BOOST_TEST(script.heard() == Lines({"upstream:  { \"n\" : 1e999 }\n", "upstream: <\x01{>"}));
    BOOST_TEST(script.stats().from_client.messages == 11U);
    BOOST_TEST(script.stats().to_upstream.messages == 2U);
    BOOST_TEST(script.stats().to_client.messages == 9U);
}

BOOST_AUTO_TEST_CASE(an_error_waits_until_a_fragmented_message_of_the_app_is_whole) {
    Script script(json(), strict());
    open(script);
    std::string first, last;
    forestay::wire::websocket::write_frame(first, Opcode::text, "{\"a\":", std::nullopt);
    first[0] = '\x01';  // without FIN
    forestay::wire::websocket::write_frame(last, Opcode::text, "1}", std::nullopt);
    last[0] = '\x80';
    script.input(input::UpstreamBytes{first}).client_says("no").input(input::UpstreamBytes{last});
    BOOST_TEST(script.heard() == Lines({error("not JSON"), R"(client: {"a":1})"}));
}

BOOST_AUTO_TEST_CASE(nothing_to_look_for_means_nothing_is_looked_at) {
    Policy policy = strict();
    policy.json_websockets[0].objects_only = false;
    Script script(json(), policy);
    open(script);
    const std::string frames = masked("hi") + masked("{") + masked(R"({"type":"ping"})");
    script.session().handle(input::ClientBytes{frames}, script.now());
    const auto action = script.session().next_action();
    BOOST_REQUIRE(std::holds_alternative<action::SendUpstream>(*action));
    // Mask and all, in one piece.
    BOOST_TEST(std::get<action::SendUpstream>(*action).bytes == frames);
    BOOST_TEST(!script.session().next_action().has_value());
}

BOOST_AUTO_TEST_CASE(without_an_envelope_pings_are_between_client_and_app) {
    Script script(json(), strict());
    script.input(input::ClientUpgraded{});
    BOOST_TEST(script.heard() == Lines());
    script.client_frame(Opcode::ping, "a").upstream_frame(Opcode::pong, "a");
    script.upstream_frame(Opcode::ping, "b").client_frame(Opcode::pong, "b").at(1h);
    BOOST_TEST(script.heard() ==
               Lines({"upstream: PING a", "client: PONG a", "client: PING b", "upstream: PONG b"}));
    script.input(input::ClientLost{});
    BOOST_TEST(script.heard() ==
               Lines({"upstream: CLOSE 1001", "close upstream", "end client connection_lost"}));
}

BOOST_AUTO_TEST_CASE(a_ping_by_type_is_answered_here) {
    Policy policy = strict();
    policy.json_websockets[0].objects_only = false;
    policy.json_websockets[0].ping = "ping";
    policy.json_websockets[0].pong = written(R"({"type":"pong","of":"{{event}}","t":"{{/t}}"})");
    Script script(json(), policy);
    open(script);
    script.client_says(R"({"type":"ping","t":17})").client_says(R"({"type":"p\u0069ng"})");
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"pong","of":"ping","t":17})",
                                        R"(client: {"type":"pong","of":"ping","t":null})"}));
    for (const std::string text :
         {R"({"type":"ping")", R"({"type":"pings"})", R"({"type":["ping"]})", R"({"kind":"ping"})", "ping"}) {
        script.client_says(text);
        BOOST_TEST(script.heard() == Lines({"upstream: " + text}));
    }
}

BOOST_AUTO_TEST_CASE(the_heartbeat_comes_by_the_clock_and_its_response_goes_nowhere) {
    Policy policy = strict();
    policy.json_websockets[0].heartbeat = 30s;
    policy.json_websockets[0].heartbeat_message = R"({"type":"heartbeat"})";
    policy.json_websockets[0].heartbeat_response = "heartbeat_response";
    Script script(json(), policy);
    open(script).at(29999ms);
    BOOST_TEST(script.heard() == Lines());
    script.at(30s);
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"heartbeat"})"}));
    script.client_says(R"({"type":"heartbeat_response"})").at(60s);
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"heartbeat"})"}));
    script.client_frame(Opcode::close, "\x03\xe8").heard();
    script.at(64s);
    BOOST_TEST(script.heard() == Lines());
}

BOOST_AUTO_TEST_CASE(the_heartbeat_is_no_message_of_the_record_and_skips_who_is_away) {
    Policy policy = strict();
    policy.resume_client.envelope = true;
    policy.ping_interval = 1h;
    policy.json_websockets[0].heartbeat = 30s;
    policy.json_websockets[0].heartbeat_message = R"({"type":"heartbeat"})";
    Script script(json(), policy);
    open(script).client_says(R"({"hello":1})").upstream_says(R"({"n":1})").at(30s).heard();
    script.upstream_says(R"({"n":2})");
    BOOST_TEST(script.heard() == Lines({R"(client: {"message_id":2,"n":2})"}));
    script.input(input::ClientLost{}).at(100s).heard();
    Setup fresh_setup = json();
    fresh_setup.secret = "NEW";
    Script fresh(fresh_setup, policy, 100s);
    open(fresh).client_says(R"({"type":"reconnect","session":"OLD","last_message_id":2})");
    BOOST_TEST(script.takes(fresh));
    script.heard();
    script.client_frame(Opcode::pong, "").at(129999ms);
    BOOST_TEST(script.heard() == Lines());
    script.at(130s);
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"heartbeat"})"}));
}

BOOST_AUTO_TEST_CASE(a_client_that_says_nothing_is_closed) {
    Policy policy = strict();
    policy.json_websockets[0].idle_timeout = 5min;
    Script script(json(), policy);
    open(script).upstream_says("{}").at(299s).client_frame(Opcode::pong, "").at(598s).heard();
    BOOST_TEST(!script.session().ended());
    script.upstream_says("{}").heard();
    script.at(599s);
    BOOST_TEST(script.heard() == Lines({"client: CLOSE 1001 idle", "close client", "upstream: CLOSE 1001",
                                        "close upstream", "end client idle"}));
}

BOOST_AUTO_TEST_CASE(a_client_is_not_idle_while_it_sends_a_long_message) {
    Policy policy = strict();
    policy.json_websockets[0].idle_timeout = 5s;
    Script script(json(), policy);
    const std::string frame = masked(R"({"long":"message"})");
    open(script).at(4s).input(input::ClientBytes{frame.substr(0, 9)}).at(8s);
    BOOST_TEST(!script.session().ended());
    script.input(input::ClientBytes{frame.substr(9)});
    BOOST_TEST(script.heard() == Lines({R"(upstream: {"long":"message"})"}));
    script.at(12s);
    BOOST_TEST(!script.session().ended());
    script.at(13s);
    BOOST_TEST(script.session().ended());
}

// What arrives may end in the middle of a message each time, and none of them takes long.
BOOST_AUTO_TEST_CASE(a_client_that_says_much_is_not_taken_for_one_that_does_not_finish) {
    Script script(json(), strict());
    const std::string frame = masked("{}");
    open(script).input(input::ClientBytes{frame.substr(0, 3)});
    for (int i = 1; i <= 4; ++i)
        script.at(i * 10s).input(input::ClientBytes{frame.substr(3) + frame.substr(0, 3)});
    BOOST_TEST(!script.session().ended());
    BOOST_TEST(script.stats().from_client.messages == 4U);
    script.at(69s);
    BOOST_TEST(!script.session().ended());
    script.at(70s);
    BOOST_TEST(script.session().ended());
}

BOOST_AUTO_TEST_CASE(silence_while_nobody_reads_is_not_the_client_s) {
    Policy policy = strict();
    policy.json_websockets[0].idle_timeout = 60s;
    Script script(json(), policy);
    open(script).input(input::UpstreamBlocked{2 << 20}).heard();
    script.at(70s);
    BOOST_TEST(!script.session().ended());
    script.input(input::UpstreamDrained{}).at(119s);
    BOOST_TEST(!script.session().ended());
    script.at(120s);
    BOOST_TEST(script.session().ended());
}

BOOST_AUTO_TEST_CASE(with_an_envelope_an_idle_client_may_come_back) {
    Policy policy = strict();
    policy.resume_client.envelope = true;
    policy.ping_interval = 1h;
    policy.json_websockets[0].idle_timeout = 60s;
    Script script(json(), policy);
    open(script).client_says("{}").heard();
    script.at(60s);
    BOOST_TEST(script.heard() == Lines({"client: CLOSE 1001 idle", "close client", "report client_away 0"}));
    script.at(120s);
    BOOST_TEST(!script.session().ended());
}

// Nobody else bounds what we say ourselves: the app is not read, and the client is.
BOOST_AUTO_TEST_CASE(a_client_that_asks_for_errors_and_reads_none_is_too_slow) {
    Policy policy = strict();
    policy.limits.outbox_bytes = 1000;
    Script script(json(), policy);
    open(script).input(input::ClientBlocked{1}).heard();
    for (int i = 0; i < 12; ++i) script.client_says("no");
    BOOST_TEST(!script.session().ended());
    for (int i = 0; i < 3; ++i) script.client_says("no");
    BOOST_TEST(script.session().ended());
    BOOST_TEST(script.heard().back() == "end forestay slow_client");
}

BOOST_AUTO_TEST_CASE(an_upstream_that_is_lost_is_no_reason_to_stay_away) {
    Script script(json(), strict());
    open(script).input(input::UpstreamLost{});
    BOOST_TEST(script.heard() ==
               Lines({"client: CLOSE 1013 upstream lost", "close client", "end upstream connection_lost"}));
}

BOOST_AUTO_TEST_CASE(behind_a_close_frame_nothing_is_said) {
    Policy policy = strict();
    policy.json_websockets[0].heartbeat = 1s;
    policy.json_websockets[0].heartbeat_message = "{}";
    Script script(json(), policy);
    open(script).upstream_frame(Opcode::close, "\x03\xe8").heard();
    script.client_says("no").at(2s);
    BOOST_TEST(script.heard() == Lines());
}

BOOST_AUTO_TEST_SUITE_END()
