// Upgrades: the client's handshake is checked, the answer to it is ours, and the socket goes to the sessions.
#pragma once

#include <string_view>
#include <vector>

#include "proxy/net/http_context.h"
#include "proxy/wire/http/handshake.h"

namespace forestay::net {

// An Engine.IO websocket: the upstream is the session's business.
[[nodiscard]] Task<void> upgrade_engineio(ClientExchange& exchange, GuardedRequest request,
                                          const wire::http::HandshakeRequest& handshake);
// A websocket without Engine.IO: the client gets its 101 only behind the upstream's, else the upstream's
// refusal.
[[nodiscard]] Task<void> upgrade_plain(ClientExchange& exchange, GuardedRequest request,
                                       const wire::http::HandshakeRequest& handshake);

}  // namespace forestay::net
