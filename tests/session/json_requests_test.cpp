// Requests on JSON websockets: by type, answered by type and id, in the app's place when it does not.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay;
using namespace forestay::session;
using forestay::session::testing::Script;
using forestay::wire::websocket::Opcode;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

rules::RuleSpec ask() {
    rules::RuleSpec rule;
    rule.name = "ask";
    rule.match.type = "ask";
    rule.id = "/id";
    rule.answer.event = {"answer"};
    rule.timeout = 5s;
    rule.fallback.message = R"({"type":"answer","id":"{{id}}","code":"{{code}}"})";
    return rule;
}

Policy with(const std::vector<rules::RuleSpec>& specs) {
    Policy policy;
    std::vector<rules::Problem> problems;
    policy.rules = rules::RuleSet::compile(specs, problems);
    for (const rules::Problem& one : problems) BOOST_FAIL(one.field + ": " + one.message);
    JsonWebsocket& shape = policy.json_websockets.emplace_back();
    shape.path = "/ws/{request_id}";
    shape.type = *wire::json::Pointer::parse("/type");
    std::string problem;
    shape.error = *rules::MessageTemplate::compile(
        R"({"type":"error","id":"{{id}}","code":"{{code}}","detail":"{{detail}}"})", problem);
    return policy;
}

Policy with_envelope(Policy policy) {
    policy.resume_client.envelope = true;
    policy.ping_interval = 1h;
    return policy;
}

Setup json(std::string secret = "OLD") {
    Setup setup;
    setup.dialect = Dialect::json;
    setup.websocket = true;
    setup.path = "/ws/7";
    setup.who = "ann";
    setup.secret = std::move(secret);
    return setup;
}

Script& open(Script& script) {
    script.input(input::ClientUpgraded{}).heard();
    return script;
}

std::string ask_for(std::string_view id) {
    return R"({"type":"ask","id":)" + std::string(id) + "}";
}
std::string answer_to(std::string_view id) {
    return R"({"id":)" + std::string(id) + R"(,"type":"answer"})";
}
std::string fallback_for(std::string_view id, std::string_view code) {
    return R"({"type":"answer","id":)" + std::string(id) + R"(,"code":")" + std::string(code) + "\"}";
}

const RuleStats& counted(Script& script, std::size_t rule = 0) {
    return script.stats().rules.at(rule);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_requests)

BOOST_AUTO_TEST_CASE(an_answer_in_time_goes_through_as_it_came) {
    Script script(json(), with({ask()}));
    open(script).client_says(ask_for("7")).upstream_says(answer_to("7")).at(1min);
    BOOST_TEST(script.heard() == Lines({"upstream: " + ask_for("7"), "client: " + answer_to("7")}));
    BOOST_TEST(counted(script).answered_by_upstream == 1U);
    BOOST_TEST((script.session().next_deadline() == never));
}

BOOST_AUTO_TEST_CASE(without_one_the_fallback_is_said_and_what_comes_later_is_not) {
    Script script(json(), with({ask()}));
    open(script).client_says(ask_for(R"("a\u0062")")).at(5s);
    BOOST_TEST(script.heard() == Lines({"upstream: " + ask_for(R"("a\u0062")"),
                                        "client: " + fallback_for(R"("a\u0062")", "timeout")}));
    script.upstream_says(answer_to(R"("ab")")).upstream_says(R"({"type":"news"})");
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"news"})"}));
    BOOST_TEST(counted(script).answered_by_fallback == 1U);
    BOOST_TEST(counted(script).late == 1U);
}

BOOST_AUTO_TEST_CASE(answers_are_told_apart_by_id_and_others_are_nobody_s) {
    Script script(json(), with({ask()}));
    open(script).client_says(ask_for("1")).client_says(ask_for("2")).heard();
    const Lines passed{answer_to("3"), R"({"type":"answer"})", R"({"type":"answer","id":1)",
                       R"({"type":"other","id":1})", R"([{"type":"answer","id":1}])"};
    for (const std::string& text : passed) {
        script.upstream_says(text);
        BOOST_TEST(script.heard() == Lines({"client: " + text}));
    }
    script.upstream_says(answer_to("2")).at(5s);
    BOOST_TEST(script.heard() ==
               Lines({"client: " + answer_to("2"), "client: " + fallback_for("1", "timeout")}));
}

