#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/http/response.h"

using namespace forestay::wire::http;

namespace {

using State = ResponseHeadResult::State;

ResponseHeadResult parse(std::string_view bytes, bool to_head = false) {
    return parse_response_head(bytes, to_head, {});
}

std::string refusal(std::string_view bytes) {
    const ResponseHeadResult result = parse(bytes);
    return result.state == State::refused ? std::string(result.reason) : "none";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_response)

BOOST_AUTO_TEST_CASE(an_answer_with_length_is_read_byte_by_byte) {
    const std::string bytes =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nhello";
    for (std::size_t size = 0; size < bytes.size() - 5; ++size) {
        BOOST_TEST((parse(std::string_view(bytes).substr(0, size)).state == State::incomplete));
    }
    const ResponseHeadResult result = parse(bytes);
    BOOST_REQUIRE((result.state == State::done));
    BOOST_TEST(result.head.status == 200U);
    BOOST_TEST(result.head.reason == "OK");
    BOOST_TEST((result.head.framing == ResponseFraming::length));
    BOOST_TEST(result.head.content_length == 5U);
    BOOST_TEST(result.head.keep_alive);
    BOOST_TEST(result.head.fields.size() == 3U);
    BOOST_TEST(result.head.size == bytes.size() - 5);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_body_is_known_from_the_head) {
    const auto framing = [](std::string_view bytes, bool to_head = false) {
        return parse(bytes, to_head).head.framing;
    };
    BOOST_TEST(
        (framing("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n") == ResponseFraming::chunked));
    BOOST_TEST((framing("HTTP/1.1 200 OK\r\n\r\n") == ResponseFraming::until_close));
    BOOST_TEST((framing("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true) == ResponseFraming::none));
    BOOST_TEST((framing("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n") == ResponseFraming::none));
    BOOST_TEST((framing("HTTP/1.1 204 No Content\r\n\r\n") == ResponseFraming::none));
    BOOST_TEST((framing("HTTP/1.1 103\r\n\r\n") == ResponseFraming::none));
}

BOOST_AUTO_TEST_CASE(a_connection_is_kept_only_when_both_sides_know_the_end) {
    const auto kept = [](std::string_view bytes) { return parse(bytes).head.keep_alive; };
    BOOST_TEST(kept("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    BOOST_TEST(!kept("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    BOOST_TEST(!kept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    BOOST_TEST(kept("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"));
    BOOST_TEST(!kept("HTTP/1.1 200 OK\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(answers_that_can_be_read_in_two_ways_are_refused) {
    // P01 to P03
    BOOST_TEST(refusal("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n") ==
               "length_and_chunked");
    BOOST_TEST(refusal("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n") ==
               "bad_content_length");
    BOOST_TEST(refusal("HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n") == "bad_content_length");
    BOOST_TEST(refusal("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n") ==
               "bad_transfer_encoding");
    BOOST_TEST(refusal("HTTP/1.1 200 OK\r\nSet-Cookie: a\rX: b\r\n\r\n") == "bad_line");
    BOOST_TEST(refusal("HTTP/1.1 200 OK\r\n folded\r\n\r\n") == "bad_field");
    BOOST_TEST(refusal("HTTP/1.1 2000 OK\r\n\r\n") == "bad_status_line");
    BOOST_TEST(refusal("HTTP/1.1 999 OK\r\n\r\n") == "bad_status_line");
    BOOST_TEST(refusal("ICY 200 OK\r\n\r\n") == "bad_status_line");
    BOOST_TEST(refusal("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'a')) == "head_too_large");
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 257; ++i) many += "X: 1\r\n";
    BOOST_TEST(refusal(many) == "too_many_fields");
}

BOOST_AUTO_TEST_SUITE_END()
