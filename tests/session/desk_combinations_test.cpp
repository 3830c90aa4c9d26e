// All keys of a rule at once, while everything goes wrong: one answer each, and nothing stays at the gate.
#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace forestay;
using Lines = std::vector<std::string>;

namespace {

rules::RuleSpec everything() {
    rules::RuleSpec ask = ask_rule();
    ask.progress.event = {"thinking"};
    ask.idle_first = 1s;
    ask.idle_next = 1s;
    ask.concurrency = 1;
    ask.queue.given = true;
    ask.queue.max = 4;
    ask.queue.timeout = 3s;
    ask.queue.status.event = "line";
    ask.queue.status.data = R"(["{{place}}","{{waiting}}"])";
    ask.repeatable = true;
    ask.retry.on = {"upstream_lost", "timeout"};
    ask.retry.attempts = 2;
    ask.retry.backoff = 300ms;
    ask.repeat.window = 6s;
    ask.repeat.by = "content";
    ask.breaker.given = true;
    ask.breaker.failures = 1;
    ask.breaker.open = 2s;
    ask.fallback.ack = R"(["{{code}}","{{/q}}"])";
    return ask;
}

std::string ask(int id, int what) {
    return "42" + std::to_string(id) + R"(["ask",{"q":)" + std::to_string(what) + "}]";
}

struct Random {
    std::uint64_t state;
    unsigned below(unsigned bound) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<unsigned>(state >> 33U) % bound;
    }
};

// What was said so far: to the app, by id, and ACKs to the client, by id.
struct Said {
    std::vector<int> to_app;
    std::map<int, int> acks;

