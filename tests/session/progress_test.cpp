// Progress, parts of an answer, and what a fallback says.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace forestay;
using Lines = std::vector<std::string>;

namespace {

// 2 s to the first sign of progress, then 1 s from one to the next, 10 s in all.
rules::RuleSpec slow_chat() {
    rules::RuleSpec chat = chat_rule();
    chat.timeout = 10s;
    chat.idle_first = 2s;
    chat.idle_next = 1s;
    chat.progress.event = {"thinking"};
    chat.fallback.data = R"({"message_id":"{{id}}","code":"{{code}}"})";
    return chat;
}

constexpr const char* question = R"(42["chat_message",{"message_id":"a"}])";
constexpr const char* thinking = R"(42["thinking",{"message_id":"a"}])";

std::uint64_t fallbacks(Script& script, rules::Code code) {
    return script.stats().rules[0].fallbacks[static_cast<std::size_t>(code)];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(without_any_sign_of_progress_the_fallback_comes_after_the_first_patience) {
    Script script(websocket_first(), policy_with({slow_chat()}));
    script.joined().client_says(question).heard();
    script.at(1999ms);
    BOOST_TEST(script.heard().empty());
    script.at(2s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["response",{"message_id":"a","code":"timeout_idle"}])"},
               boost::test_tools::per_element());
    BOOST_TEST(fallbacks(script, rules::Code::timeout_idle) == 1U);
}

BOOST_AUTO_TEST_CASE(progress_is_delivered_and_moves_the_deadline) {
    Script script(websocket_first(), policy_with({slow_chat()}));
    script.joined().client_says(question).at(1900ms).heard();
    script.upstream_says(thinking);
    BOOST_TEST(script.heard() == Lines{"client: " + std::string(thinking)}, boost::test_tools::per_element());
    script.at(2800ms).upstream_says(thinking).at(3700ms);
    BOOST_TEST(script.heard() == Lines{"client: " + std::string(thinking)}, boost::test_tools::per_element());
    script.at(3800ms);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["response",{"message_id":"a","code":"timeout_idle"}])"},
               boost::test_tools::per_element());
    BOOST_TEST(script.stats().rules[0].progress == 2U);
}

BOOST_AUTO_TEST_CASE(the_total_timeout_bounds_all_progress) {
    Script script(websocket_first(), policy_with({slow_chat()}));
    script.joined().client_says(question);
    for (int i = 1; i < 20; ++i) script.at(i * 500ms).upstream_says(thinking);
    script.heard();
    script.at(10s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["response",{"message_id":"a","code":"timeout"}])"},
               boost::test_tools::per_element());
    BOOST_TEST(fallbacks(script, rules::Code::timeout) == 1U);
}

