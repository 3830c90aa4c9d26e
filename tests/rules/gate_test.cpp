// The gate, told as what one rule's requests hear: "go 1.1" is session 1's request 1.
#include "rules/gate.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "rules/gate_rate.h"

using namespace forestay::rules;
using namespace std::chrono_literals;

namespace {

const TimePoint t0 = TimePoint{} + 1h;

Rule at_once(unsigned concurrency) {
    Rule rule;
    rule.name = "think_tank";
    rule.concurrency = concurrency;
    return rule;
}

Rule with_status(unsigned concurrency) {
    Rule rule = at_once(concurrency);
    rule.queue.status.emplace();
    return rule;
}

Rule with_breaker(unsigned failures, unsigned concurrency = 0) {
    Rule rule = at_once(concurrency);
    rule.breaker.failures = failures;
    return rule;
}

Rule with_retries(unsigned concurrency) {
    Rule rule = at_once(concurrency);
    rule.retry.attempts = 2;
    return rule;
}

struct Conversation {
    std::vector<Rule> rules;
    Gate gate{rules};
    TimePoint now = t0;

    explicit Conversation(Rule rule) : rules{std::move(rule)} {}

    // All that it says.
    std::string said() {
        std::string out;
        while (const auto verdict = gate.next_verdict()) {
            if (!out.empty()) out += ", ";
            const std::string ticket =
                std::to_string(verdict->ticket.session) + "." + std::to_string(verdict->ticket.request);
            switch (verdict->what) {
                case Verdict::What::go:
                    out += "go " + ticket;
                    break;
                case Verdict::What::refused:
                    out += std::string(name(verdict->code)) + " " + ticket;
                    break;
                case Verdict::What::place:
                    out += ticket + " is " + std::to_string(verdict->place) + " of " +
                           std::to_string(verdict->waiting);
                    break;
            }
        }
        return out;
    }
    std::string ask(std::uint64_t session, std::uint64_t request, AskKind kind = AskKind::fresh) {
        gate.ask({session, request}, 0, kind, "ann", now);
        return said();
    }
    std::string ask_as(std::string_view who, std::uint64_t request) {
        gate.ask({1, request}, 0, AskKind::fresh, who, now);
        return said();
    }
    std::string retry(std::uint64_t session, std::uint64_t request) {
        return ask(session, request, AskKind::retry);
    }
    std::string done(std::uint64_t session, std::uint64_t request, Outcome outcome = Outcome::answered) {
        gate.done({session, request}, outcome, now);
        return said();
    }
    std::string fail(std::uint64_t session, std::uint64_t request) {
        return done(session, request, Outcome::failed);
    }
    std::string forget(std::uint64_t session) {
        gate.forget(session, now);
        return said();
    }
    std::string after(Duration time) {
        now += time;
        gate.tick(now);
        return said();
    }
    const GateStats& stats() const { return gate.stats().front(); }
    Duration until_deadline() const {
        return std::chrono::duration_cast<Duration>(gate.next_deadline() - now);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(gate)

BOOST_AUTO_TEST_CASE(as_many_go_as_the_rule_says_and_the_rest_in_turn) {
    Conversation it(at_once(2));
    BOOST_TEST(it.ask(1, 1) == "go 1.1");
    BOOST_TEST(it.ask(2, 1) == "go 2.1");
    BOOST_TEST(it.ask(3, 1) == "");
    BOOST_TEST(it.ask(4, 1) == "");
    BOOST_TEST(it.stats().running == 2U);
    BOOST_TEST(it.stats().waiting == 2U);
    BOOST_TEST(it.done(2, 1) == "go 3.1");
    BOOST_TEST(it.fail(1, 1) == "go 4.1");
    BOOST_TEST(it.done(3, 1, Outcome::released) == "");
    BOOST_TEST(it.done(4, 1) == "");
    BOOST_TEST(it.stats().running == 0U);
    BOOST_TEST(it.stats().waiting == 0U);
}

BOOST_AUTO_TEST_CASE(rules_do_not_wait_for_each_other) {
    const std::vector<Rule> rules{at_once(1), at_once(1)};
    Gate gate(rules);
    gate.ask({1, 1}, 0, AskKind::fresh, "", t0);
    gate.ask({1, 2}, 1, AskKind::fresh, "", t0);
    gate.ask({1, 3}, 1, AskKind::fresh, "", t0);
    gate.ask({1, 4}, 2, AskKind::fresh, "", t0);  // no such rule
    BOOST_TEST(gate.next_verdict()->ticket.request == 1U);
    BOOST_TEST(gate.next_verdict()->rule == 1U);
    BOOST_TEST(!gate.next_verdict().has_value());
    BOOST_TEST(gate.stats().at(0).waiting == 0U);
    BOOST_TEST(gate.stats().at(1).waiting == 1U);
}

BOOST_AUTO_TEST_CASE(a_session_that_asks_much_does_not_keep_others_waiting) {
    Conversation it(at_once(1));
    it.ask(9, 1);
    for (std::uint64_t request = 1; request <= 4; ++request) it.ask(1, request);
    it.ask(2, 1);
    it.ask(2, 2);
    it.ask(3, 1);
    std::string order = it.done(9, 1);
    for (const auto& [session, request] :
         std::vector<std::pair<unsigned, unsigned>>{{1, 1}, {2, 1}, {3, 1}, {1, 2}, {2, 2}, {1, 3}, {1, 4}}) {
        order += ", " + it.done(session, request);
    }
    BOOST_TEST(order == "go 1.1, go 2.1, go 3.1, go 1.2, go 2.2, go 1.3, go 1.4, ");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_full_takes_nobody) {
    Rule rule = at_once(1);
    rule.queue.max = 2;
    Conversation it(rule);
    it.ask(1, 1);
    BOOST_TEST(it.ask(2, 1) == "");
    BOOST_TEST(it.ask(2, 2) == "");
    BOOST_TEST(it.ask(3, 1) == "overload_queue_full 3.1");
    BOOST_TEST(it.stats().refused_queue_full == 1U);
    BOOST_TEST(it.done(3, 1) == "");  // not known
    BOOST_TEST(it.done(1, 1) == "go 2.1");
    BOOST_TEST(it.ask(3, 2) == "");
}

BOOST_AUTO_TEST_CASE(a_rule_without_a_line_refuses_at_once) {
    Rule rule = at_once(1);
    rule.queue.max = 0;
    Conversation it(rule);
    BOOST_TEST(it.ask(1, 1) == "go 1.1");
    BOOST_TEST(it.ask(2, 1) == "overload_queue_full 2.1");
}

BOOST_AUTO_TEST_CASE(nobody_waits_longer_than_the_queue_timeout) {
    Rule rule = at_once(1);
    rule.queue.timeout = 30s;
    Conversation it(rule);
    it.ask(1, 1);
    it.ask(2, 1);
    BOOST_TEST(it.after(10s) == "");
    it.ask(3, 1);
    BOOST_TEST(it.until_deadline().count() == 20'000);
    BOOST_TEST(it.after(19'999ms) == "");
    BOOST_TEST(it.after(1ms) == "overload_queue_timeout 2.1");
    BOOST_TEST(it.stats().refused_queue_timeout == 1U);
    BOOST_TEST(it.until_deadline().count() == 10'000);
    it.now += 10s;  // the place is free in time, but nobody has looked before
    BOOST_TEST(it.done(1, 1) == "overload_queue_timeout 3.1");
    BOOST_CHECK(it.gate.next_deadline() == TimePoint::max());
}

BOOST_AUTO_TEST_CASE(whoever_leaves_the_line_is_not_called) {
    Conversation it(at_once(1));
    it.ask(1, 1);
    it.ask(2, 1);
    it.ask(2, 2);
    it.ask(3, 1);
    BOOST_TEST(it.done(2, 1, Outcome::failed) == "");
    BOOST_TEST(it.done(1, 1) == "go 2.2");
    BOOST_TEST(it.done(2, 2) == "go 3.1");
}

BOOST_AUTO_TEST_CASE(a_session_that_is_over_leaves_all_its_places) {
    Conversation it(at_once(2));
    it.ask(1, 1);
    it.ask(1, 2);
    it.ask(1, 3);
    it.ask(2, 1);
    it.ask(3, 1);
    BOOST_TEST(it.forget(1) == "go 2.1, go 3.1");
    BOOST_TEST(it.stats().running == 2U);
    BOOST_TEST(it.forget(1) == "");
    BOOST_TEST(it.forget(2) == "");
    BOOST_TEST(it.forget(3) == "");
    BOOST_TEST(it.stats().running == 0U);
}

BOOST_AUTO_TEST_CASE(who_asks_twice_is_heard_once) {
    Conversation it(at_once(1));
    BOOST_TEST(it.ask(1, 1) == "go 1.1");
    BOOST_TEST(it.ask(1, 1) == "");
    BOOST_TEST(it.ask(2, 1) == "");
    BOOST_TEST(it.ask(2, 1) == "");
    BOOST_TEST(it.retry(2, 1) == "");
    BOOST_TEST(it.stats().waiting == 1U);
    BOOST_TEST(it.done(1, 1) == "go 2.1");
    BOOST_TEST(it.done(1, 1) == "");
}

// Places.

BOOST_AUTO_TEST_CASE(places_are_told_upon_entering_in_the_order_of_the_line) {
    Conversation it(with_status(1));
    BOOST_TEST(it.ask(1, 1) == "go 1.1");
    BOOST_TEST(it.ask(1, 2) == "1.2 is 1 of 1");
    BOOST_TEST(it.ask(1, 3) == "1.3 is 2 of 2");
    BOOST_TEST(it.ask(2, 1) == "2.1 is 2 of 3");  // before the other's second
    BOOST_TEST(it.ask(2, 2) == "2.2 is 4 of 4");
    BOOST_TEST(it.ask(3, 1) == "3.1 is 3 of 5");
    BOOST_TEST(it.ask(1, 4) == "1.4 is 6 of 6");
}

BOOST_AUTO_TEST_CASE(changed_places_are_told_at_most_every_so_often) {
    Rule rule = with_status(1);
    rule.queue.status_every = 1s;
    Conversation it(rule);
    it.ask(1, 1);
    BOOST_TEST(it.ask(2, 1) == "2.1 is 1 of 1");
    BOOST_TEST(it.ask(3, 1) == "3.1 is 2 of 2");
    BOOST_TEST(it.ask(4, 1) == "4.1 is 3 of 3");
    it.now += 300ms;
    BOOST_TEST(it.done(1, 1) == "go 2.1");
    BOOST_TEST(it.until_deadline().count() == 700);
    BOOST_TEST(it.after(100ms) == "");
    BOOST_TEST(it.done(2, 1) == "go 3.1");
    BOOST_TEST(it.after(600ms) == "4.1 is 1 of 1");
    BOOST_TEST(it.done(3, 1) == "go 4.1");
    BOOST_CHECK(it.gate.next_deadline() == TimePoint::max());
}

BOOST_AUTO_TEST_CASE(a_newcomer_is_not_told_twice_within_the_interval) {
    Rule rule = with_status(1);
    rule.queue.status_every = 1s;
    rule.queue.timeout = 1min;
    Conversation it(rule);
    it.ask(1, 1);
    it.ask(2, 1);
    it.ask(3, 1);  // what has changed is told here: nothing
    it.now += 900ms;
    BOOST_TEST(it.ask(4, 1) == "4.1 is 3 of 3");
    BOOST_TEST(it.done(1, 1) == "go 2.1");
    BOOST_TEST(it.after(100ms) == "3.1 is 1 of 2");
    BOOST_TEST(it.after(999ms) == "");
    BOOST_TEST(it.after(1ms) == "4.1 is 2 of 2");
    BOOST_TEST(it.until_deadline().count() == 58'000);
}

BOOST_AUTO_TEST_CASE(a_rule_without_status_tells_no_places) {
    Conversation it(at_once(1));
    it.ask(1, 1);
    BOOST_TEST(it.ask(2, 1) == "");
    BOOST_TEST(it.ask(3, 1) == "");
    BOOST_TEST(it.done(2, 1) == "");
    BOOST_TEST(it.after(5s) == "");
}

// Retries.

BOOST_AUTO_TEST_CASE(a_retry_stands_in_front) {
    Rule rule = with_retries(1);
    rule.queue.status.emplace();
    rule.queue.max = 2;
    Conversation it(rule);
    it.ask(1, 1);
    it.ask(2, 1);
    it.ask(3, 1);
    BOOST_TEST(it.done(1, 1, Outcome::released) == "go 2.1");
    it.ask(4, 1);
    BOOST_TEST(it.retry(1, 1) == "1.1 is 1 of 3");  // beyond queue.max: it had its place
    BOOST_TEST(it.ask(5, 1) == "overload_queue_full 5.1");
    it.now += 1s;
    BOOST_TEST(it.done(2, 1) == "go 1.1, 3.1 is 1 of 2");
    BOOST_TEST(it.done(1, 1) == "go 3.1");
    BOOST_TEST(it.stats().retries == 1U);
}

BOOST_AUTO_TEST_CASE(a_retry_of_one_that_runs_keeps_its_place) {
    Conversation it(with_retries(1));
    it.ask(1, 1);
    it.ask(2, 1);
    BOOST_TEST(it.retry(1, 1) == "go 1.1");
    BOOST_TEST(it.stats().running == 1U);
    BOOST_TEST(it.done(1, 1) == "go 2.1");
}

BOOST_AUTO_TEST_CASE(three_retries_and_a_fifth_of_what_is_outstanding) {
    Conversation it(with_retries(0));
    for (std::uint64_t request = 1; request <= 9; ++request) it.ask(1, request);
    std::string said;
    for (std::uint64_t request = 1; request <= 5; ++request) said += it.retry(1, request) + ", ";
    BOOST_TEST(said == "go 1.1, go 1.2, go 1.3, go 1.4, timeout_idle 1.5, ");
    BOOST_TEST(it.retry(1, 1) == "go 1.1");  // once more: still the same one
    BOOST_TEST(it.retry(2, 1) == "connection_lost 2.1");
    BOOST_TEST(it.stats().retries_refused == 2U);
    BOOST_TEST(it.stats().running == 9U);  // the refused one goes on
    BOOST_TEST(it.done(1, 4) == "");
    BOOST_TEST(it.retry(2, 1) == "go 2.1");
    BOOST_TEST(it.stats().retries == 6U);
}

BOOST_AUTO_TEST_CASE(the_budget_is_that_of_those_under_way_not_of_all_that_were) {
    Conversation it(with_retries(1));
    for (std::uint64_t request = 1; request <= 20; ++request) {
        BOOST_TEST(it.retry(1, request) == "go 1." + std::to_string(request));
        it.done(1, request, request % 2 == 0 ? Outcome::failed : Outcome::released);
    }
}

// The breaker.

BOOST_AUTO_TEST_CASE(failures_in_a_row_open_the_breaker) {
    Conversation it(with_breaker(3));
    for (std::uint64_t request = 1; request <= 9; ++request) it.ask(1, request);
    it.fail(1, 1);
    it.fail(1, 2);
    it.done(1, 3);
    it.fail(1, 4);
    it.done(1, 5, Outcome::released);
    it.fail(1, 6);
    BOOST_CHECK(it.stats().breaker == Breakers::closed);
    it.fail(1, 7);
    BOOST_CHECK(it.stats().breaker == Breakers::open);
    BOOST_TEST(it.stats().opened == 1U);
    BOOST_TEST(it.ask(2, 1) == "breaker_open 2.1");
    BOOST_TEST(it.retry(1, 8) == "breaker_open 1.8");  // runs on
    BOOST_TEST(it.stats().refused_breaker == 2U);
    BOOST_TEST(it.stats().running == 2U);
}

BOOST_AUTO_TEST_CASE(an_opened_breaker_sends_the_line_home) {
    Conversation it(with_breaker(1, 1));
    it.ask(1, 1);
    it.ask(2, 1);
    it.ask(2, 2);
    it.ask(3, 1);
    BOOST_TEST(it.fail(1, 1) == "breaker_open 2.1, breaker_open 3.1, breaker_open 2.2");
    BOOST_TEST(it.stats().waiting == 0U);
    BOOST_TEST(it.stats().refused_breaker == 3U);
}

BOOST_AUTO_TEST_CASE(after_its_rest_one_probe_finds_out) {
    Rule rule = with_breaker(1);
    rule.breaker.open = 30s;
    Conversation it(rule);
    it.ask(1, 1);
    it.fail(1, 1);
    BOOST_TEST(it.until_deadline().count() == 30'000);
    it.after(29'999ms);
    BOOST_TEST(it.ask(1, 2) == "breaker_open 1.2");
    it.after(1ms);
    BOOST_CHECK(it.stats().breaker == Breakers::half_open);
    BOOST_TEST(it.ask(1, 3) == "go 1.3");
    BOOST_TEST(it.ask(1, 4) == "breaker_open 1.4");
    it.fail(1, 3);
    BOOST_CHECK(it.stats().breaker == Breakers::open);
    BOOST_TEST(it.stats().opened == 2U);

    it.now += 30s;  // without a tick
    BOOST_TEST(it.ask(2, 1) == "go 2.1");
    it.done(2, 1, Outcome::released);  // it has found out nothing
    BOOST_CHECK(it.stats().breaker == Breakers::half_open);
    BOOST_TEST(it.ask(3, 1) == "go 3.1");
    it.forget(3);
    BOOST_TEST(it.ask(4, 1) == "go 4.1");
    it.done(4, 1);
    BOOST_CHECK(it.stats().breaker == Breakers::closed);
    BOOST_TEST(it.ask(5, 1) == "go 5.1");
    BOOST_TEST(it.ask(5, 2) == "go 5.2");
}

BOOST_AUTO_TEST_CASE(what_was_asked_before_says_nothing_about_the_breaker_of_now) {
    Rule rule = with_breaker(1);
    rule.breaker.open = 30s;
    Conversation it(rule);
    for (std::uint64_t request = 1; request <= 5; ++request) it.ask(1, request);
    it.fail(1, 1);
    it.after(30s);
    it.fail(1, 2);
    it.done(1, 3);
    BOOST_CHECK(it.stats().breaker == Breakers::half_open);
    BOOST_TEST(it.ask(1, 6) == "go 1.6");
    it.done(1, 4);
    BOOST_TEST(it.ask(1, 7) == "breaker_open 1.7");
    it.done(1, 6);
    BOOST_CHECK(it.stats().breaker == Breakers::closed);
    it.fail(1, 5);
    BOOST_CHECK(it.stats().breaker == Breakers::closed);
}

BOOST_AUTO_TEST_CASE(the_retry_of_one_that_runs_may_be_the_probe) {
    Rule rule = with_breaker(1, 2);
    rule.breaker.open = 10s;
    Conversation it(rule);
    it.ask(1, 1);
    it.ask(1, 2);
    it.fail(1, 1);
    it.after(10s);
    BOOST_TEST(it.retry(1, 2) == "go 1.2");
    BOOST_TEST(it.ask(2, 1) == "breaker_open 2.1");
    it.done(1, 2);
    BOOST_CHECK(it.stats().breaker == Breakers::closed);
}

BOOST_AUTO_TEST_CASE(a_share_of_failures_opens_the_breaker) {
    Rule rule = at_once(0);
    rule.breaker.share = 0.5;
    rule.breaker.minimum = 6;
    rule.breaker.window = 10s;
    Conversation it(rule);
    for (std::uint64_t request = 1; request <= 20; ++request) it.ask(1, request);
    it.done(1, 1);
    it.fail(1, 2);
    it.fail(1, 3);
    it.fail(1, 4);
    it.done(1, 5);
    BOOST_CHECK(it.stats().breaker == Breakers::closed);  // three of five, and six are wanted
    it.fail(1, 6);
    BOOST_CHECK(it.stats().breaker == Breakers::open);
}

BOOST_AUTO_TEST_CASE(what_the_window_has_left_behind_does_not_count) {
    Rule rule = at_once(0);
    rule.breaker.share = 0.5;
    rule.breaker.minimum = 4;
    rule.breaker.window = 10s;
    Conversation it(rule);
    for (std::uint64_t request = 1; request <= 20; ++request) it.ask(1, request);
    it.fail(1, 1);
    it.fail(1, 2);
    it.fail(1, 3);
    it.after(10s);
    it.fail(1, 4);
    it.done(1, 5);
    BOOST_CHECK(it.stats().breaker == Breakers::closed);
    it.after(9s);
    it.done(1, 6);
    it.fail(1, 7);
    BOOST_CHECK(it.stats().breaker == Breakers::open);  // two of four
}

// The rate.

BOOST_AUTO_TEST_CASE(an_identity_asks_as_often_as_the_rate_allows) {
    Rule rule = at_once(0);
    rule.rate = {0.5, 2};  // 2 in 4 s
    Conversation it(rule);
    BOOST_TEST(it.ask_as("ann", 1) == "go 1.1");
    BOOST_TEST(it.ask_as("ann", 2) == "go 1.2");
    BOOST_TEST(it.ask_as("ann", 3) == "overload_rate 1.3");
    BOOST_TEST(it.ask_as("bob", 4) == "go 1.4");
    it.now += 1999ms;
    BOOST_TEST(it.ask_as("ann", 5) == "overload_rate 1.5");
    it.now += 1ms;
    BOOST_TEST(it.ask_as("ann", 6) == "go 1.6");
    BOOST_TEST(it.ask_as("ann", 7) == "overload_rate 1.7");
    BOOST_TEST(it.stats().refused_rate == 3U);
    it.now += 1h;
    BOOST_TEST(it.ask_as("ann", 8) == "go 1.8");
    BOOST_TEST(it.ask_as("ann", 9) == "go 1.9");
    BOOST_TEST(it.ask_as("ann", 10) == "overload_rate 1.10");
}

BOOST_AUTO_TEST_CASE(who_is_refused_for_another_reason_has_paid_nothing) {
    Rule rule = at_once(1);
    rule.rate = {0.001, 2};
    rule.queue.max = 0;
    Conversation it(rule);
    BOOST_TEST(it.ask_as("ann", 1) == "go 1.1");
    BOOST_TEST(it.ask_as("ann", 2) == "overload_queue_full 1.2");
    it.done(1, 1);
    BOOST_TEST(it.ask_as("ann", 3) == "go 1.3");
    it.done(1, 3);
    BOOST_TEST(it.ask_as("ann", 4) == "overload_rate 1.4");
}

BOOST_AUTO_TEST_CASE(a_retry_is_not_asked_for_its_rate) {
    Rule rule = with_retries(0);
    rule.rate = {0.001, 1};
    Conversation it(rule);
    BOOST_TEST(it.ask(1, 1) == "go 1.1");
    it.done(1, 1, Outcome::released);
    BOOST_TEST(it.retry(1, 1) == "go 1.1");
    BOOST_TEST(it.ask(1, 2) == "overload_rate 1.2");
}

BOOST_AUTO_TEST_CASE(identities_with_full_buckets_are_forgotten) {
    GateRate rate({1, 2}, 100);
    for (int i = 0; i < 50; ++i) BOOST_TEST(rate.take(std::to_string(i), t0));
    BOOST_TEST(rate.identities() == 50U);
    for (int i = 0; i < 15; ++i) BOOST_TEST(rate.take("ann", t0 + 1s + i * 1s));
    BOOST_TEST(rate.identities() == 1U);
}

BOOST_AUTO_TEST_CASE(a_flood_of_identities_inherits_what_the_oldest_have_left) {
    GateRate rate({0.001, 2}, 3);
    BOOST_TEST(rate.take("ann", t0));
    BOOST_TEST(rate.take("bob", t0));
    BOOST_TEST(rate.take("cid", t0));
    BOOST_TEST(rate.take("bob", t0));
    BOOST_TEST(rate.take("dan", t0));  // ann's second
    BOOST_TEST(!rate.take("dan", t0));
    BOOST_TEST(rate.take("eve", t0));   // cid's second
    BOOST_TEST(!rate.take("fay", t0));  // bob's third
    BOOST_TEST(rate.identities() == 3U);
}

BOOST_AUTO_TEST_CASE(of_a_long_name_the_beginning_counts) {
    GateRate rate({0.001, 1}, 10);
    BOOST_TEST(rate.take(std::string(GateRate::name_bytes, 'a') + "1", t0));
    BOOST_TEST(!rate.take(std::string(GateRate::name_bytes, 'a') + "2", t0));
    BOOST_TEST(rate.take("", t0));
}

BOOST_AUTO_TEST_CASE(a_rate_beyond_all_measure_is_harmless) {
    GateRate slow({1e-300, 1e300}, 10);
    BOOST_TEST(slow.take("ann", t0));
    BOOST_TEST(!slow.take("ann", t0));
    GateRate fast({1e300, 1}, 10);
    for (int i = 0; i < 10; ++i) BOOST_TEST(fast.take("ann", t0));
}

BOOST_AUTO_TEST_SUITE_END()
