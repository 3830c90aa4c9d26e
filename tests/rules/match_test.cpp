#include "tests/rules/specs.h"

using namespace forestay::rules;
namespace socketio = forestay::wire::socketio;

namespace {

// The index of the rule that tracks the event; -1 for none.
int matched(const RuleSet& rules, std::string_view text, const Peer& peer = {}) {
    const auto packet = client_packet(text);
    std::string scratch;
    const auto index = rules.match(socketio_message(packet, scratch), peer);
    return index ? static_cast<int>(*index) : -1;
}

int json_matched(const RuleSet& rules, std::string_view text, const Peer& peer = {}) {
    std::string scratch;
    const auto type = *forestay::wire::json::Pointer::parse("/type");
    const auto index = rules.match(json_message(text, type, scratch), peer);
    return index ? static_cast<int>(*index) : -1;
}

RuleSpec if_it(ConditionSpec condition) {
    RuleSpec spec = by_pointer();
    spec.match.where = {std::move(condition)};
    return spec;
}

// The first argument of an event, and what follows it.
std::string_view body(std::string_view text) {
    return socketio::from_argument(client_packet(text), 0).value_or("");
}

std::string key(std::string_view pointer, std::string_view text) {
    return id_key(*forestay::wire::json::Pointer::parse(pointer), body(text)).value_or("-");
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_first_rule_that_matches_wins) {
    RuleSpec any = by_pointer("any");
    any.match.event = "*";
    const auto rules = compiled({by_ack(), by_pointer(), any});
    BOOST_TEST(matched(rules, R"(21["ask"])") == 0);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"message_id":1}])") == 1);
    BOOST_TEST(matched(rules, R"(2["other"])") == 2);
    BOOST_TEST(matched(RuleSet(), R"(2["ask"])") == -1);
}

BOOST_AUTO_TEST_CASE(a_rule_by_ack_needs_an_ack_id) {
    const auto rules = compiled({by_ack()});
    BOOST_TEST(matched(rules, R"(2["ask"])") == -1);
    BOOST_TEST(matched(rules, R"(20["ask"])") == 0);
    BOOST_TEST(matched(rules, R"(20["asked"])") == -1);
}

BOOST_AUTO_TEST_CASE(names_match_unescaped) {
    BOOST_TEST(matched(compiled({by_ack()}), R"(20["\u0061sk"])") == 0);
}

BOOST_AUTO_TEST_CASE(a_namespace_matches_exactly_and_without_its_query) {
    RuleSpec spec = by_ack();
    spec.match.nsp = "/chat";
    const auto rules = compiled({spec});
    BOOST_TEST(matched(rules, R"(2/chat,0["ask"])") == 0);
    BOOST_TEST(matched(rules, R"(2/chats,0["ask"])") == -1);
    BOOST_TEST(matched(rules, R"(20["ask"])") == -1);
    BOOST_TEST(matched(compiled({by_ack()}), R"(2/chat,0["ask"])") == 0);
    spec.match.nsp = "/";
    BOOST_TEST(matched(compiled({spec}), R"(20["ask"])") == 0);
    auto packet = client_packet(R"(2/chat,0["ask"])");
    packet.nsp = "/chat?token=x";  // as old clients write it
    std::string scratch;
    BOOST_TEST(rules.match(socketio_message(packet, scratch), {}).has_value());
}

BOOST_AUTO_TEST_CASE(with_or_without_an_ack_can_be_asked_for) {
    RuleSpec spec = by_pointer();
    spec.match.ack = true;
    BOOST_TEST(matched(compiled({spec}), R"(21["chat_message",{}])") == 0);
    BOOST_TEST(matched(compiled({spec}), R"(2["chat_message",{}])") == -1);
    spec.match.ack = false;
    BOOST_TEST(matched(compiled({spec}), R"(21["chat_message",{}])") == -1);
    BOOST_TEST(matched(compiled({spec}), R"(2["chat_message",{}])") == 0);
}

