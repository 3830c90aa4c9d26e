#include "proxy/net/failed_credentials.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace forestay::net;
using namespace std::chrono_literals;

namespace {

using Of = FailedCredentials::Of;
const forestay::session::TimePoint t0{100s};
const forestay::session::Rate three_a_minute{3, 1min};

struct Attacked {
    FailedCredentials failures{FailedCredentials::most};

    std::optional<FailedCredentials::Lockout> fail(const std::string& address, const std::string& credential,
                                                   std::chrono::seconds at = 0s) {
        return failures.failed(address, credential, three_a_minute, t0 + at);
    }
    // In seconds; 0: nobody is.
    std::int64_t locked(const std::string& address, const std::string& credential,
                        std::chrono::seconds at = 0s) {
        return failures.locked_out(address, credential, t0 + at).value_or(0s).count();
    }
    // Three new guesses.
    void guess(const std::string& address, const std::string& guesses, std::chrono::seconds at = 0s) {
        for (const char* one : {"1", "2", "3"}) static_cast<void>(fail(address, guesses + one, at));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(failed_credentials)

BOOST_AUTO_TEST_CASE(an_address_that_guesses_is_locked_out_for_a_minute) {
    Attacked at;
    BOOST_TEST(!at.fail("192.0.2.1", "a"));
    BOOST_TEST(!at.fail("192.0.2.1", "b"));
    BOOST_TEST(at.locked("192.0.2.1", "good") == 0);
    const auto begun = at.fail("192.0.2.1", "c");
    BOOST_REQUIRE(begun.has_value());
    BOOST_TEST((begun->of == Of::address));
    BOOST_TEST(begun->lasts.count() == 60);
    BOOST_TEST(at.locked("192.0.2.1", "good") == 60);
    BOOST_TEST(at.locked("192.0.2.2", "good") == 0);
    BOOST_TEST(at.locked("192.0.2.1", "good", 59s) == 1);
    BOOST_TEST(at.locked("192.0.2.1", "good", 60s) == 0);
}

BOOST_AUTO_TEST_CASE(each_lockout_is_twice_as_long_up_to_an_hour) {
    Attacked at;
    std::chrono::seconds now{0};
    for (const int lasts : {60, 120, 240, 480, 960, 1920, 3600, 3600}) {
        at.guess("192.0.2.1", std::to_string(now.count()) + '-', now);
        BOOST_TEST(at.locked("192.0.2.1", "x", now) == lasts);
        now += std::chrono::seconds(lasts);
        BOOST_TEST(at.locked("192.0.2.1", "x", now) == 0);
    }
}

BOOST_AUTO_TEST_CASE(an_hour_of_quiet_after_a_lockout_forgets_it) {
    Attacked at;
    at.guess("192.0.2.1", "a");
    at.guess("192.0.2.1", "b", 60s + 3600s);
    BOOST_TEST(at.locked("192.0.2.1", "x", 60s + 3600s) == 60);
}

BOOST_AUTO_TEST_CASE(slow_mistakes_lock_nobody_out) {
    Attacked at;
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(!at.fail("192.0.2.1", std::to_string(i), std::chrono::seconds(20 * i)).has_value());
}

BOOST_AUTO_TEST_CASE(one_bad_token_tried_for_ever_locks_out_itself_and_not_the_office) {
    Attacked at;
    BOOST_TEST(!at.fail("192.0.2.1", "old").has_value());
    BOOST_TEST(!at.fail("192.0.2.1", "old").has_value());
    const auto begun = at.fail("192.0.2.1", "old");
    BOOST_REQUIRE(begun.has_value());
    BOOST_TEST((begun->of == Of::credential));
    BOOST_TEST(at.locked("192.0.2.1", "old") == 60);
    BOOST_TEST(at.locked("198.51.100.7", "old") == 60);
    BOOST_TEST(at.locked("192.0.2.1", "good") == 0);
}

BOOST_AUTO_TEST_CASE(one_credential_from_many_addresses_is_locked_out) {
    Attacked at;
    static_cast<void>(at.fail("192.0.2.1", "stolen"));
    static_cast<void>(at.fail("192.0.2.2", "stolen"));
    const auto begun = at.fail("192.0.2.3", "stolen");
    BOOST_REQUIRE(begun.has_value());
    BOOST_TEST((begun->of == Of::credential));
    BOOST_TEST(at.locked("192.0.2.4", "stolen") == 60);
}

BOOST_AUTO_TEST_CASE(ipv6_addresses_count_by_their_network) {
    Attacked at;
    static_cast<void>(at.fail("2001:db8::1", "a"));
    static_cast<void>(at.fail("2001:db8::2", "b"));
    static_cast<void>(at.fail("2001:db8::3:4:5", "c"));
    BOOST_TEST(at.locked("2001:db8::6", "x") == 60);
    BOOST_TEST(at.locked("2001:db8:0:1::6", "x") == 0);
}

BOOST_AUTO_TEST_CASE(of_too_many_the_oldest_is_forgotten) {
    FailedCredentials failures(3);
    for (int i = 0; i < 10; ++i) {
        static_cast<void>(
            failures.failed("192.0.2." + std::to_string(i), std::to_string(i), three_a_minute, t0));
        BOOST_TEST(failures.size(Of::address) <= 3U);
        BOOST_TEST(failures.size(Of::credential) <= 3U);
    }
}

BOOST_AUTO_TEST_CASE(what_is_over_is_forgotten_with_the_next_failure) {
    Attacked at;
    at.guess("192.0.2.1", "a");
    at.guess("192.0.2.2", "b", 2h);
    at.guess("192.0.2.3", "c", 4h);
    BOOST_TEST(at.failures.size(Of::address) <= 2U);
    BOOST_TEST(at.failures.size(Of::credential) <= 4U);
}

BOOST_AUTO_TEST_SUITE_END()
