// Tracked requests: one answer each, in time.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

const RuleStats& rule(Script& script, std::size_t index) {
    return script.stats().rules.at(index);
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_answer_in_time_goes_through_and_no_fallback_follows) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask","why?"])");
    BOOST_TEST(script.heard() == Lines{R"(upstream: 420["ask","why?"])"}, boost::test_tools::per_element());
    script.at(4s).upstream_says(R"(430["because"])");
    BOOST_TEST(script.heard() == Lines{R"(client: 430["because"])"}, boost::test_tools::per_element());
    script.at(20s);
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(rule(script, 0).started == 1U);
    BOOST_TEST(rule(script, 0).answered_by_upstream == 1U);
    BOOST_TEST(rule(script, 0).outstanding == 0U);
}

BOOST_AUTO_TEST_CASE(a_stalled_ack_request_gets_its_fallback_at_its_deadline) {
    Script script(websocket_first());
    script.joined().client_says(R"(427["ask","why?"])").heard();
    script.at(4999ms);
    BOOST_TEST(script.heard().empty());
    script.at(5000ms);
    BOOST_TEST(script.heard() == Lines{R"(client: 437[{"status":"timeout","id":7}])"},
               boost::test_tools::per_element());
    BOOST_TEST(rule(script, 0).answered_by_fallback == 1U);
}

BOOST_AUTO_TEST_CASE(a_late_ack_after_the_fallback_is_swallowed_and_counted) {
    Script script(websocket_first());
    script.joined().client_says(R"(427["ask"])").at(5s).heard();
    script.at(9s).upstream_says(R"(437["because"])");
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(rule(script, 0).late == 1U);
    BOOST_TEST(script.dropped(Drop::late_answer) == 1U);
}

BOOST_AUTO_TEST_CASE(an_event_request_is_answered_by_the_event_with_its_id) {
    Script script(websocket_first());
    script.joined().client_says(R"(42["chat_message",{"message_id":"a"}])");
    script.client_says(R"(42["chat_message",{"message_id":"b"}])").heard();
    script.upstream_says(R"(42["response",{"message_id":"b","text":"!"}])").heard();
    script.at(3s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["response",{"message_id":"a","status":"timeout"}])"},
               boost::test_tools::per_element());
    script.upstream_says(R"(42["response",{"message_id":"a","text":"late"}])");
    script.upstream_says(R"(42["response",{"message_id":"a","text":"late again"}])");
    BOOST_TEST(script.heard().empty());
}

BOOST_AUTO_TEST_CASE(the_number_1_and_the_string_1_are_different_ids) {
    Script script(websocket_first());
    script.joined().client_says(R"(42["chat_message",{"message_id":1}])").heard();
    script.upstream_says(R"(42["response",{"message_id":"1"}])").heard();
    script.at(3s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["response",{"message_id":1,"status":"timeout"}])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(by_order_the_oldest_outstanding_request_is_answered) {
    Script script(websocket_first());
    script.joined().client_says(R"(42["next"])").at(1s).client_says(R"(42["next"])").heard();
    script.upstream_says(R"(42["served",1])");
    BOOST_TEST(script.heard() == Lines{R"(client: 42["served",1])"}, boost::test_tools::per_element());
    script.at(2s);
    BOOST_TEST(script.heard().empty());
    script.at(3s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["served","late"])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(before_the_connect_reply_nothing_is_injected) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{}).client_says("40").client_says(R"(420["ask"])");
    script.input(input::UpstreamOpened{});
    script.upstream_says(R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})").heard();
    script.at(6s);
    BOOST_TEST(script.heard().empty());
    script.upstream_says(R"(40{"sid":"sio"})");
    const Lines expected{R"(client: 40{"sid":"sio"})", R"(client: 430[{"status":"timeout","id":0}])"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fallback_does_not_come_between_a_binary_header_and_its_attachments) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").heard();
    script.upstream_says(R"(451-["pic",{"_placeholder":true,"num":0}])");
    BOOST_TEST(script.heard().empty());  // held back until it is whole
    script.at(5s);
    BOOST_TEST(script.heard() == Lines{R"(client: 430[{"status":"timeout","id":0}])"},
               boost::test_tools::per_element());
    script.upstream_sends("bytes");
    const Lines expected{R"(client: 451-["pic",{"_placeholder":true,"num":0}])", "client: <bytes>"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_binary_ack_completes_with_its_header) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").heard();
    script.at(4900ms).upstream_says(R"(461-0[{"_placeholder":true,"num":0}])");
    script.at(7s);
    BOOST_TEST(script.heard().empty());
    script.upstream_sends("x");
    const Lines expected{R"(client: 461-0[{"_placeholder":true,"num":0}])", "client: <x>"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    script.at(60s);
    BOOST_TEST(rule(script, 0).answered_by_upstream == 1U);
    BOOST_TEST(rule(script, 0).answered_by_fallback == 0U);
}

