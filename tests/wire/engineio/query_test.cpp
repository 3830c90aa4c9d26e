#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/engineio/query.h"

using namespace forestay::wire;
using namespace forestay::wire::engineio;

namespace {

errc refusal(std::string_view text) {
    const auto query = parse_query(text);
    return query.has_value() ? errc{} : static_cast<errc>(query.error().value());
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_handshake_names_its_revision_and_transport) {
    const auto query = parse_query("EIO=4&transport=polling&t=abc").value();
    BOOST_TEST((query.revision == Revision::v4));
    BOOST_TEST((query.transport == Transport::polling));
    BOOST_TEST(query.sid == "");
    BOOST_TEST(!query.base64);
    BOOST_TEST(query.user == "");
    const auto old = parse_query("EIO=3&transport=websocket&b64=1").value();
    BOOST_TEST((old.revision == Revision::v3));
    BOOST_TEST((old.transport == Transport::websocket));
    BOOST_TEST(old.base64);
}

BOOST_AUTO_TEST_CASE(with_a_sid_the_revision_may_be_missing) {
    const auto query = parse_query("transport=polling&sid=Ab_-9").value();
    BOOST_TEST(query.sid == "Ab_-9");
    BOOST_TEST(!query.revision.has_value());
}

BOOST_AUTO_TEST_CASE(the_users_parameters_are_handed_on_as_they_came) {
    const auto query =
        parse_query("a=1&EIO=4&b=x%20y&&transport=polling&c&t=9&token=s%3D&d=100%&e==").value();
    BOOST_TEST(query.user == "a=1&b=x%20y&c&token=s%3D&d=100%&e==");
}

BOOST_AUTO_TEST_CASE(a_semicolon_smuggles_no_sid_to_older_pythons) {
    BOOST_TEST(parse_query("EIO=4&transport=polling&a=1;sid=stolen").value().user == "a=1%3Bsid=stolen");
}

BOOST_AUTO_TEST_CASE(protocol_parameters_given_twice_are_refused) {
    const std::string base = "EIO=4&transport=polling&";
    for (const std::string_view twice : {"sid=a&sid=b", "sid=a&s%69d=b", "EIO=4", "transport=polling",
                                         "t=1&t=1", "token=a&token=b", "b64=1&b64=1"}) {
        BOOST_TEST((refusal(base + std::string(twice)) == errc::duplicate_parameter), twice);
    }
    BOOST_TEST((refusal(base + "a=1&a=2") == errc{}));
}

BOOST_AUTO_TEST_CASE(each_bad_query_has_its_reason) {
    BOOST_TEST((refusal("") == errc::unsupported_revision));
    BOOST_TEST((refusal("transport=polling") == errc::unsupported_revision));
    BOOST_TEST((refusal("EIO=5&transport=polling") == errc::unsupported_revision));
    BOOST_TEST((refusal("EIO=04&transport=polling") == errc::unsupported_revision));
    BOOST_TEST((refusal("EIO=&transport=polling") == errc::unsupported_revision));
    BOOST_TEST((refusal("EIO=4&transport=webtransport") == errc::unknown_transport));
    BOOST_TEST((refusal("EIO=4&transport=") == errc::unknown_transport));
    BOOST_TEST((refusal("EIO=4&transport=polling&j=0") == errc::jsonp_refused));
    BOOST_TEST((refusal("EIO=4&transport=polling&%6a=0") == errc::jsonp_refused));
    BOOST_TEST((refusal("EIO=4&transport=polling&j") == errc::jsonp_refused));
    BOOST_TEST((refusal("EIO=4&transport=polling&sid=") == errc::bad_sid));
    BOOST_TEST((refusal("EIO=4&transport=polling&sid=a%00") == errc::bad_sid));
    BOOST_TEST((refusal("EIO=4&transport=polling&sid=a/b") == errc::bad_sid));
    BOOST_TEST((refusal("EIO=4&transport=polling&sid=" + std::string(65, 'a')) == errc::bad_sid));
    BOOST_TEST((refusal("EIO=4&transport=polling&sid=" + std::string(64, 'a')) == errc{}));
    BOOST_TEST((refusal("EIO=%zz&transport=polling") == errc::bad_query));
    BOOST_TEST((refusal("EIO=4&transport=polling&%=1") == errc::bad_query));
}

BOOST_AUTO_TEST_CASE(values_are_percent_decoded) {
    BOOST_TEST(decode_query_value("a+b%20c%2B%c3%A9").value() == "a b c+\xc3\xa9");
    for (const std::string_view bad : {"%", "%2", "%g0", "%0g", "a%"})
        BOOST_TEST(!decode_query_value(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(credentials_are_found_and_doubt_is_told) {
    bool twice = true;
    BOOST_TEST(find_query_value("a=1&token=x%2Ey", "token", &twice).value() == "x.y");
    BOOST_TEST(!twice);
    BOOST_TEST(find_query_value("token=1&t%6fken=2", "token", &twice).value() == "1");
    BOOST_TEST(twice);
    BOOST_TEST(!find_query_value("tokens=1", "token").has_value());
    BOOST_TEST(!find_query_value("token=%zz", "token").has_value());
    BOOST_TEST(find_query_value("token", "token").value() == "");
}

BOOST_AUTO_TEST_CASE(refusals_read_like_the_reference_servers) {
    BOOST_TEST(error_body_for(errc::unknown_transport).body == R"({"code":0,"message":"Transport unknown"})");
    BOOST_TEST(error_body_for(errc::bad_sid).body == R"({"code":1,"message":"Session ID unknown"})");
    BOOST_TEST(error_body_for(errc::duplicate_parameter).body == R"({"code":3,"message":"Bad request"})");
    BOOST_TEST(error_body_for(errc::unsupported_revision).body ==
               R"({"code":5,"message":"Unsupported protocol version"})");
    BOOST_TEST(error_body_for(errc::jsonp_refused).status == 400U);
    BOOST_TEST(error_body_for(errc::jsonp_refused).body == R"({"code":3,"message":"JSONP is not enabled"})");
}

BOOST_AUTO_TEST_CASE(jsonp_is_for_polling_clients_of_revision_3_where_it_is_allowed) {
    const auto with = [](std::string_view text) { return parse_query(text, Jsonp::allowed); };
    BOOST_TEST(with("EIO=3&transport=polling&j=7").value().jsonp.value() == 7U);
    BOOST_TEST(with("EIO=3&transport=polling&j=999999999&sid=a").value().jsonp.value() == 999'999'999U);
    BOOST_TEST(!with("EIO=3&transport=polling").value().jsonp.has_value());
    for (const std::string_view bad :
         {"EIO=4&transport=polling&j=7", "EIO=3&transport=websocket&j=7", "transport=polling&sid=a&j=7",
          "EIO=3&transport=polling&j=", "EIO=3&transport=polling&j=-1",
          "EIO=3&transport=polling&j=7;alert(1)", "EIO=3&transport=polling&j=1000000000"}) {
        const auto query = with(bad);
        BOOST_TEST((query.has_error() && query.error() == errc::jsonp_refused), bad);
    }
}
