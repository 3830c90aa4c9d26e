#include "config/values.h"

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "config/endpoints.h"

using namespace forestay;
using namespace forestay::config;
using namespace std::chrono_literals;

namespace {

// What a parser says about a text: its problem, or "" when it takes it.
template <class Parse>
std::string problem_of(Parse parse, std::string_view text) {
    std::string problem;
    const auto value = parse(text, problem);
    BOOST_CHECK_EQUAL(value.has_value(), problem.empty());
    return problem;
}

template <class Parse>
auto value_of(Parse parse, std::string_view text) {
    std::string problem;
    auto value = parse(text, problem);
    BOOST_REQUIRE_MESSAGE(value, problem);
    return *value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(values)

BOOST_AUTO_TEST_CASE(durations_have_a_unit) {
    BOOST_CHECK(value_of(parse_duration, "500ms") == 500ms);
    BOOST_CHECK(value_of(parse_duration, "30s") == 30s);
    BOOST_CHECK(value_of(parse_duration, "5m") == 5min);
    BOOST_CHECK(value_of(parse_duration, "24h") == 24h);
    BOOST_CHECK(value_of(parse_duration, "31d") == 744h);
    BOOST_CHECK(value_of(parse_duration, "0s") == 0s);
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "30"),
                      "\"30\" has no unit: write 500ms, 30s, 5m, 24h or 31d");
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "s"),
                      "\"s\" is not a number with a unit: write 500ms, 30s, 5m, 24h or 31d");
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "5 m"),
                      "\"5 m\" has the unknown unit \" m\": write 500ms, 30s, 5m, 24h or 31d");
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "1.5s"),
                      "\"1.5s\" has the unknown unit \".5s\": write 500ms, 30s, 5m, 24h or 31d");
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "1h30m"),
                      "\"1h30m\" has the unknown unit \"h30m\": write 500ms, 30s, 5m, 24h or 31d");
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "-5s"),
                      "\"-5s\" is not a number with a unit: write 500ms, 30s, 5m, 24h or 31d");
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "010s"),
                      "\"010\" begins with a zero, which some read as octal: write it without");
}

BOOST_AUTO_TEST_CASE(numbers_do_not_overflow) {
    BOOST_CHECK_EQUAL(problem_of(parse_duration, "99999999999999d"), "\"99999999999999d\" is too large");
    BOOST_CHECK_EQUAL(problem_of(parse_size, "18446744073709551615GiB"),
                      "\"18446744073709551615GiB\" is too large");
    BOOST_CHECK_EQUAL(problem_of(parse_integer, "18446744073709551616"),
                      "\"18446744073709551616\" is too large");
    BOOST_CHECK_EQUAL(value_of(parse_integer, "18446744073709551615"), 18446744073709551615ULL);
}

BOOST_AUTO_TEST_CASE(sizes_have_a_unit_that_says_its_base) {
    BOOST_CHECK_EQUAL(value_of(parse_size, "512B"), 512U);
    BOOST_CHECK_EQUAL(value_of(parse_size, "64KiB"), 65536U);
    BOOST_CHECK_EQUAL(value_of(parse_size, "1MiB"), 1048576U);
    BOOST_CHECK_EQUAL(value_of(parse_size, "2GiB"), 2147483648U);
    BOOST_CHECK_EQUAL(problem_of(parse_size, "1MB"),
                      "\"1MB\" has the unknown unit \"MB\": write 512B, 64KiB, 1MiB or 2GiB");
    BOOST_CHECK_EQUAL(problem_of(parse_size, "1024"),
                      "\"1024\" has no unit: write 512B, 64KiB, 1MiB or 2GiB");
}

BOOST_AUTO_TEST_CASE(rates_are_per_second_minute_or_hour) {
    BOOST_CHECK_EQUAL(value_of(parse_rate, "100/s").count, 100U);
    BOOST_CHECK_EQUAL(value_of(parse_rate, "100/s").per_second(), 100);
    BOOST_CHECK_EQUAL(value_of(parse_rate, "30/m").count, 30U);
    BOOST_CHECK_EQUAL(value_of(parse_rate, "30/m").per_second(), 0.5);
    BOOST_CHECK_EQUAL(value_of(parse_rate, "7200/h").per_second(), 2);
    BOOST_CHECK(value_of(parse_rate, "1/s") > value_of(parse_rate, "59/m"));
    for (const std::string text : {"100", "100/d", "", "s", "100/min", "1.5/s "})
        BOOST_CHECK_EQUAL(problem_of(parse_rate, text),
                          '"' + text + "\" is not a rate: write 100/s, 30/m or 10/h");
    BOOST_CHECK_EQUAL(problem_of(parse_rate, "/s"), "\"\" is not a whole number: write digits only");
    BOOST_CHECK_EQUAL(problem_of(parse_rate, "1.5/s"), "\"1.5\" is not a whole number: write digits only");
}

