#include "proxy/wire/engineio/jsonp.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::wire::engineio;

BOOST_AUTO_TEST_CASE(an_answer_is_a_call_with_one_string_of_ascii) {
    BOOST_TEST(jsonp_answer(7, R"(2:4012:42["a","\"b"])") == R"(___eio[7]("2:4012:42[\"a\",\"\\\"b\"]");)");
    BOOST_TEST(jsonp_answer(0, "a\nb</script>\xe2\x80\xa8\xc3\xa9") ==
               R"(___eio[0]("a\nb</script>\u2028\u00e9");)");
}

BOOST_AUTO_TEST_CASE(newlines_of_a_form_come_back_as_they_were) {
    BOOST_TEST(payload_of_form("d=7%3A42%5B%22a%22%5D").value() == R"(7:42["a"])");
    BOOST_TEST(payload_of_form(R"(d=x\ny)").value() == "x\ny");
    BOOST_TEST(payload_of_form(R"(d=x\\ny)").value() == R"(x\ny)");
    BOOST_TEST(payload_of_form(R"(d=x\\\ny\t\)").value() == R"(x\\ny\t\)");
    BOOST_TEST(payload_of_form("a=1&d=x+y").value() == "x y");
}

BOOST_AUTO_TEST_CASE(a_form_without_a_payload_is_none) {
    for (const char* bad : {"", "e=1", "d=%zz", "42[1]"}) BOOST_TEST(!payload_of_form(bad).has_value(), bad);
    BOOST_TEST(payload_of_form("d=").value() == "");
}
