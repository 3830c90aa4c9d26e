// Any bytes as a Socket.IO packet. What the strict reader accepts the lenient one reads in the same way, and
// what is written from it is accepted again.
//
// The input: one byte of options, then the text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/packet.h"

using namespace forestay::wire;
using namespace forestay::wire::socketio;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
    return part.empty() ||
           (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

bool same(const Packet& a, const Packet& b) {
    return a.type == b.type && a.attachments == b.attachments && a.nsp == b.nsp && a.id == b.id &&
           a.payload == b.payload && a.event == b.event && a.event_escaped == b.event_escaped;
}

void check_packet(const Packet& packet, std::string_view text) {
    require(packet.nsp == "/" || inside(packet.nsp, text));
    require(inside(packet.payload, text) && inside(packet.event, packet.payload));
    require(packet.attachments <= 10);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto value = argument(packet, i);
        if (value) require(inside(*value, packet.payload));
    }
    const std::string name = event_name(packet);
    require(!is_event(packet.type) || !is_reserved(name));
    (void)event_is(packet, name);
}

void check_accepted(const Packet& packet, std::string_view text, engineio::Revision revision) {
    const auto lenient = scan_server_packet(text);
    require(lenient.has_value() && same(packet, *lenient));
    require(packet.payload.empty() || !json::validate(packet.payload));
    require(event_is(packet, event_name(packet)) || !is_event(packet.type));
    if (!is_event(packet.type)) return;

    // Under another name it is still a packet that a client may send, and everything else is the same.
    std::string renamed;
    write_renamed(renamed, packet, "other \"name\"");
    const auto again = parse_client_packet(renamed, revision);
    require(again.has_value() && event_is(*again, "other \"name\"") && again->nsp == packet.nsp &&
            again->id == packet.id);
    require(argument(*again, 0) == argument(packet, 0) && argument(*again, 1) == argument(packet, 1));
    std::string back;
    write_renamed(back, *again, event_name(packet));
    const auto original = parse_client_packet(back, revision);
    // Escapes that were shorter than what they stand for may have made the name too long.
    if (original) require(event_name(*original) == event_name(packet));

    // A JSON tree is not needed to send the argument on.
    std::string event;
    write_event(event, packet.nsp, "x", argument(packet, 0).value_or(""));
    if (packet.attachments == 0) require(parse_client_packet(event, revision).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const auto revision = (data[0] & 1U) != 0 ? engineio::Revision::v3 : engineio::Revision::v4;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto strict = parse_client_packet(text, revision);
    if (strict) {
        check_packet(*strict, text);
        check_accepted(*strict, text, revision);
    }
    const auto lenient = scan_server_packet(text);
    if (lenient) check_packet(*lenient, text);
    return 0;
}
