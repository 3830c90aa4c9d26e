#include "config/json_text.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

namespace {

std::string json_of(const std::string& yaml) {
    Problems problems;
    const auto root = read_yaml("v: " + yaml, std::make_shared<Source>(Source{"f", "", true, 0}), problems);
    const auto json = root ? to_json(*root->find("v"), problems) : std::nullopt;
    for (const Problem& problem : problems.sorted()) return to_string(problem);
    return json.value_or("no problem and no JSON");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_text)

BOOST_AUTO_TEST_CASE(plain_scalars_are_what_they_look_like) {
    BOOST_CHECK_EQUAL(json_of("5"), "5");
    BOOST_CHECK_EQUAL(json_of("-5.25e3"), "-5.25e3");
    BOOST_CHECK_EQUAL(json_of("123456789012345678901234567890"), "123456789012345678901234567890");
    BOOST_CHECK_EQUAL(json_of("true"), "true");
    BOOST_CHECK_EQUAL(json_of("False"), "false");
    BOOST_CHECK_EQUAL(json_of("null"), "null");
    BOOST_CHECK_EQUAL(json_of("~"), "null");
    BOOST_CHECK_EQUAL(json_of(""), "null");
    BOOST_CHECK_EQUAL(json_of("think_tank"), "\"think_tank\"");
    BOOST_CHECK_EQUAL(json_of("yes"), "\"yes\"");
    BOOST_CHECK_EQUAL(json_of("5 apples"), "\"5 apples\"");
}

BOOST_AUTO_TEST_CASE(quoted_scalars_are_strings) {
    BOOST_CHECK_EQUAL(json_of("\"5\""), "\"5\"");
    BOOST_CHECK_EQUAL(json_of("'true'"), "\"true\"");
    BOOST_CHECK_EQUAL(json_of("\"{{id}}\""), "\"{{id}}\"");
    BOOST_CHECK_EQUAL(json_of("\"a\\\"b\\n\\u0001\""), "\"a\\\"b\\n\\u0001\"");
    BOOST_CHECK_EQUAL(json_of("|\n  5\n"), "\"5\\n\"");
}

BOOST_AUTO_TEST_CASE(lists_and_maps_keep_their_order) {
    BOOST_CHECK_EQUAL(json_of("{b: [1, x, {}], a: []}"), "{\"b\":[1,\"x\",{}],\"a\":[]}");
}

BOOST_AUTO_TEST_CASE(what_yaml_readers_disagree_on_is_not_guessed_at) {
    for (const std::string text : {"010", "0x1f", "0o17", "1_000", "+5", ".5", "5.", "1:30", "2026-11-20",
                                   "10.0.0.1", ".inf", "-.INF", ".nan"}) {
        BOOST_CHECK_EQUAL(
            json_of(text),
            "f:1:4: \"" + text + "\" is no JSON number, though it looks like one: quote it if it is text");
    }
}

BOOST_AUTO_TEST_SUITE_END()
