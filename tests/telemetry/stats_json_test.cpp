#include "proxy/telemetry/stats_json.h"

#include <simdjson.h>
#include <boost/test/unit_test.hpp>

#include "tests/telemetry/busy_stats.h"

namespace {

using namespace forestay;

struct Stats {
    simdjson::dom::parser parser;
    simdjson::dom::element page;

    explicit Stats(std::span<const net::Stats* const> loops) {
        static const std::string rule_names[] = {"think_tank", "quo\"te"};
        static const std::string upstream_names[] = {"127.0.0.1:5000", "127.0.0.1:5001"};
        const std::string text = telemetry::render_stats(
            {loops, rule_names, upstream_names, {"0.1.0", "g++ 12"}, 0, std::nullopt, 0, {}, std::nullopt},
            12.9);
        page = parser.parse(text);
    }
    std::uint64_t number(const char* pointer) { return page.at_pointer(pointer).get_uint64(); }
    std::string_view text(const char* pointer) { return page.at_pointer(pointer).get_string(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(stats_json)

BOOST_AUTO_TEST_CASE(the_key_numbers_of_a_busy_proxy) {
    net::Stats busy = telemetry::busy_stats();
    busy.hit(net::LimitHit::per_ip);
    busy.sessions.limits[0] = 5;
    busy.sessions.rules[0].fallbacks[0] = 1;
    busy.gates = {rules::GateStats{}};
    busy.gates[0].breaker = rules::Breakers::half_open;
    busy.gates[0].waiting = 3;
    const net::Stats other = telemetry::busy_stats();
    const net::Stats* loops[] = {&busy, &other};
    Stats stats(loops);
    BOOST_TEST(stats.text("/version") == "0.1.0");
    BOOST_TEST(stats.number("/uptime_seconds") == 12U);
    BOOST_TEST(stats.number("/sessions/open") == 8U);
    BOOST_TEST(stats.number("/sessions/started") == 10U);
    BOOST_TEST(stats.number("/sessions/clients/websocket") == 8U);
    BOOST_TEST(stats.number("/sessions/upstreams/stalled") == 2U);
    BOOST_TEST(stats.number("/connections/open/websocket") == 8U);
    BOOST_TEST(stats.number("/requests/think_tank/started") == 14U);
    BOOST_TEST(stats.number("/requests/think_tank/outstanding") == 4U);
    BOOST_TEST(stats.number("/requests/think_tank/fallbacks/timeout") == 1U);
    BOOST_TEST(stats.text("/requests/think_tank/gate/breaker") == "half_open");
    BOOST_TEST(stats.number("/requests/think_tank/gate/waiting") == 3U);
    BOOST_TEST(stats.number("/limits_hit/per_ip") == 1U);
    BOOST_TEST(stats.number("/limits_hit/message_rate") == 5U);
    BOOST_TEST(bool(stats.page.at_pointer("/upstreams/127.0.0.1:5000/up").get_bool()));
    BOOST_TEST(!bool(stats.page.at_pointer("/upstreams/127.0.0.1:5001/up").get_bool()));
    BOOST_TEST(stats.number("/upstreams/127.0.0.1:5001/failures") == 4U);
}

BOOST_AUTO_TEST_CASE(before_anything_has_happened_it_is_whole) {
    const net::Stats nothing;
    const net::Stats* loops[] = {&nothing};
    Stats stats(loops);
    BOOST_TEST(stats.number("/sessions/open") == 0U);
    BOOST_TEST(stats.number("/requests/quo\"te/started") == 0U);
    BOOST_TEST(stats.number("/limits_hit/connect_rate") == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
