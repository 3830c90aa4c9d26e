// Each bound of the shells, hit once over a real socket: the client hears what it should, with Retry-After
// where that helps; it is counted by its name, and the log has that name. A bound that is new must be here.
// Those of sessions are in tests/session/limits_test.cpp.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/auth/static_token.h"
#include "tests/scenarios/engineio_client.h"
#include "tests/scenarios/websocket_app.h"

using namespace forestay::scenarios;
using namespace forestay;
using namespace std::chrono_literals;
using net::LimitHit;

namespace {

const std::string websocket = "/socket.io/?EIO=4&transport=websocket";

Setup with_tokens() {
    Setup setup;
    setup.auth.protect = {"/socket.io/", "/ws"};
    auth::TokenOptions tokens;
    for (const char* name : {"alice", "bob", "carol"})
        tokens.sha256.push_back(auth::token_hash(name) + " name=" + name);
    setup.auth.any_of.emplace_back(tokens);
    setup.auth.from.connect = {"token"};
    return setup;
}

std::string bearer(const std::string& token) {
    return "Authorization: Bearer " + token + "\r\n";
}

struct Case {
    LimitHit limit;
    unsigned status;  // 0: nobody is refused
    Setup setup;
    std::function<Answer(Proxy&, Upstream&)> hit;
};

Answer ask(Proxy& proxy, const std::string& bytes) {
    Peer peer = proxy.client(bytes);
    return read_answer(peer);
}

// The second of two that open a session, with these fields.
std::function<Answer(Proxy&, Upstream&)> open_twice(const std::string& first, const std::string& second) {
    return [=](Proxy& proxy, Upstream&) {
        BOOST_TEST(ask(proxy, request("GET", handshake, first)).status == 200U);
        return ask(proxy, request("GET", handshake, second));
    };
}

// One has a request that is not answered.
Answer one_too_many(Proxy& proxy, Upstream& upstream) {
    Peer first = proxy.client(request("GET", "/page"));
    Peer app = upstream.accept();
    (void)read_request(app);
    return ask(proxy, request("GET", "/page"));
}

std::vector<Case> cases() {
    std::vector<Case> all;
    const auto add = [&](LimitHit limit, unsigned status, Setup setup,
                         std::function<Answer(Proxy&, Upstream&)> hit) {
        all.push_back({limit, status, std::move(setup), std::move(hit)});
    };
    const auto changed = [](const std::function<void(net::HttpLimits&)>& change, Setup setup = {}) {
        change(setup.options.limits);
        return setup;
    };
    add(LimitHit::max_connections, 503, changed([](auto& l) { l.connections = 1; }), one_too_many);
    add(LimitHit::descriptors, 503, changed([](auto& l) { l.connections_by_descriptors = 1; }), one_too_many);
    add(LimitHit::memory, 503, {}, [](Proxy& proxy, Upstream&) {
        proxy.loops().at(0).shared().common->memory_pressure = net::MemoryPressure::refuse;
        return ask(proxy, request("GET", handshake));
    });
    add(LimitHit::per_ip, 429, changed([](auto& l) { l.addresses.at_once = 1; }), open_twice("", ""));
    add(LimitHit::connect_rate, 429, changed([](auto& l) {
            l.addresses.connects = {1, 1h};
        }),
        open_twice("", ""));
    add(LimitHit::per_identity, 429, changed([](auto& l) { l.identities.at_once = 1; }, with_tokens()),
        open_twice(bearer("alice"), bearer("alice")));
    add(LimitHit::identity_rate, 429,
        changed(
            [](auto& l) {
                l.identities.connects = {1, 1h};
            },
            with_tokens()),
        open_twice(bearer("alice"), bearer("alice")));

    // Of three whose rate is remembered there is room for one. Who has a session keeps his place.
    const auto three = [](const std::vector<std::string>& fields) {
        return [=](Proxy& proxy, Upstream&) {
            Answer last;
            for (const std::string& one : fields) {
                Peer client = proxy.client(upgrade(websocket, one));
                last.head = client.read_until("\r\n\r\n");
                BOOST_TEST(last.head.starts_with("HTTP/1.1 101 "));
                client.send(std::string("\x88\x82\x00\x00\x00\x00\x03\xe8", 8));
                (void)client.read_to_end();
            }
            return last;
        };
    };
    Setup remembering = changed([](auto& l) { l.addresses.connects = {1, 1h}; });
    remembering.rates_remembered = 1;
    remembering.options.trusted_proxies = {{false, {127, 0, 0, 0}, 8}};
    add(LimitHit::address_table, 0, remembering,
        three({"X-Forwarded-For: 192.0.2.1\r\n", "X-Forwarded-For: 192.0.2.2\r\n",
               "X-Forwarded-For: 192.0.2.3\r\n"}));
    Setup knowing = changed([](auto& l) { l.identities.connects = {1, 1h}; }, with_tokens());
    knowing.rates_remembered = 1;
    add(LimitHit::identity_table, 0, knowing, three({bearer("alice"), bearer("bob"), bearer("carol")}));

    add(LimitHit::max_header, 431, changed([](auto& l) { l.header_bytes = 1024; }),
        [](Proxy& proxy, Upstream&) {
            return ask(proxy, request("GET", "/", "X: " + std::string(2000, 'x') + "\r\n"));
        });
    add(LimitHit::header_timeout, 408, changed([](auto& l) { l.header_timeout = 50ms; }),
        [](Proxy& proxy, Upstream&) { return ask(proxy, "GET / HTTP/1.1\r\n"); });
    add(LimitHit::max_body, 413, changed([](auto& l) { l.body_bytes = 3; }),
        [](Proxy& proxy, Upstream&) { return ask(proxy, request("POST", "/", {}, "1234")); });
    add(LimitHit::body_timeout, 408, changed([](auto& l) { l.body_timeout = 50ms; }),
        [](Proxy& proxy, Upstream&) {
            const std::string sid = sid_of(ask(proxy, request("GET", handshake)));
            return ask(proxy, "POST " + handshake + "&sid=" + sid +
                                  " HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n40");
        });
    return all;
}

bool says(Proxy& proxy, const std::string& text) {
    for (const std::string& line : proxy.journal()) {
        if (line.ends_with(text) || line.find(text + " ") != std::string::npos) return true;
    }
    return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_named)

BOOST_AUTO_TEST_CASE(each_that_is_hit_says_its_name_in_log_and_counter) {
    std::vector<bool> covered(net::limit_hit_names.size(), false);
    for (Case& one : cases()) {
        const auto index = static_cast<std::size_t>(one.limit);
        const std::string name(net::limit_hit_names[index]);
        BOOST_TEST_CONTEXT(name) {
            covered[index] = true;
            Upstream upstream;
            Proxy proxy(upstream, std::move(one.setup));
            const Answer answer = one.hit(proxy, upstream);
            if (one.status != 0) BOOST_TEST(answer.status == one.status);
            if (one.status == 429 || one.status == 503) {
                BOOST_TEST(answer.field("Retry-After") != "-");
                BOOST_TEST(answer.body.find("\"reason\":\"" + name + "\"") != std::string::npos);
            }
            const net::Stats& stats = proxy.stop();
            BOOST_TEST(stats.limit_hits[index] >= 1U);
            for (std::size_t i = 0; i < covered.size(); ++i)
                if (i != index) BOOST_TEST(stats.limit_hits[i] == 0U, net::limit_hit_names[i]);
            BOOST_TEST(says(proxy, "limit=" + name));
        }
    }
    for (std::size_t i = 0; i < covered.size(); ++i) BOOST_TEST(covered[i], net::limit_hit_names[i]);
}

// With CONNECT a credential comes when the session is there: it is refused as a bad one would be.
BOOST_AUTO_TEST_CASE(an_identity_that_comes_with_connect_counts_as_well) {
    Setup setup = with_tokens();
    setup.options.limits.identities.at_once = 1;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    const auto connect = [&](const std::string& token) {
        Peer client = proxy.client(upgrade(websocket));
        (void)client.read_until("\r\n\r\n");
        (void)read_text(client);
        client.send(text_frame(R"(40{"token":")" + token + R"("})"));
        return client;
    };
    Peer first = connect("alice");
    Peer app = upstream.accept();
    app.send(switching(app) +
             server_frame(R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})"));
    BOOST_TEST(read_masked(app) == R"(40{"token":"alice"})");
    Peer second = connect("alice");
    BOOST_TEST(read_text(second).find("per_identity") != std::string::npos);
    Peer other = connect("bob");
    Peer bobs = upstream.accept();
    bobs.send(switching(bobs) +
              server_frame(R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})"));
    BOOST_TEST(read_masked(bobs) == R"(40{"token":"bob"})");
    // Who leaves makes room.
    first.close();
    unsigned status = 429;
    for (int i = 0; i < 1000 && status == 429; ++i)
        status = ask(proxy, request("GET", handshake, bearer("alice"))).status;
    BOOST_TEST(status == 200U);
    const net::Stats& stats = proxy.stop();
    BOOST_TEST(stats.limit_hits[static_cast<std::size_t>(LimitHit::per_identity)] >= 1U);
    BOOST_TEST(says(proxy, "limit=per_identity"));
}

// Identities are counted wherever they come from, addresses whoever comes from there.
BOOST_AUTO_TEST_CASE(an_identity_is_one_from_all_addresses) {
    Setup setup = with_tokens();
    setup.options.limits.identities.at_once = 1;
    setup.options.trusted_proxies = {{false, {127, 0, 0, 0}, 8}};
    Upstream upstream;
    Proxy proxy(upstream, setup);
    const std::string here = "X-Forwarded-For: 192.0.2.1\r\n";
    const std::string there = "X-Forwarded-For: 198.51.100.1\r\n";
    BOOST_TEST(ask(proxy, request("GET", handshake, here + bearer("alice"))).status == 200U);
    BOOST_TEST(ask(proxy, request("GET", handshake, there + bearer("alice"))).status == 429U);
    BOOST_TEST(ask(proxy, request("GET", handshake, here + bearer("bob"))).status == 200U);
}

// The heaviest go, and those that hold nothing stay.
BOOST_AUTO_TEST_CASE(when_memory_is_short_the_heaviest_sessions_end) {
    Setup setup;
    setup.loops = 2;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    const auto plain = [&] {
        Peer client = proxy.client(upgrade("/ws"));
        Peer app = upstream.accept();
        app.send(switching(app));
        (void)client.read_until("\r\n\r\n");
        return std::pair{std::move(client), std::move(app)};
    };
    auto light = plain();
    auto heavy = plain();
    // Half a message, which has to be kept.
    std::string half = text_frame(std::string(600'000, 'x'));
    half.resize(300'000);
    heavy.first.send(half);
    // Until the proxy has read so much that it counts.
    std::atomic<bool> gone = false;
    std::thread shedding([&] {
        for (int i = 0; i < 1000 && !gone; ++i) {
            proxy.loops().shed(1);
            std::this_thread::sleep_for(5ms);
        }
    });
    const std::string end = heavy.first.read_to_end();
    gone = true;
    shedding.join();
    BOOST_TEST(end.find("\x03\xf5out of memory") != std::string::npos);  // 1013
    light.first.send(text_frame("still here"));
    BOOST_TEST(read_masked(light.second) == "still here");
    const net::Stats& stats = proxy.stop();
    BOOST_TEST(stats.sessions.limits[static_cast<std::size_t>(session::Limit::memory_shed)] == 1U);
    BOOST_TEST(says(proxy, "limit=memory_shed"));
}

BOOST_AUTO_TEST_SUITE_END()
