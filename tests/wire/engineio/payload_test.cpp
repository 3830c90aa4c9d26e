#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/engineio/base64.h"
#include "proxy/wire/engineio/packet.h"

using namespace forestay::wire;
using namespace forestay::wire::engineio;
using std::string_literals::operator""s;

namespace {

constexpr PayloadLimits limits{16};

boost::system::error_code refusal(Revision revision, std::string_view body) {
    const auto payload = parse_payload(revision, body, limits);
    return payload.has_value() ? boost::system::error_code{} : payload.error();
}

boost::system::error_code binary_refusal(std::string_view body) {
    const auto payload = parse_binary_payload_v3(body, limits);
    return payload.has_value() ? boost::system::error_code{} : payload.error();
}

std::string body_of(Revision revision, const std::vector<Packet>& packets) {
    std::string body;
    for (const Packet& packet : packets) append_to_payload(body, revision, packet);
    return body;
}

std::string decoded(std::string_view text) {
    std::string bytes;
    return decode_base64(bytes, text) ? bytes : "refused";
}

}  // namespace

BOOST_AUTO_TEST_CASE(base64_is_strict) {
    BOOST_TEST(decoded("") == "");
    BOOST_TEST(decoded("AQ==") == "\x01");
    BOOST_TEST(decoded("AQI=") == "\x01\x02");
    BOOST_TEST(decoded("AQID") == "\x01\x02\x03");
    BOOST_TEST(decoded("+/+/") == "\xfb\xff\xbf");
    for (const std::string_view bad : {"A", "AQ", "AQI", "AQ=", "A===", "====", "AQ==AQ==", "AQ=A",
                                       "AR==", "AQJ=", "A-_A", "AQ==\n", " AQ=", "\xc3\xa9\xc3\xa9"}) {
        BOOST_TEST(decoded(bad) == "refused", bad);
    }
}

BOOST_AUTO_TEST_CASE(every_byte_survives_base64) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) {
        bytes += static_cast<char>(i);
        std::string text;
        append_base64(text, bytes);
        BOOST_TEST(decoded(text) == bytes);
    }
}

BOOST_AUTO_TEST_CASE(a_seventeenth_packet_refuses_the_body) {
    std::string body = "4";
    for (int i = 1; i < 16; ++i) body += "\x1e"s + "4";
    BOOST_TEST(!refusal(Revision::v4, body));
    BOOST_TEST((refusal(Revision::v4, body + "\x1e" + "4") == errc::too_many_packets));
    std::string old;
    for (int i = 0; i < 16; ++i) old += "1:2";
    BOOST_TEST(!refusal(Revision::v3, old));
    BOOST_TEST((refusal(Revision::v3, old + "1:2") == errc::too_many_packets));
    std::string binary;
    for (int i = 0; i < 17; ++i) binary += "\x00\x01\xff"s + "2";
    BOOST_TEST((binary_refusal(binary) == errc::too_many_packets));
}

BOOST_AUTO_TEST_CASE(one_bad_packet_refuses_the_whole_body) {
    BOOST_TEST((refusal(Revision::v4,
                        "4a\x1e"
                        "7") == errc::unknown_packet_type));
    BOOST_TEST((refusal(Revision::v4, "4a\x1e") == errc::empty_packet));
    BOOST_TEST((refusal(Revision::v4,
                        "4a\x1e"
                        "bAQ") == errc::bad_base64));
    BOOST_TEST((refusal(Revision::v4, "4\xff") == errc::invalid_utf8));
    BOOST_TEST((refusal(Revision::v4, "d=42%5B") == errc::unknown_packet_type));  // a JSONP form
    BOOST_TEST((refusal(Revision::v3, "0:") == errc::empty_packet));
    BOOST_TEST((refusal(Revision::v3, "2:4a3:4") == errc::bad_payload_length));
    BOOST_TEST((refusal(Revision::v3, "-1:4") == errc::bad_payload_length));
    BOOST_TEST((refusal(Revision::v3, "2") == errc::bad_payload_length));
    BOOST_TEST((refusal(Revision::v3, "99999999999999999999:4") == errc::bad_payload_length));
    BOOST_TEST((refusal(Revision::v3, "2:b3") == errc::unknown_packet_type));
    BOOST_TEST((refusal(Revision::v3, "3:b4A") == errc::bad_base64));
    BOOST_TEST((refusal(Revision::v3, "2:4\xf0\x9f\x98\x80") == errc::bad_payload_length));  // cuts a pair
}

