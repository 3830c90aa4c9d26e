// What a session shows to who is interested: a learner, and a list of how requests end.
#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/session/session.h"
#include "rules/learner.h"
#include "tests/session/script.h"

using namespace forestay;
using namespace forestay::session;
using namespace forestay::session::testing;

namespace {

std::string frame(std::string_view text, bool masked) {
    const wire::websocket::MaskKey mask{1, 2, 3, 4};
    std::string out;
    wire::websocket::write_frame(out, wire::websocket::Opcode::text, text,
                                 masked ? std::optional(mask) : std::nullopt);
    return out;
}

struct Watched {
    Watched() { workspace.learner = &learner; }
    void say(Session& session, const Input& input) {
        session.handle(input, now);
        while (session.next_action()) {
        }
    }
    void client(Session& session, std::string_view text) {
        say(session, input::ClientBytes{frame(text, true)});
    }
    void app(Session& session, std::string_view text) {
        say(session, input::UpstreamBytes{frame(text, false)});
    }

    Policy with = policy();
    Stats stats;
    rules::Learner learner{{}};
    Workspace workspace;
    TimePoint now{1h};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_learner_sees_the_events_of_both_sides) {
    Watched watched;
    Session session(watched.with, watched.stats, watched.workspace, websocket_first(), watched.now);
    watched.say(session, input::ClientUpgraded{});
    watched.client(session, "40");
    watched.say(session, input::UpstreamOpened{});
    watched.app(session, upstream_open);
    watched.app(session, R"(40{"sid":"sio"})");
    watched.client(session, R"(421["untracked",{}])");
    watched.now += 2s;
    watched.app(session, R"(42["news"])");
    watched.app(session, "431[]");
    const rules::Proposal learnt = watched.learner.proposal();
    BOOST_CHECK_EQUAL(learnt.messages, 2U);
    BOOST_REQUIRE_EQUAL(learnt.requests.size(), 1U);
    BOOST_CHECK_EQUAL(learnt.requests.front().name, "untracked");
    BOOST_CHECK_EQUAL(learnt.requests.front().times.max(), 2000U);
}

BOOST_AUTO_TEST_CASE(a_learner_sees_what_polling_clients_say) {
    Watched watched;
    Setup setup;
    setup.sid = "SID";
    Session session(watched.with, watched.stats, watched.workspace, setup, watched.now);
    watched.say(session, input::PollOpened{1});
    watched.say(session, input::PostReceived{2,
                                             "40\x1e"
                                             "42[\"hello\"]"});
    BOOST_CHECK_EQUAL(watched.learner.proposal().messages, 1U);
}

BOOST_AUTO_TEST_CASE(a_learner_sees_json_messages_with_their_path_and_type) {
    Watched watched;
    JsonWebsocket& websocket = watched.with.json_websockets.emplace_back();
    websocket.path = "/ws/{room}";
    websocket.type = *wire::json::Pointer::parse("/kind");
    Setup setup = websocket_first();
    setup.dialect = Dialect::json;
    Session session(watched.with, watched.stats, watched.workspace, setup, watched.now);
    watched.say(session, input::ClientUpgraded{});
    watched.client(session, R"({"kind":"ask","id":1})");
    watched.app(session, R"({"kind":"told","id":1})");
    const rules::Proposal learnt = watched.learner.proposal();
    BOOST_REQUIRE_EQUAL(learnt.requests.size(), 1U);
    BOOST_CHECK_EQUAL(learnt.requests.front().where, "/ws/{room}");
    BOOST_CHECK_EQUAL(learnt.requests.front().type, "/kind");
}

BOOST_AUTO_TEST_CASE(who_asks_is_told_how_each_request_ends) {
    Watched watched;
    std::vector<RequestEnd> ends;
    watched.workspace.ends = &ends;
    Session session(watched.with, watched.stats, watched.workspace, websocket_first(), watched.now);
    watched.say(session, input::ClientUpgraded{});
    watched.client(session, "40");
    watched.say(session, input::UpstreamOpened{});
    watched.app(session, upstream_open);
    watched.app(session, R"(40{"sid":"sio"})");
    const TimePoint first = watched.now;
    watched.client(session, R"(421["ask"])");
    watched.now += 1s;
    watched.client(session, R"(422["ask"])");
    watched.app(session, "432[7]");
    watched.now = first + 5s;
    watched.say(session, input::Tick{});
    BOOST_REQUIRE_EQUAL(ends.size(), 2U);
    BOOST_CHECK(ends[0].received == first + 1s);
    BOOST_CHECK(!ends[0].fallback);
    BOOST_CHECK_EQUAL(ends[0].text, "32[7]");
    BOOST_CHECK(ends[1].received == first);
    BOOST_CHECK(ends[1].fallback == rules::Code::timeout);
    BOOST_CHECK_EQUAL(ends[1].text, R"([{"status":"timeout","id":1}])");
}