BOOST_AUTO_TEST_CASE(all_conditions_must_hold) {
    RuleSpec spec = by_pointer();
    spec.match.where = {{"/mode", "\"think_tank\""}, {"/depth", "1"}};
    const auto rules = compiled({spec});
    BOOST_TEST(matched(rules, R"(2["chat_message",{"mode":"think\u005ftank","depth":1}])") == 0);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"mode":"think_tank","depth":"1"}])") == -1);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"mode":"think_tank","depth":1.0}])") == -1);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"mode":"think_tank"}])") == -1);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"mode":["think_tank"],"depth":1}])") == -1);
    BOOST_TEST(matched(rules, R"(2["chat_message"])") == -1);
    BOOST_TEST(matched(rules, R"(2["chat_message",{},{"mode":"think_tank","depth":1}])") ==
               -1);  // first argument only
    BOOST_TEST(
        matched(rules,
                R"(51-["chat_message",{"mode":"think_tank","depth":1,"b":{"_placeholder":true,"num":0}}])") ==
        0);
}

BOOST_AUTO_TEST_CASE(candidates_are_tried_in_the_order_of_the_file) {
    const auto named = [](const char* name, const char* event, const char* path) {
        RuleSpec spec = by_pointer(name);
        spec.match.event = event;
        spec.match.path = path;
        return spec;
    };
    const auto rules = compiled({named("a", "x", "/1"), named("b", "*", "/2"), named("c", "x", "/3"),
                                 named("d", "y", ""), named("e", "*", ""), named("f", "x", "")});
    BOOST_TEST(matched(rules, R"(2["x"])", {"/1", ""}) == 0);
    BOOST_TEST(matched(rules, R"(2["x"])", {"/2", ""}) == 1);
    BOOST_TEST(matched(rules, R"(2["x"])", {"/3", ""}) == 2);
    BOOST_TEST(matched(rules, R"(2["x"])", {"/4", ""}) == 4);
    BOOST_TEST(matched(rules, R"(2["y"])", {"/2", ""}) == 1);
    BOOST_TEST(matched(rules, R"(2["y"])", {"/3", ""}) == 3);
    BOOST_TEST(matched(rules, R"(2["z"])", {"/2", ""}) == 1);
    BOOST_TEST(matched(rules, R"(2["z"])", {"/3", ""}) == 4);
}

BOOST_AUTO_TEST_CASE(who_asks_can_be_asked) {
    RuleSpec spec = by_ack();
    spec.match.who = {"ada", "grace"};
    const auto two = compiled({spec});
    BOOST_TEST(matched(two, R"(20["ask"])", {"/", "grace"}) == 0);
    BOOST_TEST(matched(two, R"(20["ask"])", {"/", "Ada"}) == -1);
    BOOST_TEST(matched(two, R"(20["ask"])", {"/", ""}) == -1);
    spec.match.who = {"*"};
    const auto anybody = compiled({spec});
    BOOST_TEST(matched(anybody, R"(20["ask"])", {"/", "eve"}) == 0);
    BOOST_TEST(matched(anybody, R"(20["ask"])", {"/", ""}) == -1);
}

BOOST_AUTO_TEST_CASE(one_of_several_values_is_enough) {
    const auto rules = compiled({if_it({.pointer = "/mode", .one_of = {"\"deep\"", "2", "null"}})});
    const auto mode = [&](const std::string& value) {
        return matched(rules, "2[\"chat_message\",{\"mode\":" + value + "}]");
    };
    for (const char* good : {"\"deep\"", "\"d\\u0065ep\"", "2", "null"}) BOOST_TEST(mode(good) == 0, good);
    for (const char* bad : {"\"2\"", "2.0", "[2]", "{}", "\"\""}) BOOST_TEST(mode(bad) == -1, bad);
    BOOST_TEST(matched(rules, R"(2["chat_message",{}])") == -1);
}

BOOST_AUTO_TEST_CASE(something_may_have_to_be_there_or_not) {
    const auto there = compiled({if_it({.pointer = "/a/b", .exists = true})});
    const auto not_there = compiled({if_it({.pointer = "/a/b", .exists = false})});
    for (const char* text :
         {R"(2["chat_message",{"a":{"b":null}}])", R"(2["chat_message",{"a":{"b":[]}}])"}) {
        BOOST_TEST(matched(there, text) == 0, text);
        BOOST_TEST(matched(not_there, text) == -1, text);
    }
    for (const char* text :
         {R"(2["chat_message",{"a":{}}])", R"(2["chat_message"])", R"(2["chat_message",7])"}) {
        BOOST_TEST(matched(there, text) == -1, text);
        BOOST_TEST(matched(not_there, text) == 0, text);
    }
}

