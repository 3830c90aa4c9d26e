#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/http/handshake.h"

using namespace forestay::wire::http;

namespace {

const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string version = "Sec-WebSocket-Version: 13\r\n";

// "ok" and the protocols, or status and reason.
std::string verdict(const std::string& fields) {
    const std::string bytes =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + fields + "\r\n";
    const HeadResult head = parse_request_head(bytes, {});
    BOOST_REQUIRE(head.state == HeadResult::State::done);
    const HandshakeResult result = check_handshake(head.head);
    if (!result.ok) return std::to_string(result.refusal.status) + " " + std::string(result.refusal.reason);
    std::string text = "ok";
    for (const std::string_view protocol : result.request.protocols) text += " " + std::string(protocol);
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_handshake)

BOOST_AUTO_TEST_CASE(a_browsers_handshake_is_fine) {
    BOOST_TEST(verdict(key + version) == "ok");
    BOOST_TEST(
        verdict(key + version + "Sec-WebSocket-Protocol: bearer, a.b.c\r\nSec-WebSocket-Protocol:\tx\r\n") ==
        "ok bearer a.b.c x");
}

BOOST_AUTO_TEST_CASE(foreign_versions_get_426) {
    BOOST_TEST(verdict(key + "Sec-WebSocket-Version: 8\r\n") == "426 bad_version");
    BOOST_TEST(verdict(key) == "426 bad_version");
    BOOST_TEST(verdict(key + "Sec-WebSocket-Version: 13, 8\r\n") == "426 bad_version");
    BOOST_TEST(verdict(key + version + version) == "400 bad_version");
}

BOOST_AUTO_TEST_CASE(a_key_is_sixteen_bytes_of_base64_once) {
    BOOST_TEST(verdict(version) == "400 bad_key");
    BOOST_TEST(verdict(version + key + key) == "400 bad_key");
    for (const char* value :
         {"abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25j*Q=="}) {
        BOOST_TEST_CONTEXT(value) {
            BOOST_TEST(verdict(version + "Sec-WebSocket-Key: " + value + "\r\n") == "400 bad_key");
        }
    }
}

BOOST_AUTO_TEST_CASE(protocol_lists_are_short_lists_of_tokens) {
    // W15, W16
    const auto offered = [](const std::string& list) {
        return verdict(key + version + "Sec-WebSocket-Protocol: " + list + "\r\n");
    };
    std::string many = "a0";
    for (int i = 1; i < 17; ++i) many += ",a" + std::to_string(i);
    for (const std::string& list :
         {std::string(), std::string("a,"), std::string("a, a"), std::string("a b"), std::string("\xc3\xa9"),
          "a" + std::string(10'000, ' ') + ",b", std::string(8200, 'x'), many}) {
        BOOST_TEST_CONTEXT(list.substr(0, 20)) {
            BOOST_TEST(offered(list) == "400 bad_protocol");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
