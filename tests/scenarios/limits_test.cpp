// Bounds on clients: how many of an address there are, how fast they come, how much they say. And where they
// are told of them.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/scenarios/engineio_client.h"
#include "tests/scenarios/websocket_app.h"

using namespace forestay::scenarios;
using namespace forestay;
using namespace std::chrono_literals;

namespace {

const std::string websocket = "/socket.io/?EIO=4&transport=websocket";

Setup limited(std::size_t per_ip, session::Rate connects = {}) {
    Setup setup;
    setup.loops = 2;
    setup.options.limits.addresses = {per_ip, connects};
    return setup;
}

struct Fixture {
    Upstream upstream;
    std::unique_ptr<Proxy> proxy;

    void start(Setup setup) { proxy = std::make_unique<Proxy>(upstream, std::move(setup)); }
    Answer ask(const std::string& bytes) {
        Peer peer = proxy->client(bytes);
        return read_answer(peer);
    }
    Answer open(const std::string& fields = {}) { return ask(request("GET", handshake, fields)); }
    // What leaves may still be there for a moment.
    bool opens_again() {
        for (int i = 0; i < 1000; ++i) {
            if (open().status == 200) return true;
        }
        return false;
    }
    std::uint64_t hits(net::LimitHit limit) {
        return proxy->stop().limit_hits[static_cast<std::size_t>(limit)];
    }
    bool journal_says(const std::string& text) {
        for (const std::string& line : proxy->journal()) {
            if (line.find(text) != std::string::npos) return true;
        }
        return false;
    }
    // A websocket without Engine.IO and the app's side of it.
    std::pair<Peer, Peer> plain() {
        Peer client = proxy->client(upgrade("/ws"));
        Peer app = upstream.accept();
        app.send(switching(app));
        (void)client.read_until("\r\n\r\n");
        return {std::move(client), std::move(app)};
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(limits, Fixture)

BOOST_AUTO_TEST_CASE(the_clients_of_an_address_are_counted_over_all_loops) {
    start(limited(12));
    std::vector<std::string> sids;
    std::string loops;
    for (int i = 0; i < 12; ++i) {
        sids.push_back(sid_of(open()));
        if (loops.find(sids.back().front()) == std::string::npos) loops += sids.back().front();
    }
    const Answer refused = open("Origin: http://app.example\r\n");
    BOOST_TEST(refused.status == 429U);
    BOOST_TEST(refused.body == R"({"error":"too many requests","reason":"per_ip"})");
    BOOST_TEST(refused.field("Retry-After") == "5");
    BOOST_TEST(refused.field("Content-Type") == "application/json");
    BOOST_TEST(refused.field("Access-Control-Allow-Origin") == "http://app.example");
    // Who is in may go on, and whoever leaves makes room.
    const std::string target = handshake + "&sid=" + sids.front();
    BOOST_TEST(ask(request("POST", target, {}, "1")).body == "ok");
    BOOST_TEST(opens_again());
    BOOST_TEST(open().status == 429U);
    BOOST_TEST(hits(net::LimitHit::per_ip) >= 2U);
    BOOST_TEST(journal_says("status=429 reason=per_ip"));
    BOOST_WARN_MESSAGE(loops.size() == 2, "the kernel gave all connections to one loop");
}

BOOST_AUTO_TEST_CASE(websockets_count_and_are_refused_before_the_app_hears_of_them) {
    start(limited(2));
    std::pair<Peer, Peer> first = plain();
    Peer second = proxy->client(upgrade(websocket));
    BOOST_TEST(second.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    for (const std::string& target : {std::string("/ws"), websocket}) {
        const Answer refused = ask(upgrade(target));
        BOOST_TEST(refused.status == 429U, target);
        BOOST_TEST(refused.field("Retry-After") == "5");
    }
    BOOST_TEST(!upstream.contacted());
    // What is no client is not counted.
    Peer page = proxy->client(request("GET", "/page"));
    Peer app = upstream.accept();
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    BOOST_TEST(read_answer(page).status == 200U);
    first.first.close();
    BOOST_TEST(opens_again());
}

BOOST_AUTO_TEST_CASE(a_client_that_the_app_refuses_gives_its_place_back) {
    start(limited(1));
    for (int i = 0; i < 3; ++i) {
        Peer client = proxy->client(upgrade("/ws"));
        Peer app = upstream.accept();
        (void)read_request(app);
        app.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        BOOST_TEST(read_answer(client).status == 403U);
        BOOST_TEST(client.ends());
    }
    BOOST_TEST(opens_again());
}

BOOST_AUTO_TEST_CASE(behind_a_trusted_proxy_each_client_has_its_own_address) {
    Setup setup = limited(1);
    setup.options.trusted_proxies = {{false, {127, 0, 0, 0}, 8}};
    start(setup);
    BOOST_TEST(open("X-Forwarded-For: 192.0.2.1\r\n").status == 200U);
    BOOST_TEST(open("X-Forwarded-For: 192.0.2.1\r\n").status == 429U);
    BOOST_TEST(open("X-Forwarded-For: 192.0.2.2\r\n").status == 200U);
    BOOST_TEST(open("X-Forwarded-For: 2001:db8:0:1::1\r\n").status == 200U);
    BOOST_TEST(open("X-Forwarded-For: 2001:db8:0:1::2\r\n").status == 429U);
    BOOST_TEST(open("X-Forwarded-For: 2001:db8:0:2::1\r\n").status == 200U);
    BOOST_TEST(open().status == 200U);  // the proxy's own
}

BOOST_AUTO_TEST_CASE(new_clients_of_an_address_come_as_fast_as_they_may) {
    start(limited(0, {3, 1h}));
    std::vector<std::string> sids;
    for (int i = 0; i < 3; ++i) sids.push_back(sid_of(open()));
    const Answer refused = open();
    BOOST_TEST(refused.status == 429U);
    BOOST_TEST(refused.body == R"({"error":"too many requests","reason":"connect_rate"})");
    BOOST_TEST(std::stoi(refused.field("Retry-After")) > 1000);
    BOOST_TEST(ask(upgrade("/ws")).status == 429U);
    // A session that is there polls, posts and upgrades as it likes.
    const std::string sid = "&sid=" + sids.front();
    BOOST_TEST(ask(request("POST", handshake + sid, {}, "40")).body == "ok");
    Peer upgrading = proxy->client(upgrade(websocket + sid));
    BOOST_TEST(upgrading.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    BOOST_TEST(hits(net::LimitHit::connect_rate) == 2U);
}

// A network that blinks must not lock out those who were in: their old connections are not all known to be
// gone by then, but those that are hold no place.
BOOST_AUTO_TEST_CASE(an_absent_client_holds_no_place_and_takes_one_when_it_is_back) {
    Setup setup = limited(1);
    setup.policy.resume_client.recovery = session::Recovery::marker;
    start(setup);
    Peer client = proxy->client(upgrade(websocket));
    (void)client.read_until("\r\n\r\n");
    (void)read_text(client);
    client.send(text_frame("40"));
    Peer app = upstream.accept();
    app.send(switching(app) +
             server_frame(R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})"));
    BOOST_TEST(read_masked(app) == "40");
    app.send(server_frame(R"(40{"sid":"sio"})") + server_frame(R"(42["seen"])"));
    const std::string pid = between(read_text(client), "\"pid\":\"", "\"");
    BOOST_TEST(read_text(client) == R"(42["seen"])");
    const std::string offset = between(read_text(client), "fs\",\"", "\"");
    BOOST_TEST(open().status == 429U);
    client.reset();

    // On whatever loop it lands.
    for (int i = 0; i < 4; ++i) {
        std::unique_ptr<Peer> back;
        for (int tries = 0; tries < 1000 && !back; ++tries) {
            Peer attempt = proxy->client(upgrade(websocket));
            if (attempt.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "))
                back = std::make_unique<Peer>(std::move(attempt));
        }
        BOOST_REQUIRE(back != nullptr);
        (void)read_text(*back);
        back->send(text_frame(R"(40{"pid":")" + pid + R"(","offset":")" + offset + R"("})"));
        BOOST_TEST(read_text(*back) == R"(40{"sid":"sio","pid":")" + pid + R"("})");
        BOOST_TEST(open().status == 429U);
        back->reset();
    }
}

BOOST_AUTO_TEST_CASE(what_a_client_says_too_fast_comes_later_and_all_of_it) {
    Setup setup;
    setup.policy.limits.message_rate = {2, 200ms};
    start(setup);
    auto [client, app] = plain();
    std::string all;
    for (int i = 0; i < 8; ++i) all += text_frame(std::to_string(i));
    client.send(all);
    for (int i = 0; i < 8; ++i) BOOST_TEST(read_masked(app) == std::to_string(i));
    // The other direction is not concerned.
    for (int i = 0; i < 8; ++i) app.send(server_frame("x"));
    for (int i = 0; i < 8; ++i) BOOST_TEST(read_text(client) == "x");
    client.send(text_frame("last"));
    BOOST_TEST(read_masked(app) == "last");
    BOOST_TEST(proxy->stop().sessions.limits[0] >= 3U);
    std::size_t lines = 0;
    for (const std::string& line : proxy->journal()) {
        if (line.starts_with("rate_limited ") && line.find("limit=message_rate") != std::string::npos)
            ++lines;
    }
    BOOST_TEST(lines == 1U);
}

BOOST_AUTO_TEST_CASE(a_post_too_many_is_refused_with_the_time_to_wait) {
    Setup setup;
    setup.loops = 1;
    setup.policy.limits.message_rate = {1, 1h};
    start(setup);
    const std::string target = handshake + "&sid=" + sid_of(open());
    Peer first = proxy->client(request("POST", target, {}, "40"));
    Peer app = upstream.accept();  // it is taken, and its answer waits
    const Answer refused = ask(request("POST", target, {}, R"(42["x"])"));
    BOOST_TEST(refused.status == 429U);
    BOOST_TEST(refused.body == R"({"error":"too many requests","reason":"message_rate"})");
    BOOST_TEST(std::stoi(refused.field("Retry-After")) > 3000);
    BOOST_TEST(refused.field("Cache-Control") == "no-store");
    BOOST_TEST(proxy->stop().sessions.sessions == 1U);
    BOOST_TEST(journal_says("status=429 reason=message_rate"));
}

BOOST_AUTO_TEST_CASE(clients_learn_how_to_connect_without_a_credential) {
    Setup setup;
    setup.options.client_config_path = "/ws/config";
    setup.options.client_config = "{\"endpoints\":{}}\n";
    setup.auth.protect = {"/ws"};
    setup.auth.any_of = {auth::TokenOptions{{std::string(64, '0')}, "token"}};
    start(setup);
    BOOST_TEST(ask(request("GET", "/ws/other")).status == 401U);
    const std::string origin = "Origin: http://app.example\r\n";
    const Answer got = ask(request("GET", "/ws/config?v=1", origin));
    BOOST_TEST(got.status == 200U);
    BOOST_TEST(got.body == "{\"endpoints\":{}}\n");
    BOOST_TEST(got.field("Content-Type") == "application/json");
    BOOST_TEST(got.field("Cache-Control") == "no-store");
    BOOST_TEST(got.field("Access-Control-Allow-Origin") == "http://app.example");
    Peer peer = proxy->client(request("HEAD", "/ws/config"));
    const Answer head = read_answer(peer, true);
    BOOST_TEST(head.status == 200U);
    BOOST_TEST(head.field("Content-Length") == "17");
    const Answer post = ask(request("POST", "/ws/config", {}, "x"));
    BOOST_TEST(post.status == 405U);
    BOOST_TEST(post.field("Allow") == "GET, HEAD, OPTIONS");
    const Answer preflight =
        ask(request("OPTIONS", "/ws/config", origin + "Access-Control-Request-Method: GET\r\n"));
    BOOST_TEST(preflight.status == 204U);
    BOOST_TEST(preflight.field("Access-Control-Allow-Origin") == "http://app.example");
    BOOST_TEST(ask(request("GET", "/ws/config", "Origin: http://evil.example\r\n")).status == 403U);
    // Only the literal path is ours: another spelling is the app's, and as protected as ever.
    for (const char* path : {"/ws/confi%67", "/ws/config/", "//ws/config"})
        BOOST_TEST(ask(request("GET", path)).status == 401U, path);
    BOOST_TEST(ask(upgrade("/ws/config")).status == 401U);
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_SUITE_END()
