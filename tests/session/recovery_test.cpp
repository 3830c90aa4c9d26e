// The client leg may be gone: what is kept for it, how it comes back, and when it does not.
#include <boost/test/unit_test.hpp>

#include "proxy/session/position.h"
#include "tests/session/script.h"

using namespace forestay::session;
using forestay::session::testing::Script;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

Policy recovering(Recovery recovery = Recovery::marker) {
    Policy policy = forestay::session::testing::policy();
    policy.resume_client.recovery = recovery;
    return policy;
}

Setup named(std::string secret, bool websocket = true) {
    Setup setup;
    setup.websocket = websocket;
    setup.sid = "sid-" + secret;
    setup.secret = std::move(secret);
    setup.seed = setup.secret.front();
    return setup;
}

const std::string old_pid = "f1.OLD.0.1";
const std::string up_open = R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

std::string marker(std::uint64_t sequence, std::uint32_t serial = 0, std::string_view nsp = "") {
    std::string text = "client: 42" + std::string(nsp) + R"(["\u0000fs",")";
    write_position(text, 'O', serial, sequence);
    return text + "\"]";
}

std::string position(std::uint64_t sequence, std::uint32_t serial = 0) {
    std::string text;
    write_position(text, 'O', serial, sequence);
    return text;
}

std::string claim(const std::string& offset, const std::string& pid = old_pid) {
    return R"(40{"pid":")" + pid + R"(","offset":")" + offset + R"("})";
}

// A fresh session of the same client, on a websocket; its OPEN packet is not heard any more.
struct Fresh : Script {
    explicit Fresh(const Script& old, const Policy& policy = recovering(), bool websocket = true)
        : Script(named("FRESH", websocket), policy,
                 std::chrono::duration_cast<std::chrono::milliseconds>(old.now() - TimePoint(1h))) {
        if (websocket) input(input::ClientUpgraded{});
        heard();
    }
};

std::uint64_t drops(Script& script, Drop what) {
    return script.stats().drops[static_cast<std::size_t>(what)];
}

}  // namespace

#define HEARD(script, ...) \
    BOOST_TEST((script).heard() == Lines(__VA_ARGS__), boost::test_tools::per_element())

BOOST_AUTO_TEST_CASE(a_fallback_while_a_binary_event_comes_in_does_not_cost_it_its_attachments) {
    Script script(named("OLD"), recovering());
    script.input(input::ClientUpgraded{}).client_says("40").input(input::UpstreamOpened{});
    script.upstream_says(up_open).upstream_says(R"(40{"sid":"a"})").input(input::UpstreamLost{});
    script.client_says(R"(427["ask"])").at(4900ms).client_says(R"(451-["b",{"_placeholder":true,"num":0}])");
    script.at(5100ms).client_sends("bytes").heard();
    script.input(input::UpstreamOpened{}).upstream_says(up_open).heard();
    script.upstream_says(R"(40{"sid":"b"})");
    Lines heard = script.heard();
    std::erase_if(heard, [](const std::string& line) { return !line.starts_with("upstream"); });
    const Lines expected{R"(upstream: 451-["b",{"_placeholder":true,"num":0}])", "upstream: <bytes>"};
    BOOST_TEST(heard == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_connect_reply_gets_a_pid_and_a_burst_its_marker) {
    Script script(named("OLD"), recovering());
    script.input(input::ClientUpgraded{}).client_says("40").input(input::UpstreamOpened{});
    script.upstream_says(up_open).heard();
    script.upstream_says(R"(40{"sid":"sio"})");
    HEARD(script, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})"});
    script.upstream_says(R"(42["a",1])");
    HEARD(script, {R"(client: 42["a",1])", marker(1)});
    script.upstream_says(R"(43["answer"])");
    HEARD(script, {});  // an ACK without id goes nowhere
}

