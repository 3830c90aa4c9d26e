// The two legs: transports, heartbeats, closes.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using forestay::wire::websocket::Opcode;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

const std::string open_websocket =
    R"(0{"sid":"SID","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1048576})";
const std::string open_polling =
    R"(0{"sid":"SID","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1048576})";

}  // namespace

BOOST_AUTO_TEST_CASE(the_upstream_hears_nothing_before_the_first_connect) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{});
    BOOST_TEST(script.heard() == Lines{"client: " + open_websocket}, boost::test_tools::per_element());
    script.client_says("40");
    BOOST_TEST(script.heard() == Lines{"connect"}, boost::test_tools::per_element());
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
    BOOST_TEST(script.heard() == Lines{"upstream: 40"}, boost::test_tools::per_element());
    BOOST_TEST((script.session().upstream_state() == UpstreamState::attached));
}

BOOST_AUTO_TEST_CASE(each_upstream_ping_gets_exactly_one_pong) {
    Script script(websocket_first());
    script.joined().upstream_says("2").upstream_says("2x");
    const Lines expected{"upstream: 3", "upstream: 3x"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    for (int i = 0; i < 160; ++i) script.client_says("3");
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.dropped(Drop::unsolicited_pong) == 160U);
}

BOOST_AUTO_TEST_CASE(a_client_that_answers_pings_stays_and_one_that_does_not_goes) {
    Script script(websocket_first());
    script.joined();
    for (int i = 1; i <= 10; ++i) {
        script.at(i * 25s);
        BOOST_TEST(script.heard() == Lines{"client: 2"}, boost::test_tools::per_element());
        script.client_says("3");
    }
    script.at(275s).heard();
    script.at(295s);
    const Lines expected{"client: CLOSE 1001 ping timeout", "close client", "upstream: CLOSE 1001",
                         "close upstream", "end client ping_timeout"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_silent_upstream_is_stalled_and_its_late_answers_still_count) {
    Script script(websocket_first());
    script.joined();
    for (int i = 1; i <= 3; ++i) script.at(i * 25s).client_says("3");
    BOOST_TEST((script.session().upstream_state() == UpstreamState::stalled));
    script.client_says(R"(420["other"])").heard();
    script.upstream_says(R"(430["real"])");
    BOOST_TEST(script.heard() == Lines{R"(client: 430["real"])"}, boost::test_tools::per_element());
    BOOST_TEST((script.session().upstream_state() == UpstreamState::attached));
}

// A session that ends with its upstream leg: resume.upstream.hold 0s.
Policy without_resume() {
    Policy policy = forestay::session::testing::policy();
    policy.resume_upstream.hold = Duration{0};
    return policy;
}

BOOST_AUTO_TEST_CASE(an_upstream_that_stays_silent_for_upstream_stall_is_given_up) {
    Script script(websocket_first(), without_resume());
    script.joined();
    for (int i = 1; i <= 11; ++i) script.at(i * 25s).client_says("3");
    script.heard();
    script.at(299s);
    BOOST_TEST(!script.session().ended());
    script.at(300s);
    BOOST_TEST(script.session().ended());
    BOOST_TEST(script.heard().back() == "end upstream upstream_stalled");
}

BOOST_AUTO_TEST_CASE(polling_then_upgrade_keeps_the_order) {
    Script script;
    script.input(input::PollOpened{1});
    BOOST_TEST(script.heard() == Lines{"answer 1 200: " + open_polling}, boost::test_tools::per_element());
    script.input(input::ExchangeWritten{1}).input(input::PostReceived{2, "40"});
    const Lines connecting{"connect", "answer 2 200: ok"};
    BOOST_TEST(script.heard() == connecting, boost::test_tools::per_element());
    script.input(input::PollOpened{3}).input(input::UpstreamOpened{}).upstream_says(upstream_open).heard();
    script.upstream_says(R"(40{"sid":"sio"})");
    BOOST_TEST(script.heard() == Lines{R"(answer 3 200: 40{"sid":"sio"})"}, boost::test_tools::per_element());
    script.input(input::ExchangeWritten{3}).input(input::PollOpened{4}).input(input::ClientUpgraded{});
    script.client_says("2probe");
    BOOST_TEST(script.heard() == Lines{"client: 3probe"}, boost::test_tools::per_element());
    script.at(50ms);
    BOOST_TEST(script.heard() == Lines{"answer 4 200: 6"}, boost::test_tools::per_element());
    script.upstream_says(R"(42["a"])").upstream_says(R"(42["b"])");
    BOOST_TEST(script.heard().empty());
    script.client_says("5");
    const Lines after{R"(client: 42["a"])", R"(client: 42["b"])"};
    BOOST_TEST(script.heard() == after, boost::test_tools::per_element());
    script.upstream_says(R"(42["c"])");
    BOOST_TEST(script.heard() == Lines{R"(client: 42["c"])"}, boost::test_tools::per_element());
    BOOST_TEST((script.session().client_state() == ClientState::websocket));
}

BOOST_AUTO_TEST_CASE(a_poll_whose_answer_was_lost_loses_nothing) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1}).input(input::PostReceived{2, "40"});
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"sio"})");
    script.heard();
    script.input(input::PollOpened{3}).heard();
    script.input(input::ExchangeLost{3}).input(input::PollOpened{4});
    BOOST_TEST(script.heard() == Lines{R"(answer 4 200: 40{"sid":"sio"})"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_probe_that_fails_leaves_the_client_on_polling) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1}).heard();
    script.input(input::ClientUpgraded{}).client_says("hello");
    const Lines expected{"client: CLOSE 1008 not a probe", "close client"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    BOOST_TEST((script.session().client_state() == ClientState::polling));
    BOOST_TEST(!script.session().ended());
}

