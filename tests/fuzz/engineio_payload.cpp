// Any bytes as a polling body, in all three forms, as an OPEN packet and as a query.
//
// What is read can be written and is then read as the same packets.
//
// The input: one byte of options, then the bytes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/engineio/query.h"
#include "proxy/wire/json/scan.h"

using namespace forestay::wire;
using namespace forestay::wire::engineio;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

constexpr PayloadLimits limits{8};

std::string in_ascii(std::string_view text) {
    std::string out;
    json::append_ascii(out, text);
    return out;
}

// The old revision writes text in ASCII from the first JSON character on; a namespace before it stays.
bool same_text(std::string_view read, std::string_view written, Revision revision) {
    return revision == Revision::v4 ? read == written : in_ascii(read) == in_ascii(written);
}

void check(const result<Payload>& parsed, Revision revision) {
    if (!parsed) return;
    require(!parsed->packets.empty() && parsed->packets.size() <= limits.packets);
    std::string body;
    for (const Packet& packet : parsed->packets) {
        require(!packet.binary || packet.type == PacketType::message);
        // The separator cannot be inside a packet: JSON escapes it. A body of the old revision may hold it
        // all the same.
        if (!packet.binary && packet.data.find('\x1e') != std::string_view::npos) return;
        append_to_payload(body, revision, packet);
    }
    const auto again = parse_payload(revision, body, limits);
    require(again.has_value() && again->packets.size() == parsed->packets.size());
    for (std::size_t i = 0; i < again->packets.size(); ++i) {
        const Packet& before = parsed->packets[i];
        const Packet& after = again->packets[i];
        require(before.type == after.type && before.binary == after.binary);
        require(before.binary ? before.data == after.data : same_text(after.data, before.data, revision));
    }
}

void check_open(std::string_view text) {
    const auto open = parse_open(text);
    if (!open) return;
    const auto again = parse_open(write_open(*open));
    require(again.has_value() && again->sid == open->sid && again->ping_interval == open->ping_interval &&
            again->ping_timeout == open->ping_timeout && again->max_payload == open->max_payload &&
            again->upgrade_to_websocket == open->upgrade_to_websocket);
}

void check_query(std::string_view text) {
    const auto query = parse_query(text);
    if (!query) return;
    require(query->sid.size() <= 64);
    require(query->revision.has_value() || !query->sid.empty());
    require(query->user.find(';') == std::string::npos);
    // What is handed on holds nothing of the protocol: beside ours it is no duplicate, and it stays as it is.
    std::string ours = "EIO=4&transport=websocket&sid=a&t=1&b64=1";
    if (!query->user.empty()) ours += '&' + query->user;
    const auto again = parse_query(ours);
    require(again.has_value() && again->user == query->user);
    bool twice = false;
    (void)find_query_value(text, "token", &twice);
    require(!twice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 5) {
        case 0:
            check(parse_payload(Revision::v4, bytes, limits), Revision::v4);
            break;
        case 1:
            check(parse_payload(Revision::v3, bytes, limits), Revision::v3);
            break;
        case 2:
            check(parse_binary_payload_v3(bytes, limits), Revision::v4);
            break;
        case 3:
            check_open(bytes);
            break;
        default:
            check_query(bytes);
    }
    return 0;
}
