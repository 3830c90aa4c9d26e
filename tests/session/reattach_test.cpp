// The upstream leg is lost and comes back; the client stays.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

namespace {

using namespace forestay::session;
using namespace forestay::session::testing;
using Lines = std::vector<std::string>;

// A fresh upstream takes the connection and opens; what was said so far is forgotten.
Script& fresh_upstream(Script& script) {
    script.at(std::chrono::duration_cast<std::chrono::milliseconds>(script.now() - TimePoint{} - 1h) + 200ms);
    script.heard();
    return script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
}

Policy with(OnReturn on_return) {
    Policy policy = forestay::session::testing::policy();
    policy.resume_upstream.on_return = on_return;
    return policy;
}

BOOST_AUTO_TEST_SUITE(reattach)

BOOST_AUTO_TEST_CASE(the_client_hears_of_a_restart_by_a_second_connect_reply) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{});
    BOOST_TEST(script.heard() == Lines{"report upstream_lost 0"}, boost::test_tools::per_element());
    script.client_says(R"(42["while",1])").client_says(R"(42["away",2])");
    script.at(200ms);
    BOOST_TEST(script.heard() == Lines{"connect"}, boost::test_tools::per_element());
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
    BOOST_TEST(script.heard() == Lines{"upstream: 40"}, boost::test_tools::per_element());
    script.upstream_says(R"(40{"sid":"new"})");
    const Lines expected{R"(client: 40{"sid":"new"})", R"(upstream: 42["while",1])",
                         R"(upstream: 42["away",2])", "report upstream_back 2"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    BOOST_TEST((script.session().upstream_state() == UpstreamState::attached));
}

BOOST_AUTO_TEST_CASE(each_namespace_is_joined_again_with_what_the_client_had_said_for_it) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{}).client_says(R"(40{"token":"t"})").client_says("40/chat,{\"a\":1}");
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"a"})").upstream_says(R"(40/chat,{"sid":"b"})");
    script.input(input::UpstreamLost{});
    fresh_upstream(script);
    const Lines expected{R"(upstream: 40{"token":"t"})", R"(upstream: 40/chat,{"a":1})"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(to_rebuild_the_last_of_each_named_event_is_said_again_before_what_waited) {
    Policy policy = with(OnReturn::rebuild);
    policy.resume_upstream.rebuild = {"join", "name"};
    Script script(websocket_first(), policy);
    script.joined().client_says(R"(42["join","a"])").client_says(R"(427["name","n"])");
    script.client_says(R"(42["join","b"])").client_says(R"(42["other"])").input(input::UpstreamLost{});
    script.client_says(R"(42["waited"])");
    fresh_upstream(script).heard();
    script.upstream_says(R"(40{"sid":"new"})");
    const Lines expected{R"(upstream: 427["name","n"])", R"(upstream: 42["join","b"])",
                         R"(upstream: 42["waited"])", "report upstream_back 3"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    script.upstream_says("437[]").upstream_says("437[]");  // the client has had none before
    BOOST_TEST(script.heard() == Lines{"client: 437[]"}, boost::test_tools::per_element());
}

// A Node app that calls its ack without looking died of an event that was said again without one.
BOOST_AUTO_TEST_CASE(an_event_is_said_again_with_its_ack_id_and_a_second_ack_is_swallowed) {
    Policy policy = with(OnReturn::rebuild);
    policy.resume_upstream.rebuild = {"join"};
    Script script(websocket_first(), policy);
    script.joined().client_says(R"(427["join","a"])").upstream_says("437[]").input(input::UpstreamLost{});
    fresh_upstream(script).upstream_says(R"(40{"sid":"new"})").heard();
    script.upstream_says("437[]");
    BOOST_TEST(script.heard().empty());
}

BOOST_AUTO_TEST_CASE(what_still_waits_for_a_post_is_in_doubt_when_a_polled_app_is_lost) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{}).client_says("40");
    script.input(input::UpstreamPollingOpened{upstream_open}).input(input::UpstreamPosted{200});
    script.input(input::UpstreamPolled{200, R"(40{"sid":"a"})"});
    for (int i = 0; i < 60; ++i) script.client_says(R"(42["x"])");
    for (int i = 0; i < 3; ++i) script.input(input::UpstreamPosted{200});  // 1, 16 and 16 of them
    script.input(input::UpstreamPolled{0, {}});
    BOOST_TEST(script.dropped(Drop::in_doubt) >= 60 - 33);
}

