// The rows of protocol_vectors.json that speak of Engine.IO.
#include <boost/test/unit_test.hpp>
#include <map>

#include "proxy/wire/engineio/packet.h"
#include "tests/wire/vectors.h"

using namespace forestay::wire;
using namespace forestay::wire::engineio;
using forestay::tests::to_hex;

namespace {

std::string_view name_of(PacketType type) {
    switch (type) {
        case PacketType::open:
            return "open";
        case PacketType::close:
            return "close";
        case PacketType::ping:
            return "ping";
        case PacketType::pong:
            return "pong";
        case PacketType::message:
            return "message";
        case PacketType::upgrade:
            return "upgrade";
        case PacketType::noop:
            return "noop";
    }
    return "?";
}

// True when `packet` is what `expected` says: "message", "ping data=probe", "message no data", "message
// bin=0102".
bool is(const Packet& packet, std::string_view expected) {
    const std::size_t space = expected.find(' ');
    if (name_of(packet.type) != expected.substr(0, space)) return false;
    if (space == std::string_view::npos) return !packet.binary;
    const std::string_view detail = expected.substr(space + 1);
    if (detail == "no data") return packet.data.empty();
    if (detail.starts_with("data=")) return !packet.binary && packet.data == detail.substr(5);
    if (detail.starts_with("bin=")) return packet.binary && to_hex(packet.data) == detail.substr(4);
    return false;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t bar = text.find('|');
        parts.emplace_back(text.substr(0, bar));
        if (bar == std::string_view::npos) return parts;
        text.remove_prefix(bar + 1);
    }
}

result<Payload> parse(std::string_view layer, std::string_view input) {
    const PayloadLimits limits{32};
    if (layer == "eio4-ws") {
        // A binary vector cannot be told from its text by content: the caller says which.
        auto packet = parse_text_packet(input);
        if (!packet) return packet.error();
        Payload one;
        one.packets.push_back(*packet);
        return one;
    }
    if (layer == "eio4-payload") return parse_payload(Revision::v4, input, limits);
    if (layer == "eio3-payload-text") return parse_payload(Revision::v3, input, limits);
    return parse_binary_payload_v3(input, limits);
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_engineio_vectors_give_what_the_reference_gives) {
    // Base64 in a text frame is legal for the reference, and refused here: a client that has websockets has
    // binary frames.
    const std::map<std::string, errc> refused{{"W12", errc::unknown_packet_type},
                                              {"W13", errc::unknown_packet_type}};
    const forestay::tests::Vectors vectors("protocol_vectors.json");
    int rows = 0;
    for (const auto row : simdjson::dom::array(vectors.root())) {
        const std::string layer = forestay::tests::text_at(row, "layer");
        if (layer == "sio") continue;
        ++rows;
        const std::string id = forestay::tests::text_at(row, "id");
        const std::string input = forestay::tests::input_of(row);
        const std::string expected = forestay::tests::text_at(row, "expect");
        BOOST_TEST_CONTEXT(id << " " << input) {
            if (id == "W11") {
                BOOST_TEST(is(parse_binary_packet(Revision::v4, input).value(), expected));
                continue;
            }
            const auto payload = parse(layer, input);
            if (const auto exception = refused.find(id); exception != refused.end()) {
                BOOST_TEST(payload.error() == make_error_code(exception->second));
            } else if (expected.find("error") != std::string::npos) {
                BOOST_TEST(!payload.has_value());  // all or nothing
            } else {
                BOOST_REQUIRE(payload.has_value());
                const auto packets = split(expected);
                BOOST_REQUIRE_EQUAL(payload->packets.size(), packets.size());
                for (std::size_t i = 0; i < packets.size(); ++i) {
                    // P-rows name the types only.
                    const bool ok = packets[i] == "message" ? payload->packets[i].type == PacketType::message
                                                            : is(payload->packets[i], packets[i]);
                    BOOST_TEST(ok, "packet " << i << " is not " << packets[i]);
                }
            }
        }
    }
    BOOST_TEST(rows == 47);
}
