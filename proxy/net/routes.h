// Where a request goes: to the sessions, into a plain websocket, to the app, or nowhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/options.h"
#include "proxy/wire/http/head.h"

namespace forestay::net {

enum class Route : std::uint8_t {
    engineio,       // an Engine.IO request: ours to answer
    websocket,      // an upgrade elsewhere: both handshakes, then frames
    http,           // the app's business
    asterisk,       // OPTIONS *: answered here
    client_config,  // Options::client_config_path: answered here
    ambiguous  // a server that decodes the path would find an endpoint, or a JSON websocket, that the literal
               // path is not
};

// Paths are compared as they were sent; case counts, nothing is collapsed.
[[nodiscard]] Route route_of(const wire::http::RequestHead& head, const Options& options);

// The websocket that the configuration names for this path: the exact one, else the first whose {names} stand
// for segments that are not empty. Null: none, its frames pass as they are.
[[nodiscard]] const WebsocketPath* websocket_at(std::string_view path,
                                                const std::vector<WebsocketPath>& websockets);

// The path that decides about protection: an Engine.IO path with its last slash.
[[nodiscard]] std::string guarded_path(std::string_view path, const std::vector<std::string>& socketio_paths);

}  // namespace forestay::net