BOOST_AUTO_TEST_CASE(messages_of_other_types_and_binary_ones_are_not_tracked) {
    Script script(json(), with({ask()}));
    open(script);
    const Lines passed{R"({"type":"asks","id":1})", R"({"id":1})", R"({"type":"ask"})",
                       R"({"type":7,"id":1})"};
    for (const std::string& text : passed) {
        script.client_says(text);
        BOOST_TEST(script.heard() == Lines({"upstream: " + text}));
    }
    script.client_sends(ask_for("1")).at(1min);
    BOOST_TEST(script.heard() == Lines({"upstream: <" + ask_for("1") + ">"}));
    BOOST_TEST(counted(script).started == 0U);
}

BOOST_AUTO_TEST_CASE(a_late_answer_is_renamed_where_its_type_stands) {
    rules::RuleSpec rule = ask();
    rule.late_rename = "late \"answer\"";
    Script script(json(), with({rule}));
    open(script).client_says(ask_for("7")).at(5s).heard();
    script.upstream_says(
        "{ \"data\" : {\"type\":\"answer\"}, \"type\" :\"\\u0061nswer\" ,\"id\":7, \"n\":1e999}");
    BOOST_TEST(
        script.heard() ==
        Lines({"client: { \"data\" : {\"type\":\"answer\"}, \"type\" :\"late \\\"answer\\\"\" ,\"id\":7, "
               "\"n\":1e999}"}));
}

BOOST_AUTO_TEST_CASE(a_late_answer_may_be_delivered) {
    rules::RuleSpec rule = ask();
    rule.late_answer = "deliver";
    Script script(json(), with({rule}));
    open(script).client_says(ask_for("7")).at(5s).heard();
    script.upstream_says(answer_to("7"));
    BOOST_TEST(script.heard() == Lines({"client: " + answer_to("7")}));
}

BOOST_AUTO_TEST_CASE(requests_without_an_id_are_answered_in_order) {
    rules::RuleSpec rule = ask();
    rule.id = "order";
    Script script(json(), with({rule}));
    open(script).client_says(R"({"type":"ask"})").at(1s).client_says(R"({"type":"ask"})").heard();
    script.upstream_says(R"({"type":"answer"})").at(5999ms);
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"answer"})"}));
    script.at(6s);
    BOOST_TEST(script.heard() == Lines({"client: " + fallback_for("null", "timeout")}));
}

BOOST_AUTO_TEST_CASE(progress_moves_the_deadline) {
    rules::RuleSpec rule = ask();
    rule.timeout = 1min;
    rule.idle_first = rule.idle_next = 5s;
    rule.progress.event = {"progress"};
    Script script(json(), with({rule}));
    open(script).client_says(ask_for("7")).at(4s).heard();
    script.upstream_says(R"({"type":"progress","id":7})").at(8999ms);
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"progress","id":7})"}));
    script.at(9s);
    BOOST_TEST(script.heard() == Lines({"client: " + fallback_for("7", "timeout_idle")}));
    script.upstream_says(R"({"type":"progress","id":7})");
    BOOST_TEST(script.heard() == Lines());
}

