// limits.message_rate: a client that says too much is read more slowly, and loses nothing.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using forestay::wire::websocket::Opcode;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

// Two at once, and one more every two seconds.
Policy two_in_four_seconds() {
    Policy limited = testing::policy();
    limited.limits.message_rate = {2, 4s};
    return limited;
}

Setup plain() {
    Setup setup = websocket_first();
    setup.dialect = Dialect::plain;
    return setup;
}

Setup polling() {
    Setup setup = websocket_first();
    setup.websocket = false;
    return setup;
}

std::string masked(std::string_view text, Opcode opcode = Opcode::text) {
    std::string frame;
    forestay::wire::websocket::write_frame(frame, opcode, text, forestay::wire::websocket::MaskKey{});
    return frame;
}

bool contains(const Lines& lines, std::string_view line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

// What the upstream and the shell have heard, without our heartbeats.
Lines without_pings(Lines lines) {
    std::erase(lines, "client: 2");
    return lines;
}

// A polling client whose "/" is joined; the CONNECT was its first message.
Script joined_by_polling() {
    Script script(polling(), two_in_four_seconds());
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1});
    script.input(input::PostReceived{2, "40"}).input(input::UpstreamOpened{});
    script.upstream_says(upstream_open).upstream_says(R"(40{"sid":"a"})");
    script.input(input::PollOpened{3}).input(input::ExchangeWritten{3}).heard();
    return script;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(message_rate)

BOOST_AUTO_TEST_CASE(what_comes_too_fast_is_read_later_and_in_order) {
    Script script(plain(), two_in_four_seconds());
    script.input(input::ClientUpgraded{}).heard();
    std::string all;
    for (const char* text : {"1", "2", "3", "4"}) all += masked(text);
    script.input(input::ClientBytes{all});
    const Lines at_once{"upstream: 1", "upstream: 2", "report rate_limited 0", "pause client"};
    BOOST_TEST(script.heard() == at_once, boost::test_tools::per_element());
    script.at(1900ms);
    BOOST_TEST(script.heard().empty());
    script.at(2s);
    BOOST_TEST(script.heard() == Lines{"upstream: 3"}, boost::test_tools::per_element());
    script.at(4s);
    const Lines last{"upstream: 4", "resume client"};
    BOOST_TEST(script.heard() == last, boost::test_tools::per_element());
    BOOST_TEST(script.limited(Limit::message_rate) == 2U);
}

BOOST_AUTO_TEST_CASE(whoever_keeps_within_the_rate_is_never_paused) {
    Script script(plain(), two_in_four_seconds());
    script.input(input::ClientUpgraded{}).heard();
    script.client_says("0").client_says("0");
    for (int i = 1; i < 20; ++i) script.at(i * 2s).client_says("x");
    const Lines heard = script.heard();
    BOOST_TEST(!contains(heard, "pause client"));
    BOOST_TEST(std::count(heard.begin(), heard.end(), "upstream: x") == 19);
    BOOST_TEST(script.limited(Limit::message_rate) == 0U);
}

BOOST_AUTO_TEST_CASE(what_arrives_at_a_client_that_is_paused_already_waits_too) {
    Script script(plain(), two_in_four_seconds());
    script.input(input::ClientUpgraded{}).client_says("1").client_says("2").client_says("3").client_says("4");
    BOOST_TEST(!contains(script.heard(), "upstream: 3"));
    script.at(10s);
    const Lines later{"upstream: 3", "upstream: 4", "resume client"};
    BOOST_TEST(script.heard() == later, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(control_frames_and_heartbeats_are_no_messages) {
    Script script(websocket_first(), two_in_four_seconds());
    script.joined();  // the CONNECT was one
    for (int i = 0; i < 10; ++i) script.client_frame(Opcode::ping, "p").client_says("3");
    BOOST_TEST(!contains(script.heard(), "pause client"));
    script.client_says(R"(42["a"])").client_says(R"(42["b"])");
    const Lines heard = script.heard();
    BOOST_TEST(contains(heard, R"(upstream: 42["a"])"));
    BOOST_TEST(!contains(heard, R"(upstream: 42["b"])"));
    BOOST_TEST(contains(heard, "pause client"));
}

BOOST_AUTO_TEST_CASE(attachments_belong_to_their_message) {
    Script script(websocket_first(), two_in_four_seconds());
    script.joined().at(4s).heard();
    const std::string header = R"(452-["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])";
    script.client_says(header).client_sends("x").client_sends("y").client_says(R"(42["a"])");
    const Lines heard = script.heard();
    BOOST_TEST(contains(heard, "upstream: <y>"));
    BOOST_TEST(contains(heard, R"(upstream: 42["a"])"));
    BOOST_TEST(!contains(heard, "pause client"));
}

