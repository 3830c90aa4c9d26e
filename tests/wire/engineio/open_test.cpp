#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/engineio/packet.h"

using namespace forestay::wire;
using namespace forestay::wire::engineio;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_CASE(the_open_packet_is_written_as_servers_write_it) {
    const Open full{"s1", true, milliseconds(25000), milliseconds(20000), 1000000};
    BOOST_TEST(
        write_open(full) ==
        R"({"sid":"s1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})");
    const Open bare{"s1", false, milliseconds(25000), milliseconds(60000), 0};
    BOOST_TEST(write_open(bare) == R"({"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":60000})");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
    const Open open{"a-B_9", true, milliseconds(1), milliseconds(2), 3};
    const auto read = parse_open(write_open(open)).value();
    BOOST_TEST(read.sid == open.sid);
    BOOST_TEST(read.upgrade_to_websocket);
    BOOST_TEST(read.ping_interval.count() == 1);
    BOOST_TEST(read.ping_timeout.count() == 2);
    BOOST_TEST(read.max_payload == 3U);
}

BOOST_AUTO_TEST_CASE(any_order_and_unknown_keys_are_read) {
    const auto open = parse_open(
        R"( {"x":[{"sid":1}],"pingTimeout":5000.5,"upgrades":["flash","websocket"],"pingInterval":0,"sid":"\u0061b"} )");
    BOOST_REQUIRE(open.has_value());
    BOOST_TEST(open->sid == "ab");
    BOOST_TEST(open->upgrade_to_websocket);
    BOOST_TEST(open->ping_interval.count() == 0);
    BOOST_TEST(open->ping_timeout.count() == 5000);
    BOOST_TEST(open->max_payload == 0U);
}

BOOST_AUTO_TEST_CASE(an_open_packet_without_what_clients_need_is_refused) {
    for (const std::string_view text :
         {"", "[]", "\"x\"", "{}", R"({"sid":"s"})", R"({"sid":"s","pingInterval":1})",
          R"({"sid":"","pingInterval":1,"pingTimeout":1})", R"({"sid":7,"pingInterval":1,"pingTimeout":1})",
          R"({"sid":"s","pingInterval":-1,"pingTimeout":1})",
          R"({"sid":"s","pingInterval":"1","pingTimeout":1})",
          R"({"sid":"s","pingInterval":null,"pingTimeout":1})",
          R"({"sid":"s","pingInterval":1,"pingTimeout":1)"}) {
        const auto open = parse_open(text);
        BOOST_TEST((open.has_error() && open.error() == errc::bad_open_packet), text);
    }
}

BOOST_AUTO_TEST_CASE(absurd_numbers_are_cut_and_do_not_overflow) {
    const auto open = parse_open(R"({"sid":"s","pingInterval":1e300,"pingTimeout":99999999999999999999})");
    BOOST_REQUIRE(open.has_value());
    BOOST_TEST(open->ping_interval.count() == 1'000'000'000'000);
    BOOST_TEST(open->ping_timeout.count() == 1'000'000'000'000);
    BOOST_TEST(parse_open(R"({"sid":"s","pingInterval":1e400,"pingTimeout":1})").has_error());
}
