// Listeners and the life of connections: limits, deadlines, draining.
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "proxy/net/tls_context.h"
#include "tests/net/test_certificates.h"
#include "tests/scenarios/harness.h"

using namespace forestay::scenarios;
using namespace forestay;
using namespace std::chrono_literals;

namespace {
const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
}  // namespace

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(port_0_becomes_a_real_one_and_a_taken_one_is_a_clear_error) {
    Upstream upstream;
    Proxy proxy(upstream);
    BOOST_TEST(proxy.address().port != 0U);
    Setup setup;
    setup.options.listen.push_back(proxy.address());
    const std::string address = "127.0.0.1:" + std::to_string(proxy.address().port);
    BOOST_CHECK_EXCEPTION(Proxy(upstream, setup), std::runtime_error, [&](const std::runtime_error& error) {
        return error.what() == "cannot listen on " + address + ": Address already in use";
    });
}

BOOST_AUTO_TEST_CASE(a_unix_socket_serves_too_and_its_file_goes_with_it) {
    char directory[] = "/tmp/forestay-test-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(directory) != nullptr);
    const std::string path = std::string(directory) + "/socket";
    Upstream upstream;
    {
        Setup setup;
        setup.options.listen.push_back({"", 0, path});
        Proxy proxy(upstream, setup);
        Peer client = proxy.client(get);
        Peer app = upstream.accept();
        BOOST_TEST(read_request(app).field("X-Forwarded-For") == "127.0.0.1");
        app.send(ok);
        BOOST_TEST(read_answer(client).body == "ok");
    }
    BOOST_TEST(::access(path.c_str(), F_OK) != 0);
    ::rmdir(directory);
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_is_told_so) {
    Setup setup;
    setup.options.limits.connections = 1;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer first = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    Peer second = proxy.client(get);
    const Answer answer = read_answer(second);
    BOOST_TEST(answer.status == 503U);
    BOOST_TEST(answer.field("Retry-After") == "1");
    BOOST_TEST(second.ends());
    app.send(ok);
    BOOST_TEST(read_answer(first).body == "ok");
    BOOST_TEST(proxy.stop().connections_refused == 1U);
}

