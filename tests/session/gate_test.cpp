// Requests that pass the gate: in line, refused, given up, said again.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace forestay;
using Lines = std::vector<std::string>;
using What = rules::Verdict::What;

namespace {

rules::RuleSpec queued_ask() {
    rules::RuleSpec ask = ask_rule();
    ask.concurrency = 1;
    ask.queue.given = true;
    ask.queue.status.event = "line";
    ask.queue.status.data = R"(["{{place}}","{{waiting}}"])";
    ask.fallback.ack = R"(["{{code}}"])";
    return ask;
}

rules::RuleSpec patient_chat() {
    rules::RuleSpec chat = chat_rule();
    chat.timeout = 20s;
    chat.fallback.data = R"({"message_id":"{{id}}","code":"{{code}}","attempt":"{{attempt}}"})";
    chat.repeatable = true;
    chat.retry.backoff = 1ms;
    return chat;
}

constexpr const char* question = R"(42["chat_message",{"message_id":"a"}])";

Script& comes_back(Script& script) {
    return script.input(input::UpstreamOpened{})
        .upstream_says(upstream_open)
        .upstream_says(R"(40{"sid":"n"})");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gate)

BOOST_AUTO_TEST_CASE(a_gated_request_waits_and_others_of_its_session_overtake_it) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").client_says(R"(42["other"])");
    BOOST_TEST(script.heard() == (Lines{"ask gate 1", R"(upstream: 42["other"])"}),
               boost::test_tools::per_element());
    BOOST_TEST(script.stats().rules[0].queued == 1U);
    script.input(input::GateSaid{1, What::go});
    BOOST_TEST(script.heard() == Lines{R"(upstream: 420["ask"])"}, boost::test_tools::per_element());
    BOOST_TEST(script.stats().rules[0].queued == 0U);
    script.upstream_says(R"(430["because"])");
    BOOST_TEST(script.heard() == (Lines{"leave gate 1 answered", R"(client: 430["because"])"}),
               boost::test_tools::per_element());
    script.input(input::GateSaid{1, What::go}).input(input::GateSaid{7, What::go});  // nobody asks any more
    BOOST_TEST(script.heard().empty());
}

BOOST_AUTO_TEST_CASE(a_refused_request_gets_its_fallback_at_once_and_the_gate_hears_no_more) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").heard();
    script.input(input::GateSaid{1, What::refused, rules::Code::overload_queue_full});
    BOOST_TEST(script.heard() == Lines{R"(client: 430["overload_queue_full"])"},
               boost::test_tools::per_element());
    script.input(input::GateSaid{1, What::go}).at(20s);
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.stats().rules[0].queued == 0U);
}

BOOST_AUTO_TEST_CASE(a_client_hears_its_place_in_line_until_its_turn) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").heard();
    script.input(input::GateSaid{1, What::place, {}, 3, 5});
    BOOST_TEST(script.heard() == Lines{R"(client: 42["line",[3,5]])"}, boost::test_tools::per_element());
    script.input(input::GateSaid{1, What::place, {}, 1, 5});
    BOOST_TEST(script.heard() == Lines{R"(client: 42["line",[1,5]])"}, boost::test_tools::per_element());
    script.input(input::GateSaid{1, What::go}).heard();
    script.input(input::GateSaid{1, What::place, {}, 1, 5});
    BOOST_TEST(script.heard().empty());
}

