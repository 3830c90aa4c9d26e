#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/wire/json/scan.h"

using namespace forestay::wire::json;

namespace {

// What the pointer finds; "-" for nothing.
std::string found(std::string_view pointer, std::string_view json) {
    const auto parsed = Pointer::parse(pointer);
    BOOST_REQUIRE(parsed.has_value());
    return std::string(parsed->find(json).value_or("-"));
}

std::string element_or_dash(std::string_view array, std::size_t index) {
    return std::string(element(array, index).value_or("-"));
}

// The example of RFC 6901, section 5.
constexpr std::string_view rfc =
    R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})";

}  // namespace

BOOST_AUTO_TEST_CASE(pointers_of_the_rfc_find_what_the_rfc_says) {
    BOOST_TEST(found("", rfc) == rfc);
    BOOST_TEST(found("/foo", rfc) == R"(["bar","baz"])");
    BOOST_TEST(found("/foo/0", rfc) == R"("bar")");
    BOOST_TEST(found("/", rfc) == "0");
    BOOST_TEST(found("/a~1b", rfc) == "1");
    BOOST_TEST(found("/c%d", rfc) == "2");
    BOOST_TEST(found("/e^f", rfc) == "3");
    BOOST_TEST(found("/g|h", rfc) == "4");
    BOOST_TEST(found("/i\\j", rfc) == "5");
    BOOST_TEST(found("/k\"l", rfc) == "6");
    BOOST_TEST(found("/ ", rfc) == "7");
    BOOST_TEST(found("/m~0n", rfc) == "8");
    BOOST_TEST(found("/~01", R"({"~1":9})") == "9");
}