// Slow heads are cheap to send: they must not take the places of those who have something to say.
BOOST_AUTO_TEST_CASE(who_has_not_sent_a_request_makes_room_for_who_does) {
    Setup setup;
    setup.options.limits.connections = 3;
    setup.loops = 1;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer busy = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    Peer kept = proxy.client("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(read_answer(kept).status == 204U);
    Peer slow = proxy.client("GET / HTTP/1.1\r\n");
    std::vector<Peer> more;
    for (int i = 0; i < 20; ++i) {
        more.push_back(proxy.client("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
        BOOST_TEST(read_answer(more.back()).status == 204U);
    }
    BOOST_TEST(slow.ends());
    BOOST_TEST(kept.ends());
    app.send(ok);
    BOOST_TEST(read_answer(busy).body == "ok");
    BOOST_TEST(proxy.stop().connections_refused == 0U);
    BOOST_TEST(proxy.stop().limit_hits[static_cast<std::size_t>(net::LimitHit::max_connections)] >= 2U);
}

// With TLS a client that never says its hello kept its place for ten seconds, whoever stood outside.
BOOST_AUTO_TEST_CASE(who_has_not_finished_a_tls_handshake_makes_room_too) {
    net::testing::TestDirectory directory;
    const auto own = directory.make("server", {"DNS:a.example"});
    std::vector<std::string> problems;
    Setup setup;
    net::TlsServerOptions tls;
    tls.certificates = {{own.cert_file, own.key_file}};
    setup.tls = net::TlsServer::load(std::move(tls), problems);
    BOOST_REQUIRE(setup.tls != nullptr);
    setup.options.limits.connections = 2;
    setup.options.limits.header_timeout = 1min;
    setup.loops = 1;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer silent = proxy.client();
    Peer half = proxy.client("\x16\x03\x01");
    Peer third = proxy.client();
    BOOST_TEST(silent.ends());
    BOOST_TEST(proxy.stop().connections_refused == 0U);
}

BOOST_AUTO_TEST_CASE(slow_heads_and_silent_clients_are_let_go) {
    Setup setup;
    setup.options.limits.header_timeout = 50ms;
    setup.options.limits.keepalive_timeout = 50ms;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer silent = proxy.client();
    BOOST_TEST(silent.ends());
    Peer slow = proxy.client("GET / HTTP/1.1\r\n");
    BOOST_TEST(read_answer(slow).status == 408U);
    Peer kept = proxy.client("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(read_answer(kept).status == 204U);
    BOOST_TEST(kept.ends());
}

BOOST_AUTO_TEST_CASE(what_is_behind_a_refused_request_is_never_a_request) {
    Upstream upstream;
    Proxy proxy(upstream);
    for (const char* bad : {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n",
                            "GET /socket.io/?EIO=9 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
        BOOST_TEST_CONTEXT(bad) {
            Peer client = proxy.client(std::string(bad) + get);
            BOOST_TEST(read_answer(client).status >= 400U);
            BOOST_TEST(client.ends());
        }
    }
    Peer tls = proxy.client("\x16\x03\x01\x02");
    BOOST_TEST(tls.ends());
    BOOST_TEST(!upstream.contacted());
    const auto& stats = proxy.stop();
    BOOST_TEST(stats.head_refusals.at("bad_percent") == 1U);
    BOOST_TEST(stats.head_refusals.at("method_not_allowed") == 1U);
    BOOST_TEST(stats.head_refusals.at("tls_on_plain_port") == 1U);
}

BOOST_AUTO_TEST_CASE(a_drain_lets_requests_finish_and_closes_the_rest) {
    Upstream upstream;
    Proxy proxy(upstream);
    // So many that each loop has one, and has begun to drain when all of them have ended.
    std::vector<Peer> idle;
    for (int i = 0; i < 16; ++i) {
        idle.push_back(proxy.client("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
        BOOST_TEST(read_answer(idle.back()).status == 204U);
    }
    Peer busy = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    proxy.drain();
    for (Peer& each : idle) BOOST_TEST(each.ends());
    app.send(ok);
    const Answer answer = read_answer(busy);
    BOOST_TEST(answer.body == "ok");
    BOOST_TEST(answer.field("Connection") == "close");
    BOOST_TEST(busy.ends());
    proxy.wait_drained();
}

BOOST_AUTO_TEST_CASE(a_drain_is_bounded) {
    Setup setup;
    setup.options.limits.drain_timeout = 50ms;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer busy = proxy.client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    proxy.drain();
    proxy.wait_drained();
    BOOST_TEST(proxy.stop().http_requests[2] == 0U);
}

BOOST_AUTO_TEST_CASE(an_app_that_is_down_is_in_the_journal_once) {
    Setup setup;
    setup.loops = 1;  // each finds out by itself
    Upstream upstream;
    Proxy proxy(upstream, setup);
    upstream.stop();
    for (int i = 0; i < 2; ++i) {
        Peer client = proxy.client(get);
        BOOST_TEST(read_answer(client).status == 503U);
    }
    proxy.stop();
    const std::string down = "upstream_down upstream=127.0.0.1:" + std::to_string(upstream.port());
    const auto journal = proxy.journal();
    BOOST_TEST(std::count(journal.begin(), journal.end(), down) == 1);
}

BOOST_AUTO_TEST_CASE(connections_in_flight_end_with_the_server) {
    Upstream upstream;
    auto proxy = std::make_unique<Proxy>(upstream);
    Peer client = proxy->client(get);
    Peer app = upstream.accept();
    (void)read_request(app);
    proxy.reset();
    BOOST_TEST(client.ends());
    BOOST_TEST(app.ends());
}

BOOST_AUTO_TEST_SUITE_END()
