#include "config/resume_section.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay;
using namespace forestay::config;
using namespace forestay::config::test;
using namespace std::chrono_literals;

namespace {

Given upstream(const std::string& keys) {
    return with("resume: {upstream: {" + keys + "}}\n");
}
// Beside a JSON websocket.
Given client(const std::string& keys) {
    return with("resume: {client: {" + keys + "}}\nwebsockets: [{path: /ws, format: json}]\n");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resume_section)

BOOST_AUTO_TEST_CASE(what_happens_when_the_app_is_gone_arrives_whole) {
    const Config got =
        loaded(
            "resume:\n"
            "  upstream: {hold: 1m, on_return: rebuild, rebuild: [join, subscribe], rate: 7/s,\n"
            "             max_bytes: 2MiB, max_messages: 5, max_age: 9s, sid_alias: true}\n")
            .config;
    const session::ResumeUpstream& resume = got.session.resume_upstream;
    BOOST_CHECK(resume.hold == 1min);
    BOOST_CHECK(resume.on_return == session::OnReturn::rebuild);
    CHECK_LINES(resume.rebuild, {"join", "subscribe"});
    BOOST_CHECK_EQUAL(resume.max_bytes, 2U << 20);
    BOOST_CHECK_EQUAL(resume.max_messages, 5U);
    BOOST_CHECK(resume.max_age == 9s);
    BOOST_CHECK(resume.sid_alias);
    BOOST_CHECK(got.net.upstream.hold == 1min);
    BOOST_CHECK_EQUAL(got.net.upstream.connects_per_second, 7U);
}

BOOST_AUTO_TEST_CASE(what_waits_may_get_as_old_as_hold_is_long) {
    BOOST_CHECK(upstream("hold: 40s").load().config.session.resume_upstream.max_age == 40s);
    // The first connection may take the handshake's time.
    BOOST_CHECK(upstream("hold: 0s").load().config.session.resume_upstream.max_age == 10s);
    CHECK_LINES(upstream("hold: 7s, max_age: 10s").problems(), {});
    CHECK_LINES(upstream("hold: 20s, max_age: 21s").problems(),
                {"3:41: warning: resume.upstream.max_age is longer than hold: nothing gets that old"});
}

BOOST_AUTO_TEST_CASE(names_to_rebuild_need_the_mode) {
    CHECK_LINES(
        upstream("rebuild: [join]").problems(),
        {"3:30: resume.upstream.rebuild names events, but on_return is reannounce: set on_return: rebuild, "
         "or remove the names"});
    CHECK_LINES(
        upstream("on_return: close, rebuild: [join]").problems(),
        {"3:48: resume.upstream.rebuild names events, but on_return is close: set on_return: rebuild, or "
         "remove the names"});
    CHECK_LINES(upstream("on_return: rebuild").problems(), {});
    CHECK_LINES(upstream("on_return: rebuild, rebuild: [connect]").problems(),
                {"3:51: resume.upstream.rebuild: \"connect\" is reserved by Socket.IO: no client emits it"});
}

BOOST_AUTO_TEST_CASE(an_alias_where_the_client_learns_the_new_sid_is_a_warning) {
    CHECK_LINES(
        upstream("sid_alias: true").problems(),
        {"3:32: warning: resume.upstream.sid_alias does nothing without on_return: rebuild: otherwise the "
         "client learns the app's new sid"});
}

BOOST_AUTO_TEST_CASE(several_upstreams_without_hold_are_a_warning) {
    const Given given{
        "listen: 127.0.0.1:1\nupstream: [http://a:1, http://a:2]\nresume: {upstream: {hold: 0s}}\n",
        {},
        {},
        {},
        false};
    CHECK_LINES(
        given.problems(),
        {"3:27: warning: with resume.upstream.hold: 0s no session moves to another of the upstreams: it ends "
         "with its own"});
}

BOOST_AUTO_TEST_CASE(a_rate_that_the_threads_cannot_share_is_a_warning) {
    CHECK_LINES(with("resume: {upstream: {rate: 90/m}}\n").problems(),
                {"3:27: resume.upstream.rate counts by the second: write 100/s"});
    CHECK_LINES(with("resume: {upstream: {rate: 2/s}}\nthreads: 2\n").problems(), {});
    CHECK_LINES(with("resume: {upstream: {rate: 1/s}}\nthreads: 2\n").problems(),
                {"3:27: warning: resume.upstream.rate is smaller than threads: each of them lets one session "
                 "a second "
                 "through"});
}

BOOST_AUTO_TEST_CASE(bounds_of_what_waits) {
    CHECK_LINES(upstream("hold: 61m, rate: 0/s, max_messages: 0, max_age: 10ms").problems(),
                {"3:27: resume.upstream.hold: \"61m\" is not between 0s and 1h",
                 "3:38: resume.upstream.rate: \"0/s\" is not between 1/s and 10000/s",
                 "3:57: resume.upstream.max_messages: \"0\" is not between 1 and 1000000",
                 "3:69: resume.upstream.max_age: \"10ms\" is not between 100ms and 1h"});
    CHECK_LINES(
        upstream("max_bytes: 1KiB").problems(),
        {"3:32: warning: resume.upstream.max_bytes is smaller than limits.max_message: such a message is "
         "never kept"});
}

BOOST_AUTO_TEST_CASE(what_happens_when_a_client_is_away_arrives_whole) {
    const auto got = client("recovery: marker, hold: 5s, max_bytes: 3MiB, max_messages: 7").load();
    const session::ResumeClient& resume = got.config.session.resume_client;
    BOOST_CHECK(got.problems.empty());
    BOOST_CHECK(resume.recovery == session::Recovery::marker);
    BOOST_CHECK(!resume.envelope);
    BOOST_CHECK(resume.hold == 5s);
    BOOST_CHECK(resume.left_hold == 5s);  // not longer than hold
    BOOST_CHECK_EQUAL(resume.max_bytes, 3U << 20);
    BOOST_CHECK_EQUAL(resume.max_messages, 7U);
}

BOOST_AUTO_TEST_CASE(socketio_and_json_websockets_have_a_recovery_each) {
    const session::ResumeClient both =
        client("recovery: [marker, envelope]").load().config.session.resume_client;
    BOOST_CHECK(both.recovery == session::Recovery::marker);
    BOOST_CHECK(both.envelope);
    const session::ResumeClient one = client("recovery: envelope").load().config.session.resume_client;
    BOOST_CHECK(one.recovery == session::Recovery::off);
    BOOST_CHECK(one.envelope);
    CHECK_LINES(client("recovery: [marker, append, off]").problems(),
                {"3:29: resume.client.recovery: off stands alone",
                 "3:29: resume.client.recovery: either marker or append",
                 "3:29: warning: append adds an argument to each event: handlers that count their arguments "
                 "and python "
                 "clients break on it, marker is seen by onAny only"});
    CHECK_LINES(with("resume: {client: {recovery: envelope}}\n").problems(),
                {"3:29: resume.client.recovery: envelope needs a websocket of format: json in websockets"});
}

BOOST_AUTO_TEST_CASE(our_own_words_do_not_end_the_numbering_of_the_envelope) {
    const std::string words =
        "websockets:\n"
        "- {path: /ws, format: json, error: {message_id: 1}, ping: {type: p, reply: {message_id: 2}},\n"
        "   heartbeat: {interval: 1s, message: {message_id: 3, data: {}}}}\n"
        "requests:\n"
        "- {name: a, match: {type: x}, id: order, answer: {type: y}, progress: {type: z}, timeout: 1s,\n"
        "   fallback: {message: {message_id: 4}}, partial: {fallback: {message: {message_id: 5}}},\n"
        "   concurrency: 1, queue: {timeout: 500ms, status: {message: {message_id: 6}}}}\n";
    const auto about_numbers = [](const Given& given) {
        Lines all = given.problems();
        std::erase_if(all, [](const std::string& one) { return one.find("envelope") == std::string::npos; });
        return all;
    };
    BOOST_CHECK(about_numbers(with(words)).empty());
    const std::string other = "resume: {client: {recovery: envelope, envelope: {message_id: n}}}\n";
    BOOST_CHECK(about_numbers(with(words + other)).empty());
    const Lines got = about_numbers(with(words + "resume: {client: {recovery: envelope}}\n"));
    BOOST_REQUIRE_EQUAL(got.size(), 6U);
    BOOST_CHECK(got[0].ends_with(
        "error: the envelope numbers messages with \"message_id\" (resume.client.envelope.message_id)"));
    BOOST_CHECK(about_numbers(with("websockets: [{path: /ws, format: json, error: {data: {message_id: 1}}}]\n"
                                   "resume: {client: {recovery: envelope}}\n"))
                    .empty());
}

BOOST_AUTO_TEST_CASE(a_client_away_for_longer_than_late_answers_are_known_is_a_warning) {
    CHECK_LINES(client("recovery: marker, hold: 10m").problems(), {});
    CHECK_LINES(client("recovery: marker, hold: 11m").problems(),
                {"3:43: warning: a late answer is recognised for 10m only: a client that is away for longer "
                 "may get it "
                 "beside its fallback"});
    CHECK_LINES(client("recovery: off, hold: 11m").problems(), {});
}

BOOST_AUTO_TEST_CASE(the_words_of_the_envelope_are_plain_and_differ) {
    const auto got = client("recovery: envelope, envelope: {ack: seen, session: sid}").load();
    BOOST_CHECK(got.problems.empty());
    BOOST_CHECK_EQUAL(got.config.session.resume_client.names.ack, "seen");
    BOOST_CHECK_EQUAL(got.config.session.resume_client.names.session, "sid");
    BOOST_CHECK_EQUAL(got.config.session.resume_client.names.type, "type");
    CHECK_LINES(
        client("envelope: {ack: \"a b\"}").problems(),
        {"3:35: resume.client.envelope.ack: \"a b\" is not of letters, digits and _-.: alone, at most 64 of "
         "them"});
    CHECK_LINES(client("envelope: {message_id: type}").problems(),
                {"3:29: resume.client.envelope: two types, or two fields, have the same name"});
    CHECK_LINES(client("envelope: {ack: type}").problems(), {});
}

BOOST_AUTO_TEST_SUITE_END()
