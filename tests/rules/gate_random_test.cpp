// The gate against a model that hears only its verdicts: thousands of steps by chance, and what must hold
// after each.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/gate.h"

using namespace forestay::rules;
using namespace std::chrono_literals;

namespace {

using Key = std::pair<std::uint64_t, std::uint64_t>;

struct Model {
    struct Asked {
        std::uint32_t rule = 0;
        bool running = false;
        bool retry = false;
        std::size_t place = 0;  // told last; 0: never
        TimePoint since;
    };
    std::mt19937_64 chance;
    std::vector<Rule> rules;
    Gate gate;
    TimePoint now = TimePoint{} + 1h;
    std::map<Key, Asked> asked;
    std::vector<Key> released;  // may be tried again
    std::uint64_t last_request = 0;
    std::uint64_t goes = 0, refusals = 0;

    explicit Model(std::uint64_t seed) : chance(seed), rules(some_rules()), gate(rules) {}

    std::vector<Rule> some_rules() {
        std::vector<Rule> made(3);
        for (Rule& rule : made) {
            rule.concurrency = 1 + below(4);
            rule.queue.max = below(12);
            rule.queue.timeout = Duration(500 + below(4000));
            rule.queue.status_every = Duration(100 + below(900));
            if (below(4) > 0) rule.queue.status.emplace();
            rule.retry.attempts = 1;
            if (below(2) > 0) rule.breaker.failures = 2 + below(4);
            if (below(2) > 0) rule.breaker.share = 0.5;
            rule.breaker.minimum = 5;
            rule.breaker.open = Duration(200 + below(2000));
            if (below(3) == 0) rule.rate = {5, 10};
        }
        return made;
    }
    unsigned below(unsigned bound) { return static_cast<unsigned>(chance() % bound); }

    std::uint64_t running(std::uint32_t rule) const {
        return static_cast<std::uint64_t>(std::count_if(asked.begin(), asked.end(), [&](const auto& each) {
            return each.second.rule == rule && each.second.running;
        }));
    }
    std::uint64_t waiting(std::uint32_t rule) const {
        return static_cast<std::uint64_t>(std::count_if(asked.begin(), asked.end(), [&](const auto& each) {
            return each.second.rule == rule && !each.second.running;
        }));
    }

    void hear() {
        while (const auto verdict = gate.next_verdict()) {
            const auto found = asked.find({verdict->ticket.session, verdict->ticket.request});
            BOOST_REQUIRE(found != asked.end());
            Asked& one = found->second;
            BOOST_REQUIRE_EQUAL(one.rule, verdict->rule);
            switch (verdict->what) {
                case Verdict::What::go:
                    BOOST_REQUIRE(!one.running);
                    one.running = true;
                    ++goes;
                    if (!one.retry) check_fairness(verdict->ticket, one.rule);
                    break;
                case Verdict::What::refused:
                    BOOST_REQUIRE(!one.running);
                    asked.erase(found);
                    ++refusals;
                    break;
                case Verdict::What::place:
                    BOOST_REQUIRE(!one.running);
                    BOOST_REQUIRE(rules[one.rule].queue.status.has_value());
                    BOOST_REQUIRE_GE(verdict->place, 1U);
                    BOOST_REQUIRE_LE(verdict->place, verdict->waiting);
                    BOOST_REQUIRE_NE(verdict->place, one.place);
                    one.place = verdict->place;
                    break;
            }
        }
    }

    // Nobody of its own session had been waiting longer, and it has overtaken whoever is first of another
    // session once at most.
    std::map<std::pair<std::uint64_t, Key>, unsigned> overtaken;
    void check_fairness(Ticket ticket, std::uint32_t rule) {
        std::set<std::uint64_t> sessions;
        for (const auto& [key, other] : asked) {  // in the order in which they came, by session
            if (other.rule != rule || other.running || other.retry) continue;
            if (key.first == ticket.session) {
                BOOST_REQUIRE_GT(key.second, ticket.request);
            } else if (sessions.insert(key.first).second) {
                BOOST_REQUIRE_LE((++overtaken[{ticket.session, key}]), 1U);
            }
        }
    }

