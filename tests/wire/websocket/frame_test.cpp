#include "proxy/wire/websocket/frame.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace forestay::wire;
using namespace forestay::wire::websocket;
using namespace std::string_literals;

namespace {

constexpr MaskKey key{0x37, 0xfa, 0x21, 0x3d};

errc error_of(std::string_view bytes, Sender sender) {
    const auto head = parse_frame_head(bytes, sender);
    return head ? errc{} : static_cast<errc>(head.error().value());
}

void mask_plainly(std::string& data, MaskKey with, std::size_t offset) {
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<char>(data[i] ^ static_cast<char>(with[(i + offset) % 4]));
}

std::string counting(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + 7);
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websocket_frame)

// The examples of RFC 6455 section 5.7.
BOOST_AUTO_TEST_CASE(the_examples_of_the_standard_are_read) {
    const auto hello = parse_frame_head("\x81\x05Hello", Sender::server);
    BOOST_REQUIRE(hello);
    BOOST_TEST(hello->fin);
    BOOST_CHECK(hello->opcode == Opcode::text);
    BOOST_TEST(hello->payload_size == 5U);
    BOOST_TEST(hello->head_size == 2U);
    BOOST_CHECK(!hello->mask);

    const auto masked = parse_frame_head("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", Sender::client);
    BOOST_REQUIRE(masked);
    BOOST_TEST(masked->head_size == 6U);
    BOOST_CHECK(masked->mask == key);

    const auto medium = parse_frame_head("\x82\x7e\x01\x00"s, Sender::server);
    BOOST_REQUIRE(medium);
    BOOST_TEST(medium->payload_size == 256U);
    const auto large = parse_frame_head("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s, Sender::server);
    BOOST_REQUIRE(large);
    BOOST_TEST(large->payload_size == 65536U);
    BOOST_TEST(large->head_size == 10U);
}

BOOST_AUTO_TEST_CASE(a_masked_frame_is_written_as_the_standard_shows_it) {
    std::string out;
    write_frame(out, Opcode::text, "Hello", key);
    BOOST_TEST(out == "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    out.clear();
    write_frame(out, Opcode::text, "Hel", std::nullopt, false);
    write_frame(out, Opcode::continuation, "lo", std::nullopt);
    BOOST_TEST(out == "\x01\x03Hel\x80\x02lo"s);
}

BOOST_AUTO_TEST_CASE(every_length_around_a_change_of_form_survives_the_way_there_and_back) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 70000U}) {
        for (const bool masked : {false, true}) {
            const std::string payload = counting(size);
            std::string out;
            write_frame(out, Opcode::binary, payload, masked ? std::optional(key) : std::nullopt);
            const auto head = parse_frame_head(out, masked ? Sender::client : Sender::server);
            BOOST_REQUIRE(head);
            BOOST_TEST(head->payload_size == size);
            BOOST_REQUIRE(out.size() == head->head_size + size);
            std::string back = out.substr(head->head_size);
            if (masked) apply_mask(back.data(), back.size(), *head->mask);
            BOOST_CHECK(back == payload);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_cut_head_asks_for_more_at_every_position) {
    std::string frame;
    write_frame(frame, Opcode::binary, std::string(70000, 'x'), key);
    for (std::size_t size = 0; size < 14; ++size)
        BOOST_CHECK(error_of(std::string_view(frame).substr(0, size), Sender::client) == errc::incomplete);
    BOOST_CHECK(error_of(std::string_view(frame).substr(0, 14), Sender::client) == errc{});
}

BOOST_AUTO_TEST_CASE(a_bad_head_is_refused_by_the_byte_that_shows_it) {
    for (const char first : {'\xc1', '\xa1', '\x91'})  // RSV1, RSV2, RSV3
        BOOST_CHECK(error_of({&first, 1}, Sender::client) == errc::reserved_bits_set);
    for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
        const char first = static_cast<char>(0x80U | opcode);
        BOOST_CHECK(error_of({&first, 1}, Sender::client) == errc::reserved_opcode);
    }
    for (const char first : {'\x08', '\x09', '\x0a'})
        BOOST_CHECK(error_of({&first, 1}, Sender::client) == errc::fragmented_control);
    BOOST_CHECK(error_of("\x89\xfe", Sender::client) == errc::oversized_control);
    BOOST_CHECK(error_of("\x89\x7f", Sender::server) == errc::oversized_control);
    BOOST_CHECK(error_of("\x81\x05", Sender::client) == errc::unmasked_client_frame);
    BOOST_CHECK(error_of("\x81\x85", Sender::server) == errc::masked_server_frame);
    BOOST_CHECK(error_of("\x82\xfe\x00\x7d"s, Sender::client) == errc::non_minimal_length);
    BOOST_CHECK(error_of("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"s, Sender::server) ==
                errc::non_minimal_length);
    BOOST_CHECK(error_of("\x82\xff\x80", Sender::client) == errc::length_overflow);
}

// An unmasked frame of a client and a masked one of a server are told apart by who sends, not by the bytes.
BOOST_AUTO_TEST_CASE(the_same_head_is_good_from_one_side_and_bad_from_the_other) {
    BOOST_CHECK(error_of("\x81\x00"s, Sender::server) == errc{});
    BOOST_CHECK(error_of("\x81\x00"s, Sender::client) == errc::unmasked_client_frame);
    BOOST_CHECK(error_of("\x81\x80\x01\x02\x03\x04", Sender::client) == errc{});
    BOOST_CHECK(error_of("\x81\x80\x01\x02\x03\x04", Sender::server) == errc::masked_server_frame);
}

BOOST_AUTO_TEST_CASE(masking_by_words_equals_masking_by_bytes) {
    for (std::size_t size = 0; size <= 67; ++size) {
        for (std::size_t offset = 0; offset < 9; ++offset) {
            for (std::size_t alignment = 0; alignment < 8; ++alignment) {
                std::string expected = counting(size);
                std::string data = std::string(alignment, '#') + expected + "##";
                mask_plainly(expected, key, offset);
                apply_mask(data.data() + alignment, size, key, offset);
                BOOST_REQUIRE(data == std::string(alignment, '#') + expected + "##");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(unmasking_into_a_copy_equals_unmasking_in_place) {
    const std::string payload = counting(1001);
    std::string expected = payload;
    mask_plainly(expected, key, 0);
    std::string appended = "before";
    append_unmasked(appended, payload, key);
    BOOST_CHECK(appended == "before" + expected);
    std::string copied(payload.size(), '\0');
    BOOST_TEST(!copy_unmasked(copied.data(), payload, key));
    BOOST_CHECK(copied == expected);
}

BOOST_AUTO_TEST_CASE(unmasking_sees_one_byte_that_is_not_ascii_wherever_it_is) {
    for (std::size_t size = 0; size <= 67; ++size) {
        std::string masked(size, 'x');
        mask_plainly(masked, key, 0);
        std::string copied(size, '\0');
        BOOST_TEST(copy_unmasked(copied.data(), masked, key));
        for (std::size_t at = 0; at < size; ++at) {
            std::string other = masked;
            other[at] = static_cast<char>(other[at] ^ '\x80');
            if (copy_unmasked(copied.data(), other, key)) BOOST_ERROR("not seen at " << at << " of " << size);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