BOOST_AUTO_TEST_CASE(what_was_said_to_an_absent_client_comes_once_and_behind_the_reply) {
    Script old(named("OLD"), recovering());
    old.joined().upstream_says(R"(42["seen"])").heard();
    old.at(1s).input(input::ClientLost{});
    HEARD(old, {"report client_away 0"});
    BOOST_TEST((old.session().client_state() == ClientState::away));
    old.upstream_says(R"(42["a",1])").upstream_says(R"(42["b",2])").upstream_says("2");
    HEARD(old, {"upstream: 3"});

    old.at(3s);
    Fresh fresh(old);
    fresh.client_says(claim(position(1)));
    HEARD(fresh, {"find OLD"});
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["a",1])", marker(2),
                R"(client: 42["b",2])", marker(3), "report client_back 2"});
    BOOST_TEST(old.session().sid() == "sid-FRESH");
    BOOST_TEST(old.stats().replayed == 2U);
    BOOST_TEST(old.stats().absence.sum == 2.0);
    BOOST_TEST(fresh.session().ended());
    old.client_says(R"(42["hello"])");
    HEARD(old, {R"(upstream: 42["hello"])"});
    old.at(200s);  // its heartbeats go on
    BOOST_TEST(!old.session().ended() == false);
}

BOOST_AUTO_TEST_CASE(what_the_client_said_behind_its_connect_is_not_lost) {
    Script old(named("OLD"), recovering());
    old.joined().input(input::ClientLost{}).heard();
    Fresh fresh(old);
    fresh.client_says(R"(40{"token":"T","pid":"f1.OLD.0.1","x":1})").client_says(R"(42["first"])");
    fresh.client_says(R"(451-["pic",{"_placeholder":true,"num":0}])").client_sends("bytes");
    HEARD(fresh, {"find OLD"});
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(upstream: 42["first"])",
                R"(upstream: 451-["pic",{"_placeholder":true,"num":0}])", "upstream: <bytes>",
                "report client_back 0"});
}

BOOST_AUTO_TEST_CASE(who_comes_back_says_no_more_with_his_connects_than_a_message) {
    Policy policy = recovering();
    policy.limits.message_bytes = 1000;
    Script old(named("OLD"), policy);
    old.joined().client_says("40/b,").upstream_says(R"(40/b,{"sid":"b"})");
    const std::string reply = old.heard().back();
    const std::string pid = reply.substr(reply.find("f1."), reply.rfind('"') - reply.find("f1."));
    old.input(input::ClientLost{}).heard();
    Fresh fresh(old, policy);
    const std::string large = R"(","x":")" + std::string(600, 'x') + "\"}";
    fresh.client_says(R"(40{"pid":")" + old_pid + large);
    BOOST_TEST(old.takes(fresh));
    BOOST_TEST(!old.session().ended());
    old.client_says(R"(40/b,{"pid":")" + pid + large);
    BOOST_TEST(old.heard().back() == "end client limit");
}

BOOST_AUTO_TEST_CASE(a_client_without_a_session_joins_anew_and_the_app_sees_no_pid) {
    Script old(named("OLD"), recovering());
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.GONE.0.1","offset":"f1.1.abcd","token":"T"})")
        .client_says(R"(42["x"])");
    HEARD(fresh, {"find GONE"});
    fresh.input(input::SessionNotFound{});
    HEARD(fresh, {"report recovery_refused 0", "connect"});
    fresh.input(input::UpstreamOpened{}).upstream_says(up_open);
    HEARD(fresh, {R"(upstream: 40{"token":"T"})"});
    fresh.upstream_says(R"(40{"sid":"new"})");
    HEARD(fresh, {R"(client: 40{"sid":"new","pid":"f1.FRESH.0.1"})", R"(upstream: 42["x"])"});
}

