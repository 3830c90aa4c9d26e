#include "proxy/wire/http/handshake_response.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace forestay::wire::http;

namespace {

// Keys of RFC 6455 section 1.3.
HandshakeExpectation expectation() {
    HandshakeExpectation expected;
    expected.accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    expected.protocols = {"chat", "superchat"};
    return expected;
}

std::string switching(std::string_view more = "") {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
           std::string(more) + "\r\n";
}

HandshakeVerdict verdict_of(std::string_view bytes) {
    return parse_handshake_response(bytes, false, expectation()).verdict;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handshake_response)

BOOST_AUTO_TEST_CASE(a_faultless_101_opens_and_says_where_the_frames_begin) {
    const std::string head =
        switching("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nSec-WebSocket-Protocol: chat\r\n");
    const auto response = parse_handshake_response(head + "\x81\x01x", false, expectation());
    BOOST_CHECK(response.verdict == HandshakeVerdict::upgraded);
    BOOST_TEST(response.size == head.size());
    BOOST_TEST(response.protocol == "chat");
    BOOST_TEST(response.fields.size() == 6U);
    BOOST_TEST(response.fields[3].second == "a=1");
    BOOST_TEST(response.fields[4].second == "b=2");
}

BOOST_AUTO_TEST_CASE(any_prefix_waits_for_more) {
    const std::string head = switching();
    for (std::size_t size = 0; size < head.size(); ++size) {
        BOOST_CHECK(verdict_of(std::string_view(head).substr(0, size)) == HandshakeVerdict::incomplete);
    }
    BOOST_CHECK(verdict_of(head) == HandshakeVerdict::upgraded);
}

// simple-websocket writes no reason and "WebSocket".
BOOST_AUTO_TEST_CASE(an_empty_reason_and_another_case_are_fine) {
    BOOST_CHECK(verdict_of("HTTP/1.1 101 \r\nupgrade: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\n"
                           "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") ==
                HandshakeVerdict::upgraded);
}

BOOST_AUTO_TEST_CASE(a_101_that_lacks_something_does_not_open) {
    const std::string accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    const std::string start = "HTTP/1.1 101 Switching Protocols\r\n";
    BOOST_CHECK(verdict_of(start + "Connection: Upgrade\r\n" + accept + "\r\n") ==
                HandshakeVerdict::bad_upgrade);
    BOOST_CHECK(verdict_of(start + "Upgrade: h2c\r\nConnection: Upgrade\r\n" + accept + "\r\n") ==
                HandshakeVerdict::bad_upgrade);
    BOOST_CHECK(verdict_of(start + "Upgrade: websocket\r\n" + accept + "\r\n") ==
                HandshakeVerdict::bad_upgrade);
    BOOST_CHECK(verdict_of(start + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n") ==
                HandshakeVerdict::bad_accept);
    BOOST_CHECK(verdict_of(start + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") ==
                HandshakeVerdict::bad_accept);
    BOOST_CHECK(verdict_of(switching(accept)) == HandshakeVerdict::bad_accept);
}

BOOST_AUTO_TEST_CASE(what_nobody_offered_is_refused) {
    BOOST_CHECK(verdict_of(switching("Sec-WebSocket-Protocol: mqtt\r\n")) == HandshakeVerdict::unoffered);
    BOOST_CHECK(verdict_of(switching("Sec-WebSocket-Protocol: Chat\r\n")) == HandshakeVerdict::unoffered);
    BOOST_CHECK(verdict_of(switching("Sec-WebSocket-Protocol: chat, superchat\r\n")) ==
                HandshakeVerdict::unoffered);
    BOOST_CHECK(verdict_of(switching("Sec-WebSocket-Extensions: permessage-deflate\r\n")) ==
                HandshakeVerdict::unoffered);
}

BOOST_AUTO_TEST_CASE(a_refusal_is_read_whole) {
    const std::string head =
        "HTTP/1.1 401 UNAUTHORIZED\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n";
    BOOST_CHECK(verdict_of(head + "sorr") == HandshakeVerdict::incomplete);
    const auto response = parse_handshake_response(head + "sorry", false, expectation());
    BOOST_CHECK(response.verdict == HandshakeVerdict::refused);
    BOOST_TEST(response.status == 401U);
    BOOST_TEST(response.body == "sorry");
}

BOOST_AUTO_TEST_CASE(a_refusal_may_be_chunked_or_end_with_the_connection) {
    const auto chunked = parse_handshake_response(
        "HTTP/1.1 403 no\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", false,
        expectation());
    BOOST_CHECK(chunked.verdict == HandshakeVerdict::refused);
    BOOST_TEST(chunked.body == "abcde");
    const std::string_view plain = "HTTP/1.0 500 oh\r\n\r\nwhat is left";
    BOOST_CHECK(verdict_of(plain) == HandshakeVerdict::incomplete);
    const auto closed = parse_handshake_response(plain, true, expectation());
    BOOST_CHECK(closed.verdict == HandshakeVerdict::refused);
    BOOST_TEST(closed.body == "what is left");
}

BOOST_AUTO_TEST_CASE(a_body_beyond_the_limit_is_left_out) {
    HandshakeExpectation expected = expectation();
    expected.body_bytes = 4;
    for (const std::string_view rest :
         {"Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
          "Connection: close\r\n\r\nabcde"}) {
        const auto response =
            parse_handshake_response("HTTP/1.1 404 no\r\n" + std::string(rest), false, expected);
        BOOST_CHECK(response.verdict == HandshakeVerdict::refused);
        BOOST_TEST(response.body.empty());
    }
}

BOOST_AUTO_TEST_CASE(interim_answers_are_skipped) {
    const std::string interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    BOOST_CHECK(verdict_of(interim) == HandshakeVerdict::incomplete);
    const auto response = parse_handshake_response(interim + switching(), false, expectation());
    BOOST_CHECK(response.verdict == HandshakeVerdict::upgraded);
    BOOST_TEST(response.size == interim.size() + switching().size());
    std::string endless;
    while (endless.size() < (128U << 10)) endless += interim;
    BOOST_CHECK(verdict_of(endless) == HandshakeVerdict::malformed);
}

BOOST_AUTO_TEST_CASE(no_http_answer_and_endless_heads_are_malformed) {
    BOOST_CHECK(verdict_of("SSH-2.0-OpenSSH_9\r\n\r\n") == HandshakeVerdict::malformed);
    BOOST_CHECK(verdict_of("HTTP/1.1 101 x\r\nA: " + std::string(70'000, 'a')) ==
                HandshakeVerdict::malformed);
    BOOST_CHECK(parse_handshake_response("HTTP/1.1 101 x\r\nUpgr", true, expectation()).verdict ==
                HandshakeVerdict::malformed);
}

BOOST_AUTO_TEST_SUITE_END()
