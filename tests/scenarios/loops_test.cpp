// Several loops: whichever of them a connection lands on, its requests reach the loop of their session.
#include <stdlib.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <future>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/scenarios/engineio_client.h"

using namespace forestay::scenarios;

namespace {

Setup two_loops() {
    Setup setup;
    setup.loops = 2;
    return setup;
}

struct Fixture {
    Upstream upstream;
    Proxy proxy{upstream, two_loops()};
};

struct Opened {
    Peer connection;  // open, and on the loop of the session
    std::string sid;
    [[nodiscard]] std::string target() const { return handshake + "&sid=" + sid; }
};

// A polling session on this loop: a sid begins with its loop's letter. The kernel deals out the connections.
Opened open_on(Proxy& proxy, char loop) {
    for (int i = 0; i < 200; ++i) {
        Peer client = proxy.client(request("GET", handshake));
        std::string sid = sid_of(read_answer(client));
        if (sid.front() == loop) return {std::move(client), std::move(sid)};
    }
    throw std::runtime_error(std::string("200 connections, none of them on loop ") + loop);
}

// What a session takes any number of, and answers with "ok".
std::string pong(const Opened& session) {
    return request("POST", session.target(), {}, "3");
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(loops, Fixture)

BOOST_AUTO_TEST_CASE(a_polling_session_is_served_over_connections_of_either_loop) {
    Opened session = open_on(proxy, 'A');
    Peer posting = open_on(proxy, 'B').connection;
    Peer polling = open_on(proxy, 'B').connection;
    Peer upgrading = open_on(proxy, 'B').connection;

    polling.send(request("GET", session.target()));
    upgrading.send(upgrade(session.target().replace(session.target().find("polling"), 7, "websocket")));
    BOOST_TEST(upgrading.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    upgrading.send(text_frame("2probe"));
    BOOST_TEST(read_text(upgrading) == "3probe");
    posting.send(request("POST", session.target(), {}, "40"));
    BOOST_TEST(read_answer(posting).body == "ok");
    // The upgrade answers the poll that waits.
    BOOST_TEST(read_answer(polling).body == "6");
    upgrading.send(text_frame("5"));

    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line() == "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1");
    upgrading.send(text_frame("1"));
    BOOST_TEST(app.ends());
    BOOST_TEST(proxy.stop().handovers == 3U);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_goes_to_and_fro_between_sessions_of_two_loops) {
    Opened a = open_on(proxy, 'A');
    Opened b = open_on(proxy, 'B');
    for (int i = 0; i < 10; ++i) {
        a.connection.send(pong(b));
        BOOST_TEST(read_answer(a.connection).body == "ok");
        a.connection.send(pong(a));
        BOOST_TEST(read_answer(a.connection).body == "ok");
    }
    BOOST_TEST(proxy.stop().handovers == 20U);
}

BOOST_AUTO_TEST_CASE(what_is_pipelined_goes_along_and_is_answered_in_order) {
    Opened a = open_on(proxy, 'A');
    Opened b = open_on(proxy, 'B');
    const std::string options = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
    a.connection.send(pong(b) + options + pong(a) + pong(b) + options);
    std::vector<unsigned> answers;
    for (int i = 0; i < 5; ++i) answers.push_back(read_answer(a.connection).status);
    BOOST_TEST(answers == (std::vector<unsigned>{200, 204, 200, 200, 204}), boost::test_tools::per_element());
    BOOST_TEST(proxy.stop().handovers == 3U);
}

BOOST_AUTO_TEST_CASE(a_body_that_is_still_on_its_way_is_read_by_the_other_loop) {
    Opened a = open_on(proxy, 'A');
    Opened b = open_on(proxy, 'B');
    const std::string post = request("POST", b.target(), {}, "40/chat,");
    a.connection.send(post.substr(0, post.size() - 5));
    b.connection.send(pong(b));
    BOOST_TEST(read_answer(b.connection).body == "ok");
    a.connection.send(post.substr(post.size() - 5));
    BOOST_TEST(read_answer(a.connection).body == "ok");
    Peer app = upstream.accept();
}

BOOST_AUTO_TEST_CASE(connections_between_two_loops_end_with_the_proxy) {
    auto ending = std::make_unique<Proxy>(upstream, two_loops());
    const Opened a = open_on(*ending, 'A');
    const Opened b = open_on(*ending, 'B');
    std::string to_and_fro;
    for (int i = 0; i < 100; ++i) to_and_fro += pong(a) + pong(b);
    std::vector<Peer> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(ending->client(to_and_fro));
    BOOST_TEST(read_answer(clients.back()).status == 200U);
    ending.reset();
    for (Peer& client : clients) (void)client.read_to_end();  // fails the test when nobody closes
}

BOOST_AUTO_TEST_CASE(sids_of_nobody_are_unknown_wherever_they_claim_to_belong) {
    Opened a = open_on(proxy, 'A');
    for (const char* sid :
         {"AAAAAAAAAAAAAAAAAAAA", "BAAAAAAAAAAAAAAAAAAA", "CAAAAAAAAAAAAAAAAAAA", "_", "-"}) {
        Peer client = proxy.client(request("GET", handshake + "&sid=" + sid));
        BOOST_TEST(read_answer(client).body == R"({"code":1,"message":"Session ID unknown"})");
    }
    Peer client = proxy.client(request("GET", a.target() + "&sid=" + a.sid));
    BOOST_TEST(read_answer(client).status == 400U);
}

BOOST_AUTO_TEST_CASE(the_limit_is_for_all_loops_together) {
    Setup setup = two_loops();
    setup.options.limits.connections = 6;
    Proxy small(upstream, setup);
    std::vector<Peer> clients, apps;
    for (int i = 0; i < 6; ++i) {  // each has a request that is not answered
        clients.push_back(small.client(request("GET", "/page")));
        apps.push_back(upstream.accept());
        (void)read_request(apps.back());
    }
    Peer more = small.client("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(read_answer(more).status == 503U);
    BOOST_TEST(small.stop().connections_refused == 1U);
}

BOOST_AUTO_TEST_CASE(a_second_proxy_at_the_same_port_is_refused) {
    for (const unsigned loops : {1U, 2U}) {
        Setup setup;
        setup.loops = loops;
        setup.options.listen.push_back(proxy.address());
        const std::string address = "127.0.0.1:" + std::to_string(proxy.address().port);
        BOOST_CHECK_EXCEPTION(Proxy(upstream, setup), std::runtime_error, [&](const std::runtime_error& e) {
            return e.what() == "cannot listen on " + address + ": Address already in use";
        });
    }
}

BOOST_AUTO_TEST_CASE(clients_of_a_unix_socket_are_dealt_out) {
    char directory[] = "/tmp/forestay-test-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(directory) != nullptr);
    const std::string path = std::string(directory) + "/socket";
    {
        Setup setup = two_loops();
        setup.options.listen.push_back({"", 0, path});
        Proxy local(upstream, setup);
        std::map<char, int> sessions;
        for (int i = 0; i < 4; ++i) {
            Peer client = local.client(request("GET", handshake));
            ++sessions[sid_of(read_answer(client)).front()];
        }
        BOOST_TEST(sessions['A'] == 2);
        BOOST_TEST(sessions['B'] == 2);
    }
    BOOST_TEST(::access(path.c_str(), F_OK) != 0);
    ::rmdir(directory);
}

BOOST_AUTO_TEST_CASE(what_is_gathered_is_of_every_loop) {
    open_on(proxy, 'A');
    open_on(proxy, 'B');
    std::promise<std::vector<std::uint64_t>> promise;
    proxy.loops().at(0).post([&] {
        proxy.loops().gather_stats([&](const std::vector<const forestay::net::Stats*>& loops) {
            std::vector<std::uint64_t> sessions;
            for (const auto* loop : loops) sessions.push_back(loop->sessions.sessions);
            promise.set_value(sessions);
        });
    });
    const std::vector<std::uint64_t> gathered = promise.get_future().get();
    BOOST_REQUIRE(gathered.size() == 2U);
    BOOST_TEST(gathered[0] >= 1U);
    BOOST_TEST(gathered[1] >= 1U);
    BOOST_TEST(gathered[0] + gathered[1] == proxy.stop().connections_accepted);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_the_sessions_of_every_loop) {
    std::map<char, Peer> clients;
    while (clients.size() < 2) {
        Peer client = proxy.client(upgrade("/socket.io/?EIO=4&transport=websocket"));
        (void)client.read_until("\r\n\r\n");
        const std::string open = read_text(client);
        clients.emplace(open.at(open.find("\"sid\":\"") + 7), std::move(client));
    }
    proxy.drain();
    for (auto& [loop, client] : clients) BOOST_TEST(client.read_to_end() != "");
    proxy.wait_drained();
}

BOOST_AUTO_TEST_SUITE_END()