    std::string take(std::size_t index) {
        const int id = to_app[index];
        to_app.erase(to_app.begin() + static_cast<std::ptrdiff_t>(index));
        return std::to_string(id);
    }
    void hear(Script& script) {
        for (const std::string& line : script.heard()) {
            const auto number = [&](std::size_t at) { return std::stoi(line.substr(at)); };
            if (line.starts_with("upstream: 42") && line.find("[\"ask\"") != std::string::npos)
                to_app.push_back(number(12));
            if (line.starts_with("client: 43")) ++acks[number(10)];
        }
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(desk_combinations)

BOOST_AUTO_TEST_CASE(queued_retried_progressed_and_then_the_app_dies_and_the_client_leaves) {
    Script script(websocket_first(), policy_with({everything()}));
    script.gated().joined().client_says(ask(0, 0)).client_says(ask(1, 1));  // one runs, one waits in line
    script.at(900ms).upstream_says("430[]").heard();                        // the other has its turn
    script.at(2300ms);                                                      // and is said again
    const Lines again = script.heard();
    BOOST_TEST(std::count(again.begin(), again.end(), "upstream: " + ask(1, 1)) == 1);
    script.upstream_says(R"(42["thinking"])").input(input::UpstreamLost{}).at(2700ms);
    BOOST_TEST(script.gate(0).retries == 2U);
    BOOST_TEST(script.stats().rules[0].outstanding == 1U);
    script.heard();
    script.input(input::ClientLost{}).at(20s);
    for (const std::string& line : script.heard()) BOOST_TEST(!line.starts_with("client: 43"));
    BOOST_TEST(script.session().ended());
    BOOST_TEST(script.gate(0).running + script.gate(0).waiting == 0U);
    BOOST_TEST(script.stats().rules[0].outstanding + script.stats().rules[0].queued == 0U);
    BOOST_TEST(script.stats().rules[0].abandoned == 1U);
}

BOOST_AUTO_TEST_CASE(the_same_with_a_client_that_stays_has_its_one_answer) {
    Script script(websocket_first(), policy_with({everything()}));
    script.gated().joined().client_says(ask(0, 0)).at(1400ms);
    script.upstream_says(R"(42["thinking"])").input(input::UpstreamLost{}).at(20s);
    const Lines heard = script.heard();
    BOOST_TEST(std::count_if(heard.begin(), heard.end(),
                             [](const std::string& line) { return line.starts_with("client: 430"); }) == 1);
    BOOST_TEST(std::count(heard.begin(), heard.end(), R"(client: 430["timeout",0])") == 1);
    BOOST_TEST(script.gate(0).running + script.gate(0).waiting == 0U);
}

BOOST_AUTO_TEST_CASE(whatever_happens_each_ack_id_has_one_ack_and_the_gate_is_empty) {
    RuleStats all;  // that it was about something
    const bool moving = std::getenv("FORESTAY_MOVE_SESSIONS") != nullptr;
    for (std::uint64_t seed = 1; seed <= (moving ? 60 : 300); ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            Random random{seed};
            Policy policy = policy_with({everything()});
            policy.limits.joined = 1 + random.below(3);
            Script script(websocket_first(), policy);
            script.gated().joined();
            Said said;
            int next_id = 0;
            std::chrono::milliseconds at{0};
            for (int step = 0; step < 60; ++step) {
                switch (random.below(10)) {
                    case 0:
                    case 1:
                    case 2:
                        script.client_says(ask(next_id++, static_cast<int>(random.below(4))));
                        break;
                    case 3:
                    case 4:  // each time that it was asked it answers once, in whatever order
                        if (said.to_app.empty()) break;
                        script.upstream_says(
                            "43" + said.take(random.below(static_cast<unsigned>(said.to_app.size()))) +
                            "[1]");
                        break;
                    case 5:
                        if (script.upstream_attached()) script.upstream_says(R"(42["thinking"])");
                        break;
                    case 6:
                        if (!script.upstream_attached() || random.below(3) > 0) break;
                        script.input(input::UpstreamLost{});
                        said.hear(script);
                        said.to_app.clear();
                        break;
                    case 7:
                        if (script.session().upstream_state() != UpstreamState::reattaching) break;
                        script.input(input::UpstreamOpened{}).upstream_says(upstream_open);
                        script.upstream_says(R"(40{"sid":"n"})");
                        break;
                    default:
                        at += std::chrono::milliseconds(random.below(500));
                        script.at(at);
                        break;
                }
                said.hear(script);
            }
            if (seed % 3 == 0) script.client_says("41");
            script.at(at + 16s);
            said.hear(script);
            const RuleStats& rule = script.stats().rules[0];
            for (int id = 0; id < next_id; ++id) {
                if (seed % 3 == 0)
                    BOOST_TEST(said.acks[id] <= 1, "id " << id << " has " << said.acks[id]);
                else
                    BOOST_TEST(said.acks[id] == 1, "id " << id << " has " << said.acks[id]);
            }
            all.answered_by_upstream += rule.answered_by_upstream;
            all.resent += rule.resent;
            all.joined += rule.joined;
            all.repeated += rule.repeated;
            all.late += rule.late;
            for (std::size_t i = 0; i < all.fallbacks.size(); ++i) all.fallbacks[i] += rule.fallbacks[i];
            BOOST_TEST(script.gate(0).running == 0U);
            BOOST_TEST(script.gate(0).waiting == 0U);
            BOOST_TEST(rule.outstanding == 0U);
            BOOST_TEST(rule.queued == 0U);
            BOOST_TEST(rule.started ==
                       rule.answered_by_upstream + rule.answered_by_fallback + rule.abandoned);
        }
    }
    for (const std::uint64_t count :
         {all.answered_by_upstream, all.resent, all.joined, all.repeated, all.late})
        BOOST_TEST(count > 0U);
    for (const auto code : {rules::Code::timeout, rules::Code::timeout_idle, rules::Code::breaker_open,
                            rules::Code::overload_queue_timeout, rules::Code::overload_memory})
        BOOST_TEST(all.fallbacks[static_cast<std::size_t>(code)] > 0U, rules::name(code));
}

BOOST_AUTO_TEST_SUITE_END()