BOOST_AUTO_TEST_CASE(progress_of_another_request_is_none_of_this) {
    Script script(websocket_first(), policy_with({slow_chat()}));
    script.joined().client_says(question).client_says(R"(42["chat_message",{"message_id":"b"}])").at(1s);
    script.upstream_says(R"(42["thinking",{"message_id":"b"}])")
        .upstream_says(R"(42["thinking",{}])")
        .heard();
    script.at(2s);
    BOOST_TEST(
        script.heard() == (Lines{R"(client: 42["response",{"message_id":"a","code":"timeout_idle"}])",
                                 R"(client: 42["response",{"message_id":"b","code":"timeout_idle"}])"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_answer_after_progress_is_the_only_one) {
    Script script(websocket_first(), policy_with({slow_chat()}));
    script.joined().client_says(question).at(1s).upstream_says(thinking).heard();
    script.at(1900ms).upstream_says(R"(42["response",{"message_id":"a"}])");
    script.at(20s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["response",{"message_id":"a"}])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(patience_begins_when_the_app_is_asked_and_the_timeout_upon_receipt) {
    rules::RuleSpec chat = slow_chat();
    chat.timeout = 5s;
    Script script(websocket_first(), policy_with({chat}));
    script.joined().input(input::UpstreamLost{}).client_says(question).at(2500ms);
    BOOST_TEST(fallbacks(script, rules::Code::timeout_idle) == 0U);
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"new"})");
    script.at(4400ms);
    BOOST_TEST(fallbacks(script, rules::Code::timeout_idle) == 0U);
    script.at(5s);
    BOOST_TEST(fallbacks(script, rules::Code::timeout_idle) == 1U);
    BOOST_TEST(fallbacks(script, rules::Code::timeout) == 0U);
}

BOOST_AUTO_TEST_CASE(progress_after_the_fallback_is_dropped) {
    Script script(websocket_first(), policy_with({slow_chat()}));
    script.joined().client_says(question).at(2s).heard();
    script.upstream_says(thinking).upstream_says(R"(42["response",{"message_id":"a"}])");
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.dropped(Drop::late_answer) == 2U);
    BOOST_TEST(script.stats().rules[0].late == 1U);
}

BOOST_AUTO_TEST_CASE(progress_after_the_fallback_goes_through_where_late_answers_do) {
    rules::RuleSpec chat = slow_chat();
    chat.late_answer = "deliver";
    Script script(websocket_first(), policy_with({chat}));
    script.joined().client_says(question).at(2s).heard();
    script.upstream_says(thinking);
    BOOST_TEST(script.heard() == Lines{"client: " + std::string(thinking)}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(after_parts_of_the_answer_the_fallback_is_an_abort) {
    rules::RuleSpec chat = slow_chat();
    chat.progress.event = {};
    chat.partial.event = {"token"};
    chat.abort.event = "aborted";
    chat.abort.data = R"({"message_id":"{{id}}","reason":"{{reason}}"})";
    Script script(websocket_first(), policy_with({chat}));
    script.joined().client_says(question).client_says(R"(42["chat_message",{"message_id":"b"}])");
    script.upstream_says(R"(42["token",{"message_id":"a"}])").heard();
    script.at(2s);
    BOOST_TEST(
        script.heard() ==
            (Lines{R"(client: 42["aborted",{"message_id":"a","reason":"no sign of progress in time"}])",
                   R"(client: 42["response",{"message_id":"b","code":"timeout_idle"}])"}),
        boost::test_tools::per_element());
    BOOST_TEST(script.stats().rules[0].aborted == 1U);
}

BOOST_AUTO_TEST_CASE(an_ack_request_may_have_progress) {
    rules::RuleSpec ask = ask_rule();
    ask.idle_first = 1s;
    ask.idle_next = 1s;
    ask.progress.event = {"thinking"};
    Script script(websocket_first(), policy_with({ask}));
    script.joined()
        .client_says(R"(420["ask"])")
        .at(900ms)
        .upstream_says(R"(42["thinking"])")
        .at(1800ms)
        .heard();
    script.upstream_says(R"(430["because"])").at(20s);
    BOOST_TEST(script.heard() == Lines{R"(client: 430["because"])"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(progress_without_an_id_counts_for_all_that_it_could_be_about) {
    rules::RuleSpec ask = ask_rule();
    ask.idle_first = ask.idle_next = 1s;
    ask.progress.event = {"thinking"};
    rules::RuleSpec other = ask;  // hears the same
    other.name = "other";
    other.match.event = "other";
    Script script(websocket_first(), policy_with({ask, other}));
    script.joined().client_says(R"(420["ask"])").client_says(R"(421["ask"])").client_says(R"(422["other"])");
    script.at(900ms).upstream_says(R"(42["thinking"])").client_says(R"(423["ask"])").heard();
    script.at(1800ms);
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.stats().rules[0].progress == 2U);
    BOOST_TEST(script.stats().rules[1].progress == 1U);
    script.at(1900ms);
    BOOST_TEST(script.heard().size() == 4U);
}

BOOST_AUTO_TEST_CASE(what_is_progress_of_one_request_may_be_the_answer_of_another) {
    rules::RuleSpec ask = ask_rule();
    ask.progress.event = {"response"};
    Script script(websocket_first(), policy_with({ask, chat_rule()}));
    script.joined().client_says(R"(420["ask"])").client_says(question).heard();
    script.upstream_says(R"(42["response",{"message_id":"a"}])");
    BOOST_TEST(script.heard().size() == 1U);
    BOOST_TEST(script.stats().rules[0].progress == 1U);
    BOOST_TEST(script.stats().rules[1].answered_by_upstream == 1U);
}

BOOST_AUTO_TEST_CASE(a_fallback_may_quote_the_request_and_count) {
    rules::RuleSpec ask = ask_rule();
    ask.fallback.ack = R"([{"q":"{{/q}}","n":"{{attempt}}","ms":"{{elapsed_ms}}","none":"{{/x}}"}])";
    Script script(websocket_first(), policy_with({ask}));
    script.joined().client_says(R"(420["ask",{"q":"why?"}])").heard();
    script.at(5s);
    BOOST_TEST(script.heard() == Lines{R"(client: 430[{"q":"why?","n":1,"ms":5000,"none":null}])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_request_that_breaks_its_schema_gets_its_fallback_and_goes_nowhere) {
    rules::RuleSpec ask = ask_rule();
    ask.schema = R"({"type":"object","required":["q"]})";
    ask.fallback.ack = R"([{"code":"{{code}}","detail":"{{detail}}","attempt":"{{attempt}}"}])";
    Script script(websocket_first(), policy_with({ask}));
    script.joined()
        .client_says(R"(420["ask",{}])")
        .client_says(R"(451-1["ask",{"a":{"_placeholder":true,"num":0}}])");
    script.client_sends("x").client_says(R"(422["ask",{"q":1}])");
    const Lines heard = script.heard();
    BOOST_REQUIRE(heard.size() == 3U);
    BOOST_TEST(heard[0] == R"(client: 430[{"code":"protocol_schema","detail":"/q is missing","attempt":0}])");
    BOOST_TEST(heard[1] == R"(client: 431[{"code":"protocol_schema","detail":"/q is missing","attempt":0}])");
    BOOST_TEST(heard[2] == R"(upstream: 422["ask",{"q":1}])");
    BOOST_TEST(script.stats().rules[0].invalid == 2U);
    BOOST_TEST(fallbacks(script, rules::Code::protocol_schema) == 2U);
    BOOST_TEST(script.stats().rules[0].outstanding == 1U);
}

BOOST_AUTO_TEST_CASE(what_falls_out_of_the_line_to_the_upstream_says_that_it_was_not_available) {
    rules::RuleSpec ask = ask_rule();
    ask.fallback.ack = R"(["{{code}}",{"attempt":"{{attempt}}"}])";
    Policy policy = policy_with({ask});
    policy.resume_upstream.max_messages = 1;
    Script script(websocket_first(), policy);
    script.joined().input(input::UpstreamLost{}).heard();
    script.client_says(R"(420["ask"])").client_says(R"(421["ask"])");
    BOOST_TEST(script.heard() == Lines{R"(client: 430["connection_unavailable",{"attempt":0}])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_client_hears_that_forestay_goes_before_it_is_closed) {
    rules::RuleSpec ask = ask_rule();
    ask.fallback.ack = R"(["{{code}}"])";
    Script script(websocket_first(), policy_with({ask}));
    script.joined().client_says(R"(420["ask"])").client_says(R"(421["ask"])");
    script.upstream_says(R"(461-1[{"_placeholder":true,"num":0}])").heard();  // and half of it has come
    script.input(input::Shutdown{});
    const Lines heard = script.heard();
    BOOST_REQUIRE(heard.size() >= 3U);
    BOOST_TEST(heard[0] == R"(client: 430["shutdown"])");
    BOOST_TEST(heard[1] == R"(client: 431["shutdown"])");
    BOOST_TEST(heard[2] == "client: CLOSE 1012 restarting");
    BOOST_TEST(fallbacks(script, rules::Code::shutdown) == 2U);
    BOOST_TEST(script.stats().rules[0].abandoned == 0U);
    BOOST_TEST(script.stats().rules[0].outstanding == 0U);
}

BOOST_AUTO_TEST_CASE(a_polling_client_hears_it_in_its_last_answer) {
    rules::RuleSpec ask = ask_rule();
    ask.fallback.ack = R"(["{{code}}"])";
    Script script({}, policy_with({ask}));
    script.input(input::PollOpened{1}).input(input::PostReceived{2, "40"});
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"sio"})");
    script.input(input::PollOpened{3}).input(input::PostReceived{4, R"(420["ask"])"});
    script.input(input::PollOpened{5}).heard();
    script.input(input::Shutdown{});
    const std::string last =
        "430[\"shutdown\"]\x1e"
        "1";
    BOOST_TEST(script.heard().front().ends_with(last));
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_with_its_upstream_answers_before) {
    rules::RuleSpec ask = ask_rule();
    ask.fallback.ack = R"(["{{code}}"])";
    Policy policy = policy_with({ask});
    policy.resume_upstream.hold = 0s;
    Script script(websocket_first(), policy);
    script.joined().client_says(R"(420["ask"])").heard();
    script.input(input::UpstreamLost{});
    const Lines heard = script.heard();
    BOOST_REQUIRE(heard.size() >= 2U);
    BOOST_TEST(heard[0] == R"(client: 430["connection_lost"])");
    BOOST_TEST(heard[1].starts_with("client: CLOSE"));
}

BOOST_AUTO_TEST_CASE(a_fallback_that_had_to_wait_for_the_connect_reply_still_quotes) {
    rules::RuleSpec ask = ask_rule();
    ask.fallback.ack = R"(["{{/q}}"])";
    Script script(websocket_first(), policy_with({ask}));
    script.input(input::ClientUpgraded{}).client_says("40").client_says(R"(420["ask",{"q":"why?"}])");
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).at(6s).heard();
    script.upstream_says(R"(40{"sid":"sio"})");
    BOOST_TEST(script.heard() == (Lines{R"(client: 40{"sid":"sio"})", R"(client: 430["why?"])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