BOOST_AUTO_TEST_CASE(a_lost_upstream_closes_the_client_so_that_it_comes_back) {
    Script script(websocket_first(), without_resume());
    script.joined().input(input::UpstreamLost{});
    const Lines expected{"client: CLOSE 1011 upstream lost", "close client", "end upstream connection_lost"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_plain_websocket_passes_frames_and_close_codes) {
    Setup setup;
    setup.dialect = Dialect::plain;
    Script script(setup);
    script.client_says("hi")
        .upstream_sends("there")
        .client_frame(Opcode::ping, "p")
        .upstream_frame(Opcode::pong, "p");
    const Lines frames{"upstream: hi", "client: <there>", "upstream: PING p", "client: PONG p"};
    BOOST_TEST(script.heard() == frames, boost::test_tools::per_element());
    script.client_frame(Opcode::close,
                        "\x0f\xa1"
                        "bye");
    BOOST_TEST(script.heard() == Lines{"upstream: CLOSE 4001 bye"}, boost::test_tools::per_element());
    script.upstream_frame(Opcode::close, "\x0f\xa1");
    const Lines closed{"client: CLOSE 4001", "close client", "close upstream", "end client goodbye"};
    BOOST_TEST(script.heard() == closed, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_credential_in_connect_is_judged_before_the_upstream_hears_anything) {
    Setup setup = websocket_first();
    setup.credential_in_connect = true;
    Script script(setup);
    script.input(input::ClientUpgraded{}).heard();
    script.client_says(R"(40{"token":"bad"})");
    BOOST_TEST(script.heard() == Lines{R"(check {"token":"bad"})"}, boost::test_tools::per_element());
    script.input(input::CredentialRefused{"expired"});
    BOOST_TEST(script.heard() == Lines{R"(client: 44{"message":"unauthorized","data":{"code":"expired"}})"},
               boost::test_tools::per_element());
    script.at(5s);
    BOOST_TEST(script.heard().back() == "end forestay unauthorised");
}

BOOST_AUTO_TEST_CASE(rules_know_who_the_credential_in_connect_has_named) {
    forestay::rules::RuleSpec spec;
    spec.name = "anns";
    spec.match.event = "ask";
    spec.match.who = {"ann"};
    spec.timeout = 5s;
    spec.fallback.ack = "[null]";
    std::vector<forestay::rules::Problem> problems;
    Policy only_ann = policy();
    only_ann.rules = forestay::rules::RuleSet::compile({spec}, problems);
    BOOST_REQUIRE(problems.empty());
    Script script(websocket_first(), only_ann);
    script.joined().client_says(R"(421["ask"])");
    BOOST_TEST(script.stats().rules.at(0).started == 0U);
    script.input(input::CredentialAccepted{.subject = "ann"}).client_says(R"(422["ask"])");
    BOOST_TEST(script.stats().rules.at(0).started == 1U);
    script.input(input::CredentialAccepted{}).client_says(R"(423["ask"])");
    BOOST_TEST(script.stats().rules.at(0).started == 2U);
}

BOOST_AUTO_TEST_CASE(an_expired_identity_closes_with_4401) {
    Setup setup = websocket_first();
    Script script(setup);
    script.joined().input(input::CredentialAccepted{script.now() + 7s});
    script.at(7s);
    BOOST_TEST(script.heard().front() == "client: CLOSE 4401 token expired");
    BOOST_TEST(script.session().ended());
}

BOOST_AUTO_TEST_CASE(when_all_sessions_are_gone_the_gauges_are_zero) {
    Stats stats;
    {
        Script script(websocket_first());
        script.joined().client_says(R"(420["ask"])").client_frame(Opcode::close, "");
        stats = script.stats();
        BOOST_TEST(script.heard().back() == "end client goodbye");
    }
    BOOST_TEST(stats.rules.at(0).outstanding == 0U);
    BOOST_TEST(stats.closes[0][static_cast<std::size_t>(CloseReason::goodbye)] == 1U);
}

BOOST_AUTO_TEST_CASE(a_close_code_of_the_upstream_that_must_not_be_on_the_wire_is_a_violation) {
    Script script(websocket_first());
    script.joined().upstream_frame(Opcode::close, "\x03\xee");  // 1006
    const Lines expected{"upstream: CLOSE 1002 bad close", "close upstream",
                         "client: CLOSE 1011 upstream protocol violation", "close client",
                         "end upstream protocol_violation"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

// An EIO3 client that posted pings of a megabyte, and never polled, made its session keep a pong for each.
BOOST_AUTO_TEST_CASE(pongs_that_a_polling_client_does_not_fetch_are_bounded) {
    Policy policy = forestay::session::testing::policy();
    policy.limits.outbox_bytes = policy.limits.message_bytes = 1000;
    Setup setup;
    setup.dialect = Dialect::engineio3;
    Script script(setup, policy);
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1}).heard();
    const std::string ping = "801:2" + std::string(800, 'a');
    script.input(input::PostReceived{2, ping}).input(input::PostReceived{3, ping});
    BOOST_TEST(!script.session().ended());
    script.input(input::PostReceived{4, ping});
    BOOST_TEST(script.session().ended());
    BOOST_TEST(script.dropped(Drop::outbox_overflow) == 1U);
}

BOOST_AUTO_TEST_CASE(a_poll_answer_has_at_most_as_many_packets_as_python_clients_take) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1}).input(input::PostReceived{2, "40"});
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"sio"})");
    for (int i = 0; i < 17; ++i) script.upstream_says(R"(42["x"])");
    script.heard();
    const auto packets = [](const Lines& heard) {
        return std::count(heard.at(0).begin(), heard.at(0).end(), '\x1e') + 1;
    };
    BOOST_TEST(packets(script.input(input::PollOpened{3}).heard()) == 16);
    BOOST_TEST(packets(script.input(input::ExchangeWritten{3}).input(input::PollOpened{4}).heard()) == 2);
}

