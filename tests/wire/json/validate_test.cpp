#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/json/scan.h"

using namespace forestay::wire;
using namespace forestay::wire::json;

namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

const std::string rich =
    R"( {"a":[1,-0,0.5,1e5,1E-5,-12.75e+3,true,false,null,"",{}, [ ] ],"b\"\\\/\b\f\n\r\t\u00e9":{"c":["\ud83d\ude00","é"]}} )";

}  // namespace

BOOST_AUTO_TEST_CASE(every_kind_of_value_is_json) {
    for (const std::string_view text : {"0",
                                        "-0",
                                        "12",
                                        "-1.5",
                                        "1e5",
                                        "1E+5",
                                        "1e-5",
                                        "0.0",
                                        "true",
                                        "false",
                                        "null",
                                        "\"\"",
                                        "\"x\"",
                                        "[]",
                                        "{}",
                                        "[[],{}]",
                                        R"({"a":1,"a":2})",
                                        " \t\r\n1\n ",
                                        "\"\x7f\"",
                                        "\"\xc3\xa9\""}) {
        BOOST_TEST(!validate(text), text);
    }
    BOOST_TEST(!validate(rich));
}

BOOST_AUTO_TEST_CASE(what_both_servers_read_is_json_even_where_strict_parsers_stumble) {
    for (const std::string_view text :
         {"1e400", "-1e-400", "12345678901234567890123", R"("\ud800")", R"("\udc00x")"}) {
        BOOST_TEST(!validate(text), text);
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_json_is_refused) {
    for (const std::string_view text : {"",
                                        " ",
                                        "NaN",
                                        "Infinity",
                                        "-Infinity",
                                        "-",
                                        "+1",
                                        "01",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "0x1",
                                        "tru",
                                        "nulll",
                                        "True",
                                        "'x'",
                                        "\"",
                                        "\"x",
                                        "\"\\\"",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "[",
                                        "]",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "{",
                                        "}",
                                        "{]",
                                        "[}",
                                        "{1:2}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{\"a\" 1}",
                                        "{,}",
                                        "1 2",
                                        "[]]",
                                        "{}{}",
                                        "[1]x",
                                        "\"\n\"",
                                        "\"12345678\t\"",
                                        "/**/1",
                                        "[1]//",
                                        "\xef\xbb\xbf[]"}) {
        BOOST_TEST((validate(text) == errc::bad_json), text);
    }
    BOOST_TEST((validate(std::string_view("[1]\0", 4)) == errc::bad_json));
    BOOST_TEST((validate(std::string_view("\"\0\"", 3)) == errc::bad_json));
}

BOOST_AUTO_TEST_CASE(json_cut_anywhere_is_refused) {
    const std::string whole = rich.substr(0, rich.find_last_of('}') + 1);
    BOOST_TEST(!validate(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // A copy of just that size, so that the address sanitizer sees a byte too many being read.
        const std::string cut(whole.data(), size);
        BOOST_TEST((validate(cut) == errc::bad_json), cut);
    }
}

BOOST_AUTO_TEST_CASE(a_bad_byte_is_seen_at_every_place_of_a_long_string) {
    for (std::size_t size = 1; size < 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            std::string text = '"' + std::string(size, 'x') + '"';
            BOOST_REQUIRE(!validate(text));
            for (const char bad : {'"', '\\', '\x1f', '\0'}) {
                text[at + 1] = bad;
                BOOST_TEST((validate(text) == errc::bad_json) == true, text);
            }
            text[at + 1] = '\xff';  // not this function's business
            BOOST_TEST(!validate(text));
        }
    }
}

BOOST_AUTO_TEST_CASE(nesting_is_bounded) {
    BOOST_TEST(!validate(nested(64)));
    BOOST_TEST((validate(nested(65)) == errc::json_too_deep));
    BOOST_TEST((validate(std::string(1'000'000, '[')) == errc::json_too_deep));
    BOOST_TEST(!validate(nested(3), 3));
    BOOST_TEST((validate(nested(4), 3) == errc::json_too_deep));
    BOOST_TEST((validate("[]", 0) == errc::json_too_deep));
    BOOST_TEST(!validate("1", 0));
    BOOST_TEST((validate(nested(65), 1000) == errc::json_too_deep));  // max_depth is the end of it
}

BOOST_AUTO_TEST_CASE(objects_and_arrays_are_told_apart_at_every_depth) {
    std::string text;
    for (int i = 0; i < 32; ++i) text += R"([{"a":)";
    text += "1";
    for (int i = 0; i < 32; ++i) text += "}]";
    BOOST_TEST(!validate(text));
    text[text.size() - 64] = ']';  // an object closed as an array, deep inside
    BOOST_TEST((validate(text) == errc::bad_json));
}
