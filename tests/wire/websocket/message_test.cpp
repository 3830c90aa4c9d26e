#include "proxy/wire/websocket/message.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "proxy/wire/websocket/close.h"

using namespace forestay::wire;
using namespace forestay::wire::websocket;
using namespace std::string_literals;

namespace {

constexpr MaskKey key{1, 2, 3, 4};

std::string frame(Opcode opcode, std::string_view payload, bool fin = true, bool masked = true) {
    std::string out;
    write_frame(out, opcode, payload, masked ? std::optional(key) : std::nullopt, fin);
    return out;
}

// What a reader made of a stream: each message as "<opcode>:<payload>", then the error, if there was one.
struct Outcome {
    std::vector<std::string> messages;
    errc error{};
    bool operator==(const Outcome&) const = default;
};

// Reads a stream that arrives in the given pieces, keeping what is left over as a connection would.
Outcome read(const std::vector<std::string_view>& pieces, MessageLimits limits = {},
             Sender sender = Sender::client) {
    MessageReader reader(sender, limits);
    Outcome outcome;
    std::string kept, scratch;
    for (const auto piece : pieces) {
        kept.append(piece);
        std::string_view bytes = kept;
        for (;;) {
            const auto message = reader.next(bytes, scratch);
            if (!message) {
                outcome.error = static_cast<errc>(message.error().value());
                return outcome;
            }
            if (!*message) break;
            const auto& m = **message;
            outcome.messages.push_back(std::to_string(static_cast<int>(m.opcode)) + ":" +
                                       std::string(m.payload));
        }
        kept.erase(0, kept.size() - bytes.size());
    }
    return outcome;
}

errc error_of(std::string_view bytes, MessageLimits limits = {}) {
    return read({bytes}, limits).error;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websocket_message)

BOOST_AUTO_TEST_CASE(a_message_in_one_frame_keeps_its_raw_frame) {
    MessageReader reader(Sender::client, {});
    const std::string hello = frame(Opcode::text, "Hello");
    std::string scratch;
    const std::string stream = hello + "\x81";
    std::string_view bytes = stream;
    const auto message = reader.next(bytes, scratch);
    BOOST_REQUIRE(message && *message);
    BOOST_TEST((*message)->payload == "Hello");
    BOOST_TEST((*message)->raw == hello);
    BOOST_TEST(bytes == "\x81");
}

BOOST_AUTO_TEST_CASE(payload_of_a_server_is_not_copied) {
    MessageReader reader(Sender::server, {});
    const std::string stream = frame(Opcode::binary, "data", true, false);
    std::string scratch;
    std::string_view bytes = stream;
    const auto message = reader.next(bytes, scratch);
    BOOST_REQUIRE(message && *message);
    BOOST_CHECK((*message)->payload.data() == stream.data() + 2);
    BOOST_TEST(scratch.empty());
}

BOOST_AUTO_TEST_CASE(fragments_become_one_message_without_a_raw_frame) {
    MessageReader reader(Sender::client, {});
    const std::string stream = frame(Opcode::text, "one ", false) +
                               frame(Opcode::continuation, "two ", false) +
                               frame(Opcode::continuation, "three");
    std::string scratch;
    std::string_view bytes = stream;
    const auto message = reader.next(bytes, scratch);
    BOOST_REQUIRE(message && *message);
    BOOST_CHECK((*message)->opcode == Opcode::text);
    BOOST_TEST((*message)->payload == "one two three");
    BOOST_TEST((*message)->raw.empty());
    BOOST_TEST(!reader.in_message());
    BOOST_TEST(bytes.empty());
}

BOOST_AUTO_TEST_CASE(ping_between_fragments_is_handed_out_first) {
    const std::string stream = frame(Opcode::text, "half ", false) + frame(Opcode::ping, "now") +
                               frame(Opcode::continuation, "whole") + frame(Opcode::binary, "next");
    const std::vector<std::string> expected{"9:now", "1:half whole", "2:next"};
    BOOST_TEST(read({stream}).messages == expected);
}

BOOST_AUTO_TEST_CASE(the_reader_says_that_it_is_inside_a_message) {
    MessageReader reader(Sender::client, {});
    std::string scratch;
    const std::string first = frame(Opcode::text, "half ", false);
    std::string_view bytes = first;
    BOOST_CHECK(!reader.next(bytes, scratch)->has_value());
    BOOST_TEST(reader.in_message());
    BOOST_TEST(bytes.empty());
}

BOOST_AUTO_TEST_CASE(frames_out_of_sequence_are_refused) {
    BOOST_CHECK(error_of(frame(Opcode::continuation, "x")) == errc::unexpected_continuation);
    BOOST_CHECK(error_of(frame(Opcode::text, "x", false) + frame(Opcode::text, "y")) ==
                errc::expected_continuation);
    BOOST_CHECK(error_of(frame(Opcode::text, "x") + frame(Opcode::continuation, "y")) ==
                errc::unexpected_continuation);
}

BOOST_AUTO_TEST_CASE(text_must_be_utf8_and_binary_need_not) {
    BOOST_CHECK(error_of(frame(Opcode::text, "\xff")) == errc::invalid_utf8);
    BOOST_CHECK(error_of(frame(Opcode::text, "\xe2\x82")) == errc::invalid_utf8);
    BOOST_CHECK(error_of(frame(Opcode::binary, "\xff")) == errc{});
    BOOST_CHECK(error_of(frame(Opcode::binary, "\xff", false) + frame(Opcode::continuation, "\xff")) ==
                errc{});
    BOOST_CHECK(error_of(frame(Opcode::ping, "\xff")) == errc{});
}

BOOST_AUTO_TEST_CASE(a_character_may_be_split_across_fragments_but_not_left_open) {
    const auto split = frame(Opcode::text, "\xe2\x82", false) + frame(Opcode::continuation, "\xac");
    BOOST_TEST(read({split}).messages == std::vector<std::string>{"1:\xe2\x82\xac"});
    BOOST_CHECK(error_of(frame(Opcode::text, "\xe2", false) + frame(Opcode::continuation, "\x82")) ==
                errc::invalid_utf8);
    // Refused by the fragment that shows it, not at the end.
    BOOST_CHECK(error_of(frame(Opcode::text, "\xc0", false)) == errc::invalid_utf8);
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_is_refused_by_its_declared_length) {
    const MessageLimits limits{.message_bytes = 1000, .fragments = 10};
    BOOST_CHECK(error_of(frame(Opcode::binary, std::string(1000, 'x')), limits) == errc{});
    const auto big = frame(Opcode::binary, std::string(1001, 'x'));
    BOOST_CHECK(error_of(std::string_view(big).substr(0, 8), limits) == errc::message_too_big);
    const auto start = frame(Opcode::binary, std::string(600, 'x'), false);
    const auto rest = frame(Opcode::continuation, std::string(401, 'x'));
    BOOST_CHECK(error_of(start + rest.substr(0, 8), limits) == errc::message_too_big);
    BOOST_CHECK(error_of("\x82\xff\x40\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04"s, limits) ==
                errc::message_too_big);
}

BOOST_AUTO_TEST_CASE(empty_fragments_are_counted) {
    std::string stream = frame(Opcode::text, "", false);
    for (int i = 0; i < 1023; ++i) stream += frame(Opcode::continuation, "", false);
    BOOST_CHECK(error_of(stream) == errc{});
    BOOST_CHECK(error_of(stream + frame(Opcode::continuation, "", false)) == errc::too_many_fragments);
}

// A parser that answered control frames by calling itself ran out of stack here.
BOOST_AUTO_TEST_CASE(a_hundred_thousand_pings_in_one_piece_are_read_in_a_loop) {
    std::string stream;
    for (int i = 0; i < 100'000; ++i) stream += frame(Opcode::ping, "");
    BOOST_TEST(read({stream}).messages.size() == 100'000U);
}

BOOST_AUTO_TEST_CASE(small_messages_reuse_the_scratch) {
    MessageReader reader(Sender::client, {});
    std::string scratch;
    std::string stream = frame(Opcode::text, std::string(200, 'x'));
    for (int i = 0; i < 100; ++i)
        stream += frame(Opcode::text, std::string(static_cast<std::size_t>(i), 'y'));
    std::string_view bytes = stream;
    BOOST_REQUIRE(reader.next(bytes, scratch)->has_value());
    const auto* memory = scratch.data();
    for (int i = 0; i < 100; ++i) {
        const auto message = reader.next(bytes, scratch);
        BOOST_REQUIRE(message && *message);
        BOOST_TEST((*message)->payload == std::string(static_cast<std::size_t>(i), 'y'));
    }
    BOOST_CHECK(scratch.data() == memory);
}

BOOST_AUTO_TEST_CASE(wanted_names_the_size_of_the_frame_once_its_head_is_there) {
    MessageReader reader(Sender::client, {.message_bytes = 1000, .fragments = 10});
    const auto message = frame(Opcode::text, std::string(500, 'x'));
    BOOST_TEST(reader.wanted(std::string_view(message).substr(0, 7)) == 0U);
    BOOST_TEST(reader.wanted(std::string_view(message).substr(0, 8)) == message.size());
    BOOST_TEST(reader.wanted(frame(Opcode::text, std::string(1001, 'x'))) == 0U);
}

// A conversation with everything in it, cut in two at every position, and into single bytes.
BOOST_AUTO_TEST_CASE(every_cut_gives_the_same_messages) {
    std::string stream = frame(Opcode::text, "2probe") +
                         frame(Opcode::text, "42[\"na\xc3\xafve\",1]", false) + frame(Opcode::ping, "p") +
                         frame(Opcode::continuation, " more", false) + frame(Opcode::continuation, "") +
                         frame(Opcode::binary, std::string(300, '\xee')) + frame(Opcode::pong, "") +
                         frame(Opcode::text, "\xf0\x9f", false) + frame(Opcode::continuation, "\x98\x80") +
                         frame(Opcode::close, "\x03\xe8");
    const auto good = stream;
    for (const auto& ending :
         {""s, frame(Opcode::continuation, "stray"), frame(Opcode::text, "\xc0"), "\xff"s,
          frame(Opcode::text, "a", true, false), frame(Opcode::text, "open", false)}) {
        stream = good + ending;
        const std::string_view all = stream;
        const auto expected = read({all});
        BOOST_TEST(expected.messages.size() == 7U);
        for (std::size_t at = 1; at < all.size(); ++at) {
            const bool same = read({all.substr(0, at), all.substr(at)}) == expected;
            if (!same) BOOST_ERROR("cut at " << at << " changes the outcome");
        }
        std::vector<std::string_view> single;
        for (std::size_t i = 0; i < all.size(); ++i) single.push_back(all.substr(i, 1));
        BOOST_CHECK(read(single) == expected);
    }
}

BOOST_AUTO_TEST_SUITE_END()