BOOST_AUTO_TEST_CASE(what_breaks_the_shape_gets_the_error_with_its_id) {
    rules::RuleSpec rule = ask();
    rule.schema = R"({"type":"object","required":["text"]})";
    Script script(json(), with({rule}));
    open(script).client_says(ask_for("7")).at(1min);
    const Lines heard = script.heard();
    BOOST_REQUIRE(heard.size() == 1U);
    BOOST_TEST(heard[0].starts_with(R"(client: {"type":"error","id":7,"code":"protocol_schema","detail":")"));
    BOOST_TEST(heard[0].find("text") != std::string::npos);
    BOOST_TEST(counted(script).invalid == 1U);
    script.client_says(R"({"type":"ask","id":8,"text":"x"})");
    BOOST_TEST(script.heard() == Lines({R"(upstream: {"type":"ask","id":8,"text":"x"})"}));
}

BOOST_AUTO_TEST_CASE(a_rule_may_only_check_the_shape) {
    rules::RuleSpec rule;
    rule.name = "chat";
    rule.match.type = "chat";
    rule.schema = R"({"required":["text"]})";
    Script script(json(), with({rule}));
    open(script).client_says(R"({"type":"chat"})");
    BOOST_TEST(script.heard().at(0).starts_with(
        R"(client: {"type":"error","id":null,"code":"protocol_schema","detail":")"));
    script.client_says(R"({"type":"chat","text":1})").at(1min);
    BOOST_TEST(script.heard() == Lines({R"(upstream: {"type":"chat","text":1})"}));
}

BOOST_AUTO_TEST_CASE(rules_see_the_path_as_configured_and_who_asks) {
    rules::RuleSpec here = ask();
    here.match.path = "/ws/{request_id}";
    here.match.who = {"ann"};
    rules::RuleSpec elsewhere = ask();
    elsewhere.name = "elsewhere";
    elsewhere.match.path = "/ws";
    rules::RuleSpec bob = ask();
    bob.name = "bob";
    bob.match.who = {"bob"};
    Script script(json(), with({elsewhere, bob, here}));
    open(script).client_says(ask_for("7"));
    BOOST_TEST(counted(script, 0).started == 0U);
    BOOST_TEST(counted(script, 1).started == 0U);
    BOOST_TEST(counted(script, 2).started == 1U);
}

BOOST_AUTO_TEST_CASE(when_the_app_goes_all_that_wait_are_told_before_the_close) {
    const Lines told{"client: " + fallback_for("1", "connection_lost"),
                     "client: " + fallback_for("2", "connection_lost")};
    const auto first_two = [](Lines lines) {
        lines.resize(std::min<std::size_t>(lines.size(), 2));
        return lines;
    };
    Script lost(json(), with({ask()}));
    open(lost).client_says(ask_for("1")).client_says(ask_for("2")).heard();
    lost.input(input::UpstreamLost{});
    Lines heard = lost.heard();
    BOOST_TEST(first_two(heard) == told);
    BOOST_TEST(heard.at(2) == "client: CLOSE 1013 upstream lost");

    Script closed(json(), with({ask()}));
    open(closed).client_says(ask_for("1")).client_says(ask_for("2")).heard();
    closed.upstream_frame(Opcode::close, "\x03\xf4");
    heard = closed.heard();
    BOOST_TEST(first_two(heard) == told);
    BOOST_TEST(heard.at(2) == "client: CLOSE 1012");
    closed.client_says(ask_for("3")).at(5s);  // nobody is there for it any more
    BOOST_TEST(counted(closed).started == 2U);

    Script broken(json(), with({ask()}));
    open(broken).client_says(ask_for("1")).client_says(ask_for("2")).heard();
    broken.input(input::UpstreamBytes{"\x83"});
    heard = broken.heard();
    BOOST_TEST(heard.at(0).starts_with("upstream: CLOSE 1002"));
    BOOST_TEST(first_two({heard.begin() + 2, heard.end()}) == told);
}

BOOST_AUTO_TEST_CASE(when_forestay_goes_they_are_told_too) {
    Script script(json(), with({ask()}));
    open(script).client_says(ask_for("1")).heard();
    script.input(input::Shutdown{});
    BOOST_TEST(script.heard() ==
               Lines({"client: " + fallback_for("1", "shutdown"), "client: CLOSE 1012 restarting",
                      "close client", "upstream: CLOSE 1001", "close upstream", "end forestay shutdown"}));
}

BOOST_AUTO_TEST_CASE(when_the_client_goes_nobody_waits) {
    Script script(json(), with({ask()}));
    open(script).client_says(ask_for("1")).input(input::ClientLost{});
    BOOST_TEST(script.session().ended());
    BOOST_TEST(counted(script).abandoned == 1U);
    BOOST_TEST(counted(script).outstanding == 0U);

    Script closing(json(), with({ask()}));
    open(closing).client_says(ask_for("1")).client_frame(Opcode::close, "\x03\xe8").heard();
    closing.at(4999ms);
    BOOST_TEST(closing.heard() == Lines());
    BOOST_TEST(counted(closing).abandoned == 1U);
}

BOOST_AUTO_TEST_CASE(who_is_away_finds_the_fallback_on_return) {
    const Policy policy = with_envelope(with({ask()}));
    Script old(json(), policy);
    open(old).client_says(ask_for("1")).upstream_says(R"({"n":1})").heard();
    old.input(input::ClientLost{}).at(5s).heard();
    BOOST_TEST(counted(old).answered_by_fallback == 1U);
    old.upstream_says(answer_to("1")).upstream_says(R"({"n":2})");
    Script fresh(json("NEW"), policy, 5s);
    fresh.input(input::ClientUpgraded{})
        .client_says(R"({"type":"reconnect","session":"OLD","last_message_id":1})")
        .heard();
    BOOST_TEST(old.takes(fresh));
    Lines heard = old.heard();
    heard.resize(3);
    BOOST_TEST(heard == Lines({R"(client: {"type":"connection_established","session":"OLD","resumed":true})",
                               R"(client: {"message_id":2,)" + fallback_for("1", "timeout").substr(1),
                               R"(client: {"message_id":3,"n":2})"}));
}

BOOST_AUTO_TEST_CASE(who_is_away_when_the_app_goes_has_no_session_to_come_back_to) {
    Script script(json(), with_envelope(with({ask()})));
    open(script).client_says(ask_for("1")).input(input::ClientLost{}).heard();
    script.input(input::UpstreamLost{});
    BOOST_TEST(script.heard() == Lines({"end upstream connection_lost"}));
    BOOST_TEST(counted(script).abandoned == 1U);
}

BOOST_AUTO_TEST_CASE(errors_and_answers_carry_numbers_of_the_envelope) {
    Script script(json(), with_envelope(with({ask()})));
    open(script).client_says("no").client_says(ask_for("1")).upstream_says(answer_to("1"));
    BOOST_TEST(
        script.heard() ==
        Lines(
            {R"(client: {"message_id":1,"type":"error","id":null,"code":"protocol_json","detail":"not JSON"})",
             "upstream: " + ask_for("1"), R"(client: {"message_id":2,)" + answer_to("1").substr(1)}));
}

BOOST_AUTO_TEST_CASE(the_same_request_again_is_joined_and_answered_from_the_record) {
    rules::RuleSpec rule = ask();
    rule.repeatable = true;
    rule.repeat.window = 1min;
    Script script(json(), with({rule}));
    open(script).client_says(ask_for("1")).client_says(ask_for("1")).upstream_says(answer_to("1"));
    BOOST_TEST(script.heard() == Lines({"upstream: " + ask_for("1"), "client: " + answer_to("1")}));
    script.client_says(ask_for("1"));
    BOOST_TEST(script.heard() == Lines({"client: " + answer_to("1")}));
    BOOST_TEST(counted(script).joined == 1U);
    BOOST_TEST(counted(script).repeated == 1U);
}

BOOST_AUTO_TEST_CASE(a_second_type_does_not_lead_past_the_rule_of_the_last) {
    rules::RuleSpec checked = ask();
    checked.schema = R"({"required":["id"]})";
    Script script(json(), with({checked}));
    open(script);
    for (const char* sly : {R"({"type":"chat","type":"ask"})", R"({"type":"chat","\u0074ype":"ask"})",
                            R"({"type":7,"x":{"type":"ask"},"type":"ask"})"}) {
        script.client_says(sly);
        BOOST_TEST(
            script.heard() ==
            Lines({R"(client: {"type":"error","id":null,"code":"protocol_json","detail":"two types"})"}));
    }
    script.client_says(R"({"type":"chat","x":{"type":"ask","type":"ask"}})");
    BOOST_TEST(script.heard() == Lines({R"(upstream: {"type":"chat","x":{"type":"ask","type":"ask"}})"}));
}

BOOST_AUTO_TEST_CASE(a_place_at_the_gate_is_free_when_the_client_has_said_goodbye_not_when_the_app_has) {
    rules::RuleSpec rule = ask();
    rule.concurrency = 1;
    Script script(json(), with({rule}));
    script.gated();
    open(script).client_says(ask_for("1")).client_says(ask_for("2")).heard();
    script.client_frame(Opcode::close, "\x03\xe8");
    const Lines heard = script.heard();
    BOOST_TEST(heard.size() == 3U);
    BOOST_TEST(std::count_if(heard.begin(), heard.end(), [](const std::string& line) {
                   return line.starts_with("leave gate ") && line.ends_with(" released");
               }) == 2);
    BOOST_TEST(script.gate(0).running == 0U);
    BOOST_TEST(script.gate(0).waiting == 0U);
    BOOST_TEST(counted(script).queued == 0U);
    BOOST_TEST(!script.session().ended());
}

BOOST_AUTO_TEST_CASE(a_request_of_the_gate_s_goes_when_it_is_told_to) {
    rules::RuleSpec rule = ask();
    rule.concurrency = 1;
    rule.queue.given = true;
    rule.queue.status.message = R"({"type":"place","id":"{{id}}","place":"{{place}}"})";
    Script script(json(), with({rule}));
    open(script).client_says(ask_for("1"));
    const Lines asked = script.heard();
    BOOST_REQUIRE(asked.size() == 1U);
    BOOST_REQUIRE(asked[0].starts_with("ask gate "));
    const std::uint64_t number = std::stoull(asked[0].substr(9));
    using What = rules::Verdict::What;
    script.input(input::GateSaid{number, What::place, {}, 3, 4});
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"place","id":1,"place":3})"}));
    script.input(input::GateSaid{number, What::go, {}, 0, 0});
    BOOST_TEST(script.heard() == Lines({"upstream: " + ask_for("1")}));
    script.upstream_says(answer_to("1"));
    BOOST_TEST(script.heard() ==
               Lines({"client: " + answer_to("1"), "leave gate " + std::to_string(number) + " answered"}));
    BOOST_TEST(script.stats().to_upstream.messages == 1U);

    script.client_says(ask_for("2")).heard();
    script.input(input::GateSaid{number + 1, What::refused, rules::Code::overload_queue_full, 0, 0});
    BOOST_TEST(script.heard() == Lines({"client: " + fallback_for("2", "overload_queue_full")}));
}

