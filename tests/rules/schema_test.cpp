#include <boost/test/unit_test.hpp>

#include "proxy/wire/json/scan.h"
#include "rules/schema.h"

using forestay::rules::Schema;

namespace {

// What a schema says about a message; "" when nothing is wrong.
std::string problem(std::string_view schema, std::string_view text) {
    std::string why;
    const auto made = Schema::compile(schema, why);
    BOOST_REQUIRE_MESSAGE(made.has_value(), schema << ": " << why);
    BOOST_TEST(why.empty());
    return made->problem(text).value_or("");
}

std::string not_a_schema(std::string_view schema) {
    std::string why;
    BOOST_TEST(!Schema::compile(schema, why).has_value(), schema);
    return why;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schema)

BOOST_AUTO_TEST_CASE(types_are_told_apart) {
    const auto is = [](std::string_view type, std::string_view text) {
        return problem("{\"type\":\"" + std::string(type) + "\"}", text).empty();
    };
    BOOST_TEST((is("string", "\"\"") && !is("string", "1") && !is("string", "null")));
    BOOST_TEST((is("null", "null") && !is("null", "false")));
    BOOST_TEST((is("boolean", "true") && is("boolean", "false") && !is("boolean", "\"true\"")));
    BOOST_TEST((is("object", "{}") && !is("object", "[]")));
    BOOST_TEST((is("array", "[]") && !is("array", "{}")));
    BOOST_TEST(
        (is("number", "1") && is("number", "-1.5e3") && is("number", "1e400") && !is("number", "\"1\"")));
    BOOST_TEST(
        (is("integer", "1") && is("integer", "1.0") && is("integer", "-10e-1") && is("integer", "1e300")));
    BOOST_TEST((!is("integer", "1.5") && !is("integer", "1e400") && !is("integer", "true")));
    BOOST_TEST(problem(R"({"type":["string","null"]})", "1") == "the message must be a string or null");
    BOOST_TEST(problem(R"({"type":["string","null"]})", "null") == "");
}

BOOST_AUTO_TEST_CASE(members_are_required_and_described) {
    const std::string_view it =
        R"({"type":"object","required":["message_id","a/b"],
            "properties":{"message_id":{"type":"string"},"a~b":{"type":"number"}}})";
    BOOST_TEST(problem(it, R"({"message_id":"m","a/b":1})") == "");
    BOOST_TEST(problem(it, R"({"a/b":1})") == "/message_id is missing");
    BOOST_TEST(problem(it, R"({"message_id":"m"})") == "/a~1b is missing");
    BOOST_TEST(problem(it, R"({"message_id":7,"a/b":1})") == "/message_id must be a string");
    BOOST_TEST(problem(it, R"({"message_id":"m","a/b":1,"a~b":"x"})") == "/a~0b must be a number");
    BOOST_TEST(problem(it, R"({ "m\u0065ssage_id" : "m" , "a\/b" : null , "more" : [ {} ] })") == "");
    BOOST_TEST(problem(it, "[]") == "the message must be an object");
    BOOST_TEST(problem(it, "") == "the message is missing");
}

BOOST_AUTO_TEST_CASE(every_duplicate_is_checked) {
    // Scanners see the first, python and JavaScript the last.
    const std::string_view it = R"({"required":["id","x"],"properties":{"id":{"type":"string"}}})";
    BOOST_TEST(problem(it, R"({"id":"a","x":0,"id":7})") == "/id must be a string");
    BOOST_TEST(problem(it, R"({"id":7,"x":0,"id":"a"})") == "/id must be a string");
    BOOST_TEST(problem(it, R"({"id":"a","id":"b"})") == "/x is missing");
}

BOOST_AUTO_TEST_CASE(unknown_members_can_be_refused) {
    const std::string_view it = R"({"properties":{"a":{}},"required":["b"],"additionalProperties":false})";
    BOOST_TEST(problem(it, R"({"a":1,"b":2})") == "");
    BOOST_TEST(problem(it, R"({"a":1,"b":2,"<script>":3})") ==
               "the message has a member that is not expected");
    BOOST_TEST(problem(R"({"additionalProperties":false})", "{}") == "");
    BOOST_TEST(problem(R"({"additionalProperties":false})", R"({"a":1})") != "");
}

BOOST_AUTO_TEST_CASE(items_are_checked_and_counted) {
    const std::string_view it =
        R"({"properties":{"tags":{"type":"array","minItems":1,"maxItems":3,"items":{"type":"string"}}}})";
    BOOST_TEST(problem(it, R"({"tags":["a","b","c"]})") == "");
    BOOST_TEST(problem(it, R"({"tags":[ ]})") == "/tags must have at least 1 items");
    BOOST_TEST(problem(it, R"({"tags":["a","b","c","d"]})") == "/tags must have at most 3 items");
    BOOST_TEST(problem(it, R"({"tags":["a", [1,2], "c"]})") == "/tags/1 must be a string");
}

BOOST_AUTO_TEST_CASE(values_are_compared_as_scalars) {
    const std::string_view modes = R"({"enum":["quick","d\u0065ep",1,null,true]})";
    for (const std::string_view good : {"\"quick\"", "\"deep\"", "1", "1.0", "10e-1", "null", "true"})
        BOOST_TEST(problem(modes, good) == "", good);
    for (const std::string_view bad : {"\"1\"", "false", "2", "\"Quick\"", "[]", "{}", "[1]"})
        BOOST_TEST(problem(modes, bad) != "", bad);
    BOOST_TEST(problem(R"({"const":2})", "3") == "the message must be 2");
    BOOST_TEST(problem(R"({"const":"a"})", "\"b\"") == "the message must be \"a\"");
}