BOOST_AUTO_TEST_CASE(a_pid_that_is_not_ours_is_the_apps_own) {
    Script script(named("OLD"), recovering());
    script.input(input::ClientUpgraded{}).client_says(R"(40{"pid":"mine","offset":"7"})");
    script.input(input::UpstreamOpened{}).heard();
    script.upstream_says(up_open);
    HEARD(script, {R"(upstream: 40{"pid":"mine","offset":"7"})"});
    script.upstream_says(R"(40{"sid":"sio","pid":"theirs"})");
    HEARD(script, {R"(client: 40{"sid":"sio","pid":"theirs"})"});
    script.upstream_says(R"(42["a"])");
    HEARD(script, {R"(client: 42["a"])"});
    script.input(input::ClientLost{});
    BOOST_TEST(script.session().ended());
}

BOOST_AUTO_TEST_CASE(a_position_of_another_session_or_an_invented_one_is_refused) {
    std::string other;
    write_position(other, 'X', 0, 1);
    for (const std::string& wrong : {other, std::string("f1.1.0000"), position(1, 7), std::string("hello")}) {
        Script old(named("OLD"), recovering());
        old.joined().upstream_says(R"(42["a"])").at(26s).client_says("3");  // it has seen something
        old.input(input::ClientLost{});
        Fresh fresh(old);
        fresh.client_says(claim(wrong));
        BOOST_TEST(!old.takes(fresh), wrong);
    }
}

BOOST_AUTO_TEST_CASE(between_an_event_and_its_marker_the_events_last_string_is_the_position) {
    Script old(named("OLD"), recovering());
    old.joined()
        .upstream_says(R"(42["a","x"])")
        .upstream_says(R"(42["b","\u0079"])")
        .upstream_says(R"(42["c","z"])");
    old.input(input::ClientLost{}).heard();
    Fresh fresh(old);
    fresh.client_says(claim("y"));
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["c","z"])", marker(3),
                "report client_back 1"});
}

BOOST_AUTO_TEST_CASE(a_string_that_two_events_end_in_is_no_position) {
    Script old(named("OLD"), recovering());
    old.joined().upstream_says(R"(42["a","x"])").upstream_says(R"(42["b","x"])").input(input::ClientLost{});
    Fresh fresh(old);
    fresh.client_says(claim("x"));
    BOOST_TEST(!old.takes(fresh));
}

BOOST_AUTO_TEST_CASE(who_has_seen_nothing_of_this_session_gets_all_of_it) {
    // Its offset is of an earlier session: stock clients never forget one.
    for (const std::string& offset : {claim("f1.5.abcd"), std::string(R"(40{"pid":"f1.OLD.0.1"})")}) {
        Script old(named("OLD"), recovering());
        old.joined().upstream_says(R"(42["a"])").input(input::ClientLost{}).heard();
        Fresh fresh(old);
        fresh.client_says(offset);
        BOOST_TEST(old.takes(fresh));
        HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["a"])", marker(1),
                    "report client_back 1"});
    }
}

BOOST_AUTO_TEST_CASE(a_pong_shows_what_has_arrived) {
    Policy policy = recovering();
    policy.resume_client.max_messages = 2;
    for (const bool pong : {true, false}) {
        Script old(named("OLD"), policy);
        old.joined().upstream_says(R"(42["a"])").upstream_says(R"(42["b"])").at(25s);
        if (pong) old.client_says("3");
        old.upstream_says(R"(42["c"])").input(input::ClientLost{}).heard();
        Fresh fresh(old, policy);
        fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
        BOOST_TEST(old.takes(fresh) == pong);
        if (!pong) continue;
        HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["c"])", marker(3),
                    "report client_back 1"});
    }
}

BOOST_AUTO_TEST_CASE(what_falls_out_of_an_absent_clients_record_is_counted_and_the_client_told) {
    Policy policy = recovering();
    policy.resume_client.max_bytes = 1000;
    Script old(named("OLD"), policy);
    old.joined().input(input::ClientLost{});
    const std::string big(300, 'x');
    for (int i = 0; i < 5; ++i) old.upstream_says(R"(42["big",")" + big + "\"]");
    BOOST_TEST(drops(old, Drop::record_overflow) == 3U);
    Fresh fresh(old, policy);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(!old.takes(fresh));
    old.heard();
    old.input(input::Superseded{});
    HEARD(old, {"upstream: CLOSE 1001", "close upstream", "end client superseded"});
}

