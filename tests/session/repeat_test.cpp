// The same request said again: joined, answered from the record, or a new one.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace forestay;
using Lines = std::vector<std::string>;

namespace {

// What a stock client with `retries` needs: each try has an ack id of its own.
rules::RuleSpec repeated_ask() {
    rules::RuleSpec ask = ask_rule();
    ask.repeat.window = 10s;
    ask.repeat.by = "content";
    ask.fallback.ack = R"(["{{code}}","{{id}}"])";
    return ask;
}

rules::RuleSpec repeated_chat() {
    rules::RuleSpec chat = chat_rule();
    chat.repeat.window = 60s;
    return chat;
}

std::string ask(int id, const std::string& what = "1") {
    return "42" + std::to_string(id) + "[\"ask\"," + what + "]";
}

constexpr const char* question = R"(42["chat_message",{"message_id":"a"}])";
constexpr const char* answer = R"(42["response",{"message_id":"a"}])";

const RuleStats& rule(Script& script) {
    return script.stats().rules[0];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(repeats)

BOOST_AUTO_TEST_CASE(the_app_sees_five_tries_once_and_each_gets_one_ack) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined();
    for (int i = 0; i < 5; ++i) script.at(i * 500ms).client_says(ask(i));
    BOOST_TEST(script.heard() == Lines{R"(upstream: 420["ask",1])"}, boost::test_tools::per_element());
    script.upstream_says("430[7]");
    BOOST_TEST(script.heard() == (Lines{"client: 430[7]", "client: 431[7]", "client: 432[7]",
                                        "client: 433[7]", "client: 434[7]"}),
               boost::test_tools::per_element());
    script.at(20s);
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(rule(script).started == 1U);
    BOOST_TEST(rule(script).joined == 4U);
}

BOOST_AUTO_TEST_CASE(other_content_is_another_request) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0, "1")).client_says(ask(1, "2")).client_says(R"(422["ask"])");
    BOOST_TEST(script.heard().size() == 3U);
    BOOST_TEST(rule(script).started == 3U);
}

BOOST_AUTO_TEST_CASE(within_the_window_the_answer_is_given_again) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).upstream_says("430[7]").at(9s).heard();
    script.client_says(ask(9));
    BOOST_TEST(script.heard() == Lines{"client: 439[7]"}, boost::test_tools::per_element());
    BOOST_TEST(rule(script).repeated == 1U);
    BOOST_TEST(rule(script).started == 1U);
    script.at(10s).heard();
    script.client_says(ask(10));
    BOOST_TEST(script.heard() == Lines{R"(upstream: 4210["ask",1])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(those_who_joined_get_a_fallback_each) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).client_says(ask(1)).at(5s);
    Lines heard = script.heard();
    BOOST_REQUIRE(heard.size() == 3U);
    std::sort(heard.begin(), heard.end());
    BOOST_TEST(heard[0] == R"(client: 430["timeout",0])");
    BOOST_TEST(heard[1] == R"(client: 431["timeout",0])");
    BOOST_TEST(rule(script).answered_by_fallback == 1U);
}

BOOST_AUTO_TEST_CASE(after_the_fallback_a_repeat_waits_for_the_late_answer) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).at(6s).heard();
    script.client_says(ask(1)).at(8s);
    BOOST_TEST(script.heard().empty());
    script.upstream_says("430[7]");
    BOOST_TEST(script.heard() == Lines{"client: 431[7]"}, boost::test_tools::per_element());
    // And is over: with a record, as any other.
    script.client_says(ask(2));
    BOOST_TEST(script.heard() == Lines{"client: 432[7]"}, boost::test_tools::per_element());
    script.at(20s);
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(rule(script).outstanding == 0U);
}

BOOST_AUTO_TEST_CASE(a_repeat_that_waits_for_a_late_answer_has_a_deadline_of_its_own) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).at(6s).heard();
    script.client_says(ask(1)).at(10999ms);
    BOOST_TEST(script.heard().empty());
    script.at(11s);
    BOOST_TEST(script.heard() == Lines{R"(client: 431["timeout",0])"}, boost::test_tools::per_element());
    BOOST_TEST(rule(script).answered_by_fallback == 2U);
}

