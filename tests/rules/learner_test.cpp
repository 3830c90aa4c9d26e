#include "rules/learner.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "rules/log_histogram.h"
#include "rules/scalars.h"

using namespace forestay::rules;
using namespace std::chrono_literals;
using From = Learner::From;

namespace {

const TimePoint start{1h};
const forestay::wire::json::Pointer type = *forestay::wire::json::Pointer::parse("/type");

Learner learner(Learner::Options options = {}) {
    options.seed = 7;
    return Learner(options);
}

std::string numbered(const std::string& before, int number, const std::string& after) {
    return before + std::to_string(number) + after;
}

const Proposal::Seen& seen(const Proposal& proposal, const std::string& name) {
    for (const Proposal::Seen& one : proposal.seen) {
        if (one.name == name) return one;
    }
    BOOST_FAIL(name + " was not seen");
    throw;
}

const Proposal::Request& only_request(const Proposal& proposal) {
    BOOST_REQUIRE_EQUAL(proposal.requests.size(), 1U);
    return proposal.requests.front();
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Two fields are the same in all: only one of them is an id.
void chat(Learner& watching, int number, std::chrono::milliseconds after = 200ms) {
    const TimePoint asked = start + number * 1s;
    watching.socketio(From::client, 1,
                      numbered(R"(2["chat",{"mode":"deep","message_id":"m)", number, R"(","text":"hi"}])"),
                      asked);
    watching.socketio(From::app, 1,
                      numbered(R"(2["response",{"mode":"deep","re":{"id":"m)", number, R"("},"text":"hi"}])"),
                      asked + after);
}

}  // namespace

BOOST_AUTO_TEST_CASE(events_are_counted_by_side_namespace_and_name) {
    Learner watching = learner();
    watching.socketio(From::client, 1, R"(2["hello"])", start);
    watching.socketio(From::client, 2, R"(2["hello",{"a":"a longer one"}])", start);
    watching.socketio(From::client, 1, R"(2/admin,["hello"])", start);
    watching.socketio(From::app, 1, R"(2["hello"])", start);
    watching.socketio(From::app, 1, R"(0{"sid":"x"})", start);
    const Proposal proposal = watching.proposal();
    BOOST_REQUIRE_EQUAL(proposal.seen.size(), 3U);
    BOOST_CHECK(proposal.seen[0].from_client);
    BOOST_CHECK_EQUAL(proposal.seen[0].where, "/");
    BOOST_CHECK_EQUAL(proposal.seen[0].count, 2U);
    BOOST_CHECK_EQUAL(proposal.seen[0].bytes.max(), 31U);
    BOOST_CHECK_EQUAL(proposal.seen[1].where, "/admin");
    BOOST_CHECK(!proposal.seen[2].from_client);
    BOOST_CHECK_EQUAL(proposal.messages, 4U);
    BOOST_CHECK(proposal.requests.empty());
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_is_the_answer_of_the_event_that_wanted_it) {
    Learner watching = learner();
    for (int i = 0; i < 100; ++i) {
        const TimePoint asked = start + i * 1s;
        watching.socketio(From::client, 1, numbered("2", i, R"(["ask",{"q":1}])"), asked);
        watching.socketio(From::client, 2, numbered("2", i, R"(["ask",{"q":1}])"), asked);
        watching.socketio(From::app, 1, numbered("3", i, "[]"), asked + (i == 0 ? 2s : 100ms));
    }
    const Proposal proposal = watching.proposal();
    const Proposal::Request& ask = only_request(proposal);
    BOOST_CHECK(ask.id.empty());
    BOOST_CHECK(ask.answers.empty());
    BOOST_CHECK_EQUAL(ask.asked, 200U);
    BOOST_CHECK_EQUAL(ask.answered, 100U);
    BOOST_CHECK_EQUAL(ask.times.max(), 2000U);
    BOOST_CHECK_GE(ask.times.quantile(0.5), 100U);
    BOOST_CHECK_LE(ask.times.quantile(0.5), 110U);
    BOOST_CHECK_EQUAL(seen(proposal, "ask").with_ack, 200U);
}

BOOST_AUTO_TEST_CASE(the_id_is_the_value_that_differs_and_comes_back) {
    Learner watching = learner();
    for (int i = 0; i < 10; ++i) chat(watching, i);
    const Proposal proposal = watching.proposal();
    const Proposal::Request& request = only_request(proposal);
    BOOST_CHECK_EQUAL(request.name, "chat");
    BOOST_CHECK_EQUAL(request.id, "/message_id");
    BOOST_CHECK_EQUAL(request.answer_id, "/re/id");
    BOOST_TEST(request.answers == std::vector<std::string>{"response"}, boost::test_tools::per_element());
    BOOST_CHECK_EQUAL(request.answered, 10U);
    BOOST_CHECK(request.progress.empty());
}

BOOST_AUTO_TEST_CASE(what_another_session_hears_is_no_answer) {
    Learner watching = learner();
    for (int i = 0; i < 10; ++i) {
        watching.socketio(From::client, 1, numbered(R"(2["say",{"id":)", i, "}]"), start);
        watching.socketio(From::app, 2, numbered(R"(2["said",{"id":)", i, "}]"), start + 1s);
    }
    BOOST_CHECK(watching.proposal().requests.empty());
}

BOOST_AUTO_TEST_CASE(a_value_that_is_always_the_same_is_no_id) {
    Learner watching = learner();
    for (int i = 0; i < 100; ++i) {
        watching.socketio(From::client, 1, R"(2["say",{"room":"green"}])", start + i * 1s);
        watching.socketio(From::app, 1, R"(2["said",{"room":"green"}])", start + i * 1s);
    }
    BOOST_CHECK(watching.proposal().requests.empty());
}

BOOST_AUTO_TEST_CASE(what_comes_before_the_last_is_progress) {
    Learner watching = learner();
    for (int i = 0; i < 10; ++i) {
        const TimePoint asked = start + i * 10s;
        watching.socketio(From::client, 1, numbered(R"(2["ingest",{"job":{"id":)", i, "}}]"), asked);
        for (int step = 1; step <= 3; ++step) {
            watching.socketio(From::app, 1, numbered(R"(2["step",{"job_id":)", i, "}]"), asked + step * 1s);
        }
        watching.socketio(From::app, 1, numbered(R"(2["done",{"id":)", i, "}]"), asked + 4s);
    }
    const Proposal proposal = watching.proposal();
    const Proposal::Request& request = only_request(proposal);
    BOOST_CHECK_EQUAL(request.id, "/job/id");
    BOOST_TEST(request.answers == std::vector<std::string>{"done"}, boost::test_tools::per_element());
    BOOST_CHECK_EQUAL(request.answer_id, "/id");
    BOOST_TEST(request.progress == std::vector<std::string>{"step"}, boost::test_tools::per_element());
    BOOST_CHECK_EQUAL(request.progress_id, "/job_id");
    BOOST_CHECK_EQUAL(request.times.max(), 4000U);
}

BOOST_AUTO_TEST_CASE(what_a_client_says_about_an_answer_begins_something_else) {
    Learner watching = learner();
    for (int i = 0; i < 10; ++i) {
        chat(watching, i);
        watching.socketio(From::client, 1, numbered(R"(2["rate",{"message_id":"m)", i, R"("}])"),
                          start + i * 1s + 300ms);
        watching.socketio(From::app, 1, numbered(R"(2["rated",{"message_id":"m)", i, R"("}])"),
                          start + i * 1s + 400ms);
    }
    const Proposal proposal = watching.proposal();
    BOOST_REQUIRE_EQUAL(proposal.requests.size(), 2U);
    BOOST_TEST(proposal.requests[0].answers == std::vector<std::string>{"response"},
               boost::test_tools::per_element());
    BOOST_TEST(proposal.requests[1].answers == std::vector<std::string>{"rated"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(json_messages_are_told_apart_by_their_type) {
    Learner watching = learner();
    for (int i = 0; i < 5; ++i) {
        watching.json(From::client, 1, "/ws", type, numbered(R"({"type":"ask","id":"q)", i, R"("})"),
                      start + i * 1s);
        watching.json(From::app, 1, "/ws", type, numbered(R"({"type":"told","id":"q)", i, R"("})"),
                      start + i * 1s + 500ms);
    }
    watching.json(From::app, 1, "/ws", type, R"({"no":"type"})", start);
    const Proposal proposal = watching.proposal();
    BOOST_CHECK_EQUAL(proposal.unnamed, 1U);
    BOOST_CHECK_EQUAL(only_request(proposal).id, "/id");
    const std::string yaml = to_yaml(proposal);
    BOOST_CHECK(has(yaml, R"(match: {type: "ask", path: "/ws"})"));
    BOOST_CHECK(has(yaml, R"(answer: {type: "told", id: "/id"})"));
    BOOST_CHECK(has(yaml, R"(timeout: 2s)"));
    BOOST_CHECK(has(yaml, R"(fallback: {message: {"type": "told", "id": "{{id}}", "error": "{{code}}"}})"));
}

BOOST_AUTO_TEST_CASE(what_several_have_seen_adds_up) {
    Learner one = learner();
    Learner other = learner();
    for (int i = 0; i < 5; ++i) chat(one, i, 100ms);
    for (int i = 0; i < 5; ++i) chat(other, i, 900ms);
    other.socketio(From::client, 9, R"(2["bye"])", start);
    one.add(std::move(other));
    const Proposal proposal = one.proposal();
    BOOST_CHECK_EQUAL(proposal.messages, 21U);
    BOOST_CHECK_EQUAL(only_request(proposal).answered, 10U);
    BOOST_CHECK_EQUAL(only_request(proposal).times.max(), 900U);
    BOOST_CHECK_EQUAL(seen(proposal, "bye").count, 1U);
}

BOOST_AUTO_TEST_CASE(nothing_grows_without_bound) {
    Learner watching = learner({.names = 10, .pending = 50});
    for (int i = 0; i < 200; ++i) {
        watching.socketio(From::client, 1, numbered(R"(2["event)", i, R"("])"), start);
        watching.socketio(From::client, 1, numbered(R"(2["event0",{"id":)", i, "}]"), start);
    }
    // The first is forgotten, the last is remembered.
    watching.socketio(From::app, 1, R"(2["a",{"id":0}])", start);
    watching.socketio(From::app, 1, R"(2["event0",{"id":199}])", start);
    const Proposal proposal = watching.proposal();
    BOOST_CHECK_EQUAL(proposal.seen.size(), 10U);
    BOOST_CHECK_EQUAL(proposal.unlisted, 192U);
    BOOST_CHECK_EQUAL(proposal.forgotten, 150U);
}

BOOST_AUTO_TEST_CASE(an_answer_after_the_window_is_chance) {
    Learner watching = learner({.window = 1s});
    watching.socketio(From::client, 1, R"(2["ask",{"id":"a1"}])", start);
    watching.socketio(From::app, 1, R"(2["told",{"id":"a1"}])", start + 2s);
    BOOST_CHECK(watching.proposal().requests.empty());
}

BOOST_AUTO_TEST_CASE(values_are_kept_only_when_asked_for) {
    Learner discreet = learner();
    Learner curious = learner({.samples = true});
    for (Learner* each : {&discreet, &curious}) {
        each->socketio(From::client, 1,
                       "2[\"say\",{\"secret\":\n\"Gr\xc3\xbc\xc3\x9f"
                       "e\"}]",
                       start);
        for (int i = 0; i < 5; ++i) chat(*each, i);
    }
    const std::string without = to_yaml(discreet.proposal());
    BOOST_CHECK(!has(without, "Gr") && !has(without, "deep") && !has(without, "m1"));
    const std::string with = to_yaml(curious.proposal());
    BOOST_CHECK(has(with,
                    "#       [{\"secret\": \"Gr\xc3\xbc\xc3\x9f"
                    "e\"}]\n"));
}

BOOST_AUTO_TEST_CASE(a_proposal_is_yaml_with_comments) {
    Learner watching = learner();
    for (int i = 0; i < 30; ++i) chat(watching, i);
    for (int i = 0; i < 3; ++i) {
        watching.socketio(From::client, 1, numbered("2/a,", i, R"(["Ask me!"])"), start);
        watching.socketio(From::app, 1, numbered("3/a,", i, "[]"), start + 21s);
    }
    BOOST_CHECK_EQUAL(
        to_yaml(watching.proposal()),
        R"(# Proposed by `forestay learn` from 63 messages. Times are those of this app on this day: read and edit before use.
#
# Clients said (times, median, largest):
#          30        56 B        56 B  "chat"
#           3        16 B        16 B  "Ask me!" in "/a", 3 wanted an ack and 3 got it
#
# The app said:
#          30        59 B        59 B  "response"

requests:

  # "chat" asked 30 times, answered 30 times; p50 200 ms, p99 200 ms, longest 200 ms
  - name: chat
    match: {event: "chat"}
    id: "/message_id"
    answer: {event: "response", id: "/re/id"}
    timeout: 1s
    fallback: {event: "response", data: {"re": {"id": "{{id}}"}, "error": "{{code}}"}}

  # "Ask me!" asked 3 times, answered 3 times; p50 21 s, p99 21 s, longest 21 s
  # Few were seen: the timeout is a guess.
  - name: ask_me
    match: {event: "Ask me!", namespace: "/a"}
    timeout: 90s
    fallback: {ack: [{error: "{{code}}"}]}
)");
}

BOOST_AUTO_TEST_CASE(names_of_peers_end_no_comment_and_expand_to_nothing) {
    Learner watching = learner();
    watching.socketio(From::client, 1, R"(21["a\n\"b\" ${HOME}"])", start);
    watching.socketio(From::app, 1, "31[]", start);
    watching.socketio(From::client, 1, R"(22["{{id}}"])", start);
    watching.socketio(From::app, 1, "32[]", start);
    const std::string yaml = to_yaml(watching.proposal());
    BOOST_CHECK(has(yaml, R"(match: {event: "a\n\"b\" $${HOME}"})"));
    BOOST_CHECK(has(yaml, "# No rule: its names or ids read like placeholders.\n"));
    BOOST_CHECK(has(to_yaml(Learner({}).proposal()), "requests: []\n"));
}

// {"error": {"id": ...}}: there is no room for the code beside it.
BOOST_AUTO_TEST_CASE(an_answer_whose_id_is_inside_of_error_ends_nothing_but_the_words) {
    Proposal proposal;
    Proposal::Request request;
    request.name = "ask";
    request.where = "/";
    request.id = "/id";
    request.answers = {"failed"};
    request.answer_id = "/error/id";
    request.asked = request.answered = 1;
    proposal.requests.push_back(request);
    BOOST_TEST(has(to_yaml(proposal), R"(fallback: {event: "failed", data: {"error": {"id": "{{id}}"}}})"));
    request.json = true;
    request.where = "/ws/{room}";
    request.type = "/error/type";
    proposal.requests = {request};
    const std::string json = to_yaml(proposal);
    BOOST_TEST(has(json, R"(fallback: {message: {"error": {"type": "failed", "id": "{{id}}"}}})"));
    BOOST_TEST(has(json, R"(match: {type: "ask", path: "/ws/{room}"})"));
}

BOOST_AUTO_TEST_CASE(clients_that_make_up_fields_do_not_fill_the_memory) {
    Learner watching = learner({.fields = 2});
    for (const char* name : {"a", "b", "c"}) {
        const std::string event = std::string("2[\"") + name + "\",{\"id\":\"" + name + "-17\"}]";
        watching.socketio(From::client, 1, event, start);
        watching.socketio(From::app, 1, event, start + 1s);
    }
    const Proposal proposal = watching.proposal();
    BOOST_CHECK_EQUAL(proposal.requests.size(), 2U);
    BOOST_CHECK_EQUAL(proposal.messages, 6U);
}

// As many as are asked for: what they are found by must not grow with them.
BOOST_AUTO_TEST_CASE(an_ack_id_that_is_used_again_is_remembered_once) {
    Learner watching = learner({.pending = 2});
    for (int i = 0; i < 10; ++i) watching.socketio(From::client, 1, R"(27["ask"])", start + i * 1s);
    watching.socketio(From::app, 1, "37[]", start + 10s);
    watching.socketio(From::app, 1, "37[]", start + 10s);
    const Proposal proposal = watching.proposal();
    BOOST_CHECK_EQUAL(proposal.forgotten, 0U);
    BOOST_CHECK_EQUAL(only_request(proposal).answered, 1U);
    BOOST_CHECK_EQUAL(only_request(proposal).times.max(), 1'000U);
}

BOOST_AUTO_TEST_CASE(timeouts_are_three_times_the_slow_ones_as_people_write_them) {
    const auto of = [](std::uint64_t ms) {
        LogHistogram times;
        times.add(ms);
        return proposed_timeout(times).count();
    };
    BOOST_CHECK_EQUAL(of(1), 1);
    BOOST_CHECK_EQUAL(of(333), 1);
    BOOST_CHECK_EQUAL(of(334), 2);
    BOOST_CHECK_EQUAL(of(9'000), 30);
    BOOST_CHECK_EQUAL(of(3'000'000), 10'800);
    BOOST_CHECK_EQUAL(of(900'000'000), 86'400);
}

BOOST_AUTO_TEST_CASE(quantiles_are_at_most_a_tenth_too_high) {
    LogHistogram values;
    BOOST_CHECK_EQUAL(values.quantile(0.5), 0U);
    for (std::uint64_t i = 1; i <= 10'000; ++i) values.add(i);
    BOOST_CHECK_GE(values.quantile(0.5), 5'000U);
    BOOST_CHECK_LE(values.quantile(0.5), 5'500U);
    BOOST_CHECK_GE(values.quantile(0.99), 9'900U);
    BOOST_CHECK_LE(values.quantile(0.99), 10'000U);
}

BOOST_AUTO_TEST_CASE(scalars_of_nested_objects_have_pointers) {
    const auto found = scalars(
        R"( {"a":1,"b":{"c~/d":"x","e":{"f":-2,"g":{"h":3}}},"i":true,"j":[4],"k":"\""},["no"])", 3, 10);
    std::vector<std::string> lines;
    for (const Scalar& one : found) lines.push_back(one.pointer + "=" + std::string(one.text));
    const std::vector<std::string> expected{"/a=1", "/b/c~0~1d=\"x\"", "/b/e/f=-2", "/k=\"\\\"\""};
    BOOST_TEST(lines == expected, boost::test_tools::per_element());
    BOOST_CHECK_EQUAL(scalars(R"({"a":1,"b":2,"c":3})", 3, 2).size(), 2U);
}

BOOST_AUTO_TEST_CASE(scalars_of_what_is_no_object_are_none) {
    for (const char* text :
         {"", "[1]", "\"x\"", "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":}", "{1:2}", "{\"a\" 1}"})
        BOOST_CHECK(scalars(text, 3, 10).empty());
}