BOOST_AUTO_TEST_CASE(answers_and_fallbacks_wait_for_an_absent_client) {
    Script old(named("OLD"), recovering());
    old.joined().client_says(R"(420["ask"])").client_says(R"(421["ask"])").input(input::ClientLost{}).heard();
    old.at(1s).upstream_says(R"(430["because"])");
    old.at(5s);
    HEARD(old, {});
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 430["because"])", marker(1),
                R"(client: 431[{"status":"timeout","id":1}])", marker(2), "report client_back 2"});
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_come_back_has_left) {
    Script old(named("OLD"), recovering());
    old.joined().input(input::ClientLost{}).heard();
    old.at(119s);
    HEARD(old, {});
    old.upstream_says("2").heard();
    old.at(120s);
    HEARD(old, {"upstream: CLOSE 1001", "close upstream", "end client away_too_long"});
}

BOOST_AUTO_TEST_CASE(a_page_that_was_closed_is_waited_for_a_little_while) {
    Script old(named("OLD"), recovering());
    old.joined().client_frame(forestay::wire::websocket::Opcode::close, "\x03\xe9");
    HEARD(old, {"client: CLOSE 1001", "close client", "report client_away 0"});
    old.at(10s);
    HEARD(old, {"upstream: CLOSE 1001", "close upstream", "end client away_too_long"});
}

BOOST_AUTO_TEST_CASE(a_goodbye_ends_the_session_at_once) {
    Script old(named("OLD"), recovering());
    old.joined().client_says("41").client_frame(forestay::wire::websocket::Opcode::close, "");
    HEARD(old, {"upstream: 41", "client: CLOSE 1000", "close client", "upstream: CLOSE 1000",
                "close upstream", "end client goodbye"});
}

BOOST_AUTO_TEST_CASE(who_has_not_joined_cannot_come_back) {
    Script script(named("OLD"), recovering());
    script.input(input::ClientUpgraded{}).client_says("40").heard();
    script.input(input::ClientLost{});
    HEARD(script, {"close upstream", "end client connection_lost"});
}

BOOST_AUTO_TEST_CASE(when_the_app_closes_the_last_namespace_nobody_is_waited_for) {
    Script old(named("OLD"), recovering());
    old.joined().input(input::ClientLost{}).heard();
    old.upstream_says("41");
    HEARD(old, {"upstream: CLOSE 1000", "close upstream", "end upstream goodbye"});
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_answer_pings_may_come_back) {
    Script old(named("OLD"), recovering());
    old.joined();
    old.at(45s);
    HEARD(old, {"client: 2", "client: CLOSE 1001 ping timeout", "close client", "report client_away 0"});
    old.at(60s);
    HEARD(old, {});
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(old.takes(fresh));
}

BOOST_AUTO_TEST_CASE(a_client_that_takes_nothing_may_come_back) {
    Script old(named("OLD"), recovering());
    old.joined().input(input::ClientBlocked{100}).heard();
    old.at(24s).client_says("3");
    old.at(30s);
    HEARD(old, {"client: 2", "client: CLOSE 1013 too slow", "close client", "report client_away 0",
                "resume upstream"});
}

BOOST_AUTO_TEST_CASE(append_mode_puts_the_position_behind_the_arguments) {
    Script script(named("OLD"), recovering(Recovery::append));
    script.joined().upstream_says(R"(42["a",1])").upstream_says(R"(42/chat,["b"])");
    HEARD(script, {R"(client: 42["a",1,")" + position(1) + "\"]", R"(client: 42/chat,["b"])"});
    script.upstream_says(R"(451-["pic",{"_placeholder":true,"num":0}])").upstream_sends("bytes");
    HEARD(script,
          {R"(client: 451-["pic",{"_placeholder":true,"num":0},")" + position(2) + "\"]", "client: <bytes>"});
    script.upstream_says(R"(420["wants an ack"])");
    HEARD(script, {R"(client: 420["wants an ack"])", marker(3)});
    script.client_says(R"(427["ask"])").heard();
    script.upstream_says(R"(437["because"])");
    HEARD(script, {R"(client: 437["because"])"});
}