// Its pong stood behind what it was not allowed to say yet.
BOOST_AUTO_TEST_CASE(a_client_that_is_not_read_is_not_silent) {
    Script script(websocket_first(), two_in_four_seconds());
    script.joined();
    std::string flood;
    for (int i = 0; i < 60; ++i) flood += masked(R"(42["n"])");
    script.input(input::ClientBytes{flood + masked("3")});
    script.at(100s);
    BOOST_TEST(!script.session().ended());
    script.at(130s);
    BOOST_TEST(!script.session().ended());
    const Lines heard = script.heard();
    BOOST_TEST(std::count(heard.begin(), heard.end(), R"(upstream: 42["n"])") == 60);
    BOOST_TEST(contains(heard, "resume client"));
    BOOST_TEST(std::count(heard.begin(), heard.end(), "report rate_limited 0") == 2);
}

BOOST_AUTO_TEST_CASE(a_large_message_that_waits_half_read_is_not_late) {
    Script script(plain(), two_in_four_seconds());
    const std::string large = masked(std::string(1000, 'x'));
    script.input(input::ClientUpgraded{}).client_says("1").client_says("2");
    script.input(input::ClientBytes{large.substr(0, 500)});
    script.at(2s).heard();
    script.input(input::ClientBytes{large.substr(500)});
    BOOST_TEST(script.heard() == Lines{"upstream: " + std::string(1000, 'x')},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_polling_client_waits_for_the_answer_to_its_post) {
    Script script = joined_by_polling();
    script.input(input::PostReceived{4, R"(42["a"])"
                                        "\x1e"
                                        R"(42["b"])"});
    const Lines said{R"(upstream: 42["a"])", R"(upstream: 42["b"])", "report rate_limited 0"};
    BOOST_TEST(script.heard() == said, boost::test_tools::per_element());
    script.at(3900ms);
    BOOST_TEST(script.heard().empty());
    script.at(4s);
    BOOST_TEST(script.heard() == Lines{"answer 4 200: ok"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_polling_client_that_does_not_wait_is_told_to_and_nothing_of_it_is_taken) {
    Script script = joined_by_polling();
    script.input(input::PostReceived{4, R"(42["a"])"}).input(input::PostReceived{5, R"(42["b"])"});
    const Lines heard = script.heard();
    BOOST_TEST(contains(heard, R"(answer 5 429: {"error":"too many requests","reason":"message_rate"})"));
    BOOST_TEST(!contains(heard, R"(upstream: 42["b"])"));
    BOOST_TEST(!script.session().ended());
    script.at(2s);
    BOOST_TEST(script.heard() == Lines{"answer 4 200: ok"}, boost::test_tools::per_element());
    script.input(input::PostReceived{6, R"(42["b"])"});
    BOOST_TEST(contains(script.heard(), R"(upstream: 42["b"])"));
}

BOOST_AUTO_TEST_CASE(a_session_that_moves_goes_on_at_the_same_pace) {
    Script script(plain(), two_in_four_seconds());
    script.input(input::ClientUpgraded{}).client_says("1").client_says("2").client_says("3");
    script.heard();
    script.moves().at(1900ms);
    BOOST_TEST(script.heard().empty());
    script.at(2s);
    const Lines last{"upstream: 3", "resume client"};
    BOOST_TEST(script.heard() == last, boost::test_tools::per_element());
}

// What waited to be read came along with the leg, and nobody read it.
BOOST_AUTO_TEST_CASE(a_client_that_comes_back_brings_what_it_has_said_and_its_pace) {
    Policy limited = two_in_four_seconds();
    limited.resume_client.recovery = Recovery::marker;
    Setup setup = websocket_first();
    setup.secret = "OLD";
    Script first(setup, limited);
    first.joined().at(10s).input(input::ClientLost{}).heard();
    Setup again = setup;
    again.sid = "SID2";
    again.secret = "NEW";
    Script fresh(again, limited, 10s);
    fresh.input(input::ClientUpgraded{}).client_says(R"(40{"pid":"f1.OLD.0.1"})");
    fresh.client_says(R"(42["a"])").client_says(R"(42["b"])").client_says(R"(42["c"])");
    BOOST_TEST(contains(fresh.heard(), "pause client"));
    BOOST_REQUIRE(first.takes(fresh));
    const Lines at_once = first.heard();
    BOOST_TEST(contains(at_once, R"(upstream: 42["a"])"));
    BOOST_TEST(!contains(at_once, R"(upstream: 42["b"])"));
    first.at(14s);
    const Lines later = first.heard();
    BOOST_TEST(contains(later, R"(upstream: 42["b"])"));
    BOOST_TEST(contains(later, R"(upstream: 42["c"])"));
    BOOST_TEST(contains(later, "resume client"));
}

BOOST_AUTO_TEST_CASE(without_a_rate_nothing_is_paced) {
    Script script(plain());
    script.input(input::ClientUpgraded{});
    for (int i = 0; i < 10'000; ++i) script.client_says("x");
    BOOST_TEST(!contains(without_pings(script.heard()), "pause client"));
}

BOOST_AUTO_TEST_SUITE_END()
