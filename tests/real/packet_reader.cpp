// Reads text frames of a client as forestay does: one JSON string a line in, one JSON value a line out. What
// is refused is `null`. Beside packet_reader.js and python-socketio for packet_differential.py.
#include <iostream>
#include <string>

#include "proxy/wire/engineio/packet.h"
#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/packet.h"

using namespace forestay::wire;

namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    json::append_escaped(out, text);
    return out += '"';
}

std::string read(std::string_view text) {
    const auto message = engineio::parse_text_packet(text);
    if (!message || message->type != engineio::PacketType::message) return "null";
    const auto packet = socketio::parse_client_packet(message->data, engineio::Revision::v4);
    if (!packet) return "null";
    std::string out = "{\"type\":";
    out += static_cast<char>(packet->type);
    out += ",\"nsp\":" + quoted(packet->nsp);
    out += ",\"id\":" + (packet->id ? std::to_string(*packet->id) : "null");
    out += ",\"attachments\":" + std::to_string(packet->attachments);
    // As it is written: a lone surrogate in it has no UTF-8.
    out += ",\"event\":";
    out += is_event(packet->type) ? '"' + std::string(packet->event) + '"' : "null";
    out += ",\"payload\":" + quoted(packet->payload);
    return out += '}';
}

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const auto text = json::unescape(line);
        std::cout << (text ? read(*text) : "\"not a JSON string\"") << '\n';
    }
}