BOOST_AUTO_TEST_CASE(nothing_stands_between_a_header_and_its_attachments) {
    Script old(named("OLD"), recovering());
    old.joined()
        .upstream_says(R"(42["a"])")
        .upstream_says(R"(452-["pic",{"_placeholder":true,"num":0}])")
        .heard();
    old.upstream_sends("one").upstream_sends("two");
    const Lines whole{R"(client: 452-["pic",{"_placeholder":true,"num":0}])", "client: <one>",
                      "client: <two>", marker(2)};
    BOOST_TEST(old.heard() == whole, boost::test_tools::per_element());
    old.input(input::ClientLost{}).heard();
    Fresh fresh(old);
    fresh.client_says(claim(position(1)));
    BOOST_TEST(old.takes(fresh));
    Lines again{R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})"};
    again.insert(again.end(), whole.begin(), whole.end());
    again.emplace_back("report client_back 1");
    BOOST_TEST(old.heard() == again, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_binary_packet_that_its_client_does_not_finish_never_reaches_the_app) {
    Script old(named("OLD"), recovering());
    old.joined()
        .client_says(R"(452-["up",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])")
        .client_sends("one");
    old.input(input::ClientLost{}).heard();
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})").client_says(R"(42["next"])");
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(upstream: 42["next"])",
                "report client_back 0"});
}

BOOST_AUTO_TEST_CASE(in_a_polling_body_events_and_their_marker_stay_together) {
    Script script(named("OLD", false), recovering());
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1});
    script.input(input::PostReceived{2, "40"}).input(input::UpstreamOpened{}).upstream_says(up_open);
    script.upstream_says(R"(40{"sid":"sio"})");
    for (int i = 1; i <= 20; ++i) script.upstream_says("42[\"e\"," + std::to_string(i) + "]");
    script.heard();
    const auto body = [](std::uint64_t from, std::uint64_t to) {
        std::string text;
        for (std::uint64_t i = from; i <= to; ++i) text += "42[\"e\"," + std::to_string(i) + "]\x1e";
        return text + marker(to).substr(8);
    };
    script.input(input::PollOpened{3});
    HEARD(script, {"answer 3 200: 40{\"sid\":\"sio\",\"pid\":\"f1.OLD.0.1\"}\x1e" + body(1, 14)});
    script.input(input::ExchangeWritten{3}).input(input::PollOpened{4});
    HEARD(script, {"answer 4 200: " + body(15, 20)});
    script.input(input::ExchangeLost{4}).input(input::PollOpened{5});
    HEARD(script, {"answer 5 200: " + body(15, 20)});
}

BOOST_AUTO_TEST_CASE(a_polling_client_gets_reply_and_replay_in_one_body) {
    Script old(named("OLD"), recovering());
    old.joined().input(input::ClientLost{}).upstream_says(R"(42["a"])").heard();
    Fresh fresh(old, recovering(), false);
    fresh.input(input::PollOpened{1}).input(input::ExchangeWritten{1}).input(input::PollOpened{2});
    fresh.heard();
    fresh.input(input::PostReceived{3, R"(40{"pid":"f1.OLD.0.1"})"});
    HEARD(fresh, {"find OLD", "answer 3 200: ok"});
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {"report client_back 1",
                "answer 2 200: 40{\"sid\":\"sio\",\"pid\":\"f1.OLD.0.1\"}\x1e"
                "42[\"a\"]\x1e" +
                    marker(1).substr(8)});
    old.input(input::ExchangeWritten{2}).input(input::PollOpened{4}).upstream_says(R"(42["b"])");
    HEARD(old, {"answer 4 200: 42[\"b\"]\x1e" + marker(2).substr(8)});
}

