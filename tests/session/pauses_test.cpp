// While we do not read a leg, its silence is our doing; and other things that only show when two happen at
// once. Found by the simulator.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

constexpr std::size_t too_much = 1 << 20;  // over half of limits.held_bytes
const std::string header = R"(451-["b",{"_placeholder":true,"num":0}])";

bool contains(const Lines& lines, std::string_view line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pauses)

// An upstream that did not read for ten seconds cost the client its session: "attachments missing", though it
// was we who did not read them.
BOOST_AUTO_TEST_CASE(attachments_that_wait_because_the_client_is_paused_are_not_missing) {
    Script script(websocket_first());
    script.joined().client_says(header).input(input::UpstreamBlocked{too_much});
    BOOST_TEST(contains(script.heard(), "pause client"));
    script.at(20s);
    BOOST_TEST(!script.session().ended());
    script.input(input::UpstreamDrained{}).at(22s).client_sends("bytes");
    BOOST_TEST(contains(script.heard(), "upstream: <bytes>"));
    BOOST_TEST(!script.session().ended());
}

BOOST_AUTO_TEST_CASE(a_message_that_waits_because_the_client_is_paused_is_not_late) {
    Policy slow = testing::policy();
    slow.ping_interval = 300s;
    Script script(websocket_first(), slow);
    script.joined().input(input::ClientBytes{"\x81"}).input(input::UpstreamBlocked{too_much}).at(60s);
    script.input(input::UpstreamDrained{}).input(input::Tick{});
    BOOST_TEST(!script.session().ended());
}

// What ends the wait for the upstream stood unread while the client took nothing.
BOOST_AUTO_TEST_CASE(an_upstream_that_we_do_not_read_is_not_unreachable) {
    Policy patient = testing::policy();
    patient.ping_interval = patient.limits.slow_client_timeout = 300s;
    Script script(websocket_first(), patient);
    script.input(input::ClientUpgraded{}).client_says("40").input(input::UpstreamOpened{});
    script.upstream_says(upstream_open).input(input::ClientBlocked{100});
    BOOST_TEST(contains(script.heard(), "pause upstream"));
    script.at(120s);
    BOOST_TEST(!script.session().ended());
    script.input(input::ClientDrained{}).upstream_says(R"(40{"sid":"a"})");
    BOOST_TEST(contains(script.heard(), R"(client: 40{"sid":"a"})"));
}

BOOST_AUTO_TEST_CASE(attachments_that_wait_because_the_upstream_is_paused_are_delivered) {
    Script script(websocket_first());
    script.joined().upstream_says(header).input(input::ClientBlocked{100});
    BOOST_TEST(contains(script.heard(), "pause upstream"));
    script.at(15s).input(input::ClientDrained{}).upstream_sends("bytes");
    const Lines heard = script.heard();
    BOOST_TEST(contains(heard, "client: " + header));
    BOOST_TEST(contains(heard, "client: <bytes>"));
    BOOST_TEST(script.dropped(Drop::upstream_violation) == 0U);
}

// A client that did not read for a while right after its CONNECT was told that the upstream had timed out.
BOOST_AUTO_TEST_CASE(an_upstream_that_is_not_read_cannot_be_late_with_open) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{}).client_says("40").input(input::UpstreamOpened{});
    script.input(input::ClientBlocked{100}).at(15s);
    BOOST_TEST(!script.session().ended());
    script.input(input::ClientDrained{}).upstream_says(upstream_open);
    BOOST_TEST(contains(script.heard(), "upstream: 40"));
    script.upstream_says(R"(40{"sid":"sio"})");
    BOOST_TEST(contains(script.heard(), R"(client: 40{"sid":"sio"})"));
}

