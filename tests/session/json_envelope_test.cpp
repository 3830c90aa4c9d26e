// JSON websockets with an envelope: numbers, acknowledgements, and clients that come back.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using forestay::session::testing::Script;
using forestay::wire::websocket::Opcode;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

Setup json(std::string secret = "OLD") {
    Setup setup;
    setup.dialect = Dialect::json;
    setup.websocket = true;
    setup.secret = std::move(secret);
    return setup;
}

Policy with_envelope() {
    Policy policy = testing::policy();
    policy.resume_client.envelope = true;
    policy.json_websockets.emplace_back().objects_only = false;
    return policy;
}

// A client that has spoken, so that the app's messages go through at once. Nothing of it is left in heard().
Script& open(Script& script) {
    script.input(input::ClientUpgraded{}).client_says("hello").heard();
    return script;
}

std::uint64_t told(Script& script, ReportKind what) {
    return script.stats().reports[static_cast<std::size_t>(what)];
}

const std::string reconnect_at_1 = R"({"type":"reconnect","session":"OLD","last_message_id":1})";

}  // namespace

BOOST_AUTO_TEST_SUITE(json_envelope)

BOOST_AUTO_TEST_CASE(the_session_s_name_comes_first_and_each_object_has_its_number) {
    Script script(json(), with_envelope());
    script.input(input::ClientUpgraded{});
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"connection_established","session":"OLD"})"}));
    script.client_says(R"({"ask":1})");
    BOOST_TEST(script.heard() == Lines({R"(upstream: {"ask":1})"}));
    script.upstream_says(R"({"a":1})").upstream_says(R"( { } )").upstream_says(R"({"b":{"message_id":7}})");
    BOOST_TEST(script.heard() == Lines({R"(client: {"message_id":1,"a":1})", R"(client:  {"message_id":2 } )",
                                        R"(client: {"message_id":3,"b":{"message_id":7}})"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_carry_a_number_goes_through_as_it_is) {
    Script script(json(), with_envelope());
    open(script);
    const std::string deep = std::string(65, '[') + std::string(65, ']');
    for (const std::string& text : {std::string("hi"), std::string("[1]"), std::string(R"({"a":1)"),
                                    R"({"a":)" + deep + "}", std::string()}) {
        script.upstream_says(text);
        BOOST_TEST(script.heard() == Lines({"client: " + text}));
    }
    script.upstream_sends("bytes").upstream_says(R"({"a":1})");
    BOOST_TEST(script.heard() == Lines({"client: <bytes>", R"(client: {"message_id":7,"a":1})"}));
}

BOOST_AUTO_TEST_CASE(acknowledgements_end_here_and_other_messages_of_that_type_do_not) {
    Script script(json(), with_envelope());
    open(script).upstream_says(R"({"a":1})").heard();
    script.client_says(R"({"type":"ack","message_id":1})");
    script.client_says(R"({"type":"ack","message_id":2})");  // of a message that there is not
    BOOST_TEST(script.heard() == Lines());
    BOOST_TEST(script.dropped(Drop::unknown_ack) == 1U);
    for (const std::string text :
         {R"({"type":"ack","message_id":"x"})", R"({"type":"ack"})", R"({"type":"ack","message_id":1)",
          R"({"type":"ack","message_id":-1})", R"({"type":"reconnect","session":"OLD"})"}) {
        script.client_says(text);
        BOOST_TEST(script.heard() == Lines({"upstream: " + text}));
    }
}

BOOST_AUTO_TEST_CASE(the_app_s_first_words_wait_for_the_client_s_but_not_for_long) {
    Script script(json(), with_envelope());
    script.input(input::ClientUpgraded{}).heard();
    script.upstream_says(R"({"hello":1})").at(999ms);
    BOOST_TEST(script.heard() == Lines());
    script.at(1s);
    BOOST_TEST(script.heard() == Lines({R"(client: {"message_id":1,"hello":1})"}));

    Script quick(json(), with_envelope());
    quick.input(input::ClientUpgraded{}).upstream_says(R"({"hello":1})").heard();
    quick.client_says(R"({"type":"ack","message_id":0})");
    BOOST_TEST(quick.heard() == Lines({R"(client: {"message_id":1,"hello":1})"}));
}

BOOST_AUTO_TEST_CASE(an_app_that_says_much_at_once_does_not_wait) {
    Policy small = with_envelope();
    small.resume_client.max_messages = 2;
    Script script(json(), small);
    script.input(input::ClientUpgraded{}).heard();
    for (int i = 0; i < 4; ++i) script.upstream_says("[]");
    BOOST_TEST(script.heard() == Lines({"client: []", "client: []", "client: []", "client: []"}));
    BOOST_TEST(script.dropped(Drop::record_overflow) == 0U);
}

BOOST_AUTO_TEST_CASE(a_client_that_comes_back_gets_the_rest_in_order) {
    Script old(json(), with_envelope());
    open(old).upstream_says(R"({"n":1})").upstream_says(R"({"n":2})").heard();
    old.input(input::ClientLost{});
    BOOST_TEST(old.heard() == Lines({"report client_away 0"}));
    BOOST_TEST((old.session().client_state() == ClientState::away));
    old.upstream_sends("3").upstream_says(R"({"n":4})").at(5s);
    old.upstream_frame(Opcode::ping, "alive?");
    BOOST_TEST(old.heard() == Lines({"upstream: PONG alive?"}));

    Script fresh(json("NEW"), with_envelope());
    fresh.input(input::ClientUpgraded{}).upstream_says(R"({"hello":"new"})").heard();
    fresh.client_says(reconnect_at_1);
    BOOST_TEST(fresh.heard() == Lines({"find OLD"}));
    BOOST_TEST(old.takes(fresh));
    BOOST_TEST(old.heard() ==
               Lines({R"(client: {"type":"connection_established","session":"OLD","resumed":true})",
                      R"(client: {"message_id":2,"n":2})", "client: <3>", R"(client: {"message_id":4,"n":4})",
                      "client: PING ", "report client_back 3"}));
    old.client_says("on we go").upstream_says(R"({"n":5})");
    BOOST_TEST(old.heard() == Lines({"upstream: on we go", R"(client: {"message_id":5,"n":5})"}));
    BOOST_TEST(old.stats().replayed == 3U);
    BOOST_TEST(old.stats().client_legs[static_cast<std::size_t>(ClientState::away)] == 0U);
}

// The client need not wait for our answer: what it says behind its request belongs to the session it gets.
BOOST_AUTO_TEST_CASE(what_is_said_behind_a_reconnect_goes_to_the_session_that_is_found) {
    const auto both = [](Script& script) {
        std::string bytes;
        for (const std::string& text : {reconnect_at_1, std::string("more")})
            forestay::wire::websocket::write_frame(bytes, Opcode::text, text, {{1, 2, 3, 4}});
        script.input(input::ClientBytes{bytes.substr(0, bytes.size() - 2)});
        BOOST_TEST(script.heard() == Lines({"find OLD"}));
        return bytes.substr(bytes.size() - 2);
    };
    Script old(json(), with_envelope());
    open(old).upstream_says(R"({"n":1})").input(input::ClientLost{}).heard();
    Script fresh(json("NEW"), with_envelope());
    fresh.input(input::ClientUpgraded{}).heard();
    const std::string rest = both(fresh);
    BOOST_TEST(old.takes(fresh));
    old.heard();
    old.input(input::ClientBytes{rest});
    BOOST_TEST(old.heard() == Lines({"upstream: more"}));

    Script other(json("NEW"), with_envelope());
    other.input(input::ClientUpgraded{}).heard();
    const std::string again = both(other);
    other.input(input::SessionNotFound{}).heard();
    other.input(input::ClientBytes{again});
    BOOST_TEST(other.heard() == Lines({"upstream: more"}));
}

BOOST_AUTO_TEST_CASE(a_session_that_is_not_found_is_a_fresh_one) {
    Script script(json("NEW"), with_envelope());
    script.input(input::ClientUpgraded{}).upstream_says(R"({"hello":1})").heard();
    script.client_says(reconnect_at_1).heard();
    script.input(input::SessionNotFound{});
    BOOST_TEST(script.heard() ==
               Lines({"report recovery_refused 0",
                      R"(client: {"type":"connection_established","session":"NEW","resumed":false})",
                      R"(client: {"message_id":1,"hello":1})"}));
}

BOOST_AUTO_TEST_CASE(a_position_that_is_unknown_or_forgotten_is_refused) {
    Policy small = with_envelope();
    small.resume_client.max_messages = 2;
    Script old(json(), small);
    open(old).input(input::ClientLost{});
    for (int i = 0; i < 4; ++i) old.upstream_says("{}");
    BOOST_TEST(old.stats().drops[static_cast<std::size_t>(Drop::record_overflow)] == 2U);
    old.heard();
    for (const char* position : {"0", "1", "5", "9007199254740991"}) {
        Script fresh(json("NEW"), small);
        fresh.input(input::ClientUpgraded{});
        fresh.client_says(R"({"type":"reconnect","session":"OLD","last_message_id":)" +
                          std::string(position) + "}");
        BOOST_TEST(!old.takes(fresh), position);
        BOOST_TEST(old.heard() == Lines());
    }
    Script fresh(json("NEW"), small);
    fresh.input(input::ClientUpgraded{});
    fresh.client_says(R"({"type":"reconnect","session":"OLD","last_message_id":2})");
    BOOST_TEST(old.takes(fresh));
    BOOST_TEST(old.stats().replayed == 2U);
}

BOOST_AUTO_TEST_CASE(a_message_beyond_the_bound_is_not_kept_and_told) {
    Policy small = with_envelope();
    small.resume_client.max_bytes = 1000;
    Script old(json(), small);
    open(old).input(input::ClientLost{}).heard();
    old.upstream_sends(std::string(2000, 'x'));
    BOOST_TEST(old.stats().drops[static_cast<std::size_t>(Drop::record_overflow)] == 1U);
    Script fresh(json("NEW"), small);
    fresh.input(input::ClientUpgraded{});
    fresh.client_says(R"({"type":"reconnect","session":"OLD"})");
    BOOST_TEST(!old.takes(fresh));
}

BOOST_AUTO_TEST_CASE(when_the_window_ends_the_app_is_told) {
    Script script(json(), with_envelope());
    open(script).input(input::ClientLost{}).heard();
    script.at(119s);
    BOOST_TEST(!script.session().ended());
    script.at(120s);
    BOOST_TEST(script.heard() ==
               Lines({"upstream: CLOSE 1001", "close upstream", "end client away_too_long"}));
}

BOOST_AUTO_TEST_CASE(a_goodbye_ends_the_session_at_once_and_a_page_that_was_left_waits_a_little) {
    Script script(json(), with_envelope());
    open(script).client_frame(Opcode::close, "\x03\xe8");
    BOOST_TEST(script.heard() == Lines({"upstream: CLOSE 1000"}));
    script.upstream_frame(Opcode::close, "\x03\xe8");
    BOOST_TEST(script.heard() ==
               Lines({"client: CLOSE 1000", "close client", "close upstream", "end client goodbye"}));

    Script left(json(), with_envelope());
    open(left).client_frame(Opcode::close, "\x03\xe9");
    BOOST_TEST(left.heard() == Lines({"client: CLOSE 1001", "close client", "report client_away 0"}));
    left.at(10s);
    BOOST_TEST(left.session().ended());
}

BOOST_AUTO_TEST_CASE(an_app_that_closes_ends_the_session_also_of_an_absent_client) {
    Script script(json(), with_envelope());
    open(script).input(input::ClientLost{}).heard();
    script.upstream_frame(Opcode::close, "\x03\xe8");
    BOOST_TEST(script.heard() == Lines({"upstream: CLOSE 1000", "close upstream", "end upstream goodbye"}));

    Script waiting(json(), with_envelope());
    waiting.input(input::ClientUpgraded{}).upstream_says("no").heard();
    waiting.upstream_frame(Opcode::close, "\x0f\xa0");
    BOOST_TEST(waiting.heard() == Lines({"client: no", "client: CLOSE 4000"}));
}

BOOST_AUTO_TEST_CASE(a_silent_client_is_away_and_not_thrown_out) {
    Script script(json(), with_envelope());
    open(script).at(25s);
    BOOST_TEST(script.heard() == Lines({"client: PING "}));
    script.at(44s).client_frame(Opcode::pong, "").at(50s);
    BOOST_TEST(script.heard() == Lines({"client: PING "}));
    script.at(70s);
    BOOST_TEST(script.heard() ==
               Lines({"client: CLOSE 1001 ping timeout", "close client", "report client_away 0"}));
    BOOST_TEST(!script.session().ended());

    Script slow(json(), with_envelope());
    open(slow).input(input::ClientBlocked{100}).client_frame(Opcode::pong, "").at(30s);
    BOOST_TEST(!slow.session().ended());
    BOOST_TEST((slow.session().client_state() == ClientState::away));
    slow.upstream_says("{}");
    BOOST_TEST(!slow.session().ended());
}

BOOST_AUTO_TEST_CASE(an_app_with_a_field_of_that_name_has_no_recovery_and_the_operator_knows) {
    Script script(json(), with_envelope());
    open(script).upstream_says(R"({"n":1})").heard();
    script.upstream_says(R"({"message_id":"mine"})").upstream_says(R"({"n":3})");
    BOOST_TEST(script.heard() == Lines({"report envelope_name_taken 0", R"(client: {"message_id":"mine"})",
                                        R"(client: {"n":3})"}));
    script.input(input::ClientLost{});
    BOOST_TEST(script.session().ended());

    Policy renamed = with_envelope();
    renamed.resume_client.names.message_id = "n";
    Script other(json(), renamed);
    open(other).upstream_says(R"({"message_id":"mine"})");
    BOOST_TEST(other.heard() == Lines({R"(client: {"n":1,"message_id":"mine"})"}));
}

BOOST_AUTO_TEST_CASE(a_replay_that_fails_twice_is_given_up) {
    Script old(json(), with_envelope());
    open(old).upstream_says(R"({"n":1})").upstream_says(R"({"n":2})").heard();
    const auto comes_back = [&] {
        old.input(input::ClientLost{});
        Script fresh(json("NEW"), with_envelope());
        fresh.input(input::ClientUpgraded{}).client_says(reconnect_at_1);
        return old.takes(fresh);
    };
    BOOST_TEST(comes_back());
    BOOST_TEST(comes_back());
    BOOST_TEST(!comes_back());
    BOOST_TEST(told(old, ReportKind::replay_given_up) == 1U);

    Script fine(json(), with_envelope());
    open(fine).upstream_says(R"({"n":1})").heard();
    for (int i = 0; i < 5; ++i) {  // nothing to replay: a bad network, not a bad message
        fine.input(input::ClientLost{});
        Script fresh(json("NEW"), with_envelope());
        fresh.input(input::ClientUpgraded{}).client_says(reconnect_at_1);
        BOOST_TEST(fine.takes(fresh));
    }
}

BOOST_AUTO_TEST_CASE(other_dialects_are_not_found) {
    Script old(json(), with_envelope());
    open(old).input(input::ClientLost{});
    Setup setup;
    setup.websocket = true;
    Script fresh(setup, with_envelope());
    fresh.input(input::ClientUpgraded{});
    BOOST_TEST(!old.takes(fresh));
}

BOOST_AUTO_TEST_SUITE_END()