BOOST_AUTO_TEST_CASE(an_exchange_of_a_client_that_is_gone_is_let_go) {
    Script old(named("OLD", false), recovering());
    old.input(input::PollOpened{1}).input(input::ExchangeWritten{1}).input(input::PostReceived{2, "40"});
    old.input(input::UpstreamOpened{}).upstream_says(up_open).upstream_says(R"(40{"sid":"sio"})");
    old.input(input::PollOpened{3}).input(input::ExchangeWritten{3}).input(input::PollOpened{4}).heard();
    old.input(input::ClientLost{.reset = false, .replaced = true});
    HEARD(old, {"answer 4 200: 1", "report client_away 0"});
    old.input(input::PollOpened{5});
    HEARD(old, {"answer 5 400: {\"code\":3,\"message\":\"Bad request\"}"});
}

BOOST_AUTO_TEST_CASE(each_namespace_comes_back_by_itself) {
    Script old(named("OLD"), recovering());
    old.joined();
    for (const char* name : {"/chat", "/news", "/gone"}) old.client_says("40" + std::string(name) + ",");
    old.upstream_says(R"(40/chat,{"sid":"c"})").upstream_says(R"(40/news,{"sid":"n"})");
    old.upstream_says(R"(40/gone,{"sid":"g"})").upstream_says(R"(42/news,["seen"])").heard();
    old.at(25s).client_says("3").input(input::ClientLost{}).heard();
    old.upstream_says(R"(42["root"])").upstream_says(R"(42/chat,["c"])").upstream_says(R"(42/news,["n"])");
    HEARD(old, {});

    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["root"])", marker(2),
                "report client_back 1"});
    old.upstream_says(R"(42/chat,["c2"])");
    HEARD(old, {});  // nothing for a namespace without its CONNECT
    old.client_says(R"(40/chat,{"pid":"f1.OLD.1.1","offset":"f1.1.0000"})");
    HEARD(old, {R"(client: 40/chat,{"sid":"c","pid":"f1.OLD.1.1"})", R"(client: 42/chat,["c"])",
                marker(3, 1, "/chat,"), R"(client: 42/chat,["c2"])", marker(5, 1, "/chat,")});
    // A position that is not known: this one namespace is joined anew.
    old.client_says(R"(40/news,{"pid":"f1.OLD.2.1","offset":"f1.1.0000"})");
    HEARD(old, {"upstream: 41/news,", "report recovery_refused 0", "upstream: 40/news,{}"});
    old.upstream_says(R"(40/news,{"sid":"n2"})");
    HEARD(old, {R"(client: 40/news,{"sid":"n2","pid":"f1.OLD.4.1"})"});
    old.at(35s);
    HEARD(old, {"upstream: 41/gone,"});  // its client did not come back to it
}

BOOST_AUTO_TEST_CASE(a_client_speaks_to_no_namespace_before_its_connect) {
    Script old(named("OLD"), recovering());
    old.joined().client_says("40/chat,").upstream_says(R"(40/chat,{"sid":"c"})").input(input::ClientLost{});
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})").client_says(R"(42/chat,["x"])");
    BOOST_TEST(old.takes(fresh));
    BOOST_TEST(old.session().ended());
}

BOOST_AUTO_TEST_CASE(who_never_saw_the_connect_reply_gets_it_without_a_pid) {
    Script old(named("OLD"), recovering());
    old.joined().client_says("40/chat,").input(input::ClientLost{}).heard();
    old.upstream_says(R"(42/chat,["early"])").upstream_says(R"(40/chat,{"sid":"c"})");
    HEARD(old, {});
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})").client_says("40/chat,").heard();
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})",
                R"(client: 40/chat,{"sid":"c","pid":"f1.OLD.1.1"})", R"(client: 42/chat,["early"])",
                marker(1, 1, "/chat,"), "report client_back 1"});
}

