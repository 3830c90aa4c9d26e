// JSON websockets over real sockets: which paths are some, and that what a rule says is heard.
#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/websocket/frame.h"
#include "tests/scenarios/harness.h"

using namespace forestay;
using namespace forestay::scenarios;
using namespace forestay::wire::websocket;
using namespace std::chrono_literals;

namespace {

std::string handshake(const std::string& path) {
    return "GET " + path +
           " HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}
std::string switching(const Request& request) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
           "upgrade\r\nSec-WebSocket-Accept: " +
           accept_for(request.field("Sec-WebSocket-Key")) + "\r\n\r\n";
}
std::string frame(std::string_view text, std::optional<MaskKey> mask = std::nullopt) {
    std::string bytes;
    write_frame(bytes, Opcode::text, text, mask);
    return bytes;
}
std::string masked(std::string_view text) {
    return frame(text, MaskKey{1, 2, 3, 4});
}

Setup with_rules(std::chrono::milliseconds timeout) {
    Setup setup;
    rules::RuleSpec ask;
    ask.name = "ask";
    ask.match.type = "ask";
    ask.match.path = "/ws/{request_id}";
    ask.id = "/id";
    ask.answer.event = {"answer"};
    ask.timeout = timeout;
    ask.fallback.message = R"({"type":"answer","id":"{{id}}","code":"{{code}}"})";
    std::vector<rules::Problem> problems;
    setup.policy.rules = rules::RuleSet::compile({ask}, problems);
    for (const rules::Problem& one : problems) BOOST_FAIL(one.field + ": " + one.message);
    session::JsonWebsocket& shape = setup.policy.json_websockets.emplace_back();
    shape.path = "/ws/{request_id}";
    shape.type = *wire::json::Pointer::parse("/type");
    std::string problem;
    shape.error = *rules::MessageTemplate::compile(R"({"type":"error","code":"{{code}}"})", problem);
    setup.options.websockets = {{"/raw", std::nullopt}, {"/ws/{request_id}", 0}};
    return setup;
}

struct Ends {
    Peer client, app;
};
Ends open(Proxy& proxy, Upstream& upstream, const std::string& path) {
    Peer client = proxy.client(handshake(path));
    Peer app = upstream.accept();
    const Request asked = read_request(app);
    BOOST_TEST(asked.line() == "GET " + path + " HTTP/1.1");
    app.send(switching(asked));
    (void)client.read_until("\r\n\r\n");
    return {std::move(client), std::move(app)};
}
std::string heard(Peer& client, std::string_view text) {
    return client.read_exactly(frame(text).size()).substr(2);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_rules)

BOOST_AUTO_TEST_CASE(a_request_without_an_answer_gets_its_fallback) {
    Upstream upstream;
    Proxy proxy(upstream, with_rules(50ms));
    Ends ends = open(proxy, upstream, "/ws/17?token=x");
    const std::string ask = masked(R"({"type":"ask","id":"a"})");
    ends.client.send(ask);
    BOOST_TEST(ends.app.read_exactly(ask.size()) == ask);
    const std::string_view fallback = R"({"type":"answer","id":"a","code":"timeout"})";
    BOOST_TEST(heard(ends.client, fallback) == fallback);
    ends.app.send(frame(R"({"type":"answer","id":"a"})") + frame(R"({"type":"news"})"));
    const std::string_view news = R"({"type":"news"})";  // and nothing before it
    BOOST_TEST(heard(ends.client, news) == news);
}

BOOST_AUTO_TEST_CASE(an_app_that_dies_leaves_no_orphans) {
    Upstream upstream;
    Proxy proxy(upstream, with_rules(1h));
    Ends ends = open(proxy, upstream, "/ws/17");
    const std::string asks = masked(R"({"type":"ask","id":1})") + masked(R"({"type":"ask","id":2})");
    ends.client.send(asks);
    (void)ends.app.read_exactly(asks.size());
    ends.app.reset();
    for (const std::string_view fallback : {R"({"type":"answer","id":1,"code":"connection_lost"})",
                                            R"({"type":"answer","id":2,"code":"connection_lost"})"}) {
        BOOST_TEST(heard(ends.client, fallback) == fallback);
    }
    const std::string close = ends.client.read_to_end();
    BOOST_TEST(close.starts_with("\x88"));
    BOOST_TEST(close.substr(2, 2) == "\x03\xf5");  // 1013
}

BOOST_AUTO_TEST_CASE(garbage_gets_the_error_on_a_json_path_and_passes_on_others) {
    Upstream upstream;
    Proxy proxy(upstream, with_rules(1h));
    Ends json = open(proxy, upstream, "/ws/17");
    json.client.send(masked("garbage"));
    const std::string_view error = R"({"type":"error","code":"protocol_json"})";
    BOOST_TEST(heard(json.client, error) == error);
    for (const char* path : {"/raw", "/ws", "/ws/17/18"}) {
        Ends opaque = open(proxy, upstream, path);
        opaque.client.send(masked("garbage"));
        BOOST_TEST(opaque.app.read_exactly(masked("garbage").size()) == masked("garbage"));
    }
}

BOOST_AUTO_TEST_CASE(nobody_walks_around_the_checks_with_an_escaped_path) {
    Upstream upstream;
    Proxy proxy(upstream, with_rules(1h));
    Peer client = proxy.client(handshake("/%77s/17"));
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.status == 400U);
    BOOST_TEST(answer.body == R"({"error":"bad request","reason":"ambiguous_path"})");
    BOOST_TEST(!upstream.contacted());
}

BOOST_AUTO_TEST_SUITE_END()