BOOST_AUTO_TEST_CASE(a_binary_ack_whose_attachments_never_come_becomes_a_fallback) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").heard();
    script.at(1s).upstream_says(R"(461-0[{"_placeholder":true,"num":0}])");
    script.at(11s);
    BOOST_TEST(script.heard() == Lines{R"(client: 430[{"status":"timeout","id":0}])"},
               boost::test_tools::per_element());
    BOOST_TEST(rule(script, 0).answered_by_fallback == 1U);
}

BOOST_AUTO_TEST_CASE(a_disconnect_takes_the_requests_with_it) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").client_says("41").heard();
    script.at(20s);
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(rule(script, 0).abandoned == 1U);
    BOOST_TEST(rule(script, 0).outstanding == 0U);
}

BOOST_AUTO_TEST_CASE(more_than_limits_outstanding_are_forwarded_and_counted_not_tracked) {
    Policy policy = forestay::session::testing::policy();
    policy.limits.outstanding = 2;
    Script script(websocket_first(), policy);
    script.joined();
    for (const char* packet : {R"(420["ask"])", R"(421["ask"])", R"(422["ask"])"}) script.client_says(packet);
    BOOST_TEST(script.heard().size() == 3U);
    script.at(5s);
    BOOST_TEST(script.heard().size() == 2U);
    BOOST_TEST(script.dropped(Drop::untracked_request) == 1U);
}

BOOST_AUTO_TEST_CASE(a_second_answer_while_the_binary_one_is_under_way_is_dropped) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").heard();
    script.upstream_says(R"(461-0[{"_placeholder":true,"num":0}])").upstream_says(R"(430["twice"])");
    BOOST_TEST(script.heard().empty());
    script.upstream_sends("x");
    BOOST_TEST(script.heard().size() == 2U);
    BOOST_TEST(rule(script, 0).answered_by_upstream == 1U);
}

BOOST_AUTO_TEST_CASE(leaving_a_namespace_while_its_binary_answer_is_under_way_is_harmless) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").upstream_says(R"(461-0[{"_placeholder":true,"num":0}])");
    script.client_says("41").upstream_sends("x");
    BOOST_TEST(rule(script, 0).abandoned == 1U);
    BOOST_TEST(rule(script, 0).answered_by_upstream == 0U);
    BOOST_TEST(rule(script, 0).outstanding == 0U);
}

BOOST_AUTO_TEST_CASE(an_id_again_after_its_fallback_is_a_new_request) {
    Script script(websocket_first());
    script.joined().client_says(R"(42["chat_message",{"message_id":"a"}])").at(3s).heard();
    script.client_says(R"(42["chat_message",{"message_id":"a"}])").heard();
    script.at(6s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["response",{"message_id":"a","status":"timeout"}])"},
               boost::test_tools::per_element());
    BOOST_TEST(rule(script, 1).answered_by_fallback == 2U);
    BOOST_TEST(rule(script, 1).outstanding == 0U);
}

BOOST_AUTO_TEST_CASE(an_id_again_while_it_is_outstanding_is_forwarded_and_not_tracked) {
    Script script(websocket_first());
    script.joined();
    for (int i = 0; i < 2; ++i) script.client_says(R"(42["chat_message",{"message_id":"a"}])");
    BOOST_TEST(script.heard().size() == 2U);
    script.at(3s);
    BOOST_TEST(script.heard().size() == 1U);
    BOOST_TEST(rule(script, 1).started == 1U);
}

BOOST_AUTO_TEST_CASE(a_binary_answer_that_is_given_up_makes_its_request_due_now_and_not_before_time_began) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").at(1s);
    script.upstream_says(R"(461-0[{"_placeholder":true,"num":0}])").heard();
    script.upstream_says(R"(451-["pic",{"_placeholder":true,"num":0}])");
    BOOST_TEST(script.heard() == Lines{R"(client: 430[{"status":"timeout","id":0}])"},
               boost::test_tools::per_element());
    BOOST_TEST((script.session().next_deadline() > script.now()));
}