BOOST_AUTO_TEST_CASE(shares_are_percent) {
    BOOST_CHECK_EQUAL(value_of(parse_percent, "50%"), 50U);
    BOOST_CHECK_EQUAL(problem_of(parse_percent, "50"), "\"50\" is not a share: write 50%");
    BOOST_CHECK_EQUAL(problem_of(parse_percent, "0.5%"), "\"0.5\" is not a whole number: write digits only");
    BOOST_CHECK_EQUAL(problem_of(parse_percent, "%"), "\"\" is not a whole number: write digits only");
}

BOOST_AUTO_TEST_CASE(integers_are_decimal_only) {
    // yaml-cpp reads 010 as 8.
    BOOST_CHECK_EQUAL(problem_of(parse_integer, "010"),
                      "\"010\" begins with a zero, which some read as octal: write it without");
    for (const char* text : {"0x10", "1_000", "+1", "-1", "1.0", "1e3", " 1", ""}) {
        BOOST_CHECK_EQUAL(problem_of(parse_integer, text),
                          '"' + std::string(text) + "\" is not a whole number: write digits only");
    }
    BOOST_CHECK_EQUAL(value_of(parse_integer, "0"), 0U);
}

BOOST_AUTO_TEST_CASE(booleans_are_two_words) {
    BOOST_CHECK_EQUAL(value_of(parse_boolean, "true"), true);
    BOOST_CHECK_EQUAL(value_of(parse_boolean, "false"), false);
    for (const char* text : {"yes", "on", "True", "1", ""}) {
        BOOST_CHECK_EQUAL(problem_of(parse_boolean, text),
                          '"' + std::string(text) + "\" is neither true nor false");
    }
}

BOOST_AUTO_TEST_CASE(addresses_are_host_and_port_or_a_unix_path) {
    const auto v4 = value_of(parse_address, "0.0.0.0:8080");
    BOOST_CHECK_EQUAL(v4.host, "0.0.0.0");
    BOOST_CHECK_EQUAL(v4.port, 8080);
    const auto v6 = value_of(parse_address, "[::1]:0");
    BOOST_CHECK_EQUAL(v6.host, "::1");
    BOOST_CHECK_EQUAL(v6.port, 0);
    BOOST_CHECK_EQUAL(value_of(parse_address, "localhost:80").host, "localhost");
    BOOST_CHECK_EQUAL(value_of(parse_address, "unix:/run/f.sock").unix_path, "/run/f.sock");
    for (const char* text : {"0.0.0.0:8080", "[::1]:0", "localhost:80", "unix:/run/f.sock"}) {
        BOOST_CHECK_EQUAL(to_string(value_of(parse_address, text)), text);
    }
}

BOOST_AUTO_TEST_CASE(addresses_that_are_none_say_what_to_write) {
    BOOST_CHECK_EQUAL(problem_of(parse_address, "8080"),
                      "\"8080\" does not say on which address: write 127.0.0.1:8080 for this machine only, "
                      "0.0.0.0:8080 for all");
    BOOST_CHECK_EQUAL(problem_of(parse_address, ":8080"),
                      "\":8080\" does not say on which address: write 127.0.0.1:8080 for this machine only, "
                      "0.0.0.0:8080 for all");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "0.0.0.0"),
                      "\"0.0.0.0\" has no port: write host:port (port 0 takes any free one)");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "0.0.0.0:"), "\"0.0.0.0:\" has no port behind its host");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "0.0.0.0:70000"),
                      "the port 70000 is not between 0 and 65535");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "0.0.0.0:080"),
                      "\"080\" begins with a zero, which some read as octal: write it without");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "1.2.3.400:80"),
                      "\"1.2.3.400\" is neither a host name nor an address");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "a b:80"), "\"a b\" is neither a host name nor an address");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "::1:80"),
                      "\"::1:80\" has more than one colon: an IPv6 address stands in brackets, [::1]:8080");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "[::g]:80"),
                      "\"[::g]:80\" has no IPv6 address between its brackets");
    BOOST_CHECK_EQUAL(problem_of(parse_address, "unix:run/f.sock"),
                      "\"unix:run/f.sock\" is not unix: and an absolute path of at most 107 characters");
    const std::string long_path = "unix:/" + std::string(107, 'x');
    BOOST_CHECK(!problem_of(parse_address, long_path).empty());
    BOOST_CHECK(problem_of(parse_address, long_path.substr(0, long_path.size() - 1)).empty());
}

