// Whole sessions over real sockets, without HTTP in front: the test is the client and the upstream.
#include "proxy/net/engineio_endpoint.h"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/shared_gate.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upgraded_sockets.h"
#include "proxy/net/upstream_set.h"
#include "proxy/wire/websocket/frame.h"
#include "tests/net/scripted_upstream.h"

namespace {

using namespace forestay::net;
using namespace forestay::net::testing;
using namespace forestay::wire::websocket;
using namespace std::chrono_literals;

std::string frame(Opcode opcode, std::string_view payload, std::optional<MaskKey> mask = std::nullopt) {
    std::string bytes;
    write_frame(bytes, opcode, payload, mask);
    return bytes;
}
std::string from_client(std::string_view text) {
    return frame(Opcode::text, text, MaskKey{1, 2, 3, 4});
}
std::string from_upstream(std::string_view text) {
    return frame(Opcode::text, text);
}

// The payloads of whole frames; a close frame as "close CODE".
std::vector<std::string> messages(std::string_view bytes, Sender sender) {
    std::vector<std::string> found;
    while (!bytes.empty()) {
        const auto head = parse_frame_head(bytes, sender);
        BOOST_REQUIRE(head.has_value());
        std::string payload(bytes.substr(head->head_size, head->payload_size));
        if (head->mask) apply_mask(payload.data(), payload.size(), *head->mask);
        if (head->opcode == Opcode::close) {
            const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(payload.at(i)); };
            payload = payload.empty() ? "close" : "close " + std::to_string(byte(0) * 256 + byte(1));
        }
        found.push_back(payload);
        bytes.remove_prefix(head->head_size + head->payload_size);
    }
    return found;
}

using Lines = std::vector<std::string>;

struct Fixture {
    ScriptedUpstream upstream;
    std::vector<std::string> journal;
    Shared shared = make_shared();
    Loop loop{shared};
    EngineIoEndpoint endpoint{loop};

