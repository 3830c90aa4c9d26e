#include "proxy/net/client_facts.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace forestay::net;

namespace {

const std::vector<Network> trusted{{false, {10, 0, 0, 0}, 8}, {true, {0x20, 0x01, 0x0d, 0xb8, 0, 1}, 48}};

ClientFacts facts(const std::string& fields, std::string_view peer = "10.0.0.1") {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: inner\r\n" + fields + "\r\n";
    const auto head = forestay::wire::http::parse_request_head(bytes, {});
    BOOST_REQUIRE((head.state == forestay::wire::http::HeadResult::State::done));
    return client_facts(head.head, peer, "http", trusted);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_facts_of_a_request)

BOOST_AUTO_TEST_CASE(a_stranger_is_not_believed) {
    const ClientFacts got = facts(
        "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n", "192.0.2.1");
    BOOST_TEST(got.address == "192.0.2.1");
    BOOST_TEST(got.forwarded_for == "192.0.2.1");
    BOOST_TEST(got.scheme == "http");
    BOOST_TEST(got.host == "inner");
}

BOOST_AUTO_TEST_CASE(the_client_is_the_first_stranger_from_the_right) {
    const ClientFacts got =
        facts("X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-For: 10.9.9.9,2001:db8:1::5\r\n");
    BOOST_TEST(got.address == "192.0.2.7");
    BOOST_TEST(got.forwarded_for == "192.0.2.7, 10.9.9.9, 2001:db8:1::5, 10.0.0.1");
}

BOOST_AUTO_TEST_CASE(ports_and_brackets_are_no_part_of_an_address) {
    BOOST_TEST(facts("X-Forwarded-For: 192.0.2.7:4711\r\n").address == "192.0.2.7");
    BOOST_TEST(facts("X-Forwarded-For: [2001:db8:2::1]:80\r\n").address == "2001:db8:2::1");
}

BOOST_AUTO_TEST_CASE(garbage_ends_the_walk) {
    BOOST_TEST(facts("X-Forwarded-For: 192.0.2.7, unknown, 10.1.1.1\r\n").address == "10.1.1.1");
    BOOST_TEST(facts("X-Forwarded-For: [\r\n").address == "10.0.0.1");
    BOOST_TEST(facts("X-Forwarded-For:\r\n").address == "10.0.0.1");
    std::string many = "10.1.1.1";
    for (int i = 0; i < 100; ++i) many += ", 10.1.1.1";
    BOOST_TEST(facts("X-Forwarded-For: " + many + "\r\n").address == "10.1.1.1");
}

BOOST_AUTO_TEST_CASE(scheme_and_host_are_what_the_nearest_proxy_said) {
    const ClientFacts got =
        facts("X-Forwarded-Proto: http, HTTPS\r\nX-Forwarded-Host: evil, app.example\r\n");
    BOOST_TEST(got.scheme == "https");
    BOOST_TEST(got.host == "app.example");
    BOOST_TEST(facts("X-Forwarded-Host: a/b\r\nX-Forwarded-Proto: ftp\r\n").host == "inner");
    BOOST_TEST(facts("X-Forwarded-Proto: ftp\r\n").scheme == "http");
}

BOOST_AUTO_TEST_CASE(networks_are_compared_bit_by_bit) {
    const std::vector<Network> odd{{false, {192, 168, 4, 0}, 22}, {false, {0, 0, 0, 0}, 33}};
    BOOST_TEST(is_trusted("192.168.7.255", odd));
    BOOST_TEST(!is_trusted("192.168.8.0", odd));
    BOOST_TEST(!is_trusted("::ffff:192.168.4.1", odd));
    BOOST_TEST(!is_trusted("nonsense", odd));
    BOOST_TEST(is_trusted("1.2.3.4", {{false, {}, 0}}));
}

BOOST_AUTO_TEST_SUITE_END()
