// Sessions of several loops before one gate.
#include "proxy/net/shared_gate.h"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/stats_gathering.h"
#include "proxy/net/timer_wheel.h"

using namespace forestay;
using namespace forestay::net;
using namespace std::chrono_literals;
using session::action::AskGate;
using session::action::LeaveGate;
using What = rules::Verdict::What;

namespace {

// Rules with one place each, in this order: one that is failed once and rests, one with a short line, one
// that allows an identity one request.
std::vector<rules::RuleSpec> specs() {
    rules::RuleSpec spec;
    spec.match.event = "ask";
    spec.timeout = 45s;
    spec.fallback.ack = "[null]";
    std::vector<rules::RuleSpec> made(3, spec);
    made[0].name = "rests";
    made[0].concurrency = 1;
    made[0].breaker.failures = 1;
    made[0].breaker.open = 30s;
    made[1].name = "queued";
    made[1].concurrency = 1;
    made[1].queue.given = true;
    made[1].queue.timeout = 30s;
    made[2].name = "rated";
    made[2].rate = {0.001, 1};
    return made;
}

struct Fixture {
    std::vector<std::string> journal;
    Shared shared = make_shared();
    Loop first{shared, 0};
    Loop second{shared, 1};

    Fixture() {
        first.introduce({&first, &second});
        second.introduce({&first, &second});
    }
    Shared make_shared() {
        Shared made;
        made.loops = 2;
        std::vector<rules::Problem> problems;
        made.policy.rules = rules::RuleSet::compile(specs(), problems);
        for (const auto& problem : problems) BOOST_TEST_MESSAGE(problem.field << ": " << problem.message);
        BOOST_REQUIRE(problems.empty());
        made.journal = [this](const JournalEntry& entry) {
            journal.push_back(std::string(entry.event) + " " + entry.fields.at(0).second);
        };
        return made;
    }
    // On one thread: each loop in turn, until none has anything to do.
    void run() {
        for (int quiet = 0; quiet < 2;)
            quiet = first.context().poll() + second.context().poll() == 0 ? quiet + 1 : 0;
    }
    void pass(std::chrono::seconds time) {
        const auto later = first.now() + time;
        while (TimerEntry* entry = first.wheel().pop_due(later)) entry->due(later);
        run();
    }
};

struct Session final : GateAsker {
    explicit Session(Loop& l) : loop(l), number(l.gate().enter(*this)) {}
    ~Session() { leave(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void gate_said(const session::input::GateSaid& said) override {
        if (!heard.empty()) heard += ", ";
        switch (said.what) {
            case What::go:
                heard += "go ";
                break;
            case What::refused:
                heard += std::string(rules::name(said.code)) + " ";
                break;
            case What::place:
                heard += "place ";
                break;
        }
        heard += std::to_string(said.request);
        if (leaves_when_told) leave();
    }
    void ask(std::uint64_t request, std::uint32_t rule = 0, const std::string& who = "ann") {
        loop.gate().ask(number, AskGate{request, rule, rules::AskKind::fresh}, who);
    }
    void done(std::uint64_t request, rules::Outcome outcome = rules::Outcome::answered) {
        loop.gate().done(number, LeaveGate{request, outcome});
    }
    void leave() {
        if (number != 0) loop.gate().leave(std::exchange(number, 0));
    }

    Loop& loop;
    std::uint64_t number;
    std::string heard;
    bool leaves_when_told = false;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(shared_gate, Fixture)

BOOST_AUTO_TEST_CASE(sessions_of_all_loops_share_the_places) {
    Session one(first), other(second), third(second);
    BOOST_TEST(one.number != other.number);
    BOOST_TEST(other.number != third.number);
    one.ask(7);
    BOOST_TEST(one.heard == "");  // not while it asks, though it is the same loop
    run();
    BOOST_TEST(one.heard == "go 7");
    other.ask(7);
    third.ask(1);
    run();
    BOOST_TEST(other.heard == "");
    one.done(7);
    run();
    BOOST_TEST(other.heard == "go 7");
    BOOST_TEST(third.heard == "");
    other.done(7, rules::Outcome::released);
    run();
    BOOST_TEST(third.heard == "go 1");
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_while_its_go_is_on_the_way_leaves_its_place) {
    Session other(second);
    {
        Session one(second);
        one.ask(1);
        other.ask(1);
        second.context().poll();
        first.context().poll();  // one is told to go, and does not hear it
    }
    run();
    BOOST_TEST(other.heard == "go 1");
    BOOST_TEST(first.gate().stats().at(0).running == 1U);
}

BOOST_AUTO_TEST_CASE(a_session_may_end_by_what_it_hears) {
    Session one(first), other(first);
    one.leaves_when_told = true;
    one.ask(1);
    one.ask(2, 2);
    other.ask(1);
    run();
    BOOST_TEST(one.heard == "go 1");
    BOOST_TEST(other.heard == "go 1");
}

BOOST_AUTO_TEST_CASE(waiting_ends_in_time) {
    Session one(first), other(second);
    one.ask(1, 1);
    other.ask(1, 1);
    run();
    BOOST_TEST(other.heard == "");
    pass(31s);
    BOOST_TEST(other.heard == "overload_queue_timeout 1");
}

BOOST_AUTO_TEST_CASE(an_identity_has_its_rate_on_all_loops_together) {
    Session one(first), other(second);
    one.ask(1, 2);
    run();
    other.ask(1, 2);
    other.ask(2, 2, "bob");
    run();
    BOOST_TEST(other.heard == "overload_rate 1, go 2");
}

BOOST_AUTO_TEST_CASE(what_a_breaker_does_is_in_the_journal) {
    Session one(second);
    one.ask(1);
    run();
    one.done(1, rules::Outcome::failed);
    one.ask(2);
    run();
    BOOST_TEST(one.heard == "go 1, breaker_open 2");
    pass(31s);
    one.ask(3);
    run();
    one.done(3);
    run();
    BOOST_TEST(journal == (std::vector<std::string>{"breaker_open rests", "breaker_half_open rests",
                                                    "breaker_closed rests"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_gathering_brings_the_numbers_of_the_gate) {
    StatsGathering gathering({&first, &second});
    Session one(second), other(second);
    one.ask(1);
    other.ask(1);
    run();
    std::vector<std::size_t> seen;
    gathering.gather([&](const std::vector<const Stats*>& loops) {
        seen = {loops.at(0)->gates.size(), loops.at(0)->gates.at(0).running, loops.at(0)->gates.at(0).waiting,
                loops.at(1)->gates.size()};
    });
    run();
    BOOST_TEST(seen == (std::vector<std::size_t>{3, 1, 1, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(two_threads_ask_and_leave_and_nobody_is_forgotten) {
    constexpr int sessions = 40;
    int left = 2 * sessions;
    // One session after the other: asks, is told, says that it is done, and ends.
    struct Chain final : GateAsker {
        Chain(Loop& l, Loop& f, int& all) : loop(l), first(f), left(all) {}
        void begin() {
            loop.read_clock();
            number = loop.gate().enter(*this);
            loop.gate().ask(number, AskGate{1, 0, rules::AskKind::fresh}, "ann");
            loop.gate().ask(number, AskGate{2, 0, rules::AskKind::fresh}, "ann");
        }
        void gate_said(const session::input::GateSaid& said) override {
            BOOST_CHECK(said.what == What::go);
            if (said.request == 1) return loop.gate().done(number, LeaveGate{1, rules::Outcome::answered});
            loop.gate().leave(number);
            if (++ended < sessions) begin();
            first.post([this] {
                if (--left == 0) first.stop();
            });
        }
        Loop& loop;
        Loop& first;
        int& left;
        std::uint64_t number = 0;
        int ended = 0;
    };
    Chain one(first, first, left), other(second, first, left);
    first.post([&] { one.begin(); });
    second.post([&] { other.begin(); });
    std::thread thread([&] { second.run(); });
    first.run();
    second.stop();
    thread.join();
    BOOST_TEST(left == 0);
    BOOST_TEST(first.gate().stats().at(0).running == 0U);
    BOOST_TEST(first.gate().stats().at(0).waiting == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