    void ask(std::uint64_t session) {
        const Key key{session, ++last_request};
        const auto rule = static_cast<std::uint32_t>(below(3));
        asked[key] = {rule, false, false, 0, now};
        gate.ask({key.first, key.second}, rule, AskKind::fresh, std::to_string(session), now);
    }
    void ask_again() {
        if (released.empty()) return;
        const Key key = released.back();
        released.pop_back();
        asked[key] = {0, false, true, 0, now};
        const std::uint64_t under_way = retries(0) - 1;
        const std::uint64_t outstanding = running(0) + waiting(0) - 1;
        gate.ask({key.first, key.second}, 0, AskKind::retry, "", now);
        hear();
        if (asked.contains(key)) BOOST_REQUIRE_LE(under_way + 1, outstanding / 5 + 3);
    }
    std::uint64_t retries(std::uint32_t rule) const {
        return static_cast<std::uint64_t>(std::count_if(asked.begin(), asked.end(), [&](const auto& each) {
            return each.second.rule == rule && each.second.retry;
        }));
    }
    void leave() {
        if (asked.empty()) return;
        const auto one =
            std::next(asked.begin(), static_cast<std::ptrdiff_t>(below(static_cast<unsigned>(asked.size()))));
        const auto outcome = static_cast<Outcome>(below(3));
        const Key key = one->first;
        if (outcome == Outcome::released && one->second.rule == 0) released.push_back(key);
        asked.erase(one);
        gate.done({key.first, key.second}, outcome, now);
    }
    void forget(std::uint64_t session) {
        std::erase_if(asked, [&](const auto& each) { return each.first.first == session; });
        std::erase_if(released, [&](const Key& key) { return key.first == session; });
        gate.forget(session, now);
    }

    void check() {
        for (std::uint32_t rule = 0; rule < rules.size(); ++rule) {
            const GateStats& stats = gate.stats()[rule];
            BOOST_REQUIRE_EQUAL(stats.running, running(rule));
            BOOST_REQUIRE_EQUAL(stats.waiting, waiting(rule));
            BOOST_REQUIRE_LE(stats.running, rules[rule].concurrency);
            BOOST_REQUIRE_LE(stats.waiting, rules[rule].queue.max + retries(rule));
            if (stats.waiting > 0) BOOST_REQUIRE_EQUAL(stats.running, rules[rule].concurrency);
            if (stats.breaker == Breakers::open) BOOST_REQUIRE_EQUAL(stats.waiting, 0U);
        }
        for (const auto& [key, one] : asked) {
            if (!one.running) BOOST_REQUIRE(now < one.since + rules[one.rule].queue.timeout);
        }
        BOOST_REQUIRE(gate.next_deadline() > now);
    }

    // All places that were told, when nobody has come or gone for long enough, are those of the line: each
    // once, from 1 on.
    void check_places() {
        now += 1s;
        gate.tick(now);
        hear();
        now += 1s;
        gate.tick(now);
        hear();
        for (std::uint32_t rule = 0; rule < rules.size(); ++rule) {
            if (!rules[rule].queue.status) continue;
            std::set<std::size_t> places;
            for (const auto& [key, one] : asked) {
                if (one.rule == rule && !one.running) BOOST_REQUIRE(places.insert(one.place).second);
            }
            if (!places.empty()) {
                BOOST_REQUIRE_EQUAL(*places.begin(), 1U);
                BOOST_REQUIRE_EQUAL(*places.rbegin(), places.size());
            }
        }
    }

    void run() {
        for (int step = 0; step < 1500; ++step) {
            const unsigned dice = below(100);
            if (dice < 50) {
                ask(1 + below(8));
            } else if (dice < 80) {
                leave();
            } else if (dice < 86) {
                ask_again();
            } else if (dice < 88) {
                forget(1 + below(8));
            } else {
                now += Duration(below(300));
                gate.tick(now);
            }
            hear();
            check();
            if (step % 100 == 99) check_places();
        }
        for (std::uint64_t session = 1; session <= 8; ++session) {
            forget(session);
            hear();
        }
        BOOST_REQUIRE(asked.empty());
        check();
        for (const GateStats& stats : gate.stats()) {
            BOOST_REQUIRE_EQUAL(stats.running, 0U);
            BOOST_REQUIRE_EQUAL(stats.waiting, 0U);
        }
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(gate)

BOOST_AUTO_TEST_CASE(whatever_happens_its_promises_hold) {
    std::uint64_t goes = 0, refusals = 0, opened = 0, retries = 0, retries_refused = 0, timeouts = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            Model model(seed);
            model.run();
            goes += model.goes;
            refusals += model.refusals;
            for (const GateStats& stats : model.gate.stats()) {
                opened += stats.opened;
                retries += stats.retries;
                retries_refused += stats.retries_refused;
                timeouts += stats.refused_queue_timeout;
            }
        }
    }
    // Each has been on the way.
    BOOST_TEST(goes > 1000U);
    BOOST_TEST(refusals > 1000U);
    BOOST_TEST(opened > 100U);
    BOOST_TEST(retries > 100U);
    BOOST_TEST(retries_refused > 0U);
    BOOST_TEST(timeouts > 100U);
}

BOOST_AUTO_TEST_SUITE_END()
