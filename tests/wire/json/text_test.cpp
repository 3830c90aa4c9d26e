#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/json/scan.h"

using namespace forestay::wire::json;
using std::string_literals::operator""s;

namespace {

std::string escaped(std::string_view text, bool ascii_only = false) {
    std::string out;
    append_escaped(out, text, ascii_only);
    return out;
}

std::string ascii(std::string_view json) {
    std::string out;
    append_ascii(out, json);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(escapes_are_resolved) {
    BOOST_TEST(unescape(R"("")").value() == "");
    BOOST_TEST(unescape(R"("a\"b\\c\/d\b\f\n\r\te")").value() == "a\"b\\c/d\b\f\n\r\te");
    BOOST_TEST(unescape(R"("\u0041\u00e9\u20ac\ud83d\ude00")").value() ==
               "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    BOOST_TEST(unescape(R"("\uD83D\uDE00")").value() == "\xf0\x9f\x98\x80");
    BOOST_TEST(unescape(R"("x\u0000y")").value() == "x\0y"s);
    BOOST_TEST(unescape("\"long enough for a wide step \xe2\x82\xac\"").value() ==
               "long enough for a wide step \xe2\x82\xac");
}

BOOST_AUTO_TEST_CASE(lone_surrogates_become_the_replacement_character) {
    const std::string bad = "\xef\xbf\xbd";
    BOOST_TEST(unescape(R"("\ud800")").value() == bad);
    BOOST_TEST(unescape(R"("\udc00\ud800")").value() == bad + bad);
    BOOST_TEST(unescape(R"("\ud800\u0041")").value() == bad + "A");
    BOOST_TEST(unescape(R"("\ud800\n")").value() == bad + "\n");
    BOOST_TEST(unescape(R"("\ud800\ud83d\ude00")").value() == bad + "\xf0\x9f\x98\x80");
}

BOOST_AUTO_TEST_CASE(what_is_no_string_literal_is_not_unescaped) {
    for (const std::string_view text : {"", "\"", "x", "1", "null", "\"a", "a\"", "\"a\"b\"", "\"\\\"",
                                        R"("\x")", R"("\u12")", R"("\u12G4")", "[\"a\"]"}) {
        BOOST_TEST(!unescape(text).has_value(), text);
    }
}

BOOST_AUTO_TEST_CASE(text_is_escaped_for_the_inside_of_a_string) {
    BOOST_TEST(escaped("a\"b\\c\b\f\n\r\t\x01\x1f/\x7f") == "a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f/\x7f");
    BOOST_TEST(escaped("\xc3\xa9") == "\xc3\xa9");
    BOOST_TEST(escaped("\xc3\xa9\xf0\x9f\x98\x80", true) == "\\u00e9\\ud83d\\ude00");
    BOOST_TEST(escaped("\0"s) == "\\u0000");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_become_the_replacement_character) {
    for (const std::string_view bad :
         {"\xff", "\x80", "\xc0\x80", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
        const std::string out = escaped(bad, true);
        BOOST_TEST(out.starts_with("\\ufffd"), out);
        BOOST_TEST(out.find_first_not_of("\\ufd") == std::string::npos, out);
    }
    BOOST_TEST(escaped("\xc3x", true) == "\\ufffdx");
}

BOOST_AUTO_TEST_CASE(json_is_copied_in_pure_ascii) {
    BOOST_TEST(ascii("[\"\xc3\xa9\",\"\\u00e9\",\"\xf0\x9f\x98\x80\"]") ==
               R"(["\u00e9","\u00e9","\ud83d\ude00"])");
    BOOST_TEST(ascii(R"(["plain",1e400])") == R"(["plain",1e400])");
}

BOOST_AUTO_TEST_CASE(scalars_are_the_same_when_they_mean_the_same) {
    BOOST_TEST(same_scalar("1", "1"));
    BOOST_TEST(!same_scalar("1", "1.0"));
    BOOST_TEST(!same_scalar("1", "\"1\""));
    BOOST_TEST(!same_scalar("\"1\"", "1"));
    BOOST_TEST(same_scalar("true", "true"));
    BOOST_TEST(!same_scalar("true", "false"));
    BOOST_TEST(same_scalar("null", "null"));
    BOOST_TEST(same_scalar(R"("think_tank")", R"("think\u005ftank")"));
    BOOST_TEST(same_scalar("\"\xc3\xa9\"", R"("\u00e9")"));
    BOOST_TEST(!same_scalar(R"("a")", R"("ab")"));
    BOOST_TEST(!same_scalar(R"("ab")", R"("a")"));
    BOOST_TEST(same_scalar(R"("")", R"("")"));
    BOOST_TEST(!same_scalar(R"("")", R"("a")"));
    BOOST_TEST(!same_scalar("[1]", "[1]"));
    BOOST_TEST(!same_scalar("{}", "{}"));
    BOOST_TEST(!same_scalar("", ""));
    BOOST_TEST(!same_scalar(R"("\x")", R"("\x")"));
}
