#include "proxy/wire/json/scan.h"
#include "tests/rules/specs.h"

using namespace forestay::rules;
using std::chrono::milliseconds;

namespace {

std::string rendered(std::string_view json, const TemplateValues& values) {
    std::string problem;
    const auto compiled = MessageTemplate::compile(json, problem);
    BOOST_REQUIRE_MESSAGE(compiled.has_value(), json << ": " << problem);
    std::string out;
    compiled->render(out, values);
    BOOST_TEST(!forestay::wire::json::validate(out), out);
    return out;
}

std::string problem_of(std::string_view json) {
    std::string problem;
    return MessageTemplate::compile(json, problem) ? "none" : problem;
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