BOOST_AUTO_TEST_CASE(numbers_are_compared_as_doubles) {
    const std::string_view it = R"({"minimum":-1,"maximum":1e3})";
    BOOST_TEST(problem(it, "-1.0") == "");
    BOOST_TEST(problem(it, "1000") == "");
    BOOST_TEST(problem(it, "-1.01") == "the message must be at least -1");
    BOOST_TEST(problem(it, "1000.5") == "the message must be at most 1e3");
    BOOST_TEST(problem(it, "1e400") == "the message must be at most 1e3");
    BOOST_TEST(problem(it, "-1e400") == "the message must be at least -1");
    BOOST_TEST(problem(it, "1e-400") == "");
    BOOST_TEST(problem(it, std::string(5000, '9')) == "the message must be at most 1e3");
    BOOST_TEST(problem(it, "\"a\"") == "");  // says nothing about strings
}

BOOST_AUTO_TEST_CASE(characters_are_counted_after_unescaping) {
    const std::string_view it = R"({"minLength":2,"maxLength":3})";
    BOOST_TEST(problem(it, R"("\u00e9\ud83d\ude00")") == "");
    BOOST_TEST(problem(it, "\"\xc3\xa9\xf0\x9f\x98\x80\"") == "");
    BOOST_TEST(problem(it, R"("\u00e9")") == "the message must have at least 2 characters");
    BOOST_TEST(problem(it, R"("abcd")") == "the message must have at most 3 characters");
    BOOST_TEST(problem(it, R"("\ud800a")") == "");  // a lone surrogate is one
    BOOST_TEST(problem(it, "7") == "");
}

BOOST_AUTO_TEST_CASE(patterns_look_anywhere_in_the_unescaped_string) {
    BOOST_TEST(problem(R"({"pattern":"b+c"})", R"("abb\u0063d")") == "");
    BOOST_TEST(problem(R"({"pattern":"^b+c$"})", R"("abbcd")") == "the message does not match its pattern");
    BOOST_TEST(problem(R"({"pattern":"^\\d+$"})", R"("0123")") == "");
    // What takes others exponential time.
    BOOST_TEST(problem(R"({"pattern":"^(a+)+$"})", '"' + std::string(100'000, 'a') + "b\"") != "");
}

BOOST_AUTO_TEST_CASE(only_the_first_value_counts) {
    BOOST_TEST(problem(R"({"type":"object"})", R"( {"a":1},"second argument"])") == "");
    BOOST_TEST(problem(R"({"type":"object"})", R"("x",{}])") == "the message must be an object");
    BOOST_TEST(problem("{}", "]") == "the message is missing");
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_is_told_with_its_place) {
    BOOST_TEST(not_a_schema("{").find("is not JSON") == 0U);
    BOOST_TEST(not_a_schema("[]") == "must be a schema: an object");
    BOOST_TEST(
        not_a_schema(R"({"properties":{"a":{"oneOf":[]}}})").find("/properties/a/oneOf: is not checked") ==
        0U);
    BOOST_TEST(not_a_schema(R"({"properties":{"a":true}})") == "/properties/a: must be a schema: an object");
    BOOST_TEST(not_a_schema(R"({"properties":[]})") == "/properties: must be schemas by name");
    BOOST_TEST(not_a_schema(R"({"items":[{}]})") == "/items: must be a schema: an object");
    BOOST_TEST(not_a_schema(R"({"items":{"type":"text"}})").find("/items/type: is one or a list of") == 0U);
    BOOST_TEST(not_a_schema(R"({"type":[]})") == "/type: needs at least one type");
    BOOST_TEST(not_a_schema(R"({"type":7})").find("/type: ") == 0U);
    BOOST_TEST(not_a_schema(R"({"required":"a"})") == "/required: must be a list of names");
    BOOST_TEST(not_a_schema(R"({"required":[1]})") == "/required: must be a list of names");
    BOOST_TEST(not_a_schema(R"({"additionalProperties":{}})").find("/additionalProperties: ") == 0U);
    BOOST_TEST(not_a_schema(R"({"enum":[]})") == "/enum: needs at least one value");
    BOOST_TEST(not_a_schema(R"({"enum":1})") == "/enum: must be a list of scalars");
    BOOST_TEST(not_a_schema(R"({"const":{}})").find("/const: compares scalars only") == 0U);
    BOOST_TEST(not_a_schema(R"({"const":1,"enum":[1]})").find("/enum: stands beside") == 0U);
    BOOST_TEST(not_a_schema(R"({"pattern":"("})").find("/pattern: is no regular expression") == 0U);
    BOOST_TEST(not_a_schema(R"({"pattern":1})").find("/pattern: must be a string") == 0U);
    BOOST_TEST(not_a_schema(R"({"minimum":"1"})") == "/minimum: must be a number");
    for (const std::string_view bad : {R"({"minLength":-1})", R"({"maxItems":1.5})", R"({"maxLength":"1"})"})
        BOOST_TEST(not_a_schema(bad).find("must be a count") != std::string::npos, bad);
    BOOST_TEST(problem(R"({"title":"t","description":1,"$schema":"s"})", "1") == "");
}

BOOST_AUTO_TEST_CASE(deep_and_wide_messages_cost_their_size) {
    const std::string_view it = R"({"properties":{"a":{"items":{"type":"integer"}}}})";
    std::string deep = R"({"a":[1,)";
    deep += std::string(60, '[') + std::string(60, ']') + "]}";
    BOOST_TEST(problem(it, deep) == "/a/1 must be an integer");
    std::string wide = R"({"a":[1)";
    for (int i = 0; i < 300'000; ++i) wide += ",1";
    BOOST_TEST(problem(it, wide + "]}") == "");
    BOOST_TEST(problem(it, wide + ",null]}") == "/a/300001 must be an integer");
}

BOOST_AUTO_TEST_SUITE_END()
