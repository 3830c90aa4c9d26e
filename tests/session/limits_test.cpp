// Each bound of a session, hit once: it is counted by its name, and reported by it. A bound that is new must
// be here.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using forestay::wire::websocket::Opcode;
using namespace std::chrono_literals;

namespace {

constexpr forestay::wire::websocket::MaskKey mask{1, 2, 3, 4};

Setup dialect(Dialect which) {
    Setup setup = websocket_first();
    setup.dialect = which;
    return setup;
}

// A client on a websocket without Engine.IO; `change` makes its policy.
Script plain(const std::function<void(Policy&)>& change = {}) {
    Policy with = testing::policy();
    if (change) change(with);
    Script script(dialect(Dialect::plain), with);
    script.input(input::ClientUpgraded{}).heard();
    return script;
}

// What it says, and what the close frame says then; empty: it is not closed.
std::string closed_with(Script& script) {
    for (const std::string& line : script.heard()) {
        if (line.starts_with("client: CLOSE ")) return line.substr(14);
    }
    return {};
}

struct Case {
    Limit limit;
    std::string close;
    std::function<Script()> hit;
};

Script too_fast() {
    Script script = plain([](Policy& policy) { policy.limits.message_rate = {1, 10s}; });
    script.client_says("1").client_says("2");
    return script;
}

Script too_big() {
    Script script = plain([](Policy& policy) { policy.limits.message_bytes = 10; });
    script.client_says("12345678901");
    return script;
}

Script in_too_many_pieces() {
    Script script = plain([](Policy& policy) { policy.limits.fragments = 2; });
    std::string frames;
    for (const char* head : {"\x01\x81", "\x00\x81", "\x00\x81"})
        frames += std::string(head, 2) + std::string("\x01\x02\x03\x04x", 5);
    script.input(input::ClientBytes{frames});
    return script;
}

Script unfinished() {
    Script script = plain();
    script.input(input::ClientBytes{std::string("\x81\x85\x01\x02", 4)}).at(30s);
    return script;
}

Script much_waits() {
    Script script = plain();
    return std::move(script.input(input::ClientBlocked{(2 << 20) + 1}));
}

Script waits_long() {
    Script script = plain();
    return std::move(script.input(input::ClientBlocked{1}).at(30s));
}

Script pings() {
    Script script = plain();
    for (int i = 0; i < 41; ++i) script.client_frame(Opcode::ping, "");
    return script;
}

Script joins_everything() {
    Script script(websocket_first());
    script.joined();
    for (int i = 0; i < 40 && !script.session().ended(); ++i)
        script.client_says("40/n" + std::to_string(i) + ",");
    return script;
}

Script never_joins() {
    Script script(websocket_first());
    return std::move(script.input(input::ClientUpgraded{}).at(10s));
}

// It asks for its earlier session, and says a lot before that is found.
Script says_too_much_too_early() {
    Policy with = testing::policy();
    with.resume_client.recovery = Recovery::marker;
    Setup setup = websocket_first();
    setup.secret = "FRESH";
    Script script(setup, with);
    script.input(input::ClientUpgraded{}).client_says(R"(40{"pid":"f1.OLD.0.1","offset":"x"})");
    const std::string event = "42[\"" + std::string(500'000, 'x') + "\"]";
    for (int i = 0; i < 10 && !script.session().ended(); ++i) script.client_says(event);
    return script;
}

Script is_shed() {
    Script script = plain();
    return std::move(script.input(input::Shed{}));
}

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {Limit::message_rate, "", too_fast},
        {Limit::max_message, "1009 a message is bigger than allowed", too_big},
        {Limit::fragments, "1008 a message has more fragments than allowed", in_too_many_pieces},
        {Limit::message_timeout, "1008 message not finished in time", unfinished},
        {Limit::outbox, "1013 too slow", much_waits},
        {Limit::slow_client_timeout, "1013 too slow", waits_long},
        {Limit::control_frames, "1008 too many control frames", pings},
        {Limit::namespaces, "1008 too many namespaces", joins_everything},
        {Limit::first_connect_timeout, "1008 no CONNECT in time", never_joins},
        {Limit::held, "1013 too much waits for the upstream", says_too_much_too_early},
        {Limit::memory_shed, "1013 out of memory", is_shed},
    };
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(each_that_is_hit_is_counted_once_by_its_own_name) {
    std::vector<bool> covered(limit_names.size(), false);
    for (const Case& one : cases()) {
        const auto index = static_cast<std::size_t>(one.limit);
        BOOST_TEST_CONTEXT(limit_names[index]) {
            covered[index] = true;
            Script script = one.hit();
            for (std::size_t i = 0; i < limit_names.size(); ++i)
                BOOST_TEST(script.stats().limits[i] == (i == index ? 1U : 0U), limit_names[i]);
            const auto kind =
                one.limit == Limit::message_rate ? ReportKind::rate_limited : ReportKind::limit_hit;
            BOOST_TEST(script.stats().reports[static_cast<std::size_t>(kind)] == 1U);
            BOOST_TEST(closed_with(script) == one.close);
            BOOST_TEST(script.session().ended() == !one.close.empty());
        }
    }
    for (std::size_t i = 0; i < covered.size(); ++i) BOOST_TEST(covered[i], limit_names[i]);
}

// A client that may come back is let go, and not ended.
BOOST_AUTO_TEST_CASE(who_is_too_slow_and_may_return_is_away_and_his_session_lives) {
    for (const std::size_t pending : {std::size_t{1}, (std::size_t{3} << 20) + 1}) {
        Policy with = testing::policy();
        with.resume_client.recovery = Recovery::marker;
        Setup setup = websocket_first();
        setup.secret = "OLD";
        Script script(setup, with);
        script.joined().input(input::ClientBlocked{pending});
        const bool at_once = pending > 1;
        if (!at_once) {
            BOOST_TEST((script.session().client_state() == ClientState::websocket));
            script.at(30s);
        }
        BOOST_TEST((script.session().client_state() == ClientState::away));
        BOOST_TEST(!script.session().ended());
        BOOST_TEST(script.limited(at_once ? Limit::outbox : Limit::slow_client_timeout) == 1U);
        BOOST_TEST(closed_with(script) == "1013 too slow");
    }
}

BOOST_AUTO_TEST_CASE(who_takes_all_in_time_is_not_slow) {
    Script script = plain();
    script.input(input::ClientBlocked{100}).at(29s).input(input::ClientDrained{}).at(29s + 1ms);
    script.input(input::ClientBlocked{100}).at(58s);
    BOOST_TEST(!script.session().ended());
    BOOST_TEST(script.limited(Limit::slow_client_timeout) == 0U);
}

BOOST_AUTO_TEST_CASE(what_waits_in_a_session_is_its_weight) {
    Script script = plain();
    BOOST_TEST(script.session().bytes() == 0U);
    std::string half;
    forestay::wire::websocket::write_frame(half, Opcode::text, std::string(5'000, 'x'), mask);
    half.resize(4'000);
    script.input(input::ClientBytes{half});
    BOOST_TEST(script.session().bytes() == 4'000U);
}

BOOST_AUTO_TEST_SUITE_END()