BOOST_AUTO_TEST_CASE(a_restart_meanwhile_gives_a_new_pid_and_the_replay_follows) {
    Script old(named("OLD"), recovering());
    old.joined().client_says("40").input(input::ClientLost{}).upstream_says(R"(42["before"])").heard();
    old.input(input::UpstreamLost{}).at(5s);
    old.input(input::UpstreamOpened{}).upstream_says(up_open).upstream_says(R"(40{"sid":"second"})");
    old.upstream_says(R"(42["after"])").heard();
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"second","pid":"f1.OLD.0.2"})", R"(client: 42["before"])", marker(1),
                R"(client: 42["after"])", marker(2), "report client_back 2"});
}

BOOST_AUTO_TEST_CASE(a_half_open_connection_is_taken_over_at_once) {
    Script old(named("OLD"), recovering());
    old.joined().upstream_says(R"(42["into the void"])").heard();
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(!old.takes(fresh));  // the shell says first that the old connection is none any more
    old.input(input::ClientLost{.reset = false, .replaced = true}).heard();
    BOOST_TEST(old.takes(fresh));
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["into the void"])", marker(1),
                "report client_back 1"});
}

BOOST_AUTO_TEST_CASE(what_makes_its_client_fail_again_and_again_is_left_out) {
    Script old(named("OLD"), recovering());
    old.joined().upstream_says(R"(42["poison"])").upstream_says(R"(42["fine"])");
    const Lines all{R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})",
                    R"(client: 42["poison"])",
                    marker(1),
                    R"(client: 42["fine"])",
                    marker(2),
                    "report client_back 2"};
    for (int attempt = 0; attempt < 3; ++attempt) {
        old.input(input::ClientLost{.reset = false, .replaced = true}).heard();
        Fresh fresh(old);
        fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
        BOOST_TEST(old.takes(fresh));
        if (attempt < 2) BOOST_TEST(old.heard() == all, boost::test_tools::per_element());
        old.at((attempt + 1) * 1s);
    }
    HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["fine"])", marker(2),
                "report replay_given_up 1", "report client_back 1"});
}

BOOST_AUTO_TEST_CASE(a_network_that_fails_again_and_again_is_no_reason_to_leave_anything_out) {
    Script old(named("OLD"), recovering());
    old.joined().upstream_says(R"(42["a"])");
    for (int attempt = 0; attempt < 5; ++attempt) {
        old.input(input::ClientLost{.reset = true}).heard();
        Fresh fresh(old);
        fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
        BOOST_TEST(old.takes(fresh));
        HEARD(old, {R"(client: 40{"sid":"sio","pid":"f1.OLD.0.1"})", R"(client: 42["a"])", marker(1),
                    "report client_back 1"});
    }
}

BOOST_AUTO_TEST_CASE(a_credential_in_connect_is_checked_before_a_session_is_looked_for) {
    Setup setup = named("FRESH");
    setup.credential_in_connect = true;
    for (const bool good : {true, false}) {
        Script fresh(setup, recovering());
        fresh.input(input::ClientUpgraded{}).heard();
        fresh.client_says(R"(40{"token":"T","pid":"f1.OLD.0.1"})").client_says("40/chat,");
        HEARD(fresh, {R"(check {"token":"T","pid":"f1.OLD.0.1"})"});
        if (good) {
            fresh.input(input::CredentialAccepted{});
            HEARD(fresh, {"find OLD"});
        } else {
            fresh.input(input::CredentialRefused{"token_expired"});
            HEARD(fresh, {R"(client: 44{"message":"unauthorized","data":{"code":"token_expired"}})",
                          R"(client: 44/chat,{"message":"unauthorized","data":{"code":"token_expired"}})"});
        }
    }
}

BOOST_AUTO_TEST_CASE(an_upgrade_brings_a_burst_and_its_marker_together) {
    Script script(named("OLD", false), recovering());
    script.input(input::PollOpened{1}).input(input::ExchangeWritten{1});
    script.input(input::PostReceived{2, "40"}).input(input::UpstreamOpened{}).upstream_says(up_open);
    script.upstream_says(R"(40{"sid":"sio"})").input(input::PollOpened{3}).input(input::ExchangeWritten{3});
    script.input(input::ClientUpgraded{}).client_says("2probe").upstream_says(R"(42["a"])").heard();
    script.client_says("5");
    HEARD(script, {R"(client: 42["a"])", marker(1)});
}

