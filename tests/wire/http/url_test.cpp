#include "proxy/wire/http/url.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::wire::http;

BOOST_AUTO_TEST_SUITE(url)

BOOST_AUTO_TEST_CASE(takes_servers_of_both_schemes) {
    std::string problem;
    const auto plain = parse_url("http://127.0.0.1:8080/keys?a=b", problem);
    BOOST_REQUIRE(plain);
    BOOST_TEST(!plain->tls);
    BOOST_TEST(plain->host == "127.0.0.1");
    BOOST_TEST(plain->port == 8080U);
    BOOST_TEST(plain->target == "/keys?a=b");
    BOOST_TEST(plain->host_field == "127.0.0.1:8080");
    const auto tls = parse_url("https://id.example?x", problem);
    BOOST_REQUIRE(tls);
    BOOST_TEST(tls->tls);
    BOOST_TEST(tls->port == 443U);
    BOOST_TEST(tls->target == "/?x");
    BOOST_TEST(tls->host_field == "id.example");
    const auto v6 = parse_url("https://[::1]:444/", problem);
    BOOST_REQUIRE(v6);
    BOOST_TEST(v6->host == "::1");
    BOOST_TEST(v6->host_field == "[::1]:444");
    BOOST_TEST(parse_url("https://[::1]", problem)->host == "::1");
}

BOOST_AUTO_TEST_CASE(refuses_what_readers_would_disagree_about) {
    for (const char* text :
         {"", "id.example", "ftp://id.example/", "HTTP://id.example/", "http://", "http:///x", "http://a@b/",
          "https://id.example:0/", "https://id.example:99999/", "https://id.example:0443/",
          "https://id.example:/", "https://id.example/a b", "https://id.example/#x", "https://id.example/\n",
          "https://id.example\\@evil/", "https://[::1/", "https://b\xc3\xbc.example/"}) {
        std::string problem;
        BOOST_TEST(!parse_url(text, problem).has_value(), text);
        BOOST_TEST(!problem.empty(), text);
    }
    std::string problem;
    BOOST_TEST(!parse_url("http://a/" + std::string(2048, 'x'), problem).has_value());
}

BOOST_AUTO_TEST_CASE(knows_this_machine) {
    const auto loopback = [](const char* text) {
        std::string problem;
        return is_loopback(parse_url(text, problem).value());
    };
    BOOST_TEST(loopback("http://127.0.0.1:1/"));
    BOOST_TEST(loopback("http://127.9.9.9/"));
    BOOST_TEST(loopback("http://[::1]/"));
    BOOST_TEST(loopback("http://localhost/"));
    BOOST_TEST(!loopback("http://128.0.0.1/"));
    BOOST_TEST(!loopback("http://127.0.0.1.evil.example/"));
    BOOST_TEST(!loopback("http://localhost.evil.example/"));
}

BOOST_AUTO_TEST_SUITE_END()
