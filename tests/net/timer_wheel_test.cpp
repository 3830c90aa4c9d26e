#include "proxy/net/timer_wheel.h"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using forestay::net::TimerEntry;
using forestay::net::TimerWheel;
using forestay::session::never;
using forestay::session::TimePoint;

namespace {

const TimePoint t0{1000h};

struct Alarm : TimerEntry {
    int rung = 0;
    TimePoint at{};
    TimePoint deadline = never;
    void due(TimePoint now) override {
        ++rung;
        at = now;
        deadline = never;
    }
};

int run(TimerWheel& wheel, TimePoint now) {
    int count = 0;
    while (TimerEntry* entry = wheel.pop_due(now)) {
        entry->due(now);
        ++count;
    }
    return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timer_wheel)

BOOST_AUTO_TEST_CASE(a_deadline_is_never_early_and_at_most_a_slot_late) {
    TimerWheel wheel(t0);
    Alarm alarm;
    wheel.schedule(alarm, t0 + 15ms);
    BOOST_TEST(run(wheel, t0 + 14999us) == 0);
    BOOST_TEST(run(wheel, t0 + 15ms) == 0);
    BOOST_CHECK(wheel.next_wake() == t0 + 20ms);
    BOOST_TEST(run(wheel, t0 + 20ms) == 1);
    BOOST_CHECK(wheel.next_wake() == never);
}

BOOST_AUTO_TEST_CASE(a_deadline_on_a_slot_is_due_there) {
    TimerWheel wheel(t0);
    Alarm alarm;
    wheel.schedule(alarm, t0 + 30ms);
    BOOST_TEST(run(wheel, t0 + 29ms) == 0);
    BOOST_TEST(run(wheel, t0 + 30ms) == 1);
}

BOOST_AUTO_TEST_CASE(a_later_deadline_is_kept_when_the_old_slot_comes) {
    TimerWheel wheel(t0);
    Alarm alarm;
    wheel.schedule(alarm, t0 + 100ms);
    wheel.schedule(alarm, t0 + 5s);
    BOOST_TEST(run(wheel, t0 + 1s) == 0);
    BOOST_TEST(run(wheel, t0 + 4990ms) == 0);
    BOOST_TEST(run(wheel, t0 + 5s) == 1);
}

BOOST_AUTO_TEST_CASE(an_earlier_deadline_wins_and_says_so) {
    TimerWheel wheel(t0);
    int earlier = 0;
    wheel.on_earlier = [&] { ++earlier; };
    Alarm alarm;
    wheel.schedule(alarm, t0 + 5s);
    BOOST_TEST(earlier == 1);
    wheel.schedule(alarm, t0 + 6s);
    BOOST_TEST(earlier == 1);
    wheel.schedule(alarm, t0 + 50ms);
    BOOST_TEST(earlier == 2);
    BOOST_CHECK(wheel.next_wake() == t0 + 50ms);
    BOOST_TEST(run(wheel, t0 + 50ms) == 1);
    BOOST_TEST(run(wheel, t0 + 10s) == 0);
}

BOOST_AUTO_TEST_CASE(a_deadline_beyond_the_horizon_comes_in_its_time) {
    TimerWheel wheel(t0);
    Alarm alarm;
    wheel.schedule(alarm, t0 + 10min);
    for (TimePoint now = t0; now < t0 + 10min; now += 7s) BOOST_TEST_REQUIRE(run(wheel, now) == 0);
    BOOST_TEST(run(wheel, t0 + 10min) == 1);
}

BOOST_AUTO_TEST_CASE(after_a_long_sleep_all_that_was_due_comes_at_once) {
    TimerWheel wheel(t0);
    std::deque<Alarm> alarms(3);
    wheel.schedule(alarms[0], t0 + 10ms);
    wheel.schedule(alarms[1], t0 + 40s);
    wheel.schedule(alarms[2], t0 + 24h);
    BOOST_TEST(run(wheel, t0 + 1h) == 2);
    BOOST_TEST(run(wheel, t0 + 24h) == 1);
}

BOOST_AUTO_TEST_CASE(never_and_destruction_remove) {
    TimerWheel wheel(t0);
    Alarm kept;
    {
        Alarm gone;
        wheel.schedule(gone, t0 + 10ms);
        wheel.schedule(kept, t0 + 10ms);
        BOOST_TEST(wheel.size() == 2U);
    }
    BOOST_TEST(wheel.size() == 1U);
    wheel.schedule(kept, never);
    BOOST_TEST(wheel.size() == 0U);
    BOOST_TEST(run(wheel, t0 + 1s) == 0);
}

BOOST_AUTO_TEST_CASE(an_entry_that_always_asks_for_now_does_not_spin) {
    TimerWheel wheel(t0);
    struct Restless : TimerEntry {
        TimerWheel* wheel = nullptr;
        int rung = 0;
        void due(TimePoint now) override {
            ++rung;
            wheel->schedule(*this, now);
        }
    } restless;
    restless.wheel = &wheel;
    wheel.schedule(restless, t0);
    BOOST_TEST(run(wheel, t0 + 100ms) == 1);
    BOOST_TEST(run(wheel, t0 + 110ms) == 1);
    BOOST_TEST(restless.rung == 2);
}

BOOST_AUTO_TEST_CASE(due_may_destroy_others_of_its_slot) {
    TimerWheel wheel(t0);
    struct Killer : TimerEntry {
        std::vector<std::unique_ptr<Killer>>* all = nullptr;
        void due(TimePoint) override { all->clear(); }
    };
    std::vector<std::unique_ptr<Killer>> all;
    for (int i = 0; i < 5; ++i) {
        all.push_back(std::make_unique<Killer>());
        all.back()->all = &all;
        wheel.schedule(*all.back(), t0 + 10ms);
    }
    BOOST_TEST(run(wheel, t0 + 10ms) == 1);
    BOOST_TEST(wheel.size() == 0U);
}

// Against the plainest model: a deadline per alarm. Steps and moves are random, seeds are fixed.
BOOST_AUTO_TEST_CASE(random_moves_agree_with_a_list_of_deadlines) {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        std::mt19937 random(seed);
        TimerWheel wheel(t0);
        std::deque<Alarm> alarms(40);
        TimePoint now = t0;
        for (int step = 0; step < 2000; ++step) {
            Alarm& alarm = alarms[random() % alarms.size()];
            const auto delay = std::chrono::milliseconds(random() % (random() % 4 == 0 ? 90'000 : 400));
            alarm.deadline = random() % 10 == 0 ? never : now + delay;
            wheel.schedule(alarm, alarm.deadline);
            now += std::chrono::microseconds(random() % (random() % 50 == 0 ? 60'000'000 : 30'000));
            std::vector<TimePoint> before;
            for (const Alarm& a : alarms) before.push_back(a.deadline);
            while (TimerEntry* entry = wheel.pop_due(now)) entry->due(now);
            for (std::size_t i = 0; i < alarms.size(); ++i) {
                const bool rang = before[i] != never && alarms[i].deadline == never;
                if (rang) BOOST_TEST_REQUIRE((before[i] <= now));
                if (!rang && before[i] != never) {
                    BOOST_TEST_REQUIRE((before[i] + TimerWheel::slot > now));
                    BOOST_TEST_REQUIRE((wheel.next_wake() <= before[i] + TimerWheel::slot));
                }
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