BOOST_AUTO_TEST_CASE(patterns_match_the_text_that_is_meant) {
    const auto rules = compiled({if_it({.pointer = "/q", .matches = "^why .*é"})});
    BOOST_TEST(matched(rules, R"(2["chat_message",{"q":"why caf\u00e9?"}])") == 0);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"q":"wh\u0079 not é"}])") == 0);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"q":"whyé"}])") == -1);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"q":["why é"]}])") == -1);
    BOOST_TEST(matched(rules, R"(2["chat_message",{}])") == -1);
    const auto numbers = compiled({if_it({.pointer = "/q", .matches = "7"})});
    BOOST_TEST(matched(numbers, R"(2["chat_message",{"q":7}])") == -1);
}

BOOST_AUTO_TEST_CASE(all_parts_of_a_condition_must_hold) {
    const auto rules =
        compiled({if_it({.pointer = "/q", .one_of = {"\"ab\"", "\"cd\""}, .exists = true, .matches = "^a"})});
    BOOST_TEST(matched(rules, R"(2["chat_message",{"q":"ab"}])") == 0);
    BOOST_TEST(matched(rules, R"(2["chat_message",{"q":"cd"}])") == -1);
}

BOOST_AUTO_TEST_CASE(messages_match_by_their_type) {
    RuleSpec any = by_type("any");
    any.match.type = "*";
    RuleSpec elsewhere = by_type("elsewhere");
    elsewhere.match.path = "/other";
    const auto rules = compiled({elsewhere, by_type(), by_ack()});
    BOOST_TEST(json_matched(rules, R"({"type":"ingest","id":1})", {"/ws", ""}) == 1);
    BOOST_TEST(json_matched(rules, R"({"type":"\u0069ngest"})", {"/other", ""}) == 0);
    BOOST_TEST(json_matched(rules, R"({"type":"ask"})") == -1);  // an event's name is no type
    BOOST_TEST(json_matched(rules, R"({"type":["ingest"]})") == -1);
    BOOST_TEST(json_matched(rules, "{}") == -1);
    BOOST_TEST(matched(rules, R"(20["ingest"])") == -1);
    BOOST_TEST(json_matched(compiled({any}), "{}") == 0);
    BOOST_TEST((rules.any(true) && rules.any(false)));
    BOOST_TEST((!compiled({any}).any(false) && !RuleSet().any(true)));
}

BOOST_AUTO_TEST_CASE(a_rule_that_only_checks_needs_no_ack) {
    RuleSpec spec;
    spec.name = "shape";
    spec.match.event = "ask";
    spec.schema = R"({"type":"object"})";
    spec.fallback.event = "refused";
    BOOST_TEST(matched(compiled({spec}), R"(2["ask"])") == 0);
    BOOST_TEST(matched(compiled({spec}), R"(20["ask"])") == 0);
}

BOOST_AUTO_TEST_CASE(only_events_that_some_rule_waits_for_are_heard) {
    RuleSpec two = by_pointer("two");
    two.answer.event = {"done", "response", "\xc3\xa9"};
    two.progress.event = {"progress"};
    const auto rules = compiled({by_ack(), by_pointer(), two});
    // Which rules hear it, and as what.
    const auto heard = [](const RuleSet& by, std::string_view text) {
        const auto packet = socketio::scan_server_packet(text).value();
        std::string scratch;
        std::string all;
        for (const Hearing& one : by.hearing(socketio_message(packet, scratch)))
            all += std::to_string(one.rule) + "apr"[static_cast<int>(one.kind)];
        return all;
    };
    BOOST_TEST(heard(rules, R"(2["response",{}])") == "1a2a");
    BOOST_TEST(heard(rules, R"(2["done"])") == "2a");
    BOOST_TEST(heard(rules, R"(2["progress"])") == "2p");
    BOOST_TEST(heard(rules, R"(2["\u00e9"])") == "2a");
    BOOST_TEST(heard(rules, R"(2["r\u0065sponse"])") == "1a2a");
    BOOST_TEST(heard(rules, R"(2["responses"])") == "");
    BOOST_TEST(heard(rules, R"(2[7])") == "");
    BOOST_TEST(heard(compiled({by_ack()}), R"(2["response"])") == "");
    two.partial.event = {"part"};
    two.abort.event = "gone";
    BOOST_TEST(heard(compiled({two}), R"(2["part"])") == "0r");
    two.partial.event.clear();
    BOOST_TEST(heard(compiled({two}), R"(2["progress"])") == "0r");
}

