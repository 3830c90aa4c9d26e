// The rows of protocol_vectors.json that speak of Socket.IO, read by both readers.
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/packet.h"
#include "tests/wire/vectors.h"

using namespace forestay::wire;
using namespace forestay::wire::socketio;

namespace {

std::string_view name_of(PacketType type) {
    switch (type) {
        case PacketType::connect:
            return "CONNECT";
        case PacketType::disconnect:
            return "DISCONNECT";
        case PacketType::event:
            return "EVENT";
        case PacketType::ack:
            return "ACK";
        case PacketType::connect_error:
            return "CONNECT_ERROR";
        case PacketType::binary_event:
            return "BINARY_EVENT";
        case PacketType::binary_ack:
            return "BINARY_ACK";
    }
    return "?";
}

// The packet as the vectors describe it, without data.
std::string describe(const Packet& packet) {
    std::string text = std::string(name_of(packet.type)) + " nsp=" + std::string(packet.nsp);
    if (packet.id) text += " id=" + std::to_string(*packet.id);
    if (packet.attachments > 0) text += " att=" + std::to_string(packet.attachments);
    return text;
}

bool same_json(std::string_view a, std::string_view b) {
    simdjson::dom::parser left;
    simdjson::dom::parser right;
    return simdjson::minify(left.parse(simdjson::padded_string(a))) ==
           simdjson::minify(right.parse(simdjson::padded_string(b)));
}

void check(const result<Packet>& packet, std::string_view expected) {
    BOOST_REQUIRE(packet.has_value());
    const std::size_t data = expected.find(" data=");
    BOOST_TEST(describe(*packet) == expected.substr(0, data));
    if (data == std::string_view::npos) {
        BOOST_TEST(packet->payload.empty());
    } else {
        BOOST_TEST(same_json(packet->payload, expected.substr(data + 6)));
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_socketio_vectors_are_read_as_the_reference_reads_them) {
    // Malformed ones that the lenient reader lets through: it does not validate payloads (M08-M10), a
    // DISCONNECT's payload is stripped later (M16), and old servers refuse namespaces with any JSON or none
    // (M19, M22).
    const std::set<std::string> lenient{"M08", "M09", "M10", "M16", "M19", "M22"};
    // Well-formed ones that a client may not send.
    const std::map<std::string, errc> strict{
        {"S05", errc::bad_grammar},    {"S06", errc::bad_grammar},
        {"S23", errc::bad_event_name}, {"S27", errc::connect_error_from_client},
        {"S28", errc::bad_grammar},    {"S29", errc::connect_error_from_client},
        {"S36", errc::bad_grammar}};
    const forestay::tests::Vectors vectors("protocol_vectors.json");
    int rows = 0;
    for (const auto row : simdjson::dom::array(vectors.root())) {
        if (forestay::tests::text_at(row, "layer") != "sio") continue;
        ++rows;
        const std::string id = forestay::tests::text_at(row, "id");
        const std::string input = forestay::tests::input_of(row);
        const std::string expected = forestay::tests::text_at(row, "expect");
        BOOST_TEST_CONTEXT(id << " " << input) {
            const auto from_client = parse_client_packet(input, engineio::Revision::v4);
            const auto from_server = scan_server_packet(input);
            if (id.starts_with('M')) {
                BOOST_TEST(!from_client.has_value());
                BOOST_TEST(from_server.has_value() == lenient.contains(id));
                continue;
            }
            check(from_server, expected);
            if (const auto refused = strict.find(id); refused != strict.end()) {
                BOOST_TEST(from_client.error() == make_error_code(refused->second));
            } else {
                check(from_client, expected);
            }
        }
    }
    BOOST_TEST(rows == 59);
}

BOOST_AUTO_TEST_CASE(all_parser_differentials_are_decided_as_written) {
    const std::map<std::string, errc> reasons{{"attachment-count", errc::bad_attachment_count},
                                              {"sio-grammar", errc::bad_grammar},
                                              {"id-range", errc::bad_ack_id},
                                              {"payload", errc::bad_payload},
                                              {"ack-without-id", errc::ack_without_id},
                                              {"id-not-allowed", errc::id_not_allowed},
                                              {"json", errc::bad_json},
                                              {"json-depth", errc::json_too_deep},
                                              {"event-name", errc::bad_event_name},
                                              {"reserved-event", errc::reserved_event},
                                              {"placeholders", errc::bad_placeholders},
                                              {"connect_error-from-client", errc::connect_error_from_client},
                                              {"eio-type", errc::unknown_packet_type},
                                              {"empty", errc::empty_packet}};
    // Well-formed Engine.IO packets in the wrong direction or at the wrong time: the session judges those.
    const std::map<std::string, engineio::PacketType> for_the_session{
        {"2", engineio::PacketType::ping},      {"3", engineio::PacketType::pong},
        {"1", engineio::PacketType::close},     {"6", engineio::PacketType::noop},
        {"2probe", engineio::PacketType::ping}, {"3probe", engineio::PacketType::pong},
        {"5", engineio::PacketType::upgrade},   {R"(0{"sid":"x"})", engineio::PacketType::open}};
    const forestay::tests::Vectors vectors("parser_differentials.json");
    int rows = 0;
    int accepted = 0;
    for (const auto row : simdjson::dom::array(vectors.root()["rows"])) {
        ++rows;
        std::string raw = forestay::tests::text_at(row, "raw");
        const std::string verdict = forestay::tests::text_at(row, "forestay");
        // The two deeply nested rows are written short: "42["x",[[[...(1808 chars)".
        if (const std::size_t dots = raw.find("...("); dots != std::string::npos) {
            const std::size_t brackets = (std::stoul(raw.substr(dots + 4)) - 8) / 2;
            raw = "42[\"x\"," + std::string(brackets, '[') + std::string(brackets, ']') + "]";
        }
        BOOST_TEST_CONTEXT(raw << ": " << verdict) {
            const auto message = engineio::parse_text_packet(raw);
            if (const auto found = for_the_session.find(raw); found != for_the_session.end()) {
                BOOST_TEST((message.value().type == found->second));
                continue;
            }
            boost::system::error_code error =
                message.has_value() ? boost::system::error_code{} : message.error();
            if (!error) {
                BOOST_REQUIRE(message->type == engineio::PacketType::message);
                const auto packet = parse_client_packet(message->data, engineio::Revision::v4);
                if (!packet) error = packet.error();
            }
            if (verdict == "accept") {
                ++accepted;
                BOOST_TEST(!error, error.message());
            } else {
                BOOST_REQUIRE(verdict.starts_with("reject "));
                if (error == errc::zero_attachments) error = errc::bad_attachment_count;
                BOOST_TEST(error == make_error_code(reasons.at(verdict.substr(7))), error.message());
            }
        }
    }
    BOOST_TEST(rows == 148);
    BOOST_TEST(accepted == 30);
}
