// What rules look at: one message of either side, whatever its dialect. Views into the message's text.
#pragma once

#include <string>
#include <string_view>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::rules {

struct Message {
    bool json = false;      // of a JSON websocket; else a Socket.IO event
    std::string_view name;  // the event's name, or what the type pointer finds; unescaped
    std::string_view body;  // where pointers look: from the first argument on, or the message. May be empty
    std::string_view nsp = "/";  // Socket.IO, without query
    bool ack = false;            // Socket.IO: an acknowledgement is asked for
};

// What all messages of a session have in common.
struct Peer {
    // Of the handshake, without query; of a JSON websocket as websockets[].path has it.
    std::string_view path;
    std::string_view who;  // subject of the client's identity; empty: none
};

// `scratch` holds the name when it has to be unescaped; it lives as long as the result. Without a string at
// `type` a JSON message has an empty name.
[[nodiscard]] Message socketio_message(const wire::socketio::Packet& event, std::string& scratch);
[[nodiscard]] Message json_message(std::string_view text, const wire::json::Pointer& type,
                                   std::string& scratch);

}  // namespace forestay::rules