BOOST_AUTO_TEST_CASE(a_late_answer_that_nobody_waited_for_is_there_for_the_next_repeat) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).at(6s).upstream_says("430[7]").heard();
    script.client_says(ask(1));
    BOOST_TEST(script.heard() == Lines{"client: 431[7]"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_a_restart_of_the_app_a_repeat_is_a_new_request) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).at(6s).input(input::UpstreamLost{}).at(7s);
    script.input(input::UpstreamOpened{})
        .upstream_says(upstream_open)
        .upstream_says(R"(40{"sid":"n"})")
        .heard();
    script.client_says(ask(1));
    BOOST_TEST(script.heard() == Lines{R"(upstream: 421["ask",1])"}, boost::test_tools::per_element());
    // The late answer to the first one is still known for what it is.
    script.upstream_says("430[1]").upstream_says("431[2]");
    BOOST_TEST(script.heard() == Lines{"client: 431[2]"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(by_id_an_event_answers_once_whoever_asked) {
    Script script(websocket_first(), policy_with({repeated_chat()}));
    script.joined().client_says(question).client_says(question);
    script.client_says(R"(42["chat_message",{"message_id":"a","other":"text"}])");
    BOOST_TEST(script.heard() == Lines{"upstream: " + std::string(question)},
               boost::test_tools::per_element());
    script.upstream_says(answer);
    BOOST_TEST(script.heard() == Lines{"client: " + std::string(answer)}, boost::test_tools::per_element());
    script.client_says(question);
    BOOST_TEST(script.heard() == Lines{"client: " + std::string(answer)}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(by_id_a_late_answer_counts_for_a_repeat) {
    Script script(websocket_first(), policy_with({repeated_chat()}));
    script.joined().client_says(question).at(4s).heard();
    script.client_says(question);
    BOOST_TEST(script.heard().empty());
    script.upstream_says(answer).at(20s);
    BOOST_TEST(script.heard() == Lines{"client: " + std::string(answer)}, boost::test_tools::per_element());
    BOOST_TEST(rule(script).answered_by_upstream == 1U);
    BOOST_TEST(rule(script).answered_by_fallback == 1U);
}

BOOST_AUTO_TEST_CASE(an_answer_with_attachments_is_given_again_with_them) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).client_says(ask(1)).heard();
    script.upstream_says(R"(461-0[{"_placeholder":true,"num":0}])").upstream_sends("pic");
    const Lines both{R"(client: 461-0[{"_placeholder":true,"num":0}])", "client: <pic>",
                     R"(client: 461-1[{"_placeholder":true,"num":0}])", "client: <pic>"};
    BOOST_TEST(script.heard() == both, boost::test_tools::per_element());
    script.client_says(ask(2));
    const Lines again{R"(client: 461-2[{"_placeholder":true,"num":0}])", "client: <pic>"};
    BOOST_TEST(script.heard() == again, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_late_answer_with_attachments_goes_to_the_repeat_alone) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(ask(0)).at(6s).client_says(ask(1)).heard();
    script.upstream_says(R"(461-0[{"_placeholder":true,"num":0}])").upstream_sends("pic");
    const Lines expected{R"(client: 461-1[{"_placeholder":true,"num":0}])", "client: <pic>"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_same_header_with_other_attachments_is_another_request) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined();
    int id = 0;
    for (const char* bytes : {"one", "two", "one"}) {
        script.client_says("451-" + std::to_string(id++) + R"(["ask",{"_placeholder":true,"num":0}])");
        script.client_sends(bytes);
    }
    const Lines expected{R"(upstream: 451-0["ask",{"_placeholder":true,"num":0}])", "upstream: <one>",
                         R"(upstream: 451-1["ask",{"_placeholder":true,"num":0}])", "upstream: <two>"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    script.upstream_says("430[1]");
    BOOST_TEST(script.heard() == (Lines{"client: 430[1]", "client: 432[1]"}),
               boost::test_tools::per_element());
    BOOST_TEST(rule(script).started == 2U);
    BOOST_TEST(rule(script).outstanding == 1U);
}

BOOST_AUTO_TEST_CASE(namespaces_do_not_share_answers) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says("40/b,").upstream_says(R"(40/b,{"sid":"b"})");
    script.client_says(ask(0)).upstream_says("430[7]").heard();
    script.client_says(R"(42/b,0["ask",1])");
    BOOST_TEST(script.heard() == Lines{R"(upstream: 42/b,0["ask",1])"}, boost::test_tools::per_element());
    // What is left is forgotten.
    script.client_says("41").client_says("40").upstream_says(R"(40{"sid":"n"})").heard();
    script.client_says(ask(1));
    BOOST_TEST(script.heard() == Lines{R"(upstream: 421["ask",1])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(records_are_bounded_and_the_oldest_goes) {
    Policy policy = policy_with({repeated_ask()});
    policy.limits.repeat_records = 2;
    Script script(websocket_first(), policy);
    script.joined();
    for (int i = 0; i < 3; ++i) {
        script.client_says(ask(i, std::to_string(i)));
        script.upstream_says("43" + std::to_string(i) + "[]");
    }
    BOOST_TEST(script.dropped(Drop::repeat_overflow) == 1U);
    script.heard();
    script.client_says(ask(7, "0")).client_says(ask(8, "1"));
    BOOST_TEST(script.heard() == (Lines{R"(upstream: 427["ask",0])", "client: 438[]"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_answer_beyond_the_bound_is_not_recorded) {
    Policy policy = policy_with({repeated_ask()});
    policy.limits.repeat_bytes = 1000;
    Script script(websocket_first(), policy);
    script.joined().client_says(ask(0)).upstream_says("430[\"" + std::string(1000, 'x') + "\"]").heard();
    script.client_says(ask(1));
    BOOST_TEST(script.heard() == Lines{R"(upstream: 421["ask",1])"}, boost::test_tools::per_element());
    BOOST_TEST(script.dropped(Drop::repeat_overflow) == 1U);
}

BOOST_AUTO_TEST_CASE(a_large_answer_is_not_given_a_thousand_times_at_once) {
    Policy policy = policy_with({repeated_ask()});
    policy.limits.repeat_bytes = 10'000;
    Script script(websocket_first(), policy);
    script.joined().client_says(ask(0)).upstream_says("430[\"" + std::string(4000, 'x') + "\"]").heard();
    std::string burst;
    for (int i = 1; i <= 100; ++i) {
        wire::websocket::write_frame(burst, wire::websocket::Opcode::text, ask(i),
                                     wire::websocket::MaskKey{1, 2, 3, 4});
    }
    script.input(input::ClientBytes{burst});
    std::size_t bytes = 0;
    for (const std::string& line : script.heard()) bytes += line.size();
    BOOST_TEST(bytes < 20'000U);
    BOOST_TEST(rule(script).repeated == 2U);
    BOOST_TEST(rule(script).fallbacks[static_cast<std::size_t>(rules::Code::overload_memory)] == 98U);
}

BOOST_AUTO_TEST_CASE(so_many_may_join_and_no_more) {
    Policy policy = policy_with({repeated_ask()});
    policy.limits.joined = 2;
    Script script(websocket_first(), policy);
    script.joined();
    for (int i = 0; i < 4; ++i) script.client_says(ask(i));
    BOOST_TEST(script.heard() == (Lines{R"(upstream: 420["ask",1])", R"(client: 433["overload_memory",3])"}),
               boost::test_tools::per_element());
}

// It was sent to the app as if it were another request.
BOOST_AUTO_TEST_CASE(with_attachments_one_more_than_may_join_is_refused_too) {
    Policy policy = policy_with({repeated_ask()});
    policy.limits.joined = 1;
    Script script(websocket_first(), policy);
    script.joined();
    for (int i = 0; i < 3; ++i) {
        script.client_says("451-" + std::to_string(i) + R"(["ask",{"_placeholder":true,"num":0}])");
        script.client_sends("pic");
    }
    BOOST_TEST(script.heard() == (Lines{R"(upstream: 451-0["ask",{"_placeholder":true,"num":0}])",
                                        "upstream: <pic>", R"(client: 432["overload_memory",2])"}),
               boost::test_tools::per_element());
    script.upstream_says("430[7]");
    BOOST_TEST(script.heard() == (Lines{"client: 430[7]", "client: 431[7]"}),
               boost::test_tools::per_element());
}

// Its deadline counted from its last attachment.
BOOST_AUTO_TEST_CASE(asked_again_after_the_fallback_it_waits_from_its_receipt_on) {
    Script script(websocket_first(), policy_with({repeated_ask()}));
    script.joined().client_says(R"(451-0["ask",{"_placeholder":true,"num":0}])").client_sends("pic");
    script.at(6s).heard();
    script.client_says(R"(451-1["ask",{"_placeholder":true,"num":0}])").at(7s).client_sends("pic");
    script.at(10900ms);
    BOOST_TEST(script.heard().empty());
    script.at(11s);
    BOOST_TEST(script.heard() == Lines{R"(client: 431["timeout",0])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