BOOST_AUTO_TEST_CASE(what_waited_for_the_fresh_upstream_is_not_said_to_it_a_second_time_to_rebuild) {
    Policy policy = with(OnReturn::rebuild);
    policy.resume_upstream.rebuild = {"join"};
    Script script(websocket_first(), policy);
    script.joined().client_says(R"(42["join","a"])").input(input::UpstreamLost{});
    script.client_says(R"(42["join","b"])");
    fresh_upstream(script).heard();
    script.upstream_says(R"(40{"sid":"new"})");
    Lines expected{R"(upstream: 42["join","a"])", R"(upstream: 42["join","b"])", "report upstream_back 2"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    script.input(input::UpstreamLost{}).heard();
    fresh_upstream(script).heard();
    script.upstream_says(R"(40{"sid":"newer"})");
    expected = {R"(upstream: 42["join","b"])", "report upstream_back 1"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(with_sid_alias_the_client_keeps_the_sid_it_knows) {
    Policy policy = with(OnReturn::rebuild);
    policy.resume_upstream.sid_alias = true;
    Script script(websocket_first(), policy);
    script.joined().input(input::UpstreamLost{}).client_says(R"(42["to","sio"])");
    fresh_upstream(script).heard();
    script.upstream_says(R"(40{"sid":"new"})").upstream_says(R"(42["from","new"])");
    const Lines expected{"alias sio new", R"(upstream: 42["to","new"])", "report upstream_back 1",
                         R"(client: 42["from","sio"])"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    script.client_frame(forestay::wire::websocket::Opcode::close, {});
    const Lines heard = script.heard();
    BOOST_TEST((std::find(heard.begin(), heard.end(), "alias sio ") != heard.end()));
}

BOOST_AUTO_TEST_CASE(on_return_close_sends_the_client_away_when_the_upstream_is_there) {
    Script script(websocket_first(), with(OnReturn::close));
    script.joined().input(input::UpstreamLost{});
    script.at(200ms).heard();
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
    BOOST_TEST(script.heard().back() == "end upstream connection_lost");
}

// It had left its only namespace before, and was thrown out when it joined the next one.
BOOST_AUTO_TEST_CASE(on_return_close_spares_a_client_that_had_lost_nothing) {
    Script script(websocket_first(), with(OnReturn::close));
    script.joined().client_says("41").input(input::UpstreamLost{}).heard();
    script.client_says("40").input(input::UpstreamOpened{}).upstream_says(upstream_open);
    BOOST_TEST(!script.session().ended());
    BOOST_TEST(script.heard().back() == "upstream: 40");
}

BOOST_AUTO_TEST_CASE(a_refused_connect_of_a_fresh_upstream_goes_to_the_client_as_it_is) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{}).client_says(R"(42["x"])");
    fresh_upstream(script).heard();
    script.upstream_says(R"(44{"message":"no"})");
    const Lines expected{"report messages_dropped 1", "report upstream_back 0",
                         R"(client: 44{"message":"no"})"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_hold_the_client_is_sent_away) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{}).heard();
    for (int i = 0; i < 200 && !script.session().ended(); ++i) {
        script.at(std::chrono::milliseconds(200) * (i + 1));
        const Lines heard = script.heard();
        if (!heard.empty() && heard.front() == "connect") script.input(input::UpstreamRefused{});
        if (script.session().ended()) BOOST_TEST(heard.back() == "end upstream upstream_timeout");
    }
    BOOST_TEST(script.session().ended());
}

BOOST_AUTO_TEST_CASE(a_request_that_the_dead_upstream_had_keeps_its_deadline) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").at(1s).input(input::UpstreamLost{}).heard();
    fresh_upstream(script).upstream_says(R"(40{"sid":"new"})").heard();
    script.at(5s);
    BOOST_TEST(script.heard() == Lines{R"(client: 430[{"status":"timeout","id":0}])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_request_that_waits_gets_its_fallback_and_is_not_sent_any_more) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{}).client_says(R"(420["ask"])").heard();
    for (int i = 1; i <= 20; ++i) {  // nobody connects it
        script.at(std::chrono::seconds(i));
    }
    const Lines heard = script.heard();
    BOOST_TEST((std::find(heard.begin(), heard.end(), R"(client: 430[{"status":"timeout","id":0}])") !=
                heard.end()));
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"new"})");
    const Lines expected{"upstream: 40", R"(client: 40{"sid":"new"})", "report upstream_back 0"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ack_ids_of_events_never_repeat_and_acks_for_the_dead_upstream_are_dropped) {
    Script script(websocket_first());
    script.joined().upstream_says(R"(421["old"])").upstream_says(R"(422["old"])").client_says("431[1]");
    script.input(input::UpstreamLost{});
    fresh_upstream(script).upstream_says(R"(40{"sid":"new"})").heard();
    script.client_says("432[2]").upstream_says(R"(421["fresh"])").client_says("434[4]");
    const Lines expected{R"(client: 424["fresh"])", "upstream: 431[4]"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    BOOST_TEST(script.dropped(Drop::stale_ack) == 1U);
}

BOOST_AUTO_TEST_CASE(half_a_binary_packet_is_not_finished_on_a_fresh_upstream) {
    Script script(websocket_first());
    script.joined().client_says(R"(452-["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
    script.client_sends("one").input(input::UpstreamLost{});
    fresh_upstream(script).upstream_says(R"(40{"sid":"new"})").heard();
    script.client_sends("two").client_says(R"(42["next"])");
    BOOST_TEST(script.heard() == Lines{R"(upstream: 42["next"])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_waits_is_not_sent_into_the_middle_of_a_binary_packet) {
    Script script(websocket_first());
    script.joined().client_says("40/chat,").client_says(R"(42/chat,["waits"])").heard();
    script.client_says(R"(451-["b",{"_placeholder":true,"num":0}])");
    script.upstream_says(R"(40/chat,{"sid":"c"})").client_sends("bytes");
    const Lines expected{R"(upstream: 451-["b",{"_placeholder":true,"num":0}])",
                         R"(client: 40/chat,{"sid":"c"})", "upstream: <bytes>",
                         R"(upstream: 42/chat,["waits"])"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_binary_packet_that_waits_is_sent_whole) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{});
    script.client_says(R"(451-["b",{"_placeholder":true,"num":0}])");
    fresh_upstream(script).upstream_says(R"(40{"sid":"new"})").heard();
    script.client_sends("bytes").client_says(R"(42["next"])");
    const Lines expected{R"(upstream: 451-["b",{"_placeholder":true,"num":0}])", "upstream: <bytes>",
                         R"(upstream: 42["next"])"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_the_upstream_has_perhaps_not_read_is_in_doubt) {
    Script script(websocket_first());
    script.joined();
    for (int i = 0; i < 5; ++i) script.client_says(R"(42["note"])");
    script.at(1s).upstream_frame(forestay::wire::websocket::Opcode::pong, {});
    script.at(2s).upstream_frame(forestay::wire::websocket::Opcode::pong, {});
    script.client_says(R"(42["note"])").client_says(R"(42["note"])").heard();
    script.input(input::UpstreamLost{});
    BOOST_TEST(script.heard() == Lines{"report upstream_lost 2"}, boost::test_tools::per_element());
    BOOST_TEST(script.dropped(Drop::in_doubt) == 2U);
}

BOOST_AUTO_TEST_CASE(an_upstream_that_answers_but_has_forgotten_us_is_given_up) {
    Script script(websocket_first());
    script.joined();
    for (int i = 1; i <= 3; ++i)
        script.at(i * 25s).client_says("3");  // ours are answered; its own do not come
    script.upstream_frame(forestay::wire::websocket::Opcode::pong, {}).heard();
    for (int i = 4; i <= 6; ++i) {
        script.at(i * 25s).client_says("3").upstream_frame(forestay::wire::websocket::Opcode::pong, {});
    }
    const Lines heard = script.heard();
    BOOST_TEST((std::find(heard.begin(), heard.end(), "close upstream") != heard.end()));
    BOOST_TEST(!script.session().ended());
}

BOOST_AUTO_TEST_CASE(a_fresh_upstream_that_does_not_answer_connect_is_tried_again) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{});
    fresh_upstream(script).heard();
    script.at(11s);
    const Lines heard = script.heard();
    BOOST_TEST((std::find(heard.begin(), heard.end(), "close upstream") != heard.end()));
    BOOST_TEST(!script.session().ended());
    BOOST_TEST(heard.back() == "connect");
}

BOOST_AUTO_TEST_CASE(an_outage_in_the_beginning_holds_the_client) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{}).client_says("40").input(input::UpstreamRefused{}).heard();
    script.at(1s);
    BOOST_TEST(script.heard() == Lines{"connect"}, boost::test_tools::per_element());
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"a"})");
    const Lines expected{"upstream: 40", R"(client: 40{"sid":"a"})"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

// An app that speaks revision 4 only answers 400 to revision 3.
BOOST_AUTO_TEST_CASE(an_eio3_client_of_an_eio4_app_is_told_in_its_own_words) {
    Setup setup = websocket_first();
    setup.dialect = Dialect::engineio3;
    Script script(setup);
    script.input(input::ClientUpgraded{}).heard();
    script.input(input::UpstreamRefused{400});
    BOOST_TEST(script.heard() == Lines{R"(client: 44"Unsupported protocol version")"},
               boost::test_tools::per_element());
    script.at(6s);
    BOOST_TEST(script.session().ended());
}

BOOST_AUTO_TEST_CASE(a_client_that_says_goodbye_while_the_upstream_is_lost_ends_the_session) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{}).client_says("41").heard();
    script.client_frame(forestay::wire::websocket::Opcode::close, {});
    BOOST_TEST(script.heard().back() == "end client goodbye");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