BOOST_AUTO_TEST_CASE(before_the_connect_reply_the_newest_place_waits) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.input(input::ClientUpgraded{}).client_says("40").client_says(R"(420["ask"])");
    script.input(input::GateSaid{1, What::place, {}, 3, 5}).input(input::GateSaid{1, What::place, {}, 2, 5});
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).heard();
    script.upstream_says(R"(40{"sid":"sio"})");
    BOOST_TEST(script.heard() == (Lines{R"(client: 40{"sid":"sio"})", R"(client: 42["line",[2,5]])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(waiting_in_line_counts_and_a_deadline_leaves_it) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").heard();
    script.at(5s);
    BOOST_TEST(script.heard() == (Lines{"leave gate 1 released", R"(client: 430["timeout"])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fallback_after_its_turn_is_a_failure) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").input(input::GateSaid{1, What::go}).heard();
    script.at(5s);
    BOOST_TEST(script.heard() == (Lines{"leave gate 1 failed", R"(client: 430["timeout"])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_app_that_was_not_there_to_be_asked_has_not_failed) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().input(input::UpstreamLost{}).client_says(R"(420["ask"])");
    script.input(input::GateSaid{1, What::go}).heard();
    script.at(5s);
    const Lines heard = script.heard();
    BOOST_TEST(std::count(heard.begin(), heard.end(), R"(client: 430["timeout"])") == 1);
    BOOST_TEST(std::count(heard.begin(), heard.end(), "leave gate 1 released") == 1);
}

BOOST_AUTO_TEST_CASE(a_namespace_that_is_left_releases_what_it_has_at_the_gate) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").client_says(R"(421["ask"])");
    script.input(input::GateSaid{1, What::go}).heard();
    script.client_says("41");
    BOOST_TEST(script.heard() == (Lines{"upstream: 41", "leave gate 1 released", "leave gate 2 released"}),
               boost::test_tools::per_element());
    BOOST_TEST(script.stats().rules[0].queued == 0U);
}

BOOST_AUTO_TEST_CASE(a_binary_request_asks_when_it_is_whole_and_goes_whole) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(
        R"(452-0["ask",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
    script.client_sends("one");
    BOOST_TEST(script.heard().empty());
    script.client_sends("two");
    BOOST_TEST(script.heard() == Lines{"ask gate 1"}, boost::test_tools::per_element());
    script.client_says(R"(42["other"])").heard();
    script.input(input::GateSaid{1, What::go});
    BOOST_TEST(
        script.heard() ==
            (Lines{R"(upstream: 452-0["ask",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])",
                   "upstream: <one>", "upstream: <two>"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_turn_that_comes_while_the_client_says_something_piece_by_piece_waits_for_its_end) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").client_says(R"(451-["pic",{"_placeholder":true,"num":0}])");
    script.heard();
    script.input(input::GateSaid{1, What::go});
    BOOST_TEST(script.heard().empty());
    script.client_sends("x");
    BOOST_TEST(script.heard() == (Lines{"upstream: <x>", R"(upstream: 420["ask"])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fallback_that_comes_while_its_attachments_do_drops_them) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(451-0["ask",{"_placeholder":true,"num":0}])").at(5s);
    BOOST_TEST(script.heard() == Lines{R"(client: 430["timeout"])"}, boost::test_tools::per_element());
    script.client_sends("x").client_says(R"(42["other"])");
    BOOST_TEST(script.heard() == Lines{R"(upstream: 42["other"])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_waits_is_bounded_by_bytes) {
    Policy policy = policy_with({queued_ask()});
    policy.resume_upstream.max_bytes = 1000;
    Script script(websocket_first(), policy);
    script.joined();
    const std::string large(400, 'x');
    for (int i = 0; i < 3; ++i) script.client_says("42" + std::to_string(i) + R"(["ask",")" + large + "\"]");
    BOOST_TEST(script.heard() == (Lines{"ask gate 1", "ask gate 2", R"(client: 432["overload_memory"])"}),
               boost::test_tools::per_element());
    script.client_says(R"(452-3["ask",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
    BOOST_TEST(script.heard().empty());
    script.client_sends(large);
    BOOST_TEST(script.heard().empty());
    script.client_sends("y");
    BOOST_TEST(script.heard() == Lines{R"(client: 433["overload_memory"])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nobody_gets_past_the_gate_by_naming_one_id_twice) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined();
    for (int i = 0; i < 3; ++i) script.client_says(R"(420["ask"])");
    BOOST_TEST(script.heard() == Lines{"ask gate 1"}, boost::test_tools::per_element());
    BOOST_TEST(script.dropped(Drop::untracked_request) == 2U);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_session_is_for_the_shell_to_tell) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.joined().client_says(R"(420["ask"])").heard();
    script.input(input::ClientLost{});
    const Lines heard = script.heard();
    BOOST_TEST(heard.back() == "end client connection_lost");
    BOOST_TEST(std::count(heard.begin(), heard.end(), "leave gate 1 released") == 0);
    BOOST_TEST(script.stats().rules[0].queued == 0U);
    BOOST_TEST(script.stats().rules[0].abandoned == 1U);
}

BOOST_AUTO_TEST_CASE(one_at_a_time_in_order) {
    Script script(websocket_first(), policy_with({queued_ask()}));
    script.gated().joined();
    for (int i = 0; i < 3; ++i) script.client_says("42" + std::to_string(i) + R"(["ask"])");
    BOOST_TEST(
        script.heard() == (Lines{"ask gate 1", R"(upstream: 420["ask"])", "ask gate 2",
                                 R"(client: 42["line",[1,1]])", "ask gate 3", R"(client: 42["line",[2,2]])"}),
        boost::test_tools::per_element());
    script.upstream_says("430[]");
    BOOST_TEST(script.heard() == (Lines{"leave gate 1 answered", "client: 430[]", R"(upstream: 421["ask"])"}),
               boost::test_tools::per_element());
    script.upstream_says("431[]").upstream_says("432[]");
    BOOST_TEST(script.gate(0).running == 0U);
    BOOST_TEST(script.stats().rules[0].answered_by_upstream == 3U);
}

BOOST_AUTO_TEST_CASE(an_open_breaker_answers_at_once_and_one_probe_closes_it) {
    rules::RuleSpec ask = ask_rule();
    ask.fallback.ack = R"(["{{code}}"])";
    ask.breaker.given = true;
    ask.breaker.failures = 2;
    ask.breaker.open = 10s;
    Script script(websocket_first(), policy_with({ask}));
    script.gated().joined().client_says(R"(420["ask"])").client_says(R"(421["ask"])").at(5s).heard();
    script.client_says(R"(422["ask"])");
    BOOST_TEST(script.heard() == (Lines{"ask gate 3", R"(client: 432["breaker_open"])"}),
               boost::test_tools::per_element());
    script.at(15s).client_says(R"(423["ask"])").client_says(R"(424["ask"])").heard();
    script.upstream_says("433[]").client_says(R"(425["ask"])");
    BOOST_TEST(script.heard() ==
                   (Lines{"leave gate 4 answered", "client: 433[]", "ask gate 6", R"(upstream: 425["ask"])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_lost_with_the_upstream_is_said_again_to_the_next) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"upstream_lost"};
    Script script(websocket_first(), policy_with({chat}));
    script.gated().joined().client_says(question).heard();
    script.input(input::UpstreamLost{}).at(100ms);
    const Lines lost = script.heard();
    BOOST_TEST(std::count(lost.begin(), lost.end(), "leave gate 1 released") == 1);
    BOOST_TEST(std::count(lost.begin(), lost.end(), "ask gate 2 again") == 1);
    comes_back(script);
    const Lines back = script.heard();
    BOOST_TEST(std::count(back.begin(), back.end(), "upstream: " + std::string(question)) == 1);
    script.upstream_says(R"(42["response",{"message_id":"a"}])").at(60s);
    BOOST_TEST(script.stats().rules[0].answered_by_upstream == 1U);
    BOOST_TEST(script.stats().rules[0].answered_by_fallback == 0U);
    BOOST_TEST(script.stats().rules[0].resent == 1U);
    BOOST_TEST(script.gate(0).running == 0U);
}

BOOST_AUTO_TEST_CASE(when_the_attempts_are_used_up_the_rule_decides) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"upstream_lost"};
    chat.on_upstream_lost = "answer";
    Script script(websocket_first(), policy_with({chat}));
    script.gated().joined().client_says(question).input(input::UpstreamLost{}).at(100ms);
    comes_back(script).heard();
    script.input(input::UpstreamLost{});
    const Lines heard = script.heard();
    BOOST_TEST(std::count(heard.begin(), heard.end(), "leave gate 2 failed") == 1);
    BOOST_TEST(
        std::count(heard.begin(), heard.end(),
                   R"(client: 42["response",{"message_id":"a","code":"connection_lost","attempt":2}])") == 1);
}

BOOST_AUTO_TEST_CASE(without_budget_a_lost_request_keeps_its_deadline_where_the_rule_says_hold) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"upstream_lost"};
    Script script(websocket_first(), policy_with({chat}));
    script.joined().client_says(question).input(input::GateSaid{1, What::go}).input(input::UpstreamLost{});
    script.at(10ms).heard();
    script.input(input::GateSaid{2, What::refused, rules::Code::connection_lost});
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.stats().rules[0].outstanding == 1U);
    script.at(20s);
    BOOST_TEST(script.stats().rules[0].fallbacks[static_cast<std::size_t>(rules::Code::timeout)] == 1U);
}

BOOST_AUTO_TEST_CASE(a_request_that_nobody_seems_to_work_on_is_said_again_and_its_second_answer_swallowed) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"timeout"};
    chat.idle_first = 2s;
    Script script(websocket_first(), policy_with({chat}));
    script.gated().joined().client_says(question).at(1999ms).heard();
    script.at(2010ms);
    BOOST_TEST(script.heard() == (Lines{"ask gate 1 again", "upstream: " + std::string(question)}),
               boost::test_tools::per_element());
    script.upstream_says(R"(42["response",{"message_id":"a","n":1}])");
    BOOST_TEST(script.heard() ==
                   (Lines{"leave gate 1 answered", R"(client: 42["response",{"message_id":"a","n":1}])"}),
               boost::test_tools::per_element());
    script.upstream_says(R"(42["response",{"message_id":"a","n":2}])");
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.dropped(Drop::late_answer) == 1U);
}

BOOST_AUTO_TEST_CASE(the_second_answer_is_swallowed_where_late_ones_are_delivered_too) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"timeout"};
    chat.idle_first = 2s;
    chat.late_answer = "deliver";
    Script script(websocket_first(), policy_with({chat}));
    script.gated().joined().client_says(question).at(2010ms);
    script.upstream_says(R"(42["response",{"message_id":"a","n":1}])").heard();
    script.upstream_says(R"(42["response",{"message_id":"a","n":2}])");
    BOOST_TEST(script.heard().empty());
}

BOOST_AUTO_TEST_CASE(after_the_last_attempt_the_patience_ends_in_a_fallback) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"timeout"};
    chat.retry.attempts = 2;
    chat.idle_first = 2s;
    Script script(websocket_first(), policy_with({chat}));
    script.gated().joined().client_says(question).at(10s);
    const Lines heard = script.heard();
    BOOST_TEST(std::count(heard.begin(), heard.end(), "upstream: " + std::string(question)) == 3);
    BOOST_TEST(std::count(heard.begin(), heard.end(),
                          R"(client: 42["response",{"message_id":"a","code":"timeout_idle","attempt":3}])") ==
               1);
    BOOST_TEST(std::count(heard.begin(), heard.end(), "leave gate 1 failed") == 1);
}

BOOST_AUTO_TEST_CASE(after_progress_nothing_is_said_again) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"timeout"};
    chat.idle_first = 2s;
    chat.idle_next = 1s;
    chat.progress.event = {"thinking"};
    Script script(websocket_first(), policy_with({chat}));
    script.gated().joined().client_says(question).at(1s).upstream_says(
        R"(42["thinking",{"message_id":"a"}])");
    script.heard();
    script.at(3s);
    BOOST_TEST(script.heard() ==
                   (Lines{"leave gate 1 failed",
                          R"(client: 42["response",{"message_id":"a","code":"timeout_idle","attempt":1}])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(progress_while_the_gate_is_asked_again_makes_its_word_void) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"timeout"};
    chat.idle_first = 2s;
    chat.progress.event = {"thinking"};
    Script script(websocket_first(), policy_with({chat}));
    script.joined().client_says(question).input(input::GateSaid{1, What::go}).at(2010ms).heard();
    script.upstream_says(R"(42["thinking",{"message_id":"a"}])").heard();
    script.input(input::GateSaid{1, What::go});
    BOOST_TEST(script.heard().empty());
}

// Its place was given back, and it stands in line once more: the go is that of the place that was.
BOOST_AUTO_TEST_CASE(a_go_that_was_on_its_way_when_the_upstream_was_lost_is_void) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"timeout", "upstream_lost"};
    chat.idle_first = 2s;
    Script script(websocket_first(), policy_with({chat}));
    script.joined().client_says(question).input(input::GateSaid{1, What::go}).at(2010ms);
    script.input(input::UpstreamLost{}).at(2020ms);
    comes_back(script).heard();
    script.input(input::GateSaid{1, What::go});
    BOOST_TEST(script.heard().empty());
    script.input(input::GateSaid{2, What::go});
    BOOST_TEST(script.heard() == Lines{"upstream: " + std::string(question)},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_parts_of_the_answer_a_lost_request_is_not_said_again) {
    rules::RuleSpec chat = patient_chat();
    chat.retry.on = {"upstream_lost"};
    chat.on_upstream_lost = "answer";
    chat.partial.event = {"token"};
    chat.abort.event = "aborted";
    chat.abort.data = R"({"code":"{{code}}"})";
    Script script(websocket_first(), policy_with({chat}));
    script.gated().joined().client_says(question).upstream_says(R"(42["token",{"message_id":"a"}])").heard();
    script.input(input::UpstreamLost{});
    const Lines heard = script.heard();
    BOOST_TEST(
        std::count(heard.begin(), heard.end(), R"(client: 42["aborted",{"code":"connection_lost"}])") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
