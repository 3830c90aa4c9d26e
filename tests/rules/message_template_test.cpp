#include "proxy/wire/json/scan.h"
#include "tests/rules/specs.h"

using namespace forestay::rules;
using std::chrono::milliseconds;

namespace {

std::string rendered(std::string_view json, const TemplateValues& values,
                     Purpose purpose = Purpose::fallback) {
    std::string problem;
    const auto compiled = MessageTemplate::compile(json, problem, purpose);
    BOOST_REQUIRE_MESSAGE(compiled.has_value(), json << ": " << problem);
    std::string out;
    compiled->render(out, values);
    BOOST_TEST(!forestay::wire::json::validate(out), out);
    return out;
}

std::string problem_of(std::string_view json, Purpose purpose = Purpose::fallback) {
    std::string problem;
    return MessageTemplate::compile(json, problem, purpose) ? "none" : problem;
}

// Of a request with this body.
TemplateValues about(std::string_view request) {
    TemplateValues values;
    values.request = request;
    return values;
}

const TemplateValues number{"7", "ask", "think_tank", milliseconds(45000)};
const TemplateValues text{R"("a\"\u0062")", "say \"hi\"\n", "think_tank", milliseconds(45000)};

}  // namespace

BOOST_AUTO_TEST_CASE(a_placeholder_alone_in_a_string_is_the_value) {
    BOOST_TEST(rendered(R"({"id":"{{id}}"})", number) == R"({"id":7})");
    BOOST_TEST(rendered(R"({"id":"{{id}}"})", text) == R"({"id":"a\"\u0062"})");
    BOOST_TEST(rendered(R"(["{{event}}","{{rule}}","{{elapsed_ms}}"])", text) ==
               R"(["say \"hi\"\n","think_tank",45000])");
    BOOST_TEST(rendered(R"("{{id}}")", number) == "7");
}

BOOST_AUTO_TEST_CASE(inside_a_longer_string_the_value_is_escaped_text) {
    BOOST_TEST(rendered(R"("request {{id}}")", number) == R"("request 7")");
    BOOST_TEST(rendered(R"("request {{id}}!")", text) == R"("request a\"\u0062!")");
    BOOST_TEST(rendered(R"("{{event}}: {{elapsed_ms}} ms")", text) == R"("say \"hi\"\n: 45000 ms")");
    BOOST_TEST(rendered(R"("{{id}}{{id}}")", number) == R"("77")");
    BOOST_TEST(rendered(R"("{{id}} ")", number) == R"("7 ")");
}

BOOST_AUTO_TEST_CASE(a_key_stays_a_string) {
    BOOST_TEST(rendered(R"({"{{id}}":1,"{{event}}" : 2})", number) == R"({"7":1,"ask" : 2})");
    BOOST_TEST(rendered(R"({"{{id}}":1})", text) == R"({"a\"\u0062":1})");
}

BOOST_AUTO_TEST_CASE(an_event_name_cannot_break_out_of_its_string) {
    const TemplateValues hostile{R"("\",\"admin\":true,\"")", R"(","admin":true,")", "r", milliseconds(1)};
    BOOST_TEST(
        rendered(R"({"a":"{{event}}","b":"x{{event}}","c":"{{id}}","d":"x{{id}}"})", hostile) ==
        R"({"a":"\",\"admin\":true,\"","b":"x\",\"admin\":true,\"","c":"\",\"admin\":true,\"","d":"x\",\"admin\":true,\""})");
}