// Whoever posted from many connections at once made one session hold a message for each of them, and went on
// holding them when the connections were gone.
BOOST_AUTO_TEST_CASE(of_a_polling_client_whose_post_waits_no_other_is_taken) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1});
    script.input(input::PostReceived{2, "40"}).input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"sio"})").input(input::UpstreamBlocked{too_much});
    script.heard();
    script.input(input::PostReceived{3, R"(42["x"])"});  // it could not know
    BOOST_TEST(script.heard() == Lines{R"(upstream: 42["x"])"}, boost::test_tools::per_element());
    script.input(input::ExchangeLost{3}).input(input::PostReceived{4, R"(42["y"])"});
    const Lines refused{R"(answer 4 503: {"error":"service unavailable","reason":"upstream_slow"})"};
    BOOST_TEST(script.heard() == refused, boost::test_tools::per_element());
    script.input(input::UpstreamDrained{});
    BOOST_TEST(!contains(script.heard(), "answer 3 200: ok"));  // its connection is gone
    script.input(input::PostReceived{5, R"(42["y"])"});
    const Lines taken{R"(upstream: 42["y"])", "answer 5 200: ok"};
    BOOST_TEST(script.heard() == taken, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_probing_socket_is_not_paused_and_an_upgraded_one_is) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1});
    script.input(input::PostReceived{2, "40"}).input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.input(input::UpstreamBlocked{too_much}).input(input::ClientUpgraded{}).heard();
    script.client_says("2probe");
    BOOST_TEST(script.heard() == Lines{"client: 3probe"}, boost::test_tools::per_element());
    script.client_says("5");
    BOOST_TEST(script.heard() == Lines{"pause client"}, boost::test_tools::per_element());
    script.input(input::UpstreamDrained{});
    BOOST_TEST(script.heard() == Lines{"resume client"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_probe_that_ends_while_the_client_is_paused_leaves_nothing_to_resume) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1});
    script.input(input::PostReceived{2, "40"}).input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.input(input::UpstreamBlocked{too_much}).input(input::ClientUpgraded{}).heard();
    script.input(input::UpstreamDrained{});
    BOOST_TEST(script.heard().empty());
}

// The client's second GET came before the first one's answer was known to be written: the NOOP was due for
// ever, and the timer fired in each of its slots.
BOOST_AUTO_TEST_CASE(a_get_behind_an_answer_that_is_being_written_is_no_deadline) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ClientUpgraded{}).client_says("2probe");
    script.input(input::PollOpened{2}).at(51ms).input(input::Tick{});
    BOOST_TEST((script.session().next_deadline() > script.now()));
    script.heard();
    script.input(input::ExchangeWritten{1});
    BOOST_TEST(script.heard() == Lines{"answer 2 200: 6"}, boost::test_tools::per_element());
}

// A polling client that was behind with its messages, and alive, got our ping too late to answer it in time.
BOOST_AUTO_TEST_CASE(a_ping_overtakes_the_messages_that_wait_for_a_poll) {
    Script script;
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1}).input(input::PostReceived{2, "40"});
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"sio"})");
    for (int i = 0; i < 100; ++i) script.upstream_says(R"(42["x"])");
    script.at(25s).heard();
    script.input(input::PollOpened{3});
    BOOST_TEST(script.heard().front().starts_with("answer 3 200: 2\x1e"));
}

BOOST_AUTO_TEST_CASE(a_bad_frame_before_open_closes_the_upstream_once) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{}).client_says("40").input(input::UpstreamOpened{}).heard();
    script.input(input::UpstreamBytes{"\xff"});
    const Lines heard = script.heard();
    BOOST_TEST(std::count(heard.begin(), heard.end(), "close upstream") == 1);
    BOOST_TEST(heard.back() == "end upstream protocol_violation");
}

// The client's event and the app's disconnect() crossed on the way, and the client lost its whole connection
// for it.
BOOST_AUTO_TEST_CASE(an_event_that_crosses_the_disconnect_of_the_upstream_is_dropped) {
    Script script(websocket_first());
    script.joined().client_says("40/chat,").upstream_says(R"(40/chat,{"sid":"c"})").upstream_says("41/chat,");
    script.heard();
    script.client_says(R"(42/chat,["x"])");
    script.client_says(R"(451-/chat,["x",{"_placeholder":true,"num":0}])").client_sends("bytes");
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.dropped(Drop::left_namespace) == 2U);
    script.client_says(R"(42["y"])").client_says("40/chat,").client_says(R"(42/chat,["z"])");
    script.upstream_says(R"(40/chat,{"sid":"d"})");
    const Lines expected{R"(upstream: 42["y"])", "upstream: 40/chat,", R"(client: 40/chat,{"sid":"d"})",
                         R"(upstream: 42/chat,["z"])"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