BOOST_AUTO_TEST_CASE(loopback_is_what_only_this_machine_reaches) {
    for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/f"}) {
        BOOST_CHECK_MESSAGE(is_loopback(value_of(parse_address, text)), text);
    }
    for (const char* text :
         {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "localhost.example:1", "[::ffff:10.0.0.1]:1"}) {
        BOOST_CHECK_MESSAGE(!is_loopback(value_of(parse_address, text)), text);
    }
}

BOOST_AUTO_TEST_CASE(upstream_urls_are_host_port_and_prefix) {
    const auto plain = value_of(parse_upstream_url, "http://app.internal");
    BOOST_CHECK_EQUAL(plain.host, "app.internal");
    BOOST_CHECK_EQUAL(plain.port, 80);
    BOOST_CHECK_EQUAL(plain.path_prefix, "");
    const auto whole = value_of(parse_upstream_url, "http://[::1]:5000/chat/v%32/");
    BOOST_CHECK_EQUAL(whole.host, "::1");
    BOOST_CHECK_EQUAL(whole.port, 5000);
    BOOST_CHECK_EQUAL(whole.path_prefix, "/chat/v%32");
    BOOST_CHECK_EQUAL(value_of(parse_upstream_url, "http://a:1/").path_prefix, "");
    BOOST_CHECK_EQUAL(value_of(parse_upstream_url, "https://a").port, 443);
    BOOST_CHECK_EQUAL(value_of(parse_upstream_url, "https://a:8443/b").port, 8443);
}

BOOST_AUTO_TEST_CASE(urls_that_are_none_are_refused) {
    BOOST_CHECK_EQUAL(problem_of(parse_upstream_url, "a:5000"),
                      "\"a:5000\" is not a URL of the form http://host:port/prefix");
    // Boost.URL takes 99999 for 34463.
    BOOST_CHECK_EQUAL(problem_of(parse_upstream_url, "http://a:99999"),
                      "the port 99999 is not between 1 and 65535");
    BOOST_CHECK_EQUAL(problem_of(parse_upstream_url, "http://a:0"), "the port 0 is not between 1 and 65535");
    BOOST_CHECK_EQUAL(problem_of(parse_upstream_url, "http://"),
                      "\"\" is neither a host name nor an address");
    BOOST_CHECK_EQUAL(problem_of(parse_upstream_url, "http://a%2eb"),
                      "\"a%2eb\" is neither a host name nor an address");
    for (const char* path :
         {"/a?b", "/a#b", "//", "/a//b", "/../a", "/a/..", "/a/./b", "/a b", "/%4", "/\x7f"}) {
        BOOST_CHECK_MESSAGE(
            problem_of(parse_upstream_url, "http://a" + std::string(path))
                .ends_with("is not a plain path prefix: no query, fragment, empty or dotted segment"),
            path);
    }
}

BOOST_AUTO_TEST_CASE(a_password_in_a_url_is_not_repeated) {
    BOOST_CHECK_EQUAL(problem_of(parse_upstream_url, "http://me:hunter2@a"),
                      "user and password in the URL are not supported");
}

BOOST_AUTO_TEST_CASE(networks_are_addresses_with_a_prefix) {
    const auto ten = value_of(parse_network, "10.0.0.0/8");
    BOOST_CHECK(!ten.v6);
    BOOST_CHECK_EQUAL(ten.prefix, 8U);
    BOOST_CHECK_EQUAL(ten.address[0], 10);
    BOOST_CHECK_EQUAL(value_of(parse_network, "192.0.2.1").prefix, 32U);
    const auto v6 = value_of(parse_network, "fd00::/8");
    BOOST_CHECK(v6.v6);
    BOOST_CHECK_EQUAL(v6.address[0], 0xfd);
    BOOST_CHECK_EQUAL(value_of(parse_network, "::1").prefix, 128U);
    BOOST_CHECK_EQUAL(value_of(parse_network, "0.0.0.0/0").prefix, 0U);
    BOOST_CHECK_EQUAL(problem_of(parse_network, "10.0.0.1/8"),
                      "\"10.0.0.1/8\" has address bits behind its prefix: is the prefix right?");
    BOOST_CHECK_EQUAL(problem_of(parse_network, "10.0.0.0/33"), "\"10.0.0.0/33\" has a prefix over 32");
    BOOST_CHECK_EQUAL(problem_of(parse_network, "localhost"),
                      "\"localhost\" is not a network: write 10.0.0.0/8, fd00::/8 or a single address");
}

BOOST_AUTO_TEST_SUITE_END()
