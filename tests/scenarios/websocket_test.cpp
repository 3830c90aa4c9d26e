// Websockets without Engine.IO: the app decides about the handshake, and frames pass in both directions.
#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/net/upstream_set.h"
#include "proxy/wire/websocket/frame.h"
#include "tests/scenarios/harness.h"

using namespace forestay::scenarios;
using namespace forestay::wire::websocket;
using namespace std::chrono_literals;

namespace {

std::string handshake(const std::string& fields = {}) {
    return "GET /ws?room=1 HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           fields + "\r\n";
}
std::string switching(const Request& request, const std::string& fields = {}) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: "
           "upgrade\r\nSec-WebSocket-Accept: " +
           accept_for(request.field("Sec-WebSocket-Key")) + "\r\n" + fields + "\r\n";
}
std::string frame(std::string_view text, std::optional<MaskKey> mask = std::nullopt) {
    std::string bytes;
    write_frame(bytes, Opcode::text, text, mask);
    return bytes;
}
const MaskKey mask{1, 2, 3, 4};

struct Fixture {
    Upstream upstream;
    Proxy proxy{upstream};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(plain_websocket, Fixture)

BOOST_AUTO_TEST_CASE(frames_pass_both_ways_and_nothing_is_lost_around_the_handshakes) {
    Peer client = proxy.client(
        handshake("Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: a, b\r\n"
                  "Cookie: session=1\r\nOrigin: http://app.example\r\n") +
        frame("early", mask));
    Peer app = upstream.accept();
    const Request asked = read_request(app);
    BOOST_TEST(asked.line() == "GET /ws?room=1 HTTP/1.1");
    BOOST_TEST(asked.field("Sec-WebSocket-Extensions") == "-");
    BOOST_TEST(asked.field("Sec-WebSocket-Protocol") == "a, b");
    BOOST_TEST(asked.field("Cookie") == "session=1");
    BOOST_TEST(asked.field("X-Forwarded-For") == "127.0.0.1");
    BOOST_TEST(asked.field("Sec-WebSocket-Key") != "dGhlIHNhbXBsZSBub25jZQ==");
    app.send(switching(asked, "Sec-WebSocket-Protocol: b\r\nSet-Cookie: x=1\r\nSet-Cookie: y=2\r\n") +
             frame("hello"));

    const std::string head = client.read_until("\r\n\r\n");
    BOOST_TEST(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    BOOST_TEST(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
    BOOST_TEST(head.find("Sec-WebSocket-Protocol: b\r\n") != std::string::npos);
    BOOST_TEST(head.find("Set-Cookie: x=1\r\nSet-Cookie: y=2\r\n") != std::string::npos);
    BOOST_TEST(client.read_exactly(7) == frame("hello"));
    BOOST_TEST(app.read_exactly(11).size() == 11U);  // "early", masked
    client.send(frame("more", mask));
    BOOST_TEST(app.read_exactly(10).size() == 10U);
    app.send(frame("answer"));
    BOOST_TEST(client.read_exactly(8) == frame("answer"));
}

BOOST_AUTO_TEST_CASE(the_apps_refusal_is_an_ordinary_answer_and_nothing_behind_it_is_read) {
    Peer client = proxy.client(handshake() + "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n");
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send(
        "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        "Content-Length: 5\r\nConnection: close\r\n\r\nlogin");
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 401U);
    BOOST_TEST(answer.field("Content-Type") == "text/html");
    BOOST_TEST(answer.field("Set-Cookie") == "a=1|b=2");
    BOOST_TEST(answer.body == "login");
    BOOST_TEST(client.ends());
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_200_to_an_upgrade_opens_no_tunnel) {
    Peer client = proxy.client(handshake() + "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n");
    Peer app = upstream.accept();
    (void)read_request(app);
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    BOOST_TEST(read_answer(client).status == 200U);
    BOOST_TEST(client.ends());
    BOOST_TEST(app.ends());
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_CASE(a_101_with_a_fault_is_502) {
    const auto answer_to = [&](const std::string& fields, auto&& make) {
        Peer client = proxy.client(handshake(fields));
        Peer app = upstream.accept();
        app.send(make(read_request(app)));
        const Answer answer = read_answer(client);
        BOOST_TEST(client.ends());
        return std::to_string(answer.status) + " " + answer.body;
    };
    BOOST_TEST(answer_to({}, [](const Request&) {
                   return "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
               }) == R"(502 {"error":"bad gateway","reason":"bad_accept"})");
    BOOST_TEST(answer_to({}, [](const Request& request) {
                   return "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: " +
                          accept_for(request.field("Sec-WebSocket-Key")) + "\r\n\r\n";
               }) == R"(502 {"error":"bad gateway","reason":"bad_upgrade"})");
    BOOST_TEST(answer_to({}, [](const Request& request) {
                   return switching(request, "Sec-WebSocket-Protocol: x\r\n");
               }) == R"(502 {"error":"bad gateway","reason":"unoffered"})");
    BOOST_TEST(answer_to("Sec-WebSocket-Extensions: permessage-deflate\r\n", [](const Request& request) {
                   return switching(request, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
               }) == R"(502 {"error":"bad gateway","reason":"unoffered"})");
}

BOOST_AUTO_TEST_CASE(an_app_that_is_not_there_is_503) {
    upstream.stop();
    Peer client = proxy.client(handshake());
    BOOST_TEST(read_answer(client).status == 503U);
}

BOOST_AUTO_TEST_CASE(a_client_that_goes_before_the_101_ends_the_upstreams_handshake) {
    Peer client = proxy.client(handshake());
    Peer app = upstream.accept();
    (void)read_request(app);
    client.close();
    BOOST_TEST(app.ends());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(plain_websocket_configured)

BOOST_AUTO_TEST_CASE(an_app_that_does_not_answer_the_handshake_is_504) {
    Setup setup;
    setup.options.upstream.handshake_timeout = 50ms;
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client(handshake());
    BOOST_TEST(read_answer(client).status == 504U);
}

BOOST_AUTO_TEST_CASE(a_drain_does_not_wait_for_a_websocket_that_opens_behind_the_goodbyes) {
    Upstream upstream;
    Proxy proxy(upstream);
    Peer idle = proxy.client("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(read_answer(idle).status == 204U);
    Peer client = proxy.client(handshake());
    Peer app = upstream.accept();
    const Request asked = read_request(app);
    proxy.drain();
    BOOST_TEST(idle.ends());
    app.send(switching(asked));
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 503U);
    BOOST_TEST(answer.body == R"({"error":"service unavailable","reason":"draining"})");
    BOOST_TEST(client.ends());
    BOOST_TEST(app.ends());
    proxy.wait_drained();
}

BOOST_AUTO_TEST_CASE(slow_websocket_handshakes_of_the_app_do_not_keep_sessions_from_connecting) {
    Upstream upstream;
    Proxy proxy(upstream);
    std::vector<Peer> slow;
    std::vector<Peer> unanswered;
    for (std::size_t i = 0; i < forestay::net::UpstreamSet::turns; ++i) {
        slow.push_back(proxy.client(handshake()));
        unanswered.push_back(upstream.accept());
        (void)read_request(unanswered.back());
    }
    std::string session = handshake();
    session.replace(session.find("/ws?room=1"), 10, "/socket.io/?EIO=4&transport=websocket");
    Peer client = proxy.client(session);
    BOOST_TEST(read_answer(client).status == 101U);
    client.send(frame("40", mask));
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).line() == "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1");
}

BOOST_AUTO_TEST_CASE(a_token_among_the_protocols_stays_here_and_its_marker_is_answered) {
    Setup setup;
    setup.auth.from.protocol = {"bearer"};
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client(handshake("Sec-WebSocket-Protocol: bearer, SECRET\r\n"));
    Peer app = upstream.accept();
    const Request asked = read_request(app);
    BOOST_TEST(asked.field("Sec-WebSocket-Protocol") == "bearer");
    app.send(switching(asked));
    BOOST_TEST(client.read_until("\r\n\r\n").find("Sec-WebSocket-Protocol: bearer\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_token_inside_one_protocol_stays_here_too) {
    Setup setup;
    setup.auth.from.protocol = {"bearer"};
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client =
        proxy.client(handshake("Sec-WebSocket-Protocol: base64url.bearer.authorization.U0VDUkVU, chat\r\n"));
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("Sec-WebSocket-Protocol") == "chat");
}

BOOST_AUTO_TEST_SUITE_END()