BOOST_AUTO_TEST_CASE(a_newer_token_is_what_ends_the_session) {
    Setup setup = named("OLD");
    setup.expires = TimePoint(1h) + 10s;
    Script old(setup, recovering());
    old.joined().input(input::ClientLost{}).heard();
    old.at(5s);
    Fresh fresh(old);
    fresh.client_says(R"(40{"pid":"f1.OLD.0.1"})");
    BOOST_TEST(old.takes(fresh));
    old.at(20s);
    BOOST_TEST(!old.session().ended());

    Script absent(setup, recovering());
    absent.joined().input(input::ClientLost{}).heard();
    absent.at(10s);
    HEARD(absent, {"upstream: CLOSE 1001", "close upstream", "end forestay token_expired"});
}

BOOST_AUTO_TEST_CASE(without_recovery_nothing_is_added) {
    Script script(named("OLD"));
    script.input(input::ClientUpgraded{})
        .client_says(R"(40{"pid":"f1.GONE.0.1"})")
        .input(input::UpstreamOpened{});
    script.heard();
    script.upstream_says(up_open);
    HEARD(script, {R"(upstream: 40{"pid":"f1.GONE.0.1"})"});
    script.upstream_says(R"(40{"sid":"sio"})").upstream_says(R"(42["a"])");
    HEARD(script, {R"(client: 40{"sid":"sio"})", R"(client: 42["a"])"});
    script.input(input::ClientLost{});
    HEARD(script, {"upstream: CLOSE 1001", "close upstream", "end client connection_lost"});
}

BOOST_AUTO_TEST_CASE(pids_and_positions_read_back_and_nothing_else_does) {
    std::string text;
    write_pid(text, {"SECRET", 35, 36});
    BOOST_TEST(text == "f1.SECRET.z.10");
    const auto pid = parse_pid(text);
    BOOST_REQUIRE(pid.has_value());
    BOOST_TEST(pid->secret == "SECRET");
    BOOST_TEST(pid->serial == 35U);
    BOOST_TEST(pid->announced == 36U);
    for (const char* wrong : {"", "f1.", "f1..0.1", "f1.S.0", "f1.S.0.1.2", "f1.S.00.1", "f1.S.0.Z",
                              "f1.S.-1.1", "f1.S.zzzzzzzzzzzzzzz.1", "f2.S.0.1", "f1.S.0.1 "}) {
        BOOST_TEST(!parse_pid(wrong), wrong);
    }
    BOOST_TEST(parse_position(position(UINT64_MAX, 3), 'O', 3).value() == UINT64_MAX);
    BOOST_TEST(!parse_position(position(5, 3), 'O', 4));
    BOOST_TEST(!parse_position(position(5, 3), 'P', 3));
}

BOOST_AUTO_TEST_CASE(a_claim_is_cut_out_of_the_payload_and_the_rest_stays_as_it_was) {
    const auto without = [](std::string_view text) {
        std::string out;
        write_without_claim(out, text, text.substr(text.find('{')));
        return out;
    };
    BOOST_TEST(without(R"(0{"pid":"x"})") == "0{}");
    BOOST_TEST(without(R"(0/a,{"pid":"x","offset":"y"})") == "0/a,{}");
    BOOST_TEST(without(R"(0{"a":1,"pid":"x","offset":"y"})") == R"(0{"a":1})");
    BOOST_TEST(without(R"(0{ "offset" : "y" , "a" : {"pid":"in"} , "pid" : "x" })") ==
               R"(0{  "a" : {"pid":"in"}  })");
    BOOST_TEST(without(R"(0{"p\u0069d":"x","pid":[1],"b":2})") == R"(0{"b":2})");
    BOOST_TEST(without(R"(0{"b":"pid"})") == R"(0{"b":"pid"})");
}
