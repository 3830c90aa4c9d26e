// A loss that comes while something else is half done.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

namespace {

using namespace forestay::session;
using namespace forestay::session::testing;
using Lines = std::vector<std::string>;
namespace rules = forestay::rules;

Setup named(std::string secret) {
    Setup setup = websocket_first();
    setup.secret = std::move(secret);
    setup.seed = 1;
    return setup;
}

Policy recovering() {
    Policy policy = forestay::session::testing::policy();
    policy.resume_client.recovery = Recovery::marker;
    return policy;
}

std::chrono::milliseconds since_start(const Script& script) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(script.now() - TimePoint{} - 1h);
}

bool has(const Lines& lines, std::string_view line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

BOOST_AUTO_TEST_SUITE(interleavings)

// A POST takes 16 packets. Its answer was taken for a proof of all that was said until then, and what still
// waited for its POST when the app died was lost without a word.
BOOST_AUTO_TEST_CASE(what_waits_for_its_post_has_not_been_read) {
    Script script(websocket_first());
    script.input(input::ClientUpgraded{}).client_says("40");
    script.input(input::UpstreamPollingOpened{upstream_open}).input(input::UpstreamPosted{200});
    script.input(input::UpstreamPolled{200, R"(40{"sid":"sio"})"});
    for (int i = 0; i < 50; ++i) script.client_says(R"(42["x"])");
    script.input(input::UpstreamPosted{200}).input(input::UpstreamPosted{200});
    // 1 and 16 packets have arrived, 16 are on their way.
    script.input(input::UpstreamLost{});
    BOOST_TEST(script.dropped(Drop::in_doubt) >= 33U);
}

// The fallback came while the attachments of the request were still missing; then the app did the work all
// the same, and the session could not be written down any more.
BOOST_AUTO_TEST_CASE(a_request_that_had_its_fallback_half_way_goes_nowhere) {
    Script script(named("OLD"), recovering());
    script.joined().client_says(R"(451-0["ask",{"_placeholder":true,"num":0}])").at(5s);
    BOOST_TEST(has(script.heard(), R"(client: 430[{"status":"timeout","id":0}])"));
    script.moves().client_sends("late").moves();
    BOOST_TEST(script.heard().empty());
    script.client_says(R"(42["next one"])");
    BOOST_TEST(has(script.heard(), R"(upstream: 42["next one"])"));
}

BOOST_AUTO_TEST_CASE(a_namespace_that_ends_half_way_takes_the_binary_packet_with_it) {
    Script script(named("OLD"), recovering());
    script.joined().client_says("40/a,").upstream_says(R"(40/a,{"sid":"a"})");
    script.client_says(R"(451-/a,0["ask",{"_placeholder":true,"num":0}])").upstream_says("41/a").heard();
    script.moves().client_sends("late").moves();
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.dropped(Drop::left_namespace) == 1U);
}

// A client whose network stops between a header and its attachments was sent away for good after ten seconds.
BOOST_AUTO_TEST_CASE(a_client_that_stalls_half_way_may_come_back) {
    Script script(named("OLD"), recovering());
    script.joined().client_says(R"(451-["x",{"_placeholder":true,"num":0}])").at(11s);
    BOOST_TEST(!script.session().ended());
    BOOST_TEST((script.session().client_state() == ClientState::away));
}

// A client that had left its last namespace while the app was gone lost its connection 30 s after the app was
// back.
BOOST_AUTO_TEST_CASE(an_outage_ends_with_the_upstream_for_a_client_without_namespaces) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{}).client_says("41").at(200ms).heard();
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
    for (int i = 0; i < 4; ++i) script.at(since_start(script) + 20s).client_says("3").upstream_says("2");
    BOOST_TEST(!script.session().ended());
}