    Shared make_shared() {
        Shared made;
        made.options.upstream.urls.front().port = upstream.port;
        made.options.upstream.urls.front().path_prefix = "/app";
        made.policy.rules = one_rule();
        made.journal = [this](const JournalEntry& entry) {
            std::string line(entry.event);
            for (const auto& [name, value] : entry.fields) {
                if (name != "session" && name != "duration_ms") line += " " + std::string(name) + "=" + value;
            }
            journal.push_back(line);
        };
        return made;
    }
    static forestay::rules::RuleSet one_rule() {
        forestay::rules::RuleSpec spec;
        spec.name = "one_at_a_time";
        spec.match.event = "one_at_a_time";
        spec.timeout = 45s;
        spec.fallback.ack = "[null]";
        spec.concurrency = 1;
        std::vector<forestay::rules::Problem> problems;
        auto made = forestay::rules::RuleSet::compile({spec}, problems);
        BOOST_REQUIRE(problems.empty());
        return made;
    }
    static GuardedRequest request(std::string_view target) {
        GuardedRequest made;
        made.method = "GET";
        made.target = target;
        made.query = *forestay::wire::engineio::parse_query(target.substr(target.find('?') + 1));
        made.upstream_fields = {{"Host", "app.example"}, {"Cookie", "session=abc"}};
        made.client_address = "192.0.2.1";
        return made;
    }
    void run() {
        for (int quiet = 0; quiet < 3;) quiet = loop.context().poll() == 0 ? quiet + 1 : 0;
    }
    void pass(std::chrono::milliseconds time) {
        const auto later = loop.now() + time;
        while (TimerEntry* entry = loop.wheel().pop_due(later)) entry->due(later);
        run();
    }
    void write(const UniqueFd& peer, std::string_view bytes) {
        write_all(peer, bytes);
        run();
    }
    UniqueFd open_websocket(std::string_view target = "/socket.io/?EIO=4&transport=websocket",
                            std::string_view early = "") {
        int pair[2];
        BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        endpoint.upgraded(request(target), Socket(UniqueFd(pair[0])), std::string(early));
        run();
        return UniqueFd(pair[1]);
    }
    // Accepts the upstream leg of a session, says OPEN, and returns what was asked.
    UniqueFd attach(std::string* asked = nullptr) {
        run();
        UniqueFd peer = upstream.accept();
        run();
        const std::string head = read_some(peer);
        if (asked != nullptr) *asked = head;
        write(peer,
              switching(head) +
                  from_upstream(R"(0{"sid":"u","upgrades":[],"pingInterval":25000,"pingTimeout":20000})"));
        return peer;
    }
    Lines heard_by_client(const UniqueFd& peer) { return messages(read_some(peer), Sender::server); }
    Lines heard_by_upstream(const UniqueFd& peer) { return messages(read_some(peer), Sender::client); }
    HttpAnswer answer_to(std::string_view target, std::string subject = {}, std::string origin = {}) {
        HttpAnswer got;
        GuardedRequest asks = request(target);
        if (!subject.empty()) asks.identity.emplace().subject = subject;
        asks.origin = origin;
        endpoint.written(
            endpoint.poll(std::move(asks), [&got](HttpAnswer answer) { got = std::move(answer); }));
        return got;
    }
    static std::string sid_of(const std::string& open) {
        const auto at = open.find("\"sid\":\"") + 7;
        return open.substr(at, open.find('"', at) - at);
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(engineio_endpoint, Fixture)

BOOST_AUTO_TEST_CASE(a_websocket_session_from_open_to_goodbye) {
    UniqueFd client = open_websocket("/socket.io/?EIO=4&transport=websocket&room=7");
    const Lines open = heard_by_client(client);
    BOOST_REQUIRE(open.size() == 1U);
    BOOST_TEST(open[0].starts_with("0{\"sid\":\""));
    BOOST_TEST(!upstream.waiting());  // not before the client says CONNECT

    write(client, from_client("40"));
    std::string asked;
    UniqueFd app = attach(&asked);
    BOOST_TEST(asked.starts_with(
        "GET /app/socket.io/?EIO=4&transport=websocket&room=7 HTTP/1.1\r\nHost: app.example\r\n"));
    BOOST_TEST(field(asked, "Cookie") == "session=abc");
    BOOST_TEST(heard_by_upstream(app) == Lines{"40"}, boost::test_tools::per_element());
    write(app, from_upstream("40{\"sid\":\"s\"}"));
    BOOST_TEST(heard_by_client(client) == Lines{"40{\"sid\":\"s\"}"}, boost::test_tools::per_element());

    write(client, from_client("42[\"a\",1]") + from_client("42[\"b\",2]"));
    BOOST_TEST(heard_by_upstream(app) == (Lines{"42[\"a\",1]", "42[\"b\",2]"}),
               boost::test_tools::per_element());
    write(app, from_upstream("42[\"c\"]"));
    BOOST_TEST(heard_by_client(client) == Lines{"42[\"c\"]"}, boost::test_tools::per_element());
    BOOST_TEST(endpoint.sessions() == 1U);
    BOOST_TEST(loop.stats().client_connections[static_cast<std::size_t>(ClientTransport::websocket)] == 1U);

    write(client, frame(Opcode::close, "\x03\xe8", MaskKey{1, 2, 3, 4}));
    BOOST_TEST(heard_by_client(client) == Lines{"close 1000"}, boost::test_tools::per_element());
    BOOST_TEST(heard_by_upstream(app) == Lines{"close 1000"}, boost::test_tools::per_element());
    BOOST_TEST(endpoint.sessions() == 0U);
    BOOST_TEST(loop.stats().client_connections[static_cast<std::size_t>(ClientTransport::websocket)] == 0U);
    BOOST_REQUIRE(journal.size() == 2U);
    BOOST_TEST(journal[0] == "session_open client=192.0.2.1 transport=websocket");
    BOOST_TEST(journal[1].starts_with(
        "session_close client=192.0.2.1 side=client reason=goodbye transports=websocket"));
    BOOST_TEST(loop.wheel().size() == 2U);  // the two sockets wait for the peers' FIN
    client.reset();
    app.reset();
    run();
    BOOST_TEST(loop.sockets().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_request_goes_to_the_app_when_its_turn_has_come) {
    UniqueFd one = open_websocket();
    write(one, from_client("40"));
    UniqueFd one_app = attach();
    write(one_app, from_upstream("40{\"sid\":\"s\"}"));
    UniqueFd other = open_websocket();
    write(other, from_client("40"));
    UniqueFd other_app = attach();
    write(other_app, from_upstream("40{\"sid\":\"s\"}"));
    heard_by_upstream(one_app);
    heard_by_upstream(other_app);

    write(one, from_client("421[\"one_at_a_time\"]") + from_client("42[\"a\"]"));
    write(other, from_client("422[\"one_at_a_time\"]") + from_client("42[\"b\"]"));
    BOOST_TEST(heard_by_upstream(one_app) == (Lines{"42[\"a\"]", "421[\"one_at_a_time\"]"}),
               boost::test_tools::per_element());
    BOOST_TEST(heard_by_upstream(other_app) == Lines{"42[\"b\"]"}, boost::test_tools::per_element());
    write(one_app, from_upstream("431[]"));
    BOOST_TEST(heard_by_upstream(other_app) == Lines{"422[\"one_at_a_time\"]"},
               boost::test_tools::per_element());

    // Who goes leaves its place.
    write(one, from_client("423[\"one_at_a_time\"]"));
    BOOST_TEST(loop.gate().stats().at(0).waiting == 1U);
    other.reset();
    run();
    BOOST_TEST(endpoint.sessions() == 1U);
    BOOST_TEST(heard_by_upstream(one_app) == Lines{"423[\"one_at_a_time\"]"},
               boost::test_tools::per_element());
    BOOST_TEST(loop.gate().stats().at(0).running == 1U);
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_handshakes_are_not_lost) {
    UniqueFd client = open_websocket("/socket.io/?EIO=4&transport=websocket", from_client("40"));
    UniqueFd app = attach();
    BOOST_TEST(heard_by_upstream(app) == Lines{"40"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(polling_opens_and_posts) {
    const std::string open = answer_to("/socket.io/?EIO=4&transport=polling").body;
    BOOST_TEST(open.starts_with("0{\"sid\":\""));
    const std::string target = "/socket.io/?EIO=4&transport=polling&sid=" + sid_of(open);
    HttpAnswer posted;
    endpoint.post(request(target), "40", [&](HttpAnswer answer) { posted = std::move(answer); });
    BOOST_TEST(posted.status == 200U);
    UniqueFd app = attach();
    BOOST_TEST(heard_by_upstream(app) == Lines{"40"}, boost::test_tools::per_element());

    HttpAnswer polled{0, {}};
    const auto exchange =
        endpoint.poll(request(target), [&](HttpAnswer answer) { polled = std::move(answer); });
    BOOST_TEST(polled.status == 0U);
    write(app, from_upstream("40{\"sid\":\"s\"}"));
    BOOST_TEST(polled.body == "40{\"sid\":\"s\"}");
    endpoint.written(exchange);
    BOOST_TEST(endpoint.sessions() == 1U);
}

BOOST_AUTO_TEST_CASE(an_answer_that_was_lost_is_given_again) {
    const std::string open = answer_to("/socket.io/?EIO=4&transport=polling").body;
    const std::string target = "/socket.io/?EIO=4&transport=polling&sid=" + sid_of(open);
    endpoint.post(request(target), "40", [](HttpAnswer) {});
    UniqueFd app = attach();
    const auto exchange = endpoint.poll(request(target), [](HttpAnswer) {});
    write(app, from_upstream("40{\"sid\":\"s\"}"));
    endpoint.lost(exchange);
    BOOST_TEST(answer_to(target).body == "40{\"sid\":\"s\"}");
}

BOOST_AUTO_TEST_CASE(a_polling_client_upgrades) {
    const std::string open = answer_to("/socket.io/?EIO=4&transport=polling").body;
    const std::string sid = sid_of(open);
    UniqueFd client = open_websocket("/socket.io/?EIO=4&transport=websocket&sid=" + sid);
    write(client, from_client("2probe"));
    BOOST_TEST(heard_by_client(client) == Lines{"3probe"}, boost::test_tools::per_element());
    const auto second = endpoint.refuse_upgrade(request("/socket.io/?EIO=4&transport=websocket&sid=" + sid));
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST(second->status == 400U);
    write(client, from_client("5") + from_client("40"));
    UniqueFd app = attach();
    BOOST_TEST(heard_by_upstream(app) == Lines{"40"}, boost::test_tools::per_element());
    BOOST_TEST(loop.stats().client_connections[static_cast<std::size_t>(ClientTransport::polling)] == 0U);
    BOOST_TEST(answer_to("/socket.io/?EIO=4&transport=polling&sid=" + sid).status == 400U);
}

BOOST_AUTO_TEST_CASE(who_may_use_a_sid) {
    HttpAnswer unknown = answer_to("/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA");
    BOOST_TEST(unknown.status == 400U);
    BOOST_TEST(unknown.body == R"({"code":1,"message":"Session ID unknown"})");

    const std::string open =
        answer_to("/socket.io/?EIO=4&transport=polling", "alice", "https://a.example").body;
    const std::string target = "/socket.io/?EIO=4&transport=polling&sid=" + sid_of(open);
    BOOST_TEST(answer_to(target, "bob", "https://a.example").status == 403U);
    BOOST_TEST(answer_to(target, "", "https://a.example").status == 403U);
    BOOST_TEST(answer_to(target, "alice", "https://b.example").status == 403U);
    BOOST_TEST(loop.stats().sid_mismatches == 3U);
    HttpAnswer waits{0, {}};
    GuardedRequest same_origin_get = request(target);
    same_origin_get.identity.emplace().subject = "alice";
    endpoint.poll(std::move(same_origin_get), [&](HttpAnswer answer) { waits = std::move(answer); });
    BOOST_TEST(waits.status == 0U);
    endpoint.shutdown();
    BOOST_TEST(waits.status == 200U);
    BOOST_TEST(waits.body == "1");
}

BOOST_AUTO_TEST_CASE(requests_that_no_session_can_take) {
    HttpAnswer answer;
    endpoint.post(request("/socket.io/?EIO=4&transport=polling"), "40",
                  [&](HttpAnswer its) { answer = std::move(its); });
    BOOST_TEST(answer.body == R"({"code":2,"message":"Bad handshake method"})");
    BOOST_TEST(answer_to("/socket.io/?EIO=4&transport=websocket").body ==
               R"({"code":3,"message":"Bad request"})");
}

BOOST_AUTO_TEST_CASE(an_upstream_that_refuses_ends_the_session) {
    UniqueFd client = open_websocket();
    write(client, from_client("40"));
    run();
    UniqueFd app = upstream.accept();
    run();
    write(app, "HTTP/1.1 400 BAD REQUEST\r\nContent-Length: 0\r\n\r\n");
    // It might have no websockets.
    app = upstream.accept();
    run();
    BOOST_TEST(read_some(app).starts_with("GET /app/socket.io/?EIO=4&transport=polling HTTP/1.1\r\n"));
    write(app, "HTTP/1.1 400 BAD REQUEST\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(endpoint.sessions() == 0U);
    BOOST_TEST(heard_by_client(client).back().starts_with("close "));
    BOOST_TEST(journal.back().find("side=upstream reason=refused") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_unreachable_upstream_ends_the_session_that_is_not_held) {
    shared.policy.resume_upstream.hold = {};
    upstream.listener.reset();
    UniqueFd client = open_websocket();
    write(client, from_client("40"));
    pass(20ms);
    BOOST_TEST(endpoint.sessions() == 0U);
    BOOST_TEST(heard_by_client(client).back().starts_with("close "));
}

// Every attempt says the same handshake, but for cookies that a later request of the client has brought.
BOOST_AUTO_TEST_CASE(a_session_connects_again_with_its_handshake_and_the_newest_cookie) {
    const std::string open = answer_to("/socket.io/?EIO=4&transport=polling&room=7").body;
    const std::string target = "/socket.io/?EIO=4&transport=polling&sid=" + sid_of(open);
    endpoint.post(request(target), "40", [](HttpAnswer) {});
    std::string asked;
    UniqueFd app = attach(&asked);
    BOOST_TEST(field(asked, "Cookie") == "session=abc");
    GuardedRequest later = request(target);
    later.upstream_fields = {{"Host", "other.example"}, {"Cookie", "session=def"}};
    endpoint.poll(std::move(later), [](HttpAnswer) {});
    write(app, from_upstream("40{\"sid\":\"s\"}"));
    app.reset();
    run();
    // Somebody looks whether the app is there, too.
    std::string again;
    for (int i = 0; again.empty() && i < 1000; ++i) {
        loop.context().run_one_for(10ms);
        if (!upstream.waiting()) continue;
        app = upstream.accept();
        run();
        again = read_some(app);
    }
    BOOST_TEST(again.starts_with(
        "GET /app/socket.io/?EIO=4&transport=websocket&room=7 HTTP/1.1\r\nHost: app.example\r\n"));
    BOOST_TEST(field(again, "Cookie") == "session=def");
    BOOST_TEST(endpoint.sessions() == 1U);
}

BOOST_AUTO_TEST_CASE(who_comes_when_the_upstream_is_down_for_too_long_is_told_when_to_try_again) {
    shared.options.upstream.hold = 0ms;
    upstream.listener.reset();
    loop.upstreams().watch();
    pass(20ms);
    loop.read_clock();
    const HttpAnswer polling = answer_to("/socket.io/?EIO=4&transport=polling");
    BOOST_TEST(polling.status == 503U);
    BOOST_TEST(polling.retry_after >= 1U);
    BOOST_TEST(polling.retry_after <= 5U);
    const auto websocket = endpoint.refuse_upgrade(request("/socket.io/?EIO=4&transport=websocket"));
    BOOST_REQUIRE(websocket.has_value());
    BOOST_TEST(websocket->status == 503U);
    BOOST_TEST(websocket->retry_after >= 1U);

    shared.options.upstream.hold = 30s;
    BOOST_TEST(answer_to("/socket.io/?EIO=4&transport=polling").status == 200U);
}

// The app has no websockets: one GET hangs, POSTs go beside it, and nothing is aborted.
BOOST_AUTO_TEST_CASE(an_app_that_is_polled) {
    UniqueFd client = open_websocket("/socket.io/?EIO=4&transport=websocket&room=7");
    write(client, from_client("40"));
    run();
    UniqueFd app = upstream.accept();
    run();
    write(app, "HTTP/1.1 400 BAD REQUEST\r\nContent-Length: 0\r\n\r\n");
    app = upstream.accept();
    run();
    (void)read_some(app);
    write(app,
          "HTTP/1.1 200 OK\r\n\r\n"
          R"(0{"sid":"a b","upgrades":[],"pingInterval":25000,"pingTimeout":20000})");
    app.reset();
    run();
    UniqueFd get = upstream.accept();
    UniqueFd post = upstream.accept();
    run();
    std::string asked = read_some(get);
    BOOST_TEST(
        asked.starts_with("GET /app/socket.io/?EIO=4&transport=polling&room=7&sid=a%20b HTTP/1.1\r\n"));
    BOOST_TEST(field(asked, "Cookie") == "session=abc");
    asked = read_some(post);
    BOOST_TEST(
        asked.starts_with("POST /app/socket.io/?EIO=4&transport=polling&room=7&sid=a%20b HTTP/1.1\r\n"));
    BOOST_TEST(field(asked, "Content-Type") == "text/plain;charset=UTF-8");
    BOOST_TEST(field(asked, "Content-Length") == "2");
    BOOST_TEST(asked.ends_with("\r\n\r\n40"));

    // What is said while a POST is under way waits for its answer, and a goodbye waits for both.
    write(client, from_client("42[\"a\"]") + from_client("42[\"b\"]"));
    BOOST_TEST(!upstream.waiting());
    write(post, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    write(get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n40{\"sid\":1}\r\n0\r\n\r\n");
    get = upstream.accept();
    post = upstream.accept();
    run();
    BOOST_TEST(
        read_some(post).ends_with("\r\n\r\n42[\"a\"]\x1e"
                                  "42[\"b\"]"));
    write(client, from_client("42[\"c\"]") + from_client("41") +
                      frame(Opcode::close, "\x03\xe8", MaskKey{1, 2, 3, 4}));
    BOOST_TEST(endpoint.sessions() == 0U);
    BOOST_TEST(!upstream.waiting());
    write(post, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    post = upstream.accept();
    run();
    BOOST_TEST(
        read_some(post).ends_with("\r\n\r\n42[\"c\"]\x1e"
                                  "41\x1e"
                                  "1"));
    BOOST_TEST(loop.upstreams().exchanges->posts == 1U);
    write(post, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");

    char byte = 0;
    (void)read_some(get);
    BOOST_TEST(::recv(get.get(), &byte, 1, MSG_DONTWAIT) == -1);  // still there
    write(get, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n6");
    BOOST_TEST(loop.upstreams().exchanges->all == 0U);
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_while_the_upstream_is_asked_leaves_nothing) {
    UniqueFd client = open_websocket();
    write(client, from_client("40"));
    run();
    UniqueFd app = upstream.accept();
    client.reset();
    run();
    BOOST_TEST(endpoint.sessions() == 0U);
    BOOST_TEST(loop.sockets().size() == 0U);
    BOOST_TEST(loop.wheel().size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_plain_websocket_goes_through_as_it_came) {
    int client[2];
    int app[2];
    BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, client) == 0);
    BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, app) == 0);
    UniqueFd browser(client[1]);
    UniqueFd server(app[1]);
    endpoint.plain(request("/ws?EIO=4&transport=websocket"), Socket(UniqueFd(client[0])),
                   from_client("early"), Socket(UniqueFd(app[0])), from_upstream("hi"));
    run();
    BOOST_TEST(read_some(browser) == from_upstream("hi"));
    BOOST_TEST(read_some(server) == from_client("early"));
    const std::string bytes =
        from_client("one") + frame(Opcode::ping, "p", MaskKey{9, 9, 9, 9}) + from_client("two");
    write(browser, bytes);
    BOOST_TEST(read_some(server) == bytes);
    server.reset();
    run();
    BOOST_TEST(heard_by_client(browser).back().starts_with("close "));
    BOOST_TEST(endpoint.sessions() == 0U);
}

BOOST_AUTO_TEST_CASE(shutdown_says_goodbye_to_all) {
    UniqueFd one = open_websocket();
    UniqueFd two = open_websocket();
    endpoint.shutdown();
    BOOST_TEST(endpoint.sessions() == 0U);
    BOOST_TEST(heard_by_client(one).back() == "close 1012");
    BOOST_TEST(heard_by_client(two).back() == "close 1012");
}

// A client that reads nothing: the app is not read any more once enough waits.
BOOST_AUTO_TEST_CASE(a_client_that_takes_nothing_stops_the_upstream_from_being_read) {
    UniqueFd client = open_websocket();
    write(client, from_client("40"));
    UniqueFd app = attach();
    write(app, from_upstream("40{\"sid\":\"s\"}"));
    const std::string event = from_upstream("42[\"" + std::string(30'000, 'x') + "\"]");
    std::size_t sent = 0;
    std::size_t offset = 0;
    for (int stuck = 0; stuck < 3;) {
        const ssize_t took =
            ::send(app.get(), event.data() + offset, event.size() - offset, MSG_DONTWAIT | MSG_NOSIGNAL);
        run();
        stuck = took > 0 ? 0 : stuck + 1;
        if (took > 0) offset = (offset + static_cast<std::size_t>(took)) % event.size();
        if (took > 0) sent += static_cast<std::size_t>(took);
        BOOST_TEST_REQUIRE(sent < (64U << 20));
    }
    std::size_t got = 0;
    const auto drain = [&] {
        for (std::size_t more = 1; more > 0;) {
            run();
            more = read_some(client).size();
            got += more;
        }
    };
    drain();
    BOOST_TEST(endpoint.sessions() == 1U);
    BOOST_TEST(got > sent - event.size());
}

BOOST_AUTO_TEST_SUITE_END()
