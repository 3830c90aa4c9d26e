// What known versions of apps and clients stumble over: each shield on, and off.
#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using forestay::wire::websocket::Opcode;
using Lines = std::vector<std::string>;

namespace {

Policy without(bool ShieldSwitches::*shield) {
    Policy policy = forestay::session::testing::policy();
    policy.shields.*shield = false;
    return policy;
}

// What comes of one packet of the client, on a joined session.
Lines client_says(Script& script, std::string_view text) {
    return script.joined().client_says(text).heard();
}
Lines upstream_says(Script& script, std::string_view text) {
    return script.joined().upstream_says(text).heard();
}

const Lines closed{"client: CLOSE 1008 protocol violation", "close client", "upstream: CLOSE 1001",
                   "close upstream", "end client protocol_violation"};

std::string placeholders(unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i) text += R"(,{"_placeholder":true,"num":)" + std::to_string(i) + "}";
    return text;
}

Policy json_websocket(bool nan) {
    Policy policy = forestay::session::testing::policy();
    policy.json_websockets.emplace_back().path = "/ws";
    policy.shields.nan = nan;
    return policy;
}
Setup json_client() {
    Setup setup;
    setup.dialect = Dialect::json;
    setup.websocket = true;
    setup.path = "/ws";
    return setup;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shields)

BOOST_AUTO_TEST_CASE(pongs_that_nobody_asked_for_stay_here) {
    Script on(websocket_first());
    on.joined().client_says("3").client_says("3");
    BOOST_TEST(on.heard().empty());
    BOOST_TEST(on.shielded(Shield::pong_flood) == 2U);
    Script off(websocket_first(), without(&ShieldSwitches::pong_flood));
    BOOST_TEST(client_says(off, "3") == Lines{"upstream: 3"}, boost::test_tools::per_element());
    BOOST_TEST(off.shielded(Shield::pong_flood) == 0U);
}

