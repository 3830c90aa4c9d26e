#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/json/scan.h"

using namespace forestay::wire::json;

namespace {

std::string finite(std::string_view text) {
    std::string out = "=";
    if (write_finite(out, text)) return out.substr(1);
    BOOST_TEST(out == "=");
    return "untouched";
}

}  // namespace

BOOST_AUTO_TEST_CASE(numbers_that_are_none_become_null) {
    BOOST_TEST(finite("NaN") == "null");
    BOOST_TEST(finite("[NaN,Infinity,-Infinity]") == "[null,null,null]");
    BOOST_TEST(finite(R"({"a": NaN ,"b":[1,-Infinity],"c":"x"})") == R"({"a": null ,"b":[1,null],"c":"x"})");
}

BOOST_AUTO_TEST_CASE(what_is_said_in_strings_stays) {
    BOOST_TEST(finite(R"(["NaN","-Infinity","\"NaN",{"NaN":1}])") == "untouched");
    BOOST_TEST(finite(R"(["\\",NaN,"NaN\\\"",NaN])") == R"(["\\",null,"NaN\\\"",null])");
    BOOST_TEST(finite(R"(["Na","In","I","N"])") == "untouched");
}

BOOST_AUTO_TEST_CASE(all_else_stays_byte_for_byte) {
    BOOST_TEST(finite("[1e400,12345678901234567890,\"\\ud800\", NaN , 1.10]") ==
               "[1e400,12345678901234567890,\"\\ud800\", null , 1.10]");
    BOOST_TEST(finite("") == "untouched");
    BOOST_TEST(finite("N") == "untouched");
    BOOST_TEST(finite("[Nan,Inf,-Inf]") == "untouched");
    BOOST_TEST(finite(R"(["never ends NaN)") == "untouched");
    BOOST_TEST(finite(R"([NaN,"never ends)") == R"([null,"never ends)");
}

// It is looked for by 16 bytes.
BOOST_AUTO_TEST_CASE(it_is_found_wherever_it_stands) {
    for (std::size_t before = 0; before < 40; ++before) {
        for (std::size_t behind = 0; behind < 40; ++behind) {
            const std::string text = std::string(before, ' ') + "NaN" + std::string(behind, ' ');
            std::string expected = std::string(before, ' ') + "null" + std::string(behind, ' ');
            BOOST_REQUIRE(finite(text) == expected);
        }
    }
}