BOOST_AUTO_TEST_CASE(equal_ids_have_equal_keys) {
    BOOST_TEST(key("/id", R"(2["x",{"id":"a"}])") == key("/id", R"(2["x",{"id":"\u0061"}])"));
    BOOST_TEST(key("/id", R"(2["x",{"id":"1"}])") != key("/id", R"(2["x",{"id":1}])"));
    BOOST_TEST(key("/id", R"(2["x",{"id":1}])") != key("/id", R"(2["x",{"id":1.0}])"));
    BOOST_TEST(key("/id", R"(2["x",{"id":12345678901234567890}])") == "12345678901234567890");
    BOOST_TEST(key("", R"(2["x","id"])") == "\"id");
}

BOOST_AUTO_TEST_CASE(what_is_no_id_is_none) {
    BOOST_TEST(key("/id", R"(2["x"])") == "-");
    BOOST_TEST(key("/id", R"(2["x",{}])") == "-");
    BOOST_TEST(key("/id", R"(2["x",{"id":null}])") == "-");
    BOOST_TEST(key("/id", R"(2["x",{"id":[1]}])") == "-");
    BOOST_TEST(key("/id", R"(2["x",{"id":{}}])") == "-");
    BOOST_TEST(key("/id", "2[\"x\",{\"id\":\"" + std::string(254, 'a') + "\"}]") ==
               '"' + std::string(254, 'a'));
    BOOST_TEST(key("/id", "2[\"x\",{\"id\":\"" + std::string(255, 'a') + "\"}]") == "-");
}

// python writes all that is not ASCII as escapes, up to six bytes for one.
BOOST_AUTO_TEST_CASE(an_id_is_not_lost_because_the_app_escapes_it) {
    std::string plain = "{\"id\":\"";
    std::string escaped = plain;
    for (int i = 0; i < 80; ++i) {
        plain += "\xe4\xb8\xad";
        escaped += "\\u4e2d";
    }
    const auto pointer = *forestay::wire::json::Pointer::parse("/id");
    const auto asked = id_key(pointer, plain + "\"}");
    BOOST_REQUIRE(asked.has_value());
    BOOST_TEST((id_key(pointer, escaped + "\"}") == asked));
    BOOST_TEST(id_text(pointer, escaped + "\"}").has_value());
    for (int i = 0; i < 5; ++i) escaped += "\\u4e2d";  // 255 bytes and two quotes
    BOOST_TEST(!id_key(pointer, escaped + "\"}").has_value());
}

// The endpoint answers at both.
BOOST_AUTO_TEST_CASE(a_client_does_not_get_round_a_path_by_its_last_slash) {
    RuleSpec spec = by_ack();
    for (const char* written : {"/socket.io/", "/socket.io"}) {
        spec.match.path = written;
        const auto rules = compiled({spec});
        BOOST_TEST(matched(rules, R"(20["ask"])", {"/socket.io/", ""}) == 0);
        BOOST_TEST(matched(rules, R"(20["ask"])", {"/socket.io", ""}) == 0);
        BOOST_TEST(matched(rules, R"(20["ask"])", {"/socket.io/x", ""}) == -1);
        BOOST_TEST(matched(rules, R"(20["ask"])", {"/", ""}) == -1);
    }
    RuleSpec json = by_type();
    json.match.path = "/ws";
    BOOST_TEST(json_matched(compiled({json}), R"({"type":"ingest"})", {"/ws/", ""}) == -1);
}

BOOST_AUTO_TEST_CASE(the_text_of_an_id_is_as_it_came) {
    const auto pointer = *forestay::wire::json::Pointer::parse("/id");
    BOOST_TEST(id_text(pointer, body(R"(2["x",{"id":"\u0061"}])")).value() == R"("\u0061")");
    BOOST_TEST(id_text(pointer, body(R"(2["x",{"id":1.50}])")).value() == "1.50");
}
