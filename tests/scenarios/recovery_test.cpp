// A client comes back, on whatever loop its new connection lands: it gets its session, and what it has
// missed.
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>

#include "tests/scenarios/engineio_client.h"
#include "tests/scenarios/websocket_app.h"

using namespace forestay::scenarios;
using namespace forestay;

namespace {

const std::string websocket = "/socket.io/?EIO=4&transport=websocket";
const std::string up_open = R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

Setup recovering() {
    Setup setup;
    setup.loops = 2;
    setup.policy.resume_client.recovery = session::Recovery::marker;
    return setup;
}

struct Fixture {
    Upstream upstream;
    Proxy proxy{upstream, recovering()};

    // Behind its OPEN packet.
    Peer open_websocket() {
        Peer client = proxy.client(upgrade(websocket));
        (void)client.read_until("\r\n\r\n");
        return client;
    }
    // The kernel deals out the connections: the first on this loop.
    Peer websocket_on(char loop) {
        for (int i = 0; i < 200; ++i) {
            Peer client = open_websocket();
            if (between(read_text(client), "\"sid\":\"", "\"").front() == loop) return client;
        }
        throw std::runtime_error("200 connections, none of them on this loop");
    }
    struct Joined {
        Peer app;
        std::string pid, offset;
    };
    // A client that has joined and has seen one event is gone without a word; the app says another one.
    Joined absent_client(char loop) {
        Peer client = websocket_on(loop);
        client.send(text_frame("40"));
        Peer app = upstream.accept();
        app.send(switching(app) + server_frame(up_open));
        BOOST_TEST(read_masked(app) == "40");
        app.send(server_frame(R"(40{"sid":"sio"})") + server_frame(R"(42["seen"])"));
        const std::string pid = between(read_text(client), "\"pid\":\"", "\"");
        BOOST_TEST(read_text(client) == R"(42["seen"])");
        const std::string offset = between(read_text(client), "fs\",\"", "\"");
        client.reset();
        app.send(server_frame(R"(42["missed"])") + server_frame("2"));
        BOOST_TEST(read_masked(app) == "3");  // the proxy has heard it
        return {std::move(app), pid, offset};
    }
};

std::string claim(const Fixture::Joined& joined) {
    return R"(40{"pid":")" + joined.pid + R"(","offset":")" + joined.offset + R"("})";
}
std::string reply(const Fixture::Joined& joined) {
    return R"(40{"sid":"sio","pid":")" + joined.pid + R"("})";
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(recovery, Fixture)

BOOST_AUTO_TEST_CASE(a_websocket_of_either_loop_gets_the_session_of_its_client) {
    Joined joined = absent_client('A');
    for (const char loop : {'A', 'B', 'B', 'A'}) {
        Peer client = websocket_on(loop);
        client.send(text_frame(claim(joined)) + text_frame(R"(42["hello"])"));
        BOOST_TEST(read_text(client) == reply(joined));
        BOOST_TEST(read_text(client) == R"(42["missed"])");
        BOOST_TEST(read_text(client).find("u0000fs") != std::string::npos);
        BOOST_TEST(read_masked(joined.app) == R"(42["hello"])");
        client.reset();
    }
}

BOOST_AUTO_TEST_CASE(a_polling_client_of_another_loop_is_served_where_its_session_is) {
    Joined joined = absent_client('A');
    for (int i = 0; i < 200; ++i) {
        Peer client = proxy.client(request("GET", handshake));
        const std::string sid = sid_of(read_answer(client));
        if (sid.front() != 'B') continue;
        const std::string target = handshake + "&sid=" + sid;
        Peer polling = proxy.client(request("GET", target));
        client.send(request("POST", target, {}, claim(joined)));
        BOOST_TEST(read_answer(client).body == "ok");
        std::string body = read_answer(polling).body;  // nothing, when it came before the CONNECT
        if (body == "6") {
            polling.send(request("GET", target));
            body = read_answer(polling).body;
        }
        BOOST_TEST(body.starts_with(reply(joined) + "\x1e" + R"(42["missed"])" + "\x1e"), body);
        client.send(request("POST", target, {}, R"(42["hello"])"));
        BOOST_TEST(read_answer(client).body == "ok");
        BOOST_TEST(read_masked(joined.app) == R"(42["hello"])");
        // Its goodbye ends the session, and then nobody knows the sid any more.
        client.send(request("POST", target, {},
                            "41\x1e"
                            "1"));
        BOOST_TEST(read_answer(client).body == "ok");
        BOOST_TEST(read_masked(joined.app) == "41");
        client.send(request("GET", target));
        BOOST_TEST(read_answer(client).status == 400U);
        return;
    }
    BOOST_FAIL("200 connections, none of them on the other loop");
}

BOOST_AUTO_TEST_CASE(whoever_is_not_found_elsewhere_goes_on_with_a_fresh_session_there) {
    Joined joined = absent_client('A');
    joined.offset = "f1.zz.0000";
    joined.pid.replace(4, 5, "XXXXX");  // the secret of nobody, but of the same loop
    Peer client = websocket_on('B');
    client.send(text_frame(claim(joined)));
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line().starts_with("GET /socket.io/"));
    client.reset();
    BOOST_TEST(app.ends());
}

BOOST_AUTO_TEST_CASE(clients_that_come_and_go_between_the_loops_end_with_the_proxy) {
    Joined joined = absent_client('B');
    for (int i = 0; i < 40; ++i) open_websocket().send(text_frame(claim(joined)));
    proxy.stop();
}

BOOST_AUTO_TEST_SUITE_END()