// 16 namespaces kept 16 MiB, because each CONNECT is said again to an app that comes back.
BOOST_AUTO_TEST_CASE(what_a_client_says_with_its_connects_is_bounded_together) {
    Policy policy = forestay::session::testing::policy();
    policy.limits.message_bytes = 1000;
    Script script(websocket_first(), policy);
    const std::string large = ",{\"x\":\"" + std::string(400, 'a') + "\"}";
    script.input(input::ClientUpgraded{}).client_says("40/a" + large).client_says("40/b" + large);
    BOOST_TEST(!script.session().ended());
    script.heard();
    script.client_says("41/a,").client_says("40/c" + large);
    BOOST_TEST(!script.session().ended());
    script.heard();
    script.client_says("40/d" + large);
    const Lines expected{"client: CLOSE 1009 message too big", "close client", "close upstream",
                         "end client limit"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(of_what_waits_for_an_upstream_that_does_not_come_the_oldest_falls_out_and_is_told) {
    Policy policy = forestay::session::testing::policy();
    policy.resume_upstream.max_bytes = 1600;
    Script script(websocket_first(), policy);
    script.input(input::ClientUpgraded{}).client_says("40").heard();
    for (const char name : {'a', 'b', 'c'}) {
        script.client_says(R"(42["x",")" + std::string(600, name) + R"("])");
    }
    BOOST_TEST(script.heard() == Lines{"report messages_dropped 1"}, boost::test_tools::per_element());
    BOOST_TEST(script.dropped(Drop::held_overflow) == 1U);
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"sio"})");
    const Lines expected{"upstream: 40", R"(client: 40{"sid":"sio"})",
                         R"(upstream: 42["x",")" + std::string(600, 'b') + R"("])",
                         R"(upstream: 42["x",")" + std::string(600, 'c') + R"("])"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}