BOOST_AUTO_TEST_CASE(what_is_no_placeholder_is_left_alone) {
    for (const std::string_view json : {R"({"a":{"b":{}}})", R"("{id}")", R"("a } } b")", R"("}}")",
                                        R"("\"{\\")", "1e400", "[]", R"("\u007b\u007bid}}")"}) {
        BOOST_TEST(rendered(json, number) == json);
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_filled_in_is_told) {
    BOOST_TEST(problem_of(R"("{{ids}}")").find("unknown placeholder {{ids}}") != std::string::npos);
    BOOST_TEST(problem_of(R"("{{ id }}")").find("allowed are {{id}}") != std::string::npos);
    BOOST_TEST(problem_of(R"("{{id")").find("closing") != std::string::npos);
    BOOST_TEST(problem_of(R"("{{id} }")").find("closing") != std::string::npos);
    BOOST_TEST(problem_of(R"({"id":{{id}}})").find("not JSON") != std::string::npos);
    BOOST_TEST(problem_of("").find("not JSON") != std::string::npos);
    BOOST_TEST(problem_of(std::string(65, '[') + std::string(65, ']')).find("not JSON") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_request_in_order_has_no_id) {
    BOOST_TEST(rendered(R"({"id":"{{id}}"})", {"null", "e", "r", milliseconds(0)}) == R"({"id":null})");
}

BOOST_AUTO_TEST_CASE(a_fallback_says_why) {
    TemplateValues values = number;
    values.code = Code::breaker_open;
    values.attempt = 2;
    BOOST_TEST(rendered(R"(["{{code}}","{{reason}}","{{attempt}}"])", values) ==
               R"(["breaker_open","the server has failed repeatedly and is given a rest",2])");
    BOOST_TEST(rendered(R"("{{code}} after {{attempt}} attempts")", values) ==
               R"("breaker_open after 2 attempts")");
    values.detail = "/mode must be \"quick\"";
    BOOST_TEST(rendered(R"(["{{detail}}","bad: {{detail}}"])", values, Purpose::checked_fallback) ==
               R"(["/mode must be \"quick\"","bad: /mode must be \"quick\""])");
    values.detail = {};
    BOOST_TEST(rendered(R"(["{{detail}}"])", values, Purpose::error) == R"([""])");
}

BOOST_AUTO_TEST_CASE(a_status_says_how_many_are_in_front) {
    TemplateValues values = number;
    values.place = 3;
    values.waiting = 12;
    BOOST_TEST(rendered(R"({"place":"{{place}}","of":"{{waiting}}","t":"{{place}}/{{waiting}}"})", values,
                        Purpose::status) == R"({"place":3,"of":12,"t":"3/12"})");
}

BOOST_AUTO_TEST_CASE(a_placeholder_stands_only_where_it_says_something) {
    const auto none = [](std::string_view json, Purpose purpose) {
        return problem_of(json, purpose).find("says nothing here; allowed are {{id}}") != std::string::npos;
    };
    for (const Purpose purpose : {Purpose::fallback, Purpose::checked_fallback, Purpose::error}) {
        BOOST_TEST(none(R"("{{place}}")", purpose));
        BOOST_TEST(none(R"("{{waiting}}")", purpose));
    }
    for (const std::string_view json : {R"("{{code}}")", R"("{{reason}}")", R"("{{detail}}")"})
        BOOST_TEST(none(json, Purpose::status), json);
    BOOST_TEST(none(R"("{{detail}}")", Purpose::fallback));
}

// A message that is no request has not been asked, took no time, and, when it is a ping, nothing is wrong.
BOOST_AUTO_TEST_CASE(the_words_of_a_websocket_are_about_a_message) {
    const auto none = [](const std::string& word, Purpose purpose) {
        return problem_of("\"{{" + word + "}}\"", purpose).find("says nothing here") != std::string::npos;
    };
    for (const char* word : {"place", "waiting", "elapsed_ms", "attempt"}) {
        BOOST_TEST(none(word, Purpose::error), word);
        BOOST_TEST(none(word, Purpose::reply), word);
    }
    for (const char* word : {"code", "reason", "detail", "rule", "id"}) {
        BOOST_TEST(!none(word, Purpose::error), word);
        BOOST_TEST(none(word, Purpose::reply), word);
    }
    BOOST_TEST(rendered(R"(["{{event}}","{{/t}}"])", about(R"({"t":1})"), Purpose::reply) == R"(["",1])");
}

BOOST_AUTO_TEST_CASE(a_pointer_alone_is_the_value_as_it_came) {
    const auto values = about(R"({"a":{"b":[1.50,"x\u0041",null,{"c": [ ]}]},"":0,"a/b":true} ,"2nd"])");
    BOOST_TEST(rendered(R"({"v":"{{/a/b/0}}"})", values) == R"({"v":1.50})");
    BOOST_TEST(rendered(R"({"v":"{{/a/b/1}}"})", values) == R"({"v":"x\u0041"})");
    BOOST_TEST(rendered(R"(["{{/a/b/2}}","{{/a/b/3}}","{{/}}","{{/a~1b}}"])", values) ==
               R"([null,{"c": [ ]},0,true])");
    BOOST_TEST(rendered(R"(["{{/nothing}}","{{/a/b/9}}"])", values) == "[null,null]");
    BOOST_TEST(rendered(R"("{{/a}}")", about("")) == "null");
    BOOST_TEST(rendered(R"("{{/q\"uote}}")", about(R"({"q\u0022uote":7})")) == "7");
}

BOOST_AUTO_TEST_CASE(a_pointer_inside_a_longer_string_is_text) {
    const auto values = about(R"({"n":7,"s":"a\"\u0062\n","o":{"k":["v"]},"z":null})");
    BOOST_TEST(rendered(R"("n={{/n}}, s={{/s}}")", values) == R"("n=7, s=a\"\u0062\n")");
    BOOST_TEST(rendered(R"("o={{/o}}")", values) == R"("o={\"k\":[\"v\"]}")");
    BOOST_TEST(rendered(R"("[{{/none}}]{{/z}}")", values) == R"("[]null")");
    BOOST_TEST(rendered(R"({"{{/s}}":1,"{{/o}}":2})", values) == R"({"a\"\u0062\n":1,"{\"k\":[\"v\"]}":2})");
}

BOOST_AUTO_TEST_CASE(what_a_request_quotes_cannot_break_out) {
    const std::string_view everywhere = R"({"a":"{{/x}}","b":"x{{/x}}y","{{/x}}":0})";
    for (const std::string_view hostile :
         {R"({"x":"\",\"admin\":true,\""})", R"({"x":{"admin":true,"}":"\"}"}})", R"({"x":"{{id}}"})",
          R"({"x":"\\"})", R"({"x":["]"]})", "{\"x\":\"\xe2\x80\xa8</script>\"}"}) {
        const std::string out = rendered(everywhere, about(hostile));  // is JSON
        BOOST_TEST(!forestay::wire::json::member(out, "admin").has_value(), out);
    }
    // Of a body that was not validated, what is no JSON value is not quoted.
    for (const std::string_view broken : {R"({"x":tru)", R"({"x":a"b,"y":1})", R"({"x":[}])",
                                          "{\"x\":\"\x01\"}", R"({"x":01})", R"({"x":"\q"})", "{\"x\":{]}"}) {
        BOOST_TEST(rendered(R"(["{{/x}}","a{{/x}}"])", about(broken)) == R"([null,"a"])", broken);
    }
}

BOOST_AUTO_TEST_CASE(an_id_that_is_none_is_null) {
    BOOST_TEST(rendered(R"(["{{id}}","<{{id}}>"])", {}) == R"([null,"<>"])");
}

BOOST_AUTO_TEST_CASE(quoting_the_request_is_known_before) {
    std::string problem;
    BOOST_TEST(MessageTemplate::compile(R"({"a":"x {{/b}}"})", problem, Purpose::reply)->quotes_request());
    BOOST_TEST(!MessageTemplate::compile(R"({"a":"{{id}} /b"})", problem, Purpose::error)->quotes_request());
    BOOST_TEST(!MessageTemplate().quotes_request());
}

BOOST_AUTO_TEST_CASE(a_bad_pointer_is_told) {
    BOOST_TEST(problem_of(R"("{{/a~2}}")").find("{{/a~2}}, which is no JSON Pointer") != std::string::npos);
    BOOST_TEST(problem_of(R"("{{a/b}}")").find("unknown placeholder") != std::string::npos);
    BOOST_TEST(problem_of(R"("{{}}")").find("unknown placeholder {{}}") != std::string::npos);
}
