#include "proxy/auth/jwks_schedule.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::auth;
using namespace std::chrono_literals;

namespace {

struct Clock {
    JwksSchedule::TimePoint t0{};
    JwksSchedule schedule{24h};

    // Seconds until the next fetch.
    double wait(std::chrono::seconds at) const {
        return std::chrono::duration<double>(schedule.next_fetch() - (t0 + at)).count();
    }
    void fetched(std::chrono::seconds at, std::string_view cache_control = "", double chance = 0.5) {
        schedule.begun();
        schedule.fetched(t0 + at, cache_control, chance);
    }
    void failed(std::chrono::seconds at, double chance = 1) {
        schedule.begun();
        schedule.failed(t0 + at, chance);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(jwks_schedule, Clock)

BOOST_AUTO_TEST_CASE(a_lifetime_is_what_cache_control_says_within_bounds) {
    BOOST_CHECK(jwks_lifetime("") == 300s);
    BOOST_CHECK(jwks_lifetime("public, max-age=600, must-revalidate") == 600s);
    BOOST_CHECK(jwks_lifetime("Max-Age=600") == 600s);
    BOOST_CHECK(jwks_lifetime("max-age=1") == 60s);
    BOOST_CHECK(jwks_lifetime("max-age=0") == 60s);
    BOOST_CHECK(jwks_lifetime("max-age=86400") == 1h);
    BOOST_CHECK(jwks_lifetime("max-age=99999999999999999999") == 1h);
    BOOST_CHECK(jwks_lifetime("max-age=600, no-cache") == 60s);
    BOOST_CHECK(jwks_lifetime("no-store") == 60s);
    for (const char* odd :
         {"max-age=", "max-age=-1", "max-age=6x", "max-age", "x-max-age=600", ",,,", "s-maxage=9"})
        BOOST_CHECK(jwks_lifetime(odd) == 300s);
}

BOOST_AUTO_TEST_CASE(is_due_at_once_and_then_before_its_end) {
    BOOST_TEST(schedule.due(t0));
    schedule.begun();
    BOOST_TEST(!schedule.due(t0));
    schedule.fetched(t0, "max-age=1000", 0);
    BOOST_TEST(wait(0s) == 750);
    BOOST_TEST(!schedule.due(t0 + 749s));
    BOOST_TEST(schedule.due(t0 + 750s));
    fetched(0s, "max-age=1000", 1);
    BOOST_TEST(wait(0s) == 850, boost::test_tools::tolerance(1e-6));
    fetched(0s, "max-age=1000", 0.5);
    BOOST_TEST(wait(0s) == 800, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(failures_are_tried_again_less_and_less_often) {
    for (const double expected : {5., 10., 20., 40., 60., 60.}) {
        failed(100s);
        BOOST_TEST(wait(100s) == expected);
    }
    failed(100s, 0);
    BOOST_TEST(wait(100s) == 30);
    fetched(200s);
    failed(300s);
    BOOST_TEST(wait(300s) == 5);
}

BOOST_AUTO_TEST_CASE(unknown_keys_bring_one_fetch_in_half_a_minute) {
    fetched(0s, "max-age=3600");
    int fetches = 0;
    for (int ms = 0; ms < 60'000; ms += 10) {  // a flood
        const auto now = t0 + 1s + std::chrono::milliseconds(ms);
        schedule.unknown_key(now);
        if (!schedule.due(now)) continue;
        ++fetches;
        schedule.begun();
        schedule.fetched(now, "max-age=3600", 0.5);
    }
    BOOST_TEST(fetches == 2);
}

BOOST_AUTO_TEST_CASE(an_unknown_key_while_a_fetch_is_under_way_waits_for_that) {
    schedule.begun();
    schedule.unknown_key(t0);
    schedule.fetched(t0, "", 0.5);
    BOOST_TEST(!schedule.due(t0));
    schedule.unknown_key(t0);
    BOOST_TEST(schedule.due(t0));
}

BOOST_AUTO_TEST_CASE(goes_stale_a_day_after_the_last_success) {
    BOOST_TEST(schedule.stale(t0));
    fetched(0s);
    failed(3600s);
    BOOST_TEST(!schedule.stale(t0 + 24h - 1s));
    BOOST_TEST(schedule.stale(t0 + 24h));
    fetched(25h);
    BOOST_TEST(!schedule.stale(t0 + 26h));
    BOOST_CHECK(schedule.fetched_at() == t0 + 25h);
}

BOOST_AUTO_TEST_SUITE_END()
