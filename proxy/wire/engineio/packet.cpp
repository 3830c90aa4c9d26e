#include "proxy/wire/engineio/packet.h"

namespace forestay::wire::engineio {

result<Packet> parse_text_packet(std::string_view text) {
    if (text.empty()) return errc::empty_packet;
    if (text.front() < '0' || text.front() > '6') return errc::unknown_packet_type;
    return Packet{static_cast<PacketType>(text.front()), false, text.substr(1)};
}

result<Packet> parse_binary_packet(Revision revision, std::string_view bytes) {
    if (revision == Revision::v3) {
        if (bytes.empty()) return errc::empty_packet;
        if (bytes.front() != '\x04') return errc::unknown_packet_type;
        bytes.remove_prefix(1);
    }
    return Packet{PacketType::message, true, bytes};
}

}  // namespace forestay::wire::engineio
