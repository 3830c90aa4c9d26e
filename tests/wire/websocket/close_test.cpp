#include "proxy/wire/websocket/close.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/websocket/utf8.h"

using namespace forestay::wire;
using namespace forestay::wire::websocket;
using namespace std::string_literals;

namespace {

std::string close_payload(unsigned code, std::string_view reason = "") {
    return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + std::string(reason);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websocket_close)

BOOST_AUTO_TEST_CASE(a_close_without_payload_has_no_code) {
    const auto reason = parse_close("");
    BOOST_REQUIRE(reason);
    BOOST_CHECK(!reason->code);
    BOOST_TEST(reason->reason == "");
}

BOOST_AUTO_TEST_CASE(code_and_reason_are_read) {
    const auto payload = close_payload(1001, "leaving");
    const auto reason = parse_close(payload);
    BOOST_REQUIRE(reason);
    BOOST_TEST(*reason->code == 1001);
    BOOST_TEST(reason->reason == "leaving");
}

BOOST_AUTO_TEST_CASE(every_code_is_either_legal_or_refused) {
    for (unsigned code = 0; code <= 0xffff; ++code) {
        const bool legal =
            (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1013) || (code >= 3000 && code < 5000);
        const auto parsed = parse_close(close_payload(code));
        if (parsed.has_value() != legal) BOOST_ERROR("code " << code);
        if (!legal && parsed.error() != errc::bad_close_code) BOOST_ERROR("error of code " << code);
    }
}

BOOST_AUTO_TEST_CASE(half_a_code_and_a_reason_that_is_no_text_are_refused) {
    BOOST_CHECK(parse_close("\x03").error() == errc::bad_close_payload);
    BOOST_CHECK(parse_close(close_payload(1000, "\xff")).error() == errc::bad_close_payload);
    BOOST_CHECK(parse_close(close_payload(1000, "\xe2\x82")).error() == errc::bad_close_payload);
}

BOOST_AUTO_TEST_CASE(a_close_frame_is_written_whole) {
    std::string out;
    write_close(out, CloseCode::going_away, "bye", std::nullopt);
    BOOST_TEST(out ==
               "\x88\x05\x03\xe9"
               "bye"s);
}

BOOST_AUTO_TEST_CASE(a_long_reason_is_cut_between_characters) {
    std::string euros;
    for (int i = 0; i < 60; ++i) euros += "\xe2\x82\xac";
    for (std::size_t ascii = 0; ascii < 4; ++ascii) {
        std::string out;
        write_close(out, 4000, std::string(ascii, 'a') + euros, std::nullopt);
        const auto payload = std::string_view(out).substr(2);
        BOOST_TEST(payload.size() <= 125U);
        BOOST_TEST(payload.size() >= 123U);
        const auto parsed = parse_close(payload);
        BOOST_REQUIRE(parsed);
        BOOST_TEST(*parsed->code == 4000);
    }
}

BOOST_AUTO_TEST_CASE(a_violation_has_the_close_code_that_the_standard_names) {
    BOOST_CHECK(close_code_for(errc::reserved_bits_set) == CloseCode::protocol_error);
    BOOST_CHECK(close_code_for(errc::bad_close_code) == CloseCode::protocol_error);
    BOOST_CHECK(close_code_for(errc::invalid_utf8) == CloseCode::invalid_payload);
    BOOST_CHECK(close_code_for(errc::message_too_big) == CloseCode::too_big);
    BOOST_CHECK(close_code_for(errc::length_overflow) == CloseCode::too_big);
    BOOST_CHECK(close_code_for(errc::too_many_fragments) == CloseCode::policy_violation);
    BOOST_CHECK(close_code_for(errc::reserved_event) == CloseCode::policy_violation);
}

BOOST_AUTO_TEST_CASE(every_error_says_what_the_peer_did) {
    for (int value = 1; value <= static_cast<int>(errc::connect_error_from_client); ++value) {
        const boost::system::error_code code = static_cast<errc>(value);
        BOOST_TEST(code.message() != "unknown error");
        BOOST_TEST(code.category().name() == "forestay.wire");
    }
}

BOOST_AUTO_TEST_SUITE_END()