// What the lost upstream owed a client that had left all namespaces was awaited from the next one.
BOOST_AUTO_TEST_CASE(half_a_binary_packet_is_forgotten_with_its_upstream_although_the_client_had_left) {
    Script script(websocket_first());
    script.joined().client_says(R"(42["x"])");
    script.upstream_says(R"(451-["old",{"_placeholder":true,"num":0}])").client_says("41");
    script.input(input::UpstreamLost{}).client_says("40");
    BOOST_TEST(script.dropped(Drop::in_doubt) == 1U);
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"new"})");
    script.heard();
    script.upstream_says(R"(451-["new",{"_placeholder":true,"num":0}])").upstream_sends("a");
    const Lines expected{R"(client: 451-["new",{"_placeholder":true,"num":0}])", "client: <a>"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

// What waits for an app that does not come back was lost without a word.
BOOST_AUTO_TEST_CASE(what_waits_to_the_end_is_told) {
    Script script(websocket_first());
    script.joined().input(input::UpstreamLost{}).client_says(R"(42["x"])").client_says(R"(42["y"])");
    script.input(input::Shutdown{});
    BOOST_TEST(script.dropped(Drop::held_expired) == 2U);
    BOOST_TEST(has(script.heard(), "report messages_dropped 2"));
}

// A probe that did not read took its back-pressure to the grave, and the polling client was closed as too
// slow.
BOOST_AUTO_TEST_CASE(a_probe_that_is_lost_does_not_block_the_client) {
    Setup polling;
    polling.sid = "sid";
    Script script(polling);
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1});
    script.input(input::PostReceived{2, "40"}).input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"sio"})");
    script.input(input::ClientUpgraded{}).input(input::ClientBlocked{6}).input(input::ClientLost{}).heard();
    BOOST_TEST(!has(script.heard(), "pause upstream"));
    script.at(24s).input(input::PollOpened{3}).input(input::ExchangeWritten{3}).at(26s);
    script.input(input::PollOpened{4}).input(input::ExchangeWritten{4}).input(input::PostReceived{5, "3"});
    script.at(40s);
    BOOST_TEST(!script.session().ended());
}

// A request that is said again, of an event that a rebuild says again too: the app heard it twice, and the
// client its second answer.
BOOST_AUTO_TEST_CASE(what_is_sent_again_is_not_rebuilt_as_well) {
    Policy policy = forestay::session::testing::policy();
    rules::RuleSpec join;
    join.name = "join";
    join.match.event = "join";
    join.id = "/id";
    join.answer.event = {"joined"};
    join.timeout = 30s;
    join.fallback.event = "joined";
    join.fallback.data = R"({"id":"{{id}}"})";
    join.repeatable = true;
    join.retry.on = {"upstream_lost"};
    join.retry.backoff = 1ms;
    std::vector<rules::Problem> problems;
    policy.rules = rules::RuleSet::compile({join}, problems);
    policy.resume_upstream.on_return = OnReturn::rebuild;
    policy.resume_upstream.rebuild = {"join"};
    Script script(websocket_first(), policy);
    script.gated().joined().client_says(R"(42["join",{"id":1}])");
    script.input(input::UpstreamLost{}).at(200ms).heard();
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"new"})");
    const Lines expected{"upstream: 40", R"(upstream: 42["join",{"id":1}])", "report upstream_back 1"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
    // And it is what the next one must know.
    script.upstream_says(R"(42["joined",{"id":1}])").input(input::UpstreamLost{}).at(400ms).heard();
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"newer"})");
    BOOST_TEST(has(script.heard(), R"(upstream: 42["join",{"id":1}])"));
}