BOOST_AUTO_TEST_CASE(a_key_on_the_way_that_stands_twice_is_ambiguous_however_it_is_written) {
    const auto ambiguous = [](std::string_view pointer, std::string_view json) {
        return Pointer::parse(pointer)->is_ambiguous(json);
    };
    BOOST_TEST(ambiguous("/a", R"({"a":1,"b":[2,{"a":3}],"a":4})"));
    BOOST_TEST(ambiguous("/a", R"( {"a":1,"\u0061":1})"));
    BOOST_TEST(ambiguous("/a/b", R"({"a":{"b":1,"b":2}})"));
    BOOST_TEST(ambiguous("/a/b", R"({"a":{"b":1},"a":{}})"));
    BOOST_TEST(ambiguous("/a/1/b", R"({"a":[0,{"b":1,"b":1}]})"));
    BOOST_TEST(!ambiguous("/a", R"({"b":{"a":1,"a":2},"a":1,"b":3})"));
    BOOST_TEST(!ambiguous("/a/b", R"({"a":{"b":{"b":1,"c":1,"c":2}},"c":0,"c":0})"));
    BOOST_TEST(!ambiguous("", R"({"a":1,"a":2})"));
    BOOST_TEST(!ambiguous("/a", "{}"));
    BOOST_TEST(!ambiguous("/a", "[1"));
    BOOST_TEST(!ambiguous("/a", R"({"a":1,"a)"));
}

BOOST_AUTO_TEST_CASE(a_pointer_that_is_none_is_refused) {
    for (const std::string_view text : {"foo", "foo/bar", "/~", "/~2", "/a~", "#/foo", " /a"}) {
        BOOST_TEST(!Pointer::parse(text).has_value(), text);
    }
    BOOST_TEST(Pointer::parse("/a~1b")->text() == "/a~1b");
    BOOST_TEST((*Pointer::parse("/a") == *Pointer::parse("/a")));
    BOOST_TEST(!(*Pointer::parse("/a") == *Pointer::parse("/b")));
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_not_found) {
    BOOST_TEST(found("/bar", rfc) == "-");
    BOOST_TEST(found("/foo/2", rfc) == "-");
    BOOST_TEST(found("/foo/00", rfc) == "-");
    BOOST_TEST(found("/foo/-", rfc) == "-");
    BOOST_TEST(found("/foo/+1", rfc) == "-");
    BOOST_TEST(found("/foo/99999999999999999999", rfc) == "-");
    BOOST_TEST(found("/foo/0/x", rfc) == "-");
    BOOST_TEST(found("/a", "[]") == "-");
    BOOST_TEST(found("/0", "{}") == "-");
    BOOST_TEST(found("/0", R"({"0":1})") == "1");
    BOOST_TEST(found("/a", "\"a\"") == "-");
    BOOST_TEST(found("/a", "") == "-");
    BOOST_TEST(found("", " ") == "-");
}

BOOST_AUTO_TEST_CASE(white_space_and_brackets_in_strings_do_not_lead_astray) {
    constexpr std::string_view text = " { \"x\" : [ \"]}\\\"\" , { \"a\" : 1 } , 2 ] , \"id\" : \"7\" } ";
    BOOST_TEST(found("/x/1/a", text) == "1");
    BOOST_TEST(found("/x/2", text) == "2");
    BOOST_TEST(found("/id", text) == "\"7\"");
}

BOOST_AUTO_TEST_CASE(keys_are_compared_unescaped_and_the_first_of_equal_ones_counts) {
    BOOST_TEST(found("/id", R"({"\u0069d":1,"id":2})") == "1");
    BOOST_TEST(found("/\xc3\xa9", R"({"\u00e9":1})") == "1");
    BOOST_TEST(found("/\xf0\x9f\x98\x80", R"({"\ud83d\ude00":1})") == "1");
    BOOST_TEST(found("/id", R"({"idx":1,"i":2,"id\u0000":3})") == "-");
}

BOOST_AUTO_TEST_CASE(members_are_found_by_name) {
    BOOST_TEST(member(R"( {"a":{"b":1}, "b" : 2 ,"b":3} )", "b").value_or("-") == "2");
    BOOST_TEST(member(R"({"\u0062":[1,2]})", "b").value_or("-") == "[1,2]");
    BOOST_TEST(!member(R"({"a":{"b":1}})", "b"));
    BOOST_TEST(!member(R"(["b"])", "b"));
    BOOST_TEST(!member("", "b"));
}

BOOST_AUTO_TEST_CASE(elements_are_found_by_position) {
    BOOST_TEST(element_or_dash(R"([1,"a,b",[2,3],{"x":4},null])", 0) == "1");
    BOOST_TEST(element_or_dash(R"([1,"a,b",[2,3],{"x":4},null])", 1) == R"("a,b")");
    BOOST_TEST(element_or_dash(R"([1,"a,b",[2,3],{"x":4},null])", 3) == R"({"x":4})");
    BOOST_TEST(element_or_dash(R"([1,"a,b",[2,3],{"x":4},null])", 4) == "null");
    BOOST_TEST(element_or_dash(R"([1,"a,b",[2,3],{"x":4},null])", 5) == "-");
    BOOST_TEST(element_or_dash("[]", 0) == "-");
    BOOST_TEST(element_or_dash("{}", 0) == "-");
}

BOOST_AUTO_TEST_CASE(garbage_is_survived) {
    // Not valid: whatever is found, it lies inside, and nothing is read behind the end.
    for (const std::string_view text :
         {"[",     "[[", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":",  "{\"a\":1", "[1", "[,",    "[\"",
          "[\"\\", "]",  "}", ":",   "{]",   "[}}",    "{\"a\":}", "\"\\u",    ",,", "[1,,2]"}) {
        const std::string copy(text);
        for (const std::string_view pointer : {"", "/a", "/0", "/1", "/a/0/b"})
            (void)Pointer::parse(pointer)->find(copy);
        for (std::size_t i = 0; i < 3; ++i) (void)element(copy, i);
    }
    BOOST_TEST(!first_value("[[[").has_value());
    BOOST_TEST(!first_value("\"abc").has_value());
    BOOST_TEST(!first_value(":").has_value());
    BOOST_TEST(first_value(" 12 ,").value() == "12");
    BOOST_TEST(!first_value(std::string(1'000'000, '[')).has_value());
}