BOOST_AUTO_TEST_CASE(a_place_in_line_is_no_news_for_who_is_away) {
    rules::RuleSpec rule = ask();
    rule.concurrency = 1;
    rule.queue.given = true;
    rule.queue.status.message = R"({"type":"place","place":"{{place}}"})";
    Script script(json(), with_envelope(with({rule})));
    open(script).client_says(ask_for("1"));
    const std::uint64_t number = std::stoull(script.heard().at(0).substr(9));
    script.input(input::ClientLost{}).heard();
    script.input(input::GateSaid{number, rules::Verdict::What::place, {}, 3, 4});
    script.upstream_says(R"({"n":1})");
    Script fresh(json("NEW"), with_envelope(with({rule})));
    fresh.input(input::ClientUpgraded{}).client_says(R"({"type":"reconnect","session":"OLD"})");
    BOOST_TEST(script.takes(fresh));
    BOOST_TEST(script.heard().at(1) == R"(client: {"message_id":1,"n":1})");
}

// 1,024 requests of one client, each with a type of a megabyte, kept a gigabyte.
BOOST_AUTO_TEST_CASE(of_a_type_that_is_long_only_the_beginning_is_kept) {
    rules::RuleSpec rule = ask();
    rule.match.type = "*";
    rule.fallback.message = R"({"type":"answer","of":"{{event}}"})";
    Script script(json(), with({rule}));
    std::string type(126, 't');
    for (int i = 0; i < 1000; ++i) type += "\xc3\xa9";
    open(script).client_says(R"({"id":1,"type":")" + type + "\"}").heard();
    script.at(5s);
    BOOST_TEST(script.heard() == Lines({R"(client: {"type":"answer","of":")" + type.substr(0, 128) + "\"}"}));
}

BOOST_AUTO_TEST_SUITE_END()