// Each request that may be said again was kept whole, also for ten minutes behind its fallback: a client
// could make a session hold a gibibyte.
BOOST_AUTO_TEST_CASE(requests_that_may_be_sent_again_are_kept_within_the_bounds_of_what_waits) {
    Policy policy = forestay::session::testing::policy();
    rules::RuleSpec ask;
    ask.name = "ask";
    ask.match.event = "ask";
    ask.timeout = 5s;
    ask.fallback.ack = "[]";
    ask.repeatable = true;
    ask.retry.on = {"upstream_lost"};
    ask.retry.backoff = 1ms;
    std::vector<rules::Problem> problems;
    policy.rules = rules::RuleSet::compile({ask}, problems);
    policy.resume_upstream.max_bytes = 10'000;
    Script script(websocket_first(), policy);
    script.gated().joined();
    const std::string large(1000, 'x');
    for (int i = 0; i < 50; ++i) script.client_says("42" + std::to_string(i) + R"(["ask",")" + large + "\"]");
    BOOST_TEST(script.session().snapshot(script.now()).size() < 15'000U);
    script.at(6s);
    BOOST_TEST(script.session().snapshot(script.now()).size() < 5'000U);
    // Those that are over make room for others.
    script.client_says(R"(4299["ask"])").input(input::UpstreamLost{}).at(6100ms);
    BOOST_TEST(script.stats().rules[0].resent == 1U);
}

// Where the session goes nobody had heard of the sids that its client knows.
BOOST_AUTO_TEST_CASE(a_session_that_is_moved_brings_its_sids_along) {
    Policy policy = forestay::session::testing::policy();
    policy.resume_upstream.on_return = OnReturn::rebuild;
    policy.resume_upstream.sid_alias = true;
    Script script(websocket_first(), policy);
    script.joined().input(input::UpstreamLost{}).at(200ms);
    script.input(input::UpstreamOpened{}).upstream_says(upstream_open).upstream_says(R"(40{"sid":"new"})");

    Workspace elsewhere;
    Stats stats;
    auto moved =
        Session::restore(policy, stats, elsewhere, script.session().snapshot(script.now()), script.now());
    BOOST_REQUIRE(std::holds_alternative<Session>(moved));
    std::string out;
    BOOST_TEST(elsewhere.aliases.for_client(out, R"(42["from","new"])"));
    BOOST_TEST(out == R"(42["from","sio"])");
    const auto told = std::get<Session>(moved).next_action();
    BOOST_REQUIRE(told.has_value());
    BOOST_TEST(std::get<action::AliasSid>(*told).current == "new");
}

// The first half of its answer took a request out of the rule's hands: it got its fallback at once.
BOOST_AUTO_TEST_CASE(half_an_answer_of_a_lost_upstream_leaves_the_request_as_it_was) {
    Script script(websocket_first());
    script.joined().client_says(R"(420["ask"])").at(1s).client_says(R"(421["ask"])");
    script.upstream_says(R"(461-0[{"_placeholder":true,"num":0}])").input(input::UpstreamLost{});
    BOOST_TEST(script.heard().back() == "report upstream_lost 0");
    script.at(1200ms).input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"new"})").at(4999ms).heard();
    script.at(5s);
    BOOST_TEST(script.heard() == Lines{R"(client: 430[{"status":"timeout","id":0}])"},
               boost::test_tools::per_element());
    script.at(6s);
    BOOST_TEST(script.heard() == Lines{R"(client: 431[{"status":"timeout","id":1}])"},
               boost::test_tools::per_element());
}

// A fresh app that leaves one of the namespaces out left the session in its outage, to be ended 30 s later.
BOOST_AUTO_TEST_CASE(an_outage_ends_with_the_namespace_that_is_not_there_any_more) {
    Script script(websocket_first());
    script.joined().client_says("40/a,").upstream_says(R"(40/a,{"sid":"a"})").input(input::UpstreamLost{});
    script.at(200ms).input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"new"})").heard();
    script.upstream_says("41/a,");
    const Lines expected{"report upstream_back 0", "client: 41/a,"};
    BOOST_TEST(script.heard() == expected, boost::test_tools::per_element());
}

// A client that was cut off in the middle of a binary ACK lost its session, because half of it was at the
// app.
BOOST_AUTO_TEST_CASE(a_client_that_is_lost_in_the_middle_of_an_ack_may_come_back_and_say_it_again) {
    Script old(named("OLD"), recovering());
    old.joined()
        .upstream_says(R"(427["sum"])")
        .client_says(R"(461-7[{"_placeholder":true,"num":0}])")
        .heard();
    old.input(input::ClientLost{});
    BOOST_TEST((old.session().client_state() == ClientState::away));
    BOOST_TEST(old.heard() == Lines{"report client_away 0"}, boost::test_tools::per_element());

    Script fresh(named("FRESH"), recovering());
    fresh.input(input::ClientUpgraded{}).client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(old.takes(fresh));
    old.client_says(R"(461-7[{"_placeholder":true,"num":0}])").heard();
    old.client_sends("abc");
    const Lines expected{R"(upstream: 461-7[{"_placeholder":true,"num":0}])", "upstream: <abc>"};
    BOOST_TEST(old.heard() == expected, boost::test_tools::per_element());
    old.client_says(R"(461-7[{"_placeholder":true,"num":0}])").client_sends("abc");
    BOOST_TEST(old.heard().empty());
    BOOST_TEST(old.dropped(Drop::unknown_ack) == 1U);
}

// Its upstream went between the header and the attachment: the next one did not ask for it.
BOOST_AUTO_TEST_CASE(an_ack_that_was_not_whole_is_not_for_the_next_upstream) {
    Script script(named("OLD"), recovering());
    script.joined().upstream_says(R"(427["sum"])").client_says(R"(461-7[{"_placeholder":true,"num":0}])");
    script.input(input::UpstreamLost{}).at(200ms).input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"new"})").heard();
    script.client_sends("abc");
    BOOST_TEST(script.heard().empty());
    BOOST_TEST(script.dropped(Drop::stale_ack) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