BOOST_AUTO_TEST_CASE(clients_do_not_run_the_handlers_of_the_app) {
    for (const std::string_view event : {R"(42["connect",{}])", R"(42["\u0064isconnect"])"}) {
        Script on(websocket_first());
        BOOST_TEST(client_says(on, event) == closed, boost::test_tools::per_element());
        BOOST_TEST(on.shielded(Shield::reserved_events) == 1U);
        Script off(websocket_first(), without(&ShieldSwitches::reserved_events));
        BOOST_TEST(client_says(off, event) == Lines{"upstream: " + std::string(event)},
                   boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(reserved_events_of_the_app_do_not_throw_clients_out) {
    Script on(websocket_first());
    BOOST_TEST(upstream_says(on, R"(42["disconnect"])").empty());
    BOOST_TEST(on.shielded(Shield::reserved_events) == 1U);
    Script off(websocket_first(), without(&ShieldSwitches::reserved_events));
    BOOST_TEST(upstream_says(off, R"(42["disconnect"])") == Lines{R"(client: 42["disconnect"])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_binary_packet_without_attachments_wedges_nobody) {
    Script on(websocket_first());
    BOOST_TEST(client_says(on, R"(450-["x"])") == closed, boost::test_tools::per_element());
    BOOST_TEST(on.shielded(Shield::zero_attachments) == 1U);
    BOOST_TEST(on.shielded(Shield::attachments) == 0U);
    Script off(websocket_first(), without(&ShieldSwitches::zero_attachments));
    BOOST_TEST(client_says(off, R"(450-["x"])") == Lines{R"(upstream: 450-["x"])"},
               boost::test_tools::per_element());
    // Nothing is waited for.
    off.client_says(R"(42["y"])").upstream_says(R"(450-["z"])");
    const Lines both{R"(upstream: 42["y"])", R"(client: 450-["z"])"};
    BOOST_TEST(off.heard() == both, boost::test_tools::per_element());
    Script up(websocket_first());
    BOOST_TEST(upstream_says(up, R"(450-["x"])").empty());
    BOOST_TEST(up.shielded(Shield::zero_attachments) == 1U);
}

BOOST_AUTO_TEST_CASE(eleven_attachments_are_too_many_without_a_switch) {
    const std::string eleven = "4511-[\"x\"" + placeholders(11) + "]";
    Script on(websocket_first());
    BOOST_TEST(client_says(on, eleven) == closed, boost::test_tools::per_element());
    BOOST_TEST(on.shielded(Shield::attachments) == 1U);

    Script off(websocket_first(), without(&ShieldSwitches::attachments));
    off.joined().client_says(eleven);
    for (int i = 0; i < 11; ++i) off.client_sends("b");
    off.client_says(R"(42["y"])");
    const Lines said = off.heard();
    BOOST_REQUIRE(said.size() == 13U);
    BOOST_TEST(said.front() == "upstream: " + eleven);
    BOOST_TEST(said.back() == R"(upstream: 42["y"])");
    BOOST_TEST(off.shielded(Shield::attachments) == 0U);
    // Everything is bounded.
    Script many(websocket_first(), without(&ShieldSwitches::attachments));
    BOOST_TEST(client_says(many, R"(451025-["x"])") == closed, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(placeholders_are_looked_at_unless_told_otherwise) {
    const std::string wrong = R"(451-["x",{"_placeholder":true,"num":7}])";
    Script on(websocket_first());
    BOOST_TEST(client_says(on, wrong) == closed, boost::test_tools::per_element());
    BOOST_TEST(on.shielded(Shield::attachments) == 1U);
    Script off(websocket_first(), without(&ShieldSwitches::attachments));
    BOOST_TEST(client_says(off, wrong) == Lines{"upstream: " + wrong}, boost::test_tools::per_element());
}

// python takes it for the attachment: no switch for that.
BOOST_AUTO_TEST_CASE(text_is_never_an_attachment) {
    for (const bool shielded : {true, false}) {
        Policy policy = forestay::session::testing::policy();
        policy.shields.attachments = shielded;
        Script script(websocket_first(), policy);
        script.joined().client_says("451-[\"x\"" + placeholders(1) + "]").heard();
        BOOST_TEST(script.client_says(R"(42["y"])").heard() == closed, boost::test_tools::per_element());
        BOOST_TEST(script.shielded(Shield::attachments) == 1U);
    }
}

BOOST_AUTO_TEST_CASE(an_ack_with_id_0_does_not_break_the_table_of_the_app) {
    Script on(websocket_first());
    BOOST_TEST(client_says(on, "430[]").empty());
    BOOST_TEST(on.shielded(Shield::unknown_acks) == 1U);
    // One that is asked for is one like others: Node begins at 0.
    on.upstream_says(R"(420["please"])").heard();
    BOOST_TEST(on.client_says("430[]").heard() == Lines{"upstream: 430[]"}, boost::test_tools::per_element());
    Script off(websocket_first(), without(&ShieldSwitches::unknown_acks));
    BOOST_TEST(client_says(off, "430[]") == Lines{"upstream: 430[]"}, boost::test_tools::per_element());
    BOOST_TEST(off.dropped(Drop::unknown_ack) == 0U);
}

BOOST_AUTO_TEST_CASE(not_a_number_of_python_is_null_for_browsers) {
    Script on(websocket_first());
    BOOST_TEST(upstream_says(on, R"(42/a,7["NaN x",{"v":NaN,"w":[-Infinity,Infinity]},1e400])") ==
                   Lines{R"(client: 42/a,7["NaN x",{"v":null,"w":[null,null]},1e400])"},
               boost::test_tools::per_element());
    BOOST_TEST(on.shielded(Shield::nan) == 1U);
    on.upstream_says(R"(42["Infinity is a long way"])");
    BOOST_TEST(on.heard() == Lines{R"(client: 42["Infinity is a long way"])"},
               boost::test_tools::per_element());
    BOOST_TEST(on.shielded(Shield::nan) == 1U);
    Script off(websocket_first(), without(&ShieldSwitches::nan));
    BOOST_TEST(upstream_says(off, R"(42["x",NaN])") == Lines{R"(client: 42["x",NaN])"},
               boost::test_tools::per_element());
}

// The answer of a tracked request, and a binary one: what is held and replayed is repaired, too.
BOOST_AUTO_TEST_CASE(not_a_number_is_repaired_wherever_the_packet_goes) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").heard();
    script.upstream_says("430[NaN]");
    BOOST_TEST(script.heard() == Lines{"client: 430[null]"}, boost::test_tools::per_element());
    script.upstream_says(R"(451-["x",{"_placeholder":true,"num":0},NaN])").upstream_sends("b");
    const Lines whole{R"(client: 451-["x",{"_placeholder":true,"num":0},null])", "client: <b>"};
    BOOST_TEST(script.heard() == whole, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(clients_may_not_say_what_is_no_json) {
    Script script(websocket_first());
    BOOST_TEST(client_says(script, R"(42["x",NaN])") == closed, boost::test_tools::per_element());
    BOOST_TEST(script.shielded(Shield::nan) == 0U);
}

BOOST_AUTO_TEST_CASE(json_websockets_hear_null_too_and_other_text_stays) {
    Script on(json_client(), json_websocket(true));
    on.input(input::ClientUpgraded{}).heard();
    on.upstream_says(R"({"loss":NaN})").upstream_says("[NaN,\"NaN\"]").upstream_says("NaN is no number");
    const Lines repaired{R"(client: {"loss":null})", R"(client: [null,"NaN"])", "client: NaN is no number"};
    BOOST_TEST(on.heard() == repaired, boost::test_tools::per_element());
    BOOST_TEST(on.shielded(Shield::nan) == 2U);
    Script off(json_client(), json_websocket(false));
    off.input(input::ClientUpgraded{}).heard();
    off.upstream_says(R"({"loss":NaN})");
    BOOST_TEST(off.heard() == Lines{R"(client: {"loss":NaN})"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_disconnect_of_the_app_has_no_payload) {
    Script on(websocket_first());
    BOOST_TEST(upstream_says(on, R"(41{"message":"nope"})") == Lines{"client: 41"},
               boost::test_tools::per_element());
    BOOST_TEST(on.shielded(Shield::disconnect_payload) == 1U);
    Script off(websocket_first(), without(&ShieldSwitches::disconnect_payload));
    BOOST_TEST(upstream_says(off, R"(41{"message":"nope"})") == Lines{R"(client: 41{"message":"nope"})"},
               boost::test_tools::per_element());
}

// No switch: what is recorded, held or answered is whole.
BOOST_AUTO_TEST_CASE(text_overtakes_a_binary_packet_of_the_app_that_is_not_whole) {
    Script script(websocket_first());
    script.joined().upstream_says(R"(451-["x",{"_placeholder":true,"num":0}])");
    script.upstream_says(R"(42["y"])").upstream_sends("b");
    const Lines sorted{R"(client: 42["y"])", R"(client: 451-["x",{"_placeholder":true,"num":0}])",
                       "client: <b>"};
    BOOST_TEST(script.heard() == sorted, boost::test_tools::per_element());
    BOOST_TEST(script.shielded(Shield::interleaved_binary) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refused_events)

BOOST_AUTO_TEST_CASE(only_allowed_events_reach_the_app_and_who_wants_an_ack_gets_one) {
    Policy policy = forestay::session::testing::policy();
    policy.events.allowed = {"ask", "na\xc3\xafve"};
    Script script(websocket_first(), policy);
    script.joined();
    script.client_says(R"(42["ask"])").client_says(R"(42["na\u00efve"])");
    const Lines allowed{R"(upstream: 42["ask"])", R"(upstream: 42["na\u00efve"])"};
    BOOST_TEST(script.heard() == allowed, boost::test_tools::per_element());
    script.client_says(R"(427["other",1])").client_says(R"(42["other"])");
    const Lines refused{"report event_refused 0",
                        R"(client: 437[{"error":"refused","reason":"event_not_allowed"}])",
                        "report event_refused 0"};
    BOOST_TEST(script.heard() == refused, boost::test_tools::per_element());
    BOOST_TEST(script.dropped(Drop::refused_event) == 2U);
}

BOOST_AUTO_TEST_CASE(a_blocked_event_stays_here_with_its_attachments) {
    Policy policy = forestay::session::testing::policy();
    policy.events.blocked = {"error"};
    policy.events.allowed = {"error", "ask"};
    Script script(websocket_first(), policy);
    script.joined().client_says("451-[\"error\"" + placeholders(1) + "]").client_sends("b");
    BOOST_TEST(script.heard() == Lines{"report event_refused 0"}, boost::test_tools::per_element());
    BOOST_TEST(script.client_says(R"(42["ask"])").heard() == Lines{R"(upstream: 42["ask"])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