BOOST_AUTO_TEST_CASE(binary_bodies_are_read_strictly) {
    BOOST_TEST((binary_refusal("") == errc::empty_packet));
    BOOST_TEST((binary_refusal("\x02\x01\xff"
                               "2"s) == errc::unknown_packet_type));
    BOOST_TEST((binary_refusal("\x00\xff"s) == errc::bad_payload_length));
    BOOST_TEST((binary_refusal("\x00\x01"s) == errc::bad_payload_length));
    BOOST_TEST((binary_refusal("\x00\x0a\xff"
                               "2"s) == errc::bad_payload_length));
    BOOST_TEST((binary_refusal("\x00\x02\xff"
                               "2"s) == errc::bad_payload_length));
    BOOST_TEST((binary_refusal("\x00"s + std::string(100, '\x09') +
                               "\xff"
                               "2") == errc::bad_payload_length));
    BOOST_TEST((binary_refusal("\x00\x00\xff"s) == errc::empty_packet));
    BOOST_TEST((binary_refusal("\x01\x00\xff"s) == errc::empty_packet));
    BOOST_TEST((binary_refusal("\x01\x01\xff\x05"s) == errc::unknown_packet_type));
    BOOST_TEST((binary_refusal("\x00\x02\xff"
                               "4\xff"s) == errc::invalid_utf8));
    BOOST_TEST(
        !binary_refusal("\x00\x02\xff"
                        "40"s));
}

BOOST_AUTO_TEST_CASE(binary_frames_carry_a_type_byte_in_the_old_revision_only) {
    BOOST_TEST(parse_binary_packet(Revision::v4, "").value().binary);
    BOOST_TEST(parse_binary_packet(Revision::v4, "\x04x").value().data == "\x04x");
    BOOST_TEST(parse_binary_packet(Revision::v3, "\x04x").value().data == "x");
    BOOST_TEST(parse_binary_packet(Revision::v3, "\x04").value().data == "");
    BOOST_TEST((parse_binary_packet(Revision::v3, "").error() == errc::empty_packet));
    BOOST_TEST((parse_binary_packet(Revision::v3, "4x").error() == errc::unknown_packet_type));
}

BOOST_AUTO_TEST_CASE(packets_are_written_as_the_reference_writes_them) {
    const std::vector<Packet> packets{{PacketType::message, false, "hello"},
                                      {PacketType::message, true, "\x01\x02\x03\x04"},
                                      {PacketType::noop, false, ""}};
    BOOST_TEST(body_of(Revision::v4, packets) ==
               "4hello\x1e"
               "bAQIDBA==\x1e"
               "6");
    BOOST_TEST(body_of(Revision::v3, packets) == "6:4hello10:b4AQIDBA==1:6");
}

BOOST_AUTO_TEST_CASE(one_emoji_does_not_lose_the_whole_body_in_the_old_revision) {
    // python-engineio 3 decodes lengths in code points, JavaScript in UTF-16 units, and python encodes in
    // bytes. Pure ASCII is the same in all of them.
    const std::string json = "2[\"x\",\"\xf0\x9f\x98\x80\xc3\xa9\"]";
    BOOST_TEST(body_of(Revision::v3, {{PacketType::message, false, json}}) ==
               "28:42[\"x\",\"\\ud83d\\ude00\\u00e9\"]");
    BOOST_TEST(body_of(Revision::v4, {{PacketType::message, false, json}}) == '4' + json);
    // A namespace is no JSON: escaped it would be another one. What remains is JavaScript's way of counting.
    BOOST_TEST(body_of(Revision::v3, {{PacketType::message, false, "0/\xf0\x9f\x98\x80,"}}) ==
               "6:40/\xf0\x9f\x98\x80,");
}

BOOST_AUTO_TEST_CASE(a_moved_payload_keeps_its_views) {
    const std::string body =
        "4a\x1e"
        "bAQ==";  // short enough for the small-string buffer
    auto parsed = parse_payload(Revision::v4, body, limits);
    const Payload moved = std::move(parsed.value());
    BOOST_REQUIRE(moved.packets.size() == 2U);
    BOOST_TEST(moved.packets[1].data == "\x01");
}
