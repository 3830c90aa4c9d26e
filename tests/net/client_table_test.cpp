#include "proxy/net/client_table.h"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace forestay::net;
using namespace std::chrono_literals;

namespace {

using Refusal = ClientTable::Refusal;
const forestay::session::TimePoint t0{100s};

// Places that are kept until the end of the test.
struct Door {
    ClientLimits limits;
    ClientTable table{ClientTable::idle_most};
    std::vector<ClientPlace> places;

    explicit Door(std::size_t per_ip, forestay::session::Rate connects = {}) : limits{per_ip, connects} {}
    std::optional<ClientTable::Refused> enter(const std::string& address,
                                              std::chrono::milliseconds at = 0ms) {
        ClientTable::Verdict verdict = table.enter(address, limits, t0 + at);
        if (verdict.place) places.push_back(std::move(verdict.place));
        return verdict.refused;
    }
    bool enters(const std::string& address, std::chrono::milliseconds at = 0ms) {
        return !enter(address, at);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(client_table)

BOOST_AUTO_TEST_CASE(an_address_has_so_many_clients_and_another_one_has_its_own) {
    Door door(2);
    BOOST_TEST(door.enters("192.0.2.1"));
    BOOST_TEST(door.enters("192.0.2.1"));
    const auto refused = door.enter("192.0.2.1");
    BOOST_REQUIRE(refused.has_value());
    BOOST_TEST((refused->why == Refusal::too_many));
    BOOST_TEST(refused->retry_after.count() == 5);
    BOOST_TEST(door.enters("192.0.2.2"));
}

BOOST_AUTO_TEST_CASE(a_place_that_is_left_is_free_and_the_last_one_leaves_nothing_behind) {
    Door door(1);
    BOOST_TEST(door.enters("192.0.2.1"));
    BOOST_TEST(!door.enters("192.0.2.1"));
    BOOST_TEST(door.table.size() == 1U);
    door.places.clear();
    BOOST_TEST(door.table.size() == 0U);
    BOOST_TEST(door.enters("192.0.2.1"));
}

BOOST_AUTO_TEST_CASE(a_place_can_be_handed_on) {
    Door door(1);
    ClientPlace first = door.table.enter("192.0.2.1", door.limits, t0).place;
    ClientPlace second = std::move(first);
    BOOST_TEST(!door.enters("192.0.2.1"));
    second.reset();
    BOOST_TEST(door.enters("192.0.2.1"));
}

BOOST_AUTO_TEST_CASE(ipv6_addresses_count_by_the_first_64_bits) {
    Door door(1);
    BOOST_TEST(door.enters("2001:db8:0:1::1"));
    BOOST_TEST(!door.enters("2001:db8:0:1:ffff::2"));
    BOOST_TEST(door.enters("2001:db8:0:2::1"));
}

// Who has a /64 has many addresses to ask from.
BOOST_AUTO_TEST_CASE(a_rate_by_address_counts_them_as_the_limits_do) {
    const auto as = [](std::string_view address) { return ClientTable::counted_as(address); };
    BOOST_TEST(as("2001:db8:1:2::3") == as("2001:db8:1:2:ffff::4"));
    BOOST_TEST(as("2001:db8:1:2::3") != as("2001:db8:1:3::3"));
    BOOST_TEST(as("::ffff:192.0.2.1") == as("192.0.2.1"));
    BOOST_TEST(as("192.0.2.1") != as("192.0.2.2"));
}

BOOST_AUTO_TEST_CASE(an_ipv4_address_is_the_same_however_it_is_written) {
    Door door(1);
    BOOST_TEST(door.enters("192.0.2.1"));
    BOOST_TEST(!door.enters("::ffff:192.0.2.1"));
    // ::c000:201 is in ::/64, and not that address.
    BOOST_TEST(door.enters("::c000:201"));
}

BOOST_AUTO_TEST_CASE(new_clients_come_as_fast_as_the_rate_says_and_hear_when_to_come_again) {
    Door door(0, {2, 60s});
    BOOST_TEST(door.enters("192.0.2.1"));
    BOOST_TEST(door.enters("192.0.2.1"));
    auto refused = door.enter("192.0.2.1", 500ms);
    BOOST_REQUIRE(refused.has_value());
    BOOST_TEST((refused->why == Refusal::too_fast));
    BOOST_TEST(refused->retry_after.count() == 30);  // 29.5, rounded up
    BOOST_TEST(door.enters("192.0.2.2", 500ms));
    BOOST_TEST(!door.enters("192.0.2.1", 29'999ms));
    BOOST_TEST(door.enters("192.0.2.1", 30s));
    BOOST_TEST(!door.enters("192.0.2.1", 59'999ms));
}

BOOST_AUTO_TEST_CASE(whoever_is_refused_for_the_number_has_not_used_up_the_rate) {
    Door door(1, {2, 60s});
    BOOST_TEST(door.enters("192.0.2.1"));
    for (int i = 0; i < 10; ++i) BOOST_TEST((door.enter("192.0.2.1")->why == Refusal::too_many));
    door.places.clear();
    BOOST_TEST(door.enters("192.0.2.1"));
}

BOOST_AUTO_TEST_CASE(leaving_does_not_refill_the_rate) {
    Door door(1, {1, 60s});
    BOOST_TEST(door.enters("192.0.2.1"));
    door.places.clear();
    BOOST_TEST((door.enter("192.0.2.1", 1s)->why == Refusal::too_fast));
    BOOST_TEST((door.enter("192.0.2.1", 2s)->why == Refusal::too_fast));
    BOOST_TEST(door.enters("192.0.2.1", 60s));
}

BOOST_AUTO_TEST_CASE(rates_that_are_full_again_are_not_remembered) {
    Door door(0, {1, 10s});
    for (int i = 0; i < 100; ++i) {
        BOOST_TEST(door.enters("192.0.2." + std::to_string(i)));
        door.places.clear();
    }
    BOOST_TEST(door.table.size() == 100U);
    for (int i = 0; i < 60; ++i) {
        BOOST_TEST(door.enters("198.51.100." + std::to_string(i), 20s));
        door.places.clear();
    }
    BOOST_TEST(door.table.size() == 60U);
}

BOOST_AUTO_TEST_CASE(of_too_many_rates_the_oldest_is_forgotten_and_counted) {
    ClientTable table(3);
    const ClientLimits limits{0, {1, 60s}};
    unsigned forgotten = 0;
    for (int i = 0; i < 10; ++i)
        forgotten += table.enter("192.0.2." + std::to_string(i), limits, t0).forgotten;
    BOOST_TEST(table.size() <= 4U);
    BOOST_TEST(forgotten >= 6U);
    BOOST_TEST(table.enter("192.0.2.9", limits, t0).refused.has_value());
    BOOST_TEST(!table.enter("192.0.2.0", limits, t0).refused.has_value());
}

BOOST_AUTO_TEST_CASE(without_limits_nothing_is_counted) {
    Door door(0);
    BOOST_TEST(door.enters("192.0.2.1"));
    BOOST_TEST(door.places.empty());
    BOOST_TEST(door.table.size() == 0U);
}

BOOST_AUTO_TEST_CASE(threads_share_the_places_of_an_address) {
    constexpr std::size_t most = 50;
    ClientTable table;
    const ClientLimits limits{most, {}};
    std::vector<std::vector<ClientPlace>> entered(4);
    {
        std::vector<std::jthread> threads;
        for (auto& mine : entered) {
            threads.emplace_back([&] {
                for (int i = 0; i < 1000; ++i) {
                    auto place = table.enter("192.0.2.1", limits, t0).place;
                    if (!place) continue;
                    mine.push_back(std::move(place));
                    if (i % 3 == 0) mine.pop_back();
                }
            });
        }
    }
    std::size_t inside = 0;
    for (const auto& mine : entered) inside += mine.size();
    BOOST_TEST(inside == most);
    entered.clear();
    BOOST_TEST(table.size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
