// Writing packets.
#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::wire::socketio {
namespace {

void write_head(std::string& out, PacketType type, std::string_view nsp) {
    out += static_cast<char>(type);
    if (nsp == "/") return;
    out += nsp;
    out += ',';
}

// All of a copied packet that stands before its payload.
void write_before_payload(std::string& out, const Packet& packet, std::optional<std::uint64_t> id) {
    out += static_cast<char>(packet.type);
    if (packet.attachments > 0) out += std::to_string(packet.attachments) + '-';
    if (packet.nsp != "/") {
        out += packet.nsp;
        out += ',';
    }
    if (id) out += std::to_string(*id);
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    json::append_escaped(out, text);
    out += '"';
}

}  // namespace

void write_connect_reply(std::string& out, std::string_view nsp, std::string_view sid) {
    write_head(out, PacketType::connect, nsp);
    if (sid.empty()) return;
    out += "{\"sid\":";
    append_string(out, sid);
    out += '}';
}

void write_connect_error(std::string& out, std::string_view nsp, std::string_view message,
                         std::string_view data_json) {
    write_head(out, PacketType::connect_error, nsp);
    out += "{\"message\":";
    append_string(out, message);
    if (!data_json.empty()) {
        out += ",\"data\":";
        out += data_json;
    }
    out += '}';
}

void write_disconnect(std::string& out, std::string_view nsp) {
    write_head(out, PacketType::disconnect, nsp);
}

void write_event(std::string& out, std::string_view nsp, std::string_view event,
                 std::string_view argument_json) {
    write_head(out, PacketType::event, nsp);
    out += '[';
    append_string(out, event);
    if (!argument_json.empty()) {
        out += ',';
        out += argument_json;
    }
    out += ']';
}

void write_ack(std::string& out, std::string_view nsp, std::uint64_t id, std::string_view values_json) {
    write_head(out, PacketType::ack, nsp);
    out += std::to_string(id);
    out += values_json;
}

void write_with_id(std::string& out, const Packet& packet, std::optional<std::uint64_t> id) {
    write_before_payload(out, packet, id);
    out += packet.payload;
}

void write_renamed(std::string& out, const Packet& packet, std::string_view event) {
    write_before_payload(out, packet, packet.id);
    const auto name = static_cast<std::size_t>(packet.event.data() - packet.payload.data());
    out += packet.payload.substr(0, name);
    json::append_escaped(out, event);
    out += packet.payload.substr(name + packet.event.size());
}

}  // namespace forestay::wire::socketio
